"""The hot path as a whole: `features`, `gpu` and, where --music says of what, `folder`, one after the other."""

import argparse
import subprocess
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench all", description=__doc__)
    parser.add_argument("--music", type=Path, metavar="DIR", help="real music to make folder's tracks of")
    music = parser.parse_args().music
    commands = [["features"], ["gpu"], *([["folder", "--music", str(music)]] if music else [])]
    for name, *options in commands:
        print(f"== {name}", flush=True)
        subprocess.run([sys.executable, Path(__file__).with_name(f"{name}.py"), *options], check=True)
    if music is None:
        print("left out: folder, which needs --music DIR")


if __name__ == "__main__":
    main()

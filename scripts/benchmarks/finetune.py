"""A user's own labels: three classes of 20 real clips, fine-tuned from `genre` and from scratch, and what it takes.

    scripts/bench finetune        # Emotify lies in $AUDIO_GEN_DATA (or ./data): see data/README.md

The clips are Emotify's, by its genre column: 20 of each class from train, in class folders as a user would have them;
measured on the tracks of these classes in valid, whose artists are others. Each run is the command itself, from the
audio files to the report, with its defaults; both validate ten times.
"""

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from _measure import publish

CLASSES = ("classical", "electronic", "rock")
CLIPS = 20
SEEDS = (0, 1, 2)
ROOT = Path(os.environ.get("AUDIO_GEN_DATA", "data"))


def lay_out(folder: Path) -> dict[str, int]:
    """Class folders of links: `own` for the user's clips, `other` to measure on; gives how many files each has."""
    home = next((path for path in (ROOT / "emotify", ROOT) if (path / "labels.csv").is_file()), None)
    if home is None:
        sys.exit(f"no labels.csv of emotify in {ROOT}; set AUDIO_GEN_DATA to the folder of datasets (data/README.md)")
    with (home / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    counts = {}
    for name, split, most in (("own", "train", CLIPS), ("other", "valid", None)):
        chosen = [[row for row in rows if (row["genre"], row["split"]) == (label, split)][:most] for label in CLASSES]
        for row in (row for of_class in chosen for row in of_class):
            link = folder / name / row["genre"] / Path(row["path"]).name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to((home / row["path"]).resolve())
        counts[name] = sum(map(len, chosen))
    return counts


def command(*arguments: str) -> tuple[float, float]:
    """Run `audio-gen` and give its wall and processor seconds."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-m", "audio_gen", *arguments, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def trained(folder: Path, seed: int, init: str) -> dict[str, object]:
    """One row: train on `own`, measure on `other`."""
    start = ["--init", init] if init else []
    where = ["-o", str(folder / "made"), "--runs", str(folder / "runs")]
    told = ["--seed", str(seed), "--device", "cpu", "--overwrite"]
    wall, processor = command(
        "train", "classifier", "--name", "own", "--data", str(folder / "own"), *start, *where, *told
    )
    figures = folder / "figures.json"
    data = ["--data", "folder", "--root", str(folder / "other"), "--split", "test", "--device", "cpu"]
    command("evaluate", str(folder / "made" / "own.safetensors"), *data, "--json", str(figures))
    found = json.loads(figures.read_text(encoding="utf-8"))
    run = json.loads((folder / "runs" / "own" / "own.report.json").read_text(encoding="utf-8"))
    return {
        "start": init or "scratch",
        "seed": seed,
        "accuracy": found["accuracy"]["value"],
        "low": found["accuracy"]["low"],
        "high": found["accuracy"]["high"],
        "macro_f1": found["macro_f1"]["value"],
        "steps": run["ended"],
        "validations": len(run["curve"]),
        "wall_s": wall,
        "cpu_s": processor,
    }


def mean(rows: list[dict[str, object]], init: str) -> dict[str, object]:
    """The mean row of one start."""
    own = [row for row in rows if row["start"] == (init or "scratch")]
    means = {key: sum(float(str(row[key])) for row in own) / len(own) for key in own[0] if key not in ("start", "seed")}
    return {"start": init or "scratch", "seed": "mean", **means}


if __name__ == "__main__":
    torch.set_num_threads(2)
    inits = ("genre", "")
    with tempfile.TemporaryDirectory() as name:
        there = lay_out(Path(name))
        print(f"{there['own']} clips to learn from, {there['other']} to measure on", file=sys.stderr)
        table = [trained(Path(name), seed, init) for seed in SEEDS for init in inits]
    publish("finetune", [*table, *(mean(table, init) for init in inits)])

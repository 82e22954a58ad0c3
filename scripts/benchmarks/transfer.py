"""Style transfer between two controls: a piece left as it is, and a real piece of the other style.

Grooves of Groove (`_groove_transfer.py`) and tunes of OpenEWLD (`_tune_transfer.py`), each in its own table.
"""

import argparse
from pathlib import Path

import _groove_transfer
import _tune_transfer
import torch
from _measure import publish


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("../shared/data/symbolic"), help="where the notes lie")
    parser.add_argument("--split", default="valid", help="of Groove")
    parser.add_argument("--only", choices=("grooves", "tunes"), help="one of the two tables")
    parser.add_argument("--most", type=int, help="so many pieces at most, printed and not kept")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.only != "tunes":
        rows, told = _groove_transfer.compared(options.root, options.split, options.most)
        print("grooves:", told)
        publish("transfer", rows, keep=options.most is None, **told)
    if options.only != "grooves":
        rows, told = _tune_transfer.compared(options.root, options.most)
        print("tunes:", told)
        publish("transfer_tunes", rows, keep=options.most is None, **told)


if __name__ == "__main__":
    main()

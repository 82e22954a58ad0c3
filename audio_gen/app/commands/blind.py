"""`audio-gen blind`: a listening test as a folder to give away, and the score of what listeners answered."""

import argparse
import json
import logging
from pathlib import Path

from audio_gen.app import options
from audio_gen.app.running import refuse_existing
from audio_gen.errors import ParameterError

HELP = "make a blind listening test of real and machine-made music or notes, and score the answers"

_log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare make and score with their options."""
    actions = parser.add_subparsers(dest="action", metavar="make|score", required=True)
    told = "write a page with players, and apart from it the truth"
    _add_make(actions.add_parser("make", help=told, description=told, allow_abbrev=False))
    told = "say whether listeners tell the clips apart, with 95-percent intervals"
    _add_score(actions.add_parser("score", help=told, description=told, allow_abbrev=False))


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    return _make(arguments) if arguments.action == "make" else _score(arguments)


def _add_make(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--real", type=Path, metavar="DIR", help="recordings, or notes; for ab the originals")
    parser.add_argument(
        "--generated",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="what a machine made; for ab give it twice, with the same file names as --real",
    )
    parser.add_argument(
        "--pairs", type=Path, metavar="CSV", help="in place of both: columns real, generated and, if wanted, label"
    )
    parser.add_argument(
        "--kind",
        choices=("tell", "ab"),
        default="tell",
        help="tell: recorded or made by a machine? (default); ab: which of two is nearer to the original?",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="the folder for listeners")
    parser.add_argument(
        "--truth", type=Path, metavar="FILE", help="where the truth goes; default DIR.truth.json, beside the folder"
    )
    parser.add_argument("--count", type=options.at_least(8), default=20, metavar="N", help="clips; default 20, even")
    parser.add_argument(
        "--seconds", type=options.above_zero, default=6.0, metavar="S", help="of each, from the middle; default 6"
    )
    parser.add_argument(
        "--seed", type=options.at_least(0), default=0, metavar="K", help="of choice and order; default 0"
    )
    parser.add_argument("--title", metavar="T", help="heading of the page; default the question")
    parser.add_argument("--no-pictures", action="store_true", help="no spectrograms, piano rolls or MIDI: by ear alone")
    group = parser.add_argument_group("notes (.mid, .abc, MusicXML), where no folder holds recordings")
    group.add_argument("--notes", action="store_true", help="take notes also where there are recordings")
    group.add_argument("--soundfont", type=Path, metavar="F", help="SF2 or SF3 that plays all; default the system's")
    group.add_argument(
        "--program", type=int, metavar="P", help="General MIDI instrument of all but drums, 0 to 127; default their own"
    )
    options.add_existing(parser)


def _add_score(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("truth", type=Path, metavar="TRUTH.json", help="what make wrote beside the folder")
    parser.add_argument("answers", type=Path, nargs="+", metavar="ANSWERS.json", help="what listeners saved")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures there too")
    parser.add_argument("--quiet", action="store_true", help="no notes, only warnings and errors")


def _make(arguments: argparse.Namespace) -> int:
    from audio_gen.pipelines.blind_test import Plan, make_test, truth_file

    output: Path = arguments.output
    truth = arguments.truth or truth_file(output)
    filled = output.exists() and not (output.is_dir() and not any(output.iterdir()))
    existing = [path for path, there in ((output, filled), (truth, truth.exists())) if there]
    refuse_existing(arguments, existing)
    if arguments.skip_existing and len(existing) == 2:
        return 0
    if arguments.skip_existing and existing:
        raise ParameterError(f"{str(existing[0])!r} is there without the other of page and truth; give --overwrite")
    plan = Plan(
        real=arguments.real,
        generated=tuple(arguments.generated),
        pairs=arguments.pairs,
        kind=arguments.kind,
        count=arguments.count,
        seconds=arguments.seconds,
        seed=arguments.seed,
        title=arguments.title,
        pictures=not arguments.no_pictures,
        notes=arguments.notes,
        soundfont=arguments.soundfont,
        program=arguments.program,
    )
    done = make_test(plan, output, truth)
    _log.info("%s: %d questions at %d Hz, %d left out", output, done.questions, done.sample_rate, done.left_out)
    _log.info("%s: the truth; keep it from the listeners", truth)
    return 1 if done.left_out else 0


def _score(arguments: argparse.Namespace) -> int:
    from audio_gen.app.figures import lines
    from audio_gen.atomic import replacing
    from audio_gen.pipelines.blind_score import read_sheet, score
    from audio_gen.pipelines.records import plain, write_stdout

    found = plain(score(read_sheet(arguments.truth, arguments.answers)))
    if arguments.json is not None:
        with replacing(arguments.json) as part:
            part.write_text(json.dumps(found, indent=2, allow_nan=False) + "\n")
    write_stdout("".join(f"{line}\n" for line in lines(found)).encode())
    return 0

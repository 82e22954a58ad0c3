"""`features` and `classify` over a folder of tracks, beside nothing but decoding them, and beside librosa.

The tracks are MP3, OGG and FLAC in turn, 44.1 kHz stereo, 3 minutes each, put together from the music after --music.
Each rival runs as a process of its own, over some of the files and over all, all rivals in turn: the difference is what
a further file costs, without the start, which is measured apart. "decode" reads the files with our reader at their own
rate and throws the samples away; "librosa" is `librosa.load` at 22.05 kHz and a log-mel, in a pool of processes.
Figures are medians of the turns, ratios medians of the ratios within a turn; memory is the largest of any turn, that of
one of librosa's processes times their number, above a process that only imports torch. --tiny is for files so short
that only the fixed cost of a file is left.
"""

import argparse
import importlib.metadata
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from _measure import publish, spread
from _tracks import SECONDS, make_tiny, make_tracks

from audio_gen.pipelines.batch import usable_cores

FILES, REPEATS, TINY, LEAST = 120, 3, 100_000, 20
VERSIONS = ("torchaudio", "librosa", "soundfile", "soxr", "av", "numba", "numpy")

Command = Callable[[Sequence[str]], list[str]]  # from paths to what is run


class Run(NamedTuple):
    """A process that has ended: seconds by the clock and of the processor, and its largest memory."""

    code: int
    seconds: float
    cpu_seconds: float
    peak_megabytes: float


def run(command: list[str]) -> Run:
    """Run it to its end; its output is dropped.

    Raises:
        SystemExit: it failed.
    """
    meter = Path(__file__).with_name("_meter.py")
    told = subprocess.run([sys.executable, meter, sys.executable, *command], check=True, stdout=subprocess.PIPE)
    took = Run(**json.loads(told.stdout))
    if took.code:
        sys.exit(f"{' '.join(command)[:200]} ended with {took.code}")
    return took


def rivals(output: Path, jobs: int) -> dict[str, Command]:
    """What each of them runs."""
    ours = ["--quiet", "--device", "cpu", "--jobs", str(jobs)]
    features = ["-m", "audio_gen", "features", "-o", str(output), "--overwrite", *ours]
    return {
        "decode": lambda paths: [__file__, "--only", "decode", "--jobs", str(jobs), *paths],
        "features": lambda paths: [*features, *paths],
        "classify": lambda paths: ["-m", "audio_gen", "classify", *ours, *paths],
        "librosa": lambda paths: [str(Path(__file__).with_name("_by_librosa.py")), str(jobs), *paths],
    }


def decode(paths: list[str], jobs: int) -> None:
    """Read each file block by block, as many at a time."""
    from audio_gen.audio._reader import open_reader
    from audio_gen.audio.decode import BLOCK
    from audio_gen.pipelines.batch import run_batch
    from audio_gen.pipelines.inputs import Source, find_audio
    from audio_gen.pipelines.records import Record, success

    def work(source: Source) -> Record:
        with open_reader(source.path, source.name) as (reader, _):
            while len(reader.read(round(BLOCK * reader.sample_rate))):
                pass
            return success(source.name, {}, duration_s=0.0, sample_rate=reader.sample_rate)

    sys.exit(run_batch(find_audio(paths), work, jobs=jobs, on_record=lambda record: None).exit_code)


def track_rows(tracks: Sequence[Path], jobs: int, repeats: int, scratch: Path) -> list[dict[str, object]]:
    """A row for each rival."""
    commands = rivals(scratch / "features", jobs)
    paths = [str(track) for track in tracks]
    few, one = paths[: len(paths) // 3], [str(path) for path in make_tiny(scratch / "one", 1).rglob("*.wav")]
    bare = [run(["-c", "import torch"]) for _ in range(repeats)]
    starts = {name: [run(command(one)) for _ in range(repeats)] for name, command in commands.items()}
    wholes: dict[str, list[Run]] = {name: [] for name in commands}
    further: dict[str, list[Run]] = {name: [] for name in commands}
    for turn in range(repeats):
        for name, command in commands.items():
            short, whole = run(command(few)), run(command(paths))
            wholes[name].append(whole)
            further[name].append(_further(short, whole, len(paths) - len(few)))
            _tell(f"turn {turn + 1} of {repeats}: {name}, {further[name][-1].seconds:.3f} s a file")
    least = statistics.median(took.peak_megabytes for took in bare)
    rows: list[dict[str, object]] = [{"what": "import torch", "start s": _median(bare, "seconds")}]
    for name in commands:
        times = {of: _ratios(further[name], further["decode"], of) for of in ("seconds", "cpu_seconds")}
        peak = max(took.peak_megabytes for took in wholes[name]) * (jobs if name == "librosa" else 1)
        rows.append(
            {
                "what": f"{name}, {len(paths)} files, {jobs} jobs",
                "start s": _median(starts[name], "seconds"),
                "s a file": _median(further[name], "seconds"),
                "s, turns": spread([took.seconds for took in further[name]]),
                "x real time": SECONDS / _median(further[name], "seconds"),
                "times decode": statistics.median(times["seconds"]),
                "times, turns": spread(times["seconds"]),
                "processor s a file": _median(further[name], "cpu_seconds"),
                "times decode, processor": statistics.median(times["cpu_seconds"]),
                "librosa takes times": statistics.median(_ratios(further["librosa"], further[name], "seconds")),
                "MB above torch": peak - least,
            }
        )
    return rows


def tiny_rows(count: int, jobs: int, scratch: Path) -> list[dict[str, object]]:
    """Rows for listing, running and resuming over a tenth of `count` files and over all."""
    base = run(["-c", "import torch"]).peak_megabytes
    starts: dict[str, float] = {}
    rows: list[dict[str, object]] = []
    for files in (1, count // 10, count):
        folder = str(make_tiny(scratch / f"tiny{files}", files))
        ours = ["--device", "cpu", "--quiet", "--jobs", str(jobs), "-o", str(scratch / f"out{files}")]
        features = ["-m", "audio_gen", "features", folder, *ours]
        steps = {
            "list": [__file__, "--only", "list", folder],
            "features": features,
            "features --skip-existing": [*features, "--skip-existing"],
        }
        for name, command in steps.items():
            took = run(command)
            start = starts.setdefault(name, took.seconds)
            _tell(f"{name}, {files} tiny files: {took.seconds:.1f} s")
            if files > 1:
                row: dict[str, object] = {"what": f"{name}, {files} tiny files, {jobs} jobs", "start s": start}
                row["us a tiny file"] = (took.seconds - start) / (files - 1) * 1e6
                rows.append({**row, "MB above torch": took.peak_megabytes - base})
    return rows


def list_files(folder: str) -> None:
    """What a command does with names before any work."""
    from audio_gen.pipelines.inputs import find_audio, output_paths

    output_paths(find_audio([folder]), Path("nowhere"), ".npy")


def _further(short: Run, whole: Run, files: int) -> Run:
    """What each of the `files` takes that the longer run has more."""
    clock, cpu = whole.seconds - short.seconds, whole.cpu_seconds - short.cpu_seconds
    return Run(0, clock / files, cpu / files, whole.peak_megabytes)


def _median(runs: Sequence[Run], of: str) -> float:
    return statistics.median([float(getattr(took, of)) for took in runs])


def _ratios(runs: Sequence[Run], floor: Sequence[Run], of: str) -> list[float]:
    return [getattr(took, of) / getattr(least, of) for took, least in zip(runs, floor, strict=True)]


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench folder", description=__doc__)
    parser.add_argument("--music", type=Path, metavar="DIR", help="real music to make the tracks of")
    parser.add_argument("--tracks", type=Path, metavar="DIR", help="where the tracks are, or are made and kept")
    parser.add_argument("--files", type=int, default=FILES, metavar="N", help=f"default {FILES}; fewer is not kept")
    parser.add_argument("--repeats", type=int, default=REPEATS, metavar="N", help=f"default {REPEATS}; likewise")
    parser.add_argument("--tiny", type=int, default=TINY, metavar="N", help=f"default {TINY}; likewise; 0 for none")
    parser.add_argument("--jobs", type=int, default=usable_cores(), metavar="N", help="default one a core")
    parser.add_argument("--only", choices=("decode", "list"), help=argparse.SUPPRESS)
    parser.add_argument("paths", nargs="*", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only == "decode":
        decode(arguments.paths, arguments.jobs)
    elif arguments.only == "list":
        list_files(*arguments.paths)
    else:
        bench(parser, arguments)


def bench(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Make the tracks, run everything, publish it."""
    files, jobs, repeats = arguments.files, arguments.jobs, arguments.repeats
    if files < LEAST or 0 < arguments.tiny < LEAST or (arguments.music is None and arguments.tracks is None):
        parser.error(f"give --music DIR or --tracks DIR, at least {LEAST} --files, and as many --tiny or 0")
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        tracks = make_tracks(arguments.music, arguments.tracks or scratch / "tracks", files)
        rows = track_rows(tracks, jobs, repeats, scratch)
        rows += tiny_rows(arguments.tiny, jobs, scratch) if arguments.tiny else []
    keep = files >= FILES and repeats >= REPEATS and arguments.tiny >= TINY
    versions = {name: importlib.metadata.version(name) for name in VERSIONS}
    publish("folder", rows, keep=keep, **versions)


if __name__ == "__main__":
    main()

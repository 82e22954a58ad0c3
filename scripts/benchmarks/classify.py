"""`audio-gen classify` on a folder of 3-minute tracks, beside decoding and resampling alone: speed and memory.

The tracks are MP3, OGG and FLAC in turn, 44.1 kHz stereo, put together from the music after --music. Each of the two
runs as a process of its own, over a few files and over all: the difference is what a file costs without the start.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import torch
from _measure import publish

import audio_gen as ag
from audio_gen.atomic import replacing
from audio_gen.audio.decode import open_audio
from audio_gen.features.decibel_image import SPEC
from audio_gen.pipelines.batch import run_batch, usable_cores
from audio_gen.pipelines.device import share_cores
from audio_gen.pipelines.inputs import Source, find_audio
from audio_gen.pipelines.records import Record, success

SECONDS, RATE, FILES = 180, 44100, 100
KINDS = (".mp3", ".ogg", ".flac")


class Run(NamedTuple):
    """A process that has ended: seconds by the clock and of the processor, and its largest memory."""

    code: int
    seconds: float
    cpu_seconds: float
    peak_megabytes: float


def make_tracks(music: Path, folder: Path, count: int) -> list[Path]:
    """`count` tracks of 3 minutes in `folder`; those that are there from an earlier run are kept."""
    sources = [source.path for source in find_audio([music])]
    tracks = [folder / f"{number:03}{KINDS[number % len(KINDS)]}" for number in range(count)]
    for number, track in enumerate(tracks):
        if not track.exists():
            clip = joined(sources[number % len(sources) :] + sources[: number % len(sources)])
            write = save_mp3 if track.suffix == ".mp3" else ag.save
            write(track, clip)
    return tracks


def joined(sources: list[Path]) -> ag.Clip:
    """3 minutes of stereo: the files one after the other, from the start again where they are too short."""
    parts: list[torch.Tensor] = []
    while sum(part.shape[1] for part in parts) < SECONDS * RATE:
        clip = ag.load(sources[len(parts) % len(sources)]).to(RATE, channels=None)
        parts.append(clip.samples[:2] if clip.channels >= 2 else clip.samples.repeat(2, 1))
    samples = torch.cat(parts, 1)[:, : SECONDS * RATE]
    return ag.Clip(samples / samples.abs().max().clamp_min(1), RATE)


def save_mp3(path: Path, clip: ag.Clip) -> None:
    """At 192 kbit/s."""
    import av

    with replacing(path) as part, av.open(str(part), "w") as container:
        stream = container.add_stream("libmp3lame", rate=clip.sample_rate, layout="stereo", bit_rate=192_000)
        for block in clip.samples.split(RATE, 1):
            frame = av.AudioFrame.from_ndarray(block.contiguous().numpy(), format="fltp", layout="stereo")
            frame.sample_rate = clip.sample_rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def decode(paths: list[str], jobs: int) -> None:
    """What classify does of its work before it hears anything, with as many workers."""

    def work(source: Source) -> Record:
        with open_audio(source.path) as audio:
            for _ in audio.mono(SPEC.sample_rate):
                pass
            return success(source.name, {}, duration_s=audio.seconds, sample_rate=audio.sample_rate)

    share_cores(jobs)
    counts = run_batch(find_audio(paths), work, jobs=jobs, on_record=lambda record: None)
    sys.exit(counts.exit_code)


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


def rows_of(tracks: list[Path], jobs: int) -> list[dict[str, object]]:
    """One row for classify, one for decoding."""
    few = max(len(KINDS), len(tracks) * 3 // 10)
    commands = {
        "classify": ["-m", "audio_gen", "classify", "--quiet", "--device", "cpu", "--jobs", str(jobs)],
        "decode and resample": [__file__, "--decode", "--jobs", str(jobs)],
    }
    took: dict[tuple[str, int], Run] = {}
    for count in (few, len(tracks)):
        for name, command in commands.items():
            took[name, count] = run([*command, *map(str, tracks[:count])])
    further = {name: _further(took[name, few], took[name, len(tracks)], len(tracks) - few) for name in commands}
    base = took["decode and resample", len(tracks)], further["decode and resample"]
    start = run(["-c", "import audio_gen.pipelines.classify"])
    rows: list[dict[str, object]] = [
        {"what": "start: Python and torch", "seconds": start.seconds, "peak_megabytes": start.peak_megabytes}
    ]
    for name in commands:
        whole = took[name, len(tracks)]
        rows.append(
            {
                "what": f"{name}, {len(tracks)} files, {jobs} jobs",
                "files_per_s": len(tracks) / whole.seconds,
                "x_real_time": len(tracks) * SECONDS / whole.seconds,
                "seconds": whole.seconds,
                "peak_megabytes": whole.peak_megabytes,
                **further[name],
                "times_decoding": whole.seconds / base[0].seconds,
                "times_decoding_further": further[name]["further_s"] / base[1]["further_s"],
                "times_decoding_further_cpu": further[name]["further_cpu_s"] / base[1]["further_cpu_s"],
            }
        )
    return rows


def _further(few: Run, all_of_them: Run, files: int) -> dict[str, float]:
    """Seconds by the clock and of the processor for each of the `files` that the longer run has more."""
    clock, cpu = all_of_them.seconds - few.seconds, all_of_them.cpu_seconds - few.cpu_seconds
    return {"further_s": clock / files, "further_cpu_s": cpu / files}


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench classify", description=__doc__)
    parser.add_argument("--music", type=Path, metavar="DIR", help="real music to make the tracks of")
    parser.add_argument("--files", type=int, default=FILES, metavar="N", help="default 100; fewer is not kept")
    parser.add_argument("--jobs", type=int, default=usable_cores(), metavar="N", help="default one a core")
    parser.add_argument("--tracks", type=Path, metavar="DIR", help="make the tracks there, and keep them")
    parser.add_argument("--decode", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("paths", nargs="*", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.decode:
        decode(arguments.paths, arguments.jobs)
    if arguments.music is None or arguments.files <= len(KINDS):
        parser.error(f"give --music DIR, and more than {len(KINDS)} --files")
    with tempfile.TemporaryDirectory() as folder:
        tracks = make_tracks(arguments.music, arguments.tracks or Path(folder), arguments.files)
        publish("classify", rows_of(tracks, arguments.jobs), keep=arguments.files >= FILES)


if __name__ == "__main__":
    main()

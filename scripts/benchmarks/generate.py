"""`audio-gen generate`: seconds of music a second, and memory by length; each run is a process of its own.

Also its two halves in this process, on one thread: the generator alone, and each vocoder on the same log-mel.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from _measure import interleaved, publish

from audio_gen.errors import CheckpointError
from audio_gen.pipelines.batch import usable_cores
from audio_gen.pipelines.device import pick_device
from audio_gen.pipelines.generate import Generator
from audio_gen.pipelines.vocoder import GRIFFIN_LIM, MEL_GRIFFIN_LIM

SECONDS = 30.0  # of a log-mel that the vocoders get
CLIPS, CLIP_SECONDS = 16, 60
LENGTHS = (60, 600, 3600)  # seconds


def halves(model: str, device: torch.device) -> list[dict[str, Any]]:
    """A row for the generator and one for each vocoder that is there."""
    generator = Generator.load(model, device=device)
    item = next(generator.mels(1, seconds=SECONDS))
    mel = item.mel
    rivals: dict[str, Any] = {f"{model}: log-mel": lambda: item.mel}
    for name in (MEL_GRIFFIN_LIM, GRIFFIN_LIM, "neural"):
        try:
            vocoder = generator.vocoder(name)
        except CheckpointError:
            continue  # neural isn't here
        rivals[f"{name}: log-mel to sound"] = lambda vocoder=vocoder: vocoder(mel)
    torch.set_num_threads(1)
    took = interleaved(rivals, repeats=5)
    return [{"what": name, "device": str(device), "x_real_time": SECONDS / took[name]} for name in rivals]


def command(model: str, vocoder: str, seconds: float, count: int, jobs: int) -> dict[str, float]:
    """What the whole command takes."""
    meter = Path(__file__).with_name("_meter.py")
    with tempfile.TemporaryDirectory() as folder:
        asked = ["--model", model, "--vocoder", vocoder, "--seconds", str(seconds), "--count", str(count)]
        line = ["-m", "audio_gen", "generate", *asked, "--jobs", str(jobs), "--quiet", "--device", "cpu", "-o", folder]
        told = subprocess.run([sys.executable, meter, sys.executable, *line], check=True, stdout=subprocess.PIPE)
    took: dict[str, float] = json.loads(told.stdout)
    if took["code"]:
        sys.exit(f"{' '.join(line)} ended with {took['code']}")
    return took


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="music")
    parser.add_argument("--vocoder", default=MEL_GRIFFIN_LIM)
    parser.add_argument("--quick", action="store_true", help="a short clip each; publishes nothing")
    arguments = parser.parse_args()
    rows = halves(arguments.model, torch.device("cpu"))
    if torch.cuda.is_available():
        rows += halves(arguments.model, pick_device("cuda"))
    count, seconds = (2, 5) if arguments.quick else (CLIPS, CLIP_SECONDS)
    for jobs in sorted({1, min(2, usable_cores())}):
        one, all_of_them = (command(arguments.model, arguments.vocoder, seconds, n, jobs) for n in (2, count + 2))
        further = all_of_them["seconds"] - one["seconds"]
        rows.append(
            {
                "what": f"generate, {count} clips of {seconds} s more, {jobs} jobs",
                "device": "cpu",
                "x_real_time": count * seconds / further,
                "peak_megabytes": all_of_them["peak_megabytes"],
            }
        )
    for length in (5,) if arguments.quick else LENGTHS:
        took = command(arguments.model, arguments.vocoder, length, 1, 1)
        rows.append(
            {
                "what": f"generate, one clip of {length} s, start included",
                "device": "cpu",
                "x_real_time": length / took["seconds"],
                "peak_megabytes": took["peak_megabytes"],
            }
        )
    publish("generate", rows, keep=not arguments.quick)


if __name__ == "__main__":
    main()

"""Pictures of log-mels, real beside generated, for the model cards: docs/pictures/NAME.png.

    scripts/bench gallery --root DATA

Left real music of the valid split, right what the checkpoint makes of the same labels; a row is a label, low bands
below.
Of an autoencoder: left the original, right what comes back of it.
"""

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from audio_gen.features.log_mel import LogMel
from audio_gen.metrics.copies import onset
from audio_gen.pipelines.autoencoder import Autoencoder
from audio_gen.pipelines.generate import Generator, Wish
from audio_gen.pipelines.prepare import readable
from audio_gen.registry import pick

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
QUIET, LOUD = -11.5, 2.5  # of a log-mel: black and white
COLUMNS = 4
SECONDS = 3.0
GAP = 4  # pixels
Pixels = npt.NDArray[np.uint8]


def picture(mel: torch.Tensor, frames: int) -> Pixels:
    """`[n_mels, N]` → `[n_mels, frames]`, black where it ends before."""
    whole = torch.nn.functional.pad(mel[:, :frames], (0, max(0, frames - mel.shape[1])), value=QUIET)
    grey = ((whole - QUIET) / (LOUD - QUIET)).clamp(0, 1) * 255
    return (grey.flip(0) / 8).round().mul(8).clamp(0, 255).to(torch.uint8).numpy()  # 32 greys: smaller files


def real_mels(generator: Generator | Autoencoder, dataset: str, root: Path, label: str) -> list[torch.Tensor]:
    """Log-mels of valid music of a label: from the middle, or from the onset of a one-shot."""
    spec, found = generator.checkpoint.spec, []
    length = getattr(generator.net, "length", 0)
    items = [item for item in pick("audio_gen.datasets", dataset).items(root, "valid") if item.label == label]
    step = max(1, len(items) // COLUMNS)
    for _, samples in readable(items[::step][:COLUMNS], spec.sample_rate):
        mel = LogMel(spec)(samples)[0]
        first = onset(mel.numpy()) if length else mel.shape[1] // 2
        found.append(mel[:, first:])
    return found


def row(left: list[torch.Tensor], right: list[torch.Tensor], frames: int) -> Pixels:
    """Real pictures, a wider gap, generated ones."""
    empty = torch.full((128, 1), QUIET)
    parts: list[Pixels] = []
    for side in (left, right):
        for mel in [*side, *[empty] * (COLUMNS - len(side))]:
            parts += [picture(mel, frames), np.full((128, GAP), 128, np.uint8)]
        parts.append(np.full((128, 4 * GAP), 128, np.uint8))
    return np.concatenate(parts, 1)


def gallery(name: str, dataset: str, root: Path) -> Pixels:
    """One picture for a checkpoint."""
    if name == "vae":
        model = Autoencoder.load(name)
        sides = [real_mels(model, dataset, root, label) for label in model.labels]
        frames = round(SECONDS * model.checkpoint.spec.sample_rate / model.checkpoint.spec.hop_length)
        rows = [row(real, [model.decode(model.encode(mel[:, :frames])) for mel in real], frames) for real in sides]
    else:
        generator = Generator.load(name)
        spec = generator.checkpoint.spec
        frames = generator.net.length or round(SECONDS * spec.sample_rate / spec.hop_length)
        seconds = None if generator.net.length else SECONDS
        rows = []
        for label in generator.labels:
            new = [generator.make(Wish(label, index=index, seconds=seconds)).mel for index in range(COLUMNS)]
            rows.append(row(real_mels(generator, dataset, root, label), new, frames))
    gap = np.full((GAP, rows[0].shape[1]), 128, np.uint8)
    return np.concatenate([part for one in rows for part in (one, gap)])


def main() -> None:
    """Draw all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("data"))
    parser.add_argument("names", nargs="*", default=["music", "drums", "vae"])
    arguments = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in arguments.names:
        dataset = "drums" if name == "drums" else "free_music"
        path = FOLDER / f"{name}.png"
        Image.fromarray(gallery(name, dataset, arguments.root)).save(path, optimize=True)
        print(path, path.stat().st_size)


if __name__ == "__main__":
    main()

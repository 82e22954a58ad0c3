"""Pictures of what is no music: noise, tones, clicks, silence, babble; to be shown with no class (outlier exposure).

D. Hendrycks et al., Deep Anomaly Detection with Outlier Exposure, ICLR 2019. Drawn, not heard: a column is 77 ms.
"""

import math
from collections.abc import Callable

import torch

from audio_gen.features.decibel_image import RANGE_DB, relative
from audio_gen.training.augment import COLUMN_SECONDS


def _noise(bands: int, columns: int) -> torch.Tensor:
    """Gaussian noise with a random slope over frequency: power of each point is exponentially distributed."""
    slope = (torch.rand(()) * 2 - 1.3) * 50  # dB from the lowest band to the highest
    grain = 10 * torch.log10(-torch.log(torch.rand(bands, columns).clamp(1e-6, 1 - 1e-6)))
    width = torch.linspace(1, 8, bands)[:, None]  # a wide band averages over many bins
    return slope * torch.linspace(0, 1, bands)[:, None] + grain / width


def _tone(bands: int, columns: int) -> torch.Tensor:
    """One to four steady partials with the skirts of a window."""
    image = torch.full((bands, columns), -RANGE_DB)
    centre, rows = torch.rand(()) * bands * 0.9, torch.arange(bands)[:, None]
    skirt = 8 + 20 * torch.rand(())
    for partial in range(int(torch.randint(1, 5, ()))):
        place = centre + 12 * math.log(partial + 1)
        level = -float(torch.rand(())) * 15 * partial
        image = torch.maximum(image, level - skirt * (rows - place).abs())
    return image


def _clicks(bands: int, columns: int) -> torch.Tensor:
    """Broad-band columns here and there over silence or quiet noise."""
    floor = -RANGE_DB + 40 * torch.rand(())
    image = floor + 3 * torch.randn(bands, columns)
    struck = torch.rand(columns) < 0.02 + 0.3 * torch.rand(())
    image[:, struck] = -10 * torch.rand(bands, int(struck.sum()))
    return image


def _silence(bands: int, columns: int) -> torch.Tensor:
    return torch.full((bands, columns), -RANGE_DB)


def _babble(bands: int, columns: int) -> torch.Tensor:
    """What speech looks like: syllables of gliding formants over a few harmonics, hisses between them, and pauses."""
    rows, image = torch.arange(bands)[:, None], torch.full((bands, columns), -60.0 - 20 * float(torch.rand(())))
    scale = bands / 128
    place = 0
    while place < columns:
        length = int(torch.randint(1, 4, ()))  # 77 to 231 ms
        span = min(length, columns - place)
        kind = float(torch.rand(()))
        if kind < 0.7:  # voiced
            formants = torch.tensor([10.0, 38.0, 70.0]) + torch.tensor([20.0, 34.0, 15.0]) * torch.rand(3)
            glide = torch.linspace(-1, 1, span)[None, :, None] * 4 * torch.randn(3)
            shape = -0.6 / scale * (rows[:, :, None] - scale * (formants + glide)).abs() ** 1.3
            level = torch.tensor([0.0, -8.0, -15.0]) - 6 * torch.rand(3)
            voice = (shape + level).amax(2)
            pitch = scale * (3.5 + 5 * float(torch.rand(())))
            comb = 8 * torch.cos(2 * math.pi * rows / pitch) * (rows < 45 * scale)
            image[:, place : place + span] = torch.maximum(image[:, place : place + span], voice + comb)
        elif kind < 0.85:  # a hiss
            centre = scale * (80 + 40 * float(torch.rand(())))
            hiss = -15 - 0.6 / scale * (rows - centre).abs() + 3 * torch.randn(bands, span)
            image[:, place : place + span] = torch.maximum(image[:, place : place + span], hiss)
        place += span if torch.rand(()) < 0.85 else span + int(torch.randint(1, round(1 / COLUMN_SECONDS), ()))
    return image + 2 * torch.randn(bands, columns)


KINDS: dict[str, Callable[[int, int], torch.Tensor]] = {
    "noise": _noise,
    "tone": _tone,
    "clicks": _clicks,
    "silence": _silence,
    "babble": _babble,
}
CHANCES = (0.3, 0.2, 0.1, 0.05, 0.35)


def negatives(count: int, bands: int, columns: int) -> torch.Tensor:
    """`[count, bands, columns]` in relative decibels, of random kinds; silence is at the floor throughout."""
    kinds = torch.multinomial(torch.tensor(CHANCES), count, replacement=True).tolist()
    makers = list(KINDS.values())
    images = torch.stack([makers[kind](bands, columns) for kind in kinds])
    silent = images.amax((1, 2), keepdim=True) <= -RANGE_DB
    return torch.where(silent, images, relative(images))

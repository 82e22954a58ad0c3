"""Augmentations of decibel pictures `[B, rows, columns]` in [-80, 0]; each returns pictures of the same shape."""

import math

import torch
import torch.nn.functional as F

from audio_gen.features.decibel_image import IMAGE_COLUMNS, IMAGE_SECONDS, RANGE_DB, SPEC, relative
from audio_gen.features.log_mel import mel_frequencies
from audio_gen.features.notes import THIRDS

COLUMN_SECONDS = IMAGE_SECONDS / IMAGE_COLUMNS
NEPER = 10 / math.log(10)  # decibels in one unit of the natural logarithm of a power
Pictures = torch.Tensor


def _some(x: Pictures, chance: float) -> torch.Tensor:
    return (torch.rand(len(x), 1, 1, device=x.device) < chance).float()


def equalise(x: Pictures, chance: float, depth: float = 8.0) -> Pictures:
    """A random smooth curve over frequency, up to ± `depth` dB at five points."""
    curve = F.interpolate((torch.rand(len(x), 1, 5) * 2 - 1) * depth, x.shape[1], mode="linear", align_corners=True)
    return x + curve.transpose(1, 2) * _some(x, chance)


def comb(x: Pictures, chance: float, longest: float = 2e-3) -> Pictures:
    """The sound and one reflection of it, up to `longest` s later and 1 to 12 dB softer: a table, a mono mix.

    |1 + g e^(-2πift)|² in decibels at each band's centre, less where a band is wider than the ripple.
    """
    hertz = mel_frequencies(SPEC)[: x.shape[1]].float()
    level = torch.pow(10.0, -(1 + 11 * torch.rand(len(x), 1)) / 20)
    delay = 1e-4 + (longest - 1e-4) * torch.rand(len(x), 1)
    ripple = torch.sinc(delay * torch.gradient(hertz)[0])
    gain = 1 + level**2 + 2 * level * ripple * torch.cos(2 * math.pi * hertz * delay)
    return x + NEPER * torch.log(gain.clamp_min(1e-4))[:, :, None] * _some(x, chance)


def low_pass(x: Pictures, chance: float, lowest: float = 0.4) -> Pictures:
    """Nothing above a random band in the upper part of the picture, as after a lossy codec."""
    edge = (lowest + (1 - lowest) * torch.rand(len(x), 1, 1)) * x.shape[1]
    above = (torch.arange(x.shape[1])[None, :, None] - edge).clamp_min(0)
    return x - 20 * above * _some(x, chance)


def room(x: Pictures, chance: float, longest: float = 2.0) -> Pictures:
    """Reverberation: power that rings on, dying away by 60 dB within 0.3 to `longest` s, 20 dB below to 3 dB above."""
    wet = torch.rand(len(x)) < chance
    if not wet.any():
        return x
    power = torch.exp(x[wet] / NEPER)
    time = 0.3 + (longest - 0.3) * torch.rand(len(power), 1)
    decay = torch.exp(-60 * COLUMN_SECONDS / time / NEPER)
    level = torch.exp((torch.rand(len(power), 1) * 23 - 20) / NEPER) * (1 - decay) / decay
    tail, ringing = torch.zeros_like(power), torch.zeros_like(power[:, :, 0])
    for column in range(1, power.shape[2]):
        ringing = decay * (ringing + power[:, :, column - 1])
        tail[:, :, column] = ringing
    out = x.clone()
    out[wet] = NEPER * torch.log(power + level[:, :, None] * tail)
    return out


def noise_floor(x: Pictures, chance: float, highest: float = 20.0) -> Pictures:
    """A floor of noise somewhere between -80 dB and -`highest` dB."""
    floor = -RANGE_DB + torch.rand(len(x), 1, 1) * (RANGE_DB - highest)
    return torch.where(_some(x, chance) > 0, torch.maximum(x, floor + 2 * torch.randn_like(x)), x)


def shift_bands(x: Pictures, chance: float, most: int = 3) -> Pictures:
    """Up to `most` mel bands up or down, the edge band repeated: a coarse change of pitch."""
    shift = (torch.randint(-most, most + 1, (len(x), 1), device=x.device) * _some(x, chance)[:, :, 0]).long()
    bands = (torch.arange(x.shape[1], device=x.device) - shift).clamp(0, x.shape[1] - 1)
    return x.gather(1, bands[:, :, None].expand_as(x))


def detune(x: Pictures, chance: float, most: float = THIRDS / 2) -> Pictures:
    """Rows of notes up to `most` rows, not always whole ones, up or down, the edge repeated: another tuning."""
    shift = (torch.rand(len(x), 1, device=x.device) * 2 - 1) * most * _some(x, chance)[:, :, 0]
    rows = (torch.arange(x.shape[1], device=x.device) - shift).clamp(0, x.shape[1] - 1)
    below = rows.floor().long()
    share = (rows - below)[:, :, None]
    low, high = (x.gather(1, r[:, :, None].expand_as(x)) for r in (below, (below + 1).clamp_max(x.shape[1] - 1)))
    return low + share * (high - low)


def mask(x: Pictures, bands: int, columns: int, count: int = 2) -> Pictures:
    """`count` stripes of up to `bands` bands and `columns` columns are silenced (SpecAugment, Park et al., 2019)."""
    keep = torch.ones_like(x, dtype=torch.bool)
    for size, most, axis in ((x.shape[1], bands, 1), (x.shape[2], columns, 2)):
        for _ in range(count):
            width = torch.rand(len(x), 1) * most
            start = torch.rand(len(x), 1) * (size - width)
            place = torch.arange(size)
            outside = (place < start) | (place >= start + width)
            keep &= outside[:, :, None] if axis == 1 else outside[:, None, :]
    return torch.where(keep, x, -RANGE_DB)


def mix(x: Pictures, alpha: float) -> tuple[Pictures, torch.Tensor, torch.Tensor]:
    """Mixup (Zhang et al., ICLR 2018): pictures, the partner of each, and the share `[B]` of each picture itself."""
    share = torch.distributions.Beta(alpha, alpha).sample((len(x),)) if alpha > 0 else torch.ones(len(x))
    share = torch.maximum(share, 1 - share)
    partner = torch.randperm(len(x))
    weight = share[:, None, None]
    return x * weight + x[partner] * (1 - weight), partner, share


def strengthen(x: Pictures, strength: float) -> Pictures:
    """All of the above but mixup, with chances in proportion to `strength`.

    The notes of tonal pictures get a tuning, an equaliser and a floor of noise of their own.
    """
    if x.shape[1] > SPEC.n_mels:
        mel, notes = x[:, : SPEC.n_mels], x[:, SPEC.n_mels :]
        notes = noise_floor(equalise(detune(notes, 0.6 * strength), 0.6 * strength), 0.4 * strength)
        return torch.cat([strengthen(mel, strength), relative(notes)], 1)
    x = shift_bands(x, 0.5 * strength)
    x = room(x, 0.25 * strength)
    x = equalise(x, 0.6 * strength)
    x = comb(x, 0.6 * strength)
    x = noise_floor(x, 0.4 * strength)
    x = low_pass(x, 0.3 * strength)
    x = relative(x)
    return mask(x, round(16 * strength), round(20 * strength))

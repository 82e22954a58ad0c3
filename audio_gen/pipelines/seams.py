"""seams: what is new put into a recording, faded in and out at the recording's own level, and how the seams sound."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from audio_gen.audio.resample import resample
from audio_gen.features.log_mel import NEPER, LogMel

FADE = 0.05  # seconds of the recording at each seam that are faded into what is new
SHIFT = 0.004  # seconds by which what is new may be moved, so that the waves meet
KNEE = 0.9  # level above which what is new is bent


@dataclass(frozen=True)
class Seam:
    """One seam: where, and how the sound changes there from frame to frame (mean over mel bands, in dB).

    Args:
        at_s: seconds.
        change_db: the largest change across it.
        usual_db: the median change elsewhere near it.
        largest_db: the largest change elsewhere near it.
    """

    at_s: float
    change_db: float
    usual_db: float
    largest_db: float


def _limited(samples: torch.Tensor) -> torch.Tensor:
    """Bent above KNEE so that nothing passes full scale."""
    over = (samples.abs() - KNEE).clamp_min(0)
    bent = KNEE + (1 - KNEE) * torch.tanh(over / (1 - KNEE))
    return torch.where(samples.abs() > KNEE, samples.sign() * bent, samples)


def inserted(samples: torch.Tensor, new: torch.Tensor, begin: int, first: int, last: int, rate: int) -> torch.Tensor:
    """`[C, T]` with `[1, t]` that starts at sample `begin` from `first` to `last`, faded in and out just outside.

    Each channel gets it at its own level near the gap.
    """
    fade, most = round(FADE * rate), round(SHIFT * rate)
    mono, out = samples.mean(0), samples.clone()
    near = torch.cat([samples[:, begin:first], samples[:, last : last + first - begin]], 1)
    shares = near.square().mean(1).sqrt() / near.mean(0).square().mean().sqrt().clamp_min(1e-6)  # of each channel
    roomy = F.pad(new, (most, most + fade))

    def shifted(at: int) -> int:
        """Where in `roomy` the wave meets the recording's `fade` samples from `at` on."""
        wanted, place = mono[at : at + fade], at - begin
        windows = roomy[0, place : place + fade + 2 * most].unfold(0, fade, 1)
        match = (windows @ wanted) / windows.norm(dim=1).clamp_min(1e-6)
        return place + int(match.argmax())

    start = shifted(first - fade)
    piece = roomy[:, start : start + fade + last - first]
    rise = torch.linspace(0, 1, fade)
    if last < samples.shape[1]:
        other = shifted(last) - (last - first)
        middle = fade + (last - first) // 2
        half = min(fade, (last - first) // 2)
        turn = torch.cat([torch.zeros(middle - half // 2), torch.linspace(0, 1, half)])
        turn = F.pad(turn, (0, fade + last - first - len(turn)), value=1.0)
        piece = piece * (1 - turn) + roomy[:, other - fade : other + last - first] * turn
        after = _limited(roomy[:, other + last - first : other + last - first + fade] * shares[:, None])
        out[:, last : last + fade] = samples[:, last : last + fade] * rise + after * rise.flip(0)
    piece = _limited(piece * shares[:, None])
    out[:, first - fade : first] = samples[:, first - fade : first] * rise.flip(0) + piece[:, :fade] * rise
    out[:, first:last] = piece[:, fade:]
    return out


def seam_at(samples: torch.Tensor, rate: int, place: int, log_mel: LogMel) -> Seam:
    """How the log-mel changes at sample `place` and within two seconds of it."""
    spec, begin = log_mel.spec, max(0, place - 2 * rate)
    near = resample(samples[:, begin : place + 2 * rate].mean(0, keepdim=True), rate, spec.sample_rate)
    change = NEPER * log_mel(near)[0].diff(dim=1).abs().mean(0)
    at = (place - begin) / rate * spec.sample_rate / spec.hop_length
    seam = ((torch.arange(len(change)) + 0.5 - at).abs() * spec.hop_length / spec.sample_rate) < 2 * FADE
    inside, others = change[seam], change[~seam]
    return Seam(place / rate, float(inside.max()), float(others.median()), float(others.max()))

"""loop: clips whose end flows into their beginning, as long as so many bars of 4/4, to the sample."""

import torch
import torch.nn.functional as F

from audio_gen.audio.clip import Clip
from audio_gen.audio.resample import resample
from audio_gen.errors import ParameterError
from audio_gen.features.mel_spec import MelSpec
from audio_gen.pipelines.vocoder import Vocoder

FADE = 0.03  # seconds over which the end turns into what goes before the beginning
SHORTEST = 1.0  # seconds
BEATS = 4  # of a bar


def loop_seconds(bpm: float, bars: int) -> float:
    """Length of so many bars.

    Raises:
        ParameterError: a tempo outside 20 to 400, or no bar.
    """
    if not 20 <= bpm <= 400 or bars < 1:
        raise ParameterError(f"bpm must be 20 to 400 and bars 1 or more, not {bpm} and {bars}")
    return bars * BEATS * 60 / bpm


def frames_around(samples: int, spec: MelSpec, stride: int) -> int:
    """Frames of the loop that a network makes: the multiple of its stride that is nearest to `samples`.

    Raises:
        ParameterError: less than a second.
    """
    if samples < SHORTEST * spec.sample_rate:
        raise ParameterError(f"a loop takes {SHORTEST:g} s or more, not {samples / spec.sample_rate:.2f}")
    return stride * round(samples / spec.hop_length / stride)


def fitted(mel: torch.Tensor, samples: int, spec: MelSpec) -> torch.Tensor:
    """`[n_mels, F]` that comes round → `[n_mels, round(samples / hop_length)]` that does, interpolated over time."""
    count = round(samples / spec.hop_length)
    if count == mel.shape[1]:
        return mel
    return F.interpolate(mel.repeat(1, 3)[None], size=3 * count, mode="linear")[0, :, count : 2 * count]


def looped(mel: torch.Tensor, samples: int, vocoder: Vocoder) -> Clip:
    """A log-mel that comes round → `[1, samples]` that does.

    Three rounds are vocoded and the middle one is cut out. Phases differ from round to round, so its end is faded into
    what goes before its beginning.
    """
    spec = vocoder.spec
    three = vocoder(torch.cat([mel, mel, mel, mel[:, :1]], 1)).samples
    rounds = resample(three, mel.shape[1] * spec.hop_length, samples)
    fade = round(FADE * spec.sample_rate)
    cut, before = rounds[:, samples : 2 * samples].clone(), rounds[:, samples - fade : samples]
    turn = torch.linspace(0, torch.pi / 2, fade)
    cut[:, -fade:] = cut[:, -fade:] * turn.cos() + before * turn.sin()
    return Clip(cut, spec.sample_rate)

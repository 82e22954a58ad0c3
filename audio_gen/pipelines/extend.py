"""extend: new music after the end of a recording, or in a gap of it; what was there stays as it is.

The generator's noise is searched for so that it makes what is heard before (and after) the gap; what it makes of the
gap is then brought to the level and colour of the recording at the seams, and cross-faded in there.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from audio_gen.audio.clip import Clip
from audio_gen.audio.resample import resample
from audio_gen.errors import ParameterError
from audio_gen.features.log_mel import LogMel
from audio_gen.pipelines.generate import Generator
from audio_gen.pipelines.seams import Seam, inserted, seam_at
from audio_gen.pipelines.search import Known, find_noise
from audio_gen.pipelines.vocoder import Vocoder

CONTEXT = 3.0  # seconds of the recording that are listened to at each side of the gap
LEAST = 0.5  # seconds of it that are needed
DECAY = 0.5  # seconds after which the colour at a seam is let go of
COLOUR = 17  # mel bands over which the recording's mean spectrum is taken on
STRONGEST = 4.0  # change of it, in units of the natural logarithm
MOST = 600.0  # seconds that are added at once
SETTLED = 8  # frames at a seam over which colours are compared
BLURRED = 3  # frames from the gap that hear some of it
QUIETEST = -60.0  # dB full scale, root mean square of the context


@dataclass(frozen=True, eq=False)
class Extended:
    """A recording with new music in it.

    Args:
        clip: at the recording's own rate and channels.
        seams: one or two.
        distance: what the search left, in thirds of standard scores of the log-mel.
    """

    clip: Clip
    seams: tuple[Seam, ...]
    distance: float


def continued(
    generator: Generator, vocoder: Vocoder, clip: Clip, seconds: float, *, label: str, seed: int = 0
) -> Extended:
    """`clip` and, after it, `seconds` of new music.

    Raises:
        ParameterError: a recording shorter than 0.5 s or silent at its end, no length or more than ten minutes, a
            generator of one-shots, or an unknown label.
    """
    generator.samples(seconds)  # refuses what is no length
    if seconds > MOST:
        raise ParameterError(f"at most {MOST:g} s are added at once, not {seconds:g}; go on from the result")
    new = max(1, round(seconds * clip.sample_rate))
    whole = torch.cat([clip.samples, torch.zeros(clip.channels, new)], 1)
    return _filled(
        generator, vocoder, Clip(whole, clip.sample_rate), clip.samples.shape[1], whole.shape[1], label, seed
    )


def inpainted(
    generator: Generator, vocoder: Vocoder, clip: Clip, start: float, end: float, *, label: str, seed: int = 0
) -> Extended:
    """`clip` with new music from `start` to `end` (seconds) instead of what was there.

    Raises:
        ParameterError: a gap that isn't inside the recording with 0.5 s on both sides, silence around it, a generator
            of one-shots, or an unknown label.
    """
    length = clip.duration
    if not LEAST <= start < end <= length - LEAST:
        raise ParameterError(
            f"the gap from {start:g} to {end:g} s must lie inside the recording ({length:.2f} s) with {LEAST:g} s on "
            "either side; to go on after its end, use --continue"
        )
    first, last = round(start * clip.sample_rate), round(end * clip.sample_rate)
    return _filled(generator, vocoder, clip, first, last, label, seed)


def _filled(
    generator: Generator, vocoder: Vocoder, clip: Clip, first: int, last: int, label: str, seed: int
) -> Extended:
    """Samples `first` to `last` of the clip made anew."""
    spec, net = generator.checkpoint.spec, generator.net
    if net.length:
        raise ParameterError(f"{generator.checkpoint.name!r} makes one-shots; extending takes a generator of music")
    generator.check_label(label)
    if clip.channels > 2:
        raise ParameterError(f"the recording has {clip.channels} channels; mix it to one or two first")
    rate, around = clip.sample_rate, round(CONTEXT * clip.sample_rate)
    begin, stop = max(0, first - around), min(clip.samples.shape[1], last + around)
    _refuse_silence(clip.samples[:, begin:first], rate, "before")
    near = resample(clip.samples[:, begin:stop].mean(0, keepdim=True), rate, spec.sample_rate)
    near = F.pad(near, (0, -near.shape[1] % spec.hop_length))
    mel = LogMel(spec)(near)[0]
    per_frame = rate * spec.hop_length / spec.sample_rate
    left = int((first - begin) / per_frame - BLURRED) // net.stride
    right = -int(-((last - begin) / per_frame + BLURRED) // net.stride)
    scores = net.standardise(mel.to(generator.device)).cpu()
    known = [Known(0, scores[:, : left * net.stride])]
    if stop > last:
        _refuse_silence(clip.samples[:, last:stop], rate, "after")
        known.append(
            Known(right, scores[:, right * net.stride :][:, : (mel.shape[1] // net.stride - right) * net.stride])
        )
    if left < 1 or min(piece.mel.shape[1] for piece in known) < net.stride:
        raise ParameterError(f"too little is known around the gap; {LEAST:g} s of music on each side are needed")
    classes = generator.classes(label)
    noise, distance = find_noise(generator, known, classes, mel.shape[1], seed)
    made = torch.cat(list(generator.pieces(noise, classes, mel.shape[1])), 1)
    decay = DECAY * spec.sample_rate / spec.hop_length
    joined = _recoloured(mel, made, left * net.stride, right * net.stride if stop > last else mel.shape[1], decay)
    new = resample(vocoder(joined).samples, spec.sample_rate, rate)
    out = inserted(clip.samples, new, begin, first, last, rate)
    places = [first] + ([last] if stop > last else [])
    seams = tuple(seam_at(out, rate, place, LogMel(spec)) for place in places)
    return Extended(Clip(out, rate), seams, distance)


def _refuse_silence(samples: torch.Tensor, rate: int, where: str) -> None:
    samples = samples.mean(0, keepdim=True)  # what is heard of it
    if samples.shape[1] < LEAST * rate:
        raise ParameterError(
            f"the recording has {samples.shape[1] / rate:.2f} s {where} the new part; {LEAST:g} s or more are needed"
        )
    level = 20 * math.log10(max(1e-12, float(samples.square().mean().sqrt())))
    if level < QUIETEST:
        raise ParameterError(
            f"the recording, its channels together, is silent {where} the new part ({level:.0f} dB, above "
            f"{QUIETEST:g} dB is needed): there is nothing to go on from; cut the silence off first"
        )


def _recoloured(mel: torch.Tensor, made: torch.Tensor, left: int, right: int, decay: float) -> torch.Tensor:
    """What is known, with what was made between, in the recording's mean spectrum.

    What differs at the seams beyond that fades away over `decay` frames.
    """
    at, joined = torch.arange(right - left), mel.clone()
    known = torch.cat([mel[:, :left], mel[:, right:]], 1)
    colour = _mean_spectrum(known) - _mean_spectrum(made[:, left:right])
    smooth = F.avg_pool1d(colour[None, None], COLOUR, 1, COLOUR // 2, count_include_pad=False)[0, 0]
    made = made + smooth.clamp(-STRONGEST, STRONGEST)[:, None]
    before = (mel[:, max(0, left - SETTLED) : left] - made[:, max(0, left - SETTLED) : left]).mean(1, keepdim=True)
    inside = made[:, left:right] + before * torch.exp(-at / decay)
    if right < mel.shape[1]:
        after = (mel[:, right : right + SETTLED] - made[:, right : right + SETTLED]).mean(1, keepdim=True)
        inside = inside + after * torch.exp((at - len(at) + 1) / decay)
    joined[:, left:right] = inside
    return joined


def _mean_spectrum(mel: torch.Tensor) -> torch.Tensor:
    """`[n_mels, N] -> [n_mels]`: the logarithm of the mean over time."""
    return mel.logsumexp(1) - math.log(mel.shape[1])

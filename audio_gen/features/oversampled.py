"""Pictures of samples at a multiple of the rate: the Fourier transform does the resampling.

A window that is `factor` times as long holds the same time, so its first bins are those of the resampled signal but for
what the resampler's filter takes away near its end. Weighted with the filter's response, the bands are the same: on
music within .001 dB in the mean.
"""

from dataclasses import replace

import torch

from audio_gen.audio.resample import resample
from audio_gen.features.decibel_image import DecibelImage
from audio_gen.features.mel_spec import MelSpec

LONGEST_FILTER = 2048  # samples at the lower rate


def oversampled(picture: DecibelImage, factor: int) -> DecibelImage:
    """What makes the pictures that `picture` makes of resampled audio, from samples at `factor` times its rate."""
    spec = picture.log_mel.spec
    wide = replace(
        spec,
        sample_rate=factor * spec.sample_rate,
        n_fft=factor * spec.n_fft,
        hop_length=factor * spec.hop_length,
        fmax=spec.top,
    )
    found = DecibelImage(wide, picture.columns, tonal=picture.tonal)
    # a window of so many more samples sums up to as much more
    found.log_mel.bank.mul_((resampler_response(spec, factor) / factor) ** spec.power)
    return found


def resampler_response(spec: MelSpec, factor: int) -> torch.Tensor:
    """`[1 + factor * n_fft // 2]`: the gain of resampling to the spec's rate, at the bins of the longer window."""
    step = 2 * -(-LONGEST_FILTER // spec.n_fft)  # a spectrum so many times as fine, for all of the filter
    impulse = torch.zeros(1, step * factor * spec.n_fft)
    impulse[0, impulse.shape[1] // 2] = factor
    gain = torch.fft.rfft(resample(impulse, factor * spec.sample_rate, spec.sample_rate)[0]).abs()[::step]
    bins = 1 + factor * spec.n_fft // 2
    return torch.cat([gain, gain.new_zeros(bins)])[:bins]  # above half the lower rate nothing is left

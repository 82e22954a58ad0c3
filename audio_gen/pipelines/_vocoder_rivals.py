"""What a vocoder is measured beside: other ways from the same log-mel to a waveform, each on one thread."""

from collections.abc import Callable

import torch

from audio_gen.features.mel_spec import MelSpec
from audio_gen.models.griffin_lim import GriffinLim
from audio_gen.pipelines.device import one_thread
from audio_gen.pipelines.vocoder import GRIFFIN_LIM, MEL_GRIFFIN_LIM, Vocoder

TORCHAUDIO, LIBROSA = "torchaudio", "librosa"
CEILING = "true magnitudes"
ITERATIONS = 32
Voice = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # log-mel [n_mels, N], the original [T] → [T]


def rivals(vocoder: Vocoder) -> dict[str, Voice]:
    """The vocoder itself, ours without weights, the libraries' own inversions, and Griffin-Lim's ceiling."""
    spec = vocoder.spec
    plain = GriffinLim(spec)
    voices: dict[str, Voice] = {vocoder.name: lambda mel, _: vocoder(mel).samples[0]}
    for name in (MEL_GRIFFIN_LIM, GRIFFIN_LIM):
        if name != vocoder.name:
            voices[name] = _of(Vocoder.load(name, spec=spec))
    return voices | {
        TORCHAUDIO: _torchaudio(spec),
        LIBROSA: lambda mel, samples: _librosa(spec, mel, len(samples)),
        CEILING: lambda _, samples: _ceiling(plain, samples),
    }


def _of(vocoder: Vocoder) -> Voice:
    return lambda mel, _: vocoder(mel).samples[0]


def _torchaudio(spec: MelSpec) -> Voice:
    """`InverseMelScale` (least squares) and `GriffinLim`, 32 iterations."""
    from torchaudio.transforms import GriffinLim as Phases
    from torchaudio.transforms import InverseMelScale

    bins = 1 + spec.n_fft // 2
    inverse = InverseMelScale(
        bins, spec.n_mels, spec.sample_rate, spec.fmin, spec.top, norm="slaney", mel_scale="slaney"
    )
    phases = Phases(spec.n_fft, ITERATIONS, hop_length=spec.hop_length, power=spec.power)

    def voice(mel: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
        with one_thread(), torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # of the first phases
            made: torch.Tensor = phases(inverse(mel.exp()))
        return _as_long(made, len(samples))

    return voice


def _librosa(spec: MelSpec, mel: torch.Tensor, length: int) -> torch.Tensor:
    """`librosa.feature.inverse.mel_to_audio` (non-negative least squares), 32 iterations."""
    import librosa

    with one_thread():
        made = librosa.feature.inverse.mel_to_audio(
            mel.exp().numpy(),
            sr=spec.sample_rate,
            n_fft=spec.n_fft,
            hop_length=spec.hop_length,
            power=spec.power,
            n_iter=ITERATIONS,
            fmin=spec.fmin,
            fmax=spec.top,
        )
    return _as_long(torch.from_numpy(made), length)


def _ceiling(griffin_lim: GriffinLim, samples: torch.Tensor) -> torch.Tensor:
    with one_thread():
        return griffin_lim.rebuild(griffin_lim.fourier.spectrum(samples[None]).abs())[0]


def _as_long(samples: torch.Tensor, length: int) -> torch.Tensor:
    return torch.nn.functional.pad(samples[:length], (0, max(0, length - len(samples)))).float()

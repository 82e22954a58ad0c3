import pytest
import torch

from audio_gen.errors import ParameterError
from audio_gen.features.log_mel import LogMel, mel_filter_bank
from audio_gen.features.mel_spec import MelSpec
from audio_gen.models.griffin_lim import GriffinLim

SMALL = MelSpec(sample_rate=16000, n_fft=512, hop_length=128, n_mels=80)
POWER = MelSpec(sample_rate=16000, n_fft=512, hop_length=128, n_mels=80, power=2.0, floor=1e-10)


def tone(hz: float, spec: MelSpec, frames: int = 60) -> torch.Tensor:
    t = torch.arange(spec.hop_length * (frames - 1)) / spec.sample_rate
    return 0.4 * torch.sin(2 * torch.pi * hz * t)


def pitch(samples: torch.Tensor, sample_rate: int) -> float:
    spectrum = torch.fft.rfft(samples * torch.hann_window(len(samples)), 1 << 16).abs()
    return float(spectrum.argmax()) * sample_rate / (1 << 16)


@pytest.mark.parametrize("spec", [SMALL, POWER, MelSpec()], ids=["power 1", "power 2", "default"])
@pytest.mark.parametrize("hz", [300.0, 1000.0, 2500.0])
def test_a_tone_comes_back_in_pitch_and_level(spec: MelSpec, hz: float) -> None:
    samples = tone(hz, spec)
    again = GriffinLim(spec)(LogMel(spec)(samples))
    assert again.shape == samples.shape
    assert abs(pitch(again, spec.sample_rate) / hz - 1) < 0.03
    assert 0.5 < float(again.square().mean() / samples.square().mean()) < 2


@pytest.mark.parametrize("spec", [SMALL, POWER], ids=["power 1", "power 2"])
def test_the_mel_of_the_sound_is_the_mel(spec: MelSpec) -> None:
    samples = 0.1 * torch.randn(12800, generator=torch.Generator().manual_seed(0))
    mel = LogMel(spec)(samples)
    again = LogMel(spec)(GriffinLim(spec)(mel))
    error = (again - mel).abs().mean() / spec.power
    assert error < 0.15
    assert (LogMel(spec)(samples.flip(0)) - mel).abs().mean() / spec.power > 2 * error


@pytest.mark.parametrize("frames", [2, 3, 17, 60])
@pytest.mark.parametrize("shape", [(), (1,), (2, 3)])
def test_length_is_the_hop_times_the_frames_less_one(frames: int, shape: tuple[int, ...]) -> None:
    mel = torch.randn(*shape, 80, frames, generator=torch.Generator().manual_seed(0)) - 4
    before = mel.clone()
    samples = GriffinLim(SMALL, iterations=2)(mel)
    assert samples.shape == (*shape, 128 * (frames - 1))
    assert torch.isfinite(samples).all()
    assert torch.equal(mel, before)


@pytest.mark.parametrize("mel", [torch.zeros(80, 1), torch.zeros(80, 0), torch.zeros(79, 20), torch.zeros(20, 80)])
def test_refuses_one_frame_and_other_bands(mel: torch.Tensor) -> None:
    with pytest.raises(ParameterError, match=r"\[80, frames\] with ≥ 2 frames, not"):
        GriffinLim(SMALL)(mel)


@pytest.mark.parametrize(
    "spec", [MelSpec(hop_length=513), MelSpec(hop_length=1024), MelSpec(hop_length=4096), MelSpec(n_fft=1023)]
)
def test_refuses_specs_that_nothing_can_be_rebuilt_from(spec: MelSpec) -> None:
    with pytest.raises(ParameterError, match="even n_fft and a hop of half of it"):
        GriffinLim(spec)


def test_the_same_mel_gives_the_same_samples_whatever_was_done_before() -> None:
    module = GriffinLim(SMALL)
    mel = LogMel(SMALL)(tone(440, SMALL, 40))
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = module(mel)
    assert torch.equal(torch.get_rng_state(), state)  # nor does it change what comes after
    torch.manual_seed(2)
    torch.rand(77)
    module(torch.randn(80, 9))
    assert torch.equal(module(mel), first)
    assert torch.equal(GriffinLim(SMALL)(mel), first)


def test_silence_stays_silent_and_loud_stays_finite() -> None:
    floor = torch.full((80, 30), SMALL.floor).log()
    assert GriffinLim(SMALL)(floor).abs().max() < 1e-2
    assert torch.isfinite(GriffinLim(SMALL)(torch.full((80, 30), 10.0))).all()


@pytest.mark.parametrize("spec", [SMALL, POWER], ids=["power 1", "power 2"])
def test_the_magnitude_is_the_pseudo_inverse_kept_above_zero(spec: MelSpec) -> None:
    log_mel = LogMel(spec)(torch.randn(3000, generator=torch.Generator().manual_seed(0)))
    bank = mel_filter_bank(spec).double().numpy()
    twin = (torch.linalg.pinv(torch.from_numpy(bank)) @ log_mel.double().exp()).clamp_min(spec.floor)
    got = GriffinLim(spec).magnitude(log_mel).double()
    assert torch.allclose(got, twin ** (1 / spec.power), rtol=1e-3, atol=1e-4)
    assert got.min() > 0


def test_more_iterations_fit_better() -> None:
    mel = LogMel(SMALL)(0.1 * torch.randn(12800, generator=torch.Generator().manual_seed(0)))
    few, many = (LogMel(SMALL)(GriffinLim(SMALL, iterations=count)(mel)) for count in (0, 32))
    assert (many - mel).abs().mean() < 0.7 * (few - mel).abs().mean()


def test_has_no_weights() -> None:
    assert not GriffinLim(SMALL).state_dict()


def test_phases_that_run_on_need_fewer_iterations() -> None:
    spec = MelSpec(sample_rate=8000, n_fft=512, hop_length=128, n_mels=80)
    time = torch.arange(128 * 60) / 8000
    sound = 0.2 * sum(torch.sin(2 * torch.pi * hertz * time) for hertz in (311.0, 467.3, 1203.7))
    mel = LogMel(spec)(sound[None])

    def missed(vocoder: GriffinLim) -> float:
        error = (LogMel(spec)(vocoder(mel)).exp() - mel.exp())[..., 5:-5].norm()
        return float(error / mel.exp()[..., 5:-5].norm())

    steady = GriffinLim(spec, 4, steady=True)
    assert missed(steady) < 0.8 * missed(GriffinLim(spec, 4))
    assert torch.equal(steady(mel), steady(mel))
    assert torch.equal(steady(torch.cat([mel, mel]))[1], steady(mel)[0])


def spectra_apart(one: torch.Tensor, other: torch.Tensor) -> float:
    """Mean distance of logarithms of magnitudes at three resolutions, the ends left out."""
    total = 0.0
    for size in (256, 512, 1024):
        window = torch.hann_window(size)
        parts = [torch.stft(x[2000:-2000], size, size // 4, window=window, return_complex=True) for x in (one, other)]
        levels = [part.abs().clamp_min(1e-4).log() for part in parts]
        total += float((levels[0] - levels[1]).abs().mean())
    return total / 3


def test_refined_magnitudes_come_nearer_to_the_mel_and_to_the_sound() -> None:
    time = torch.arange(SMALL.hop_length * 120) / SMALL.sample_rate
    chord = 0.1 * sum(torch.sin(2 * torch.pi * hertz * time) for hertz in (261.6, 329.6, 392.0, 1046.5))
    samples = chord + 0.003 * torch.randn(len(time), generator=torch.Generator().manual_seed(0))
    mel = LogMel(SMALL)(samples)
    plain, refined = GriffinLim(SMALL)(mel), GriffinLim(SMALL, steady=True, refine=True)(mel)
    off = [float((LogMel(SMALL)(found) - mel)[:, 5:-5].abs().mean()) for found in (plain, refined)]
    assert off[1] < 0.7 * off[0]
    assert spectra_apart(refined, samples) < 0.95 * spectra_apart(plain, samples)


def test_true_magnitudes_give_the_phases_that_fit_them() -> None:
    time = torch.arange(SMALL.hop_length * 40) / SMALL.sample_rate
    samples = 0.2 * torch.sin(2 * torch.pi * (300 + 400 * time) * time)
    module = GriffinLim(SMALL, steady=True)
    magnitude = module.fourier.spectrum(samples[None]).abs()
    found = module.rebuild(magnitude)
    assert found.shape == (1, len(samples))
    again = module.fourier.spectrum(found).abs()
    assert float((again - magnitude).norm() / magnitude.norm()) < 0.25

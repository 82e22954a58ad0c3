import pytest
import torch

from audio_gen.features.decibel_image import SPEC, DecibelImage
from audio_gen.models.tonality import Tonality

CHORDS = {  # tonic, subdominant, dominant, tonic
    "major": ((0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7)),
    "minor": ((0, 3, 7), (5, 8, 12), (7, 10, 14), (0, 3, 7)),
}


def picture(chords: list[tuple[int, ...]], tuning: float = 0.0) -> torch.Tensor:
    """`[1, 108, 129]`: the notes of chords of MIDI notes in turn, each note with four partials."""
    rate, seconds = SPEC.sample_rate, 10.0
    time = torch.arange(round(seconds * rate)) / rate
    sound = torch.zeros_like(time)
    for number, chord in enumerate(chords):
        inside = (time >= number * seconds / len(chords)) & (time < (number + 1) * seconds / len(chords))
        for note in chord:
            hertz = 440 * 2 ** ((note + tuning - 69) / 12)
            sound += inside * sum(torch.sin(2 * torch.pi * k * hertz * time) / k for k in range(1, 5))
    return DecibelImage(SPEC, 129, tonal=True)(0.1 * sound[None])[:, SPEC.n_mels :]


def piece(mode: str, key: int) -> list[tuple[int, ...]]:
    return [tuple(60 + key + step for step in chord) for chord in CHORDS[mode]]


@pytest.mark.parametrize("key", [0, 1, 5, 10])
@pytest.mark.parametrize("tuning", [0.0, 0.2, 0.5, -0.4])
def test_major_and_minor_are_told_apart_in_any_key(key: int, tuning: float) -> None:
    net = Tonality(2).eval()
    major, minor = (net(picture(piece(mode, key), tuning))[0] for mode in ("major", "minor"))
    assert major[0] - major[1] > minor[0] - minor[1]
    assert major[0] > major[1]


def test_a_note_lands_on_its_pitch_class() -> None:
    chroma = Tonality(2).chroma(picture([(69,), (81,)]))[0]
    assert int(chroma.argmax()) == 9  # A
    assert chroma[9] > 2 * chroma[3]  # nothing of E flat


@pytest.mark.parametrize("tuning", [-0.33, 0.33])
def test_a_note_out_of_tune_lands_on_its_pitch_class_too(tuning: float) -> None:
    chroma = Tonality(2).chroma(picture([(69,), (81,)], tuning))[0]
    assert int(chroma.argmax()) == 9
    assert chroma[9] > 2 * chroma.sum() / 3


def test_silence_and_noise_stay_finite_and_profiles_learn() -> None:
    torch.manual_seed(0)
    net = Tonality(5)
    found = net(torch.cat([torch.full((1, 108, 40), -80.0), -80 * torch.rand(3, 108, 40)]))
    assert found.shape == (4, 5)
    assert found.isfinite().all()
    found.square().sum().backward()
    assert net.profiles.grad is not None
    assert net.profiles.grad.isfinite().all()

import pytest
import torch

from audio_gen.features.decibel_image import SPEC, DecibelImage, relative
from audio_gen.features.matrix_image import MatrixImage
from audio_gen.features.mel_spec import MelSpec
from audio_gen.features.notes import NOTE_ROWS, note_filter_bank, note_frequencies


def test_rows_are_thirds_of_semitones_from_c3_on() -> None:
    hertz = note_frequencies()
    assert hertz.shape == (NOTE_ROWS,)
    assert float(hertz[1]) == pytest.approx(130.8128, abs=1e-4)  # C3
    assert float(hertz[1 + 3 * 21]) == pytest.approx(440)  # A4
    assert torch.allclose(hertz[1:] / hertz[:-1], torch.full((NOTE_ROWS - 1,), 2 ** (1 / 36), dtype=torch.float64))


@pytest.mark.parametrize("n_fft", [256, 2048, 16384])
def test_each_row_weighs_one_and_hears_its_own_frequency(n_fft: int) -> None:
    spec = MelSpec(n_fft=n_fft, hop_length=n_fft // 4, n_mels=20)
    bank = note_filter_bank(spec)
    assert bank.shape == (NOTE_ROWS, 1 + n_fft // 2)
    assert torch.allclose(bank.sum(1), torch.ones(NOTE_ROWS))
    centre = (bank * torch.arange(1 + n_fft // 2)).sum(1) * spec.sample_rate / n_fft
    assert bool(((centre / note_frequencies() - 1).abs() < 0.5 * spec.sample_rate / n_fft / 130).all())


def test_a_tone_is_loudest_at_its_note_and_the_mel_bands_stay_as_they_are() -> None:
    time = torch.arange(2 * SPEC.sample_rate) / SPEC.sample_rate
    sound = 0.2 * torch.sin(2 * torch.pi * 440 * time)[None]
    picture = DecibelImage(SPEC, 25, tonal=True)
    found = picture(sound)
    assert found.shape == (1, picture.rows, 25) == (1, SPEC.n_mels + NOTE_ROWS, 25)
    assert torch.equal(found[:, : SPEC.n_mels], DecibelImage(SPEC, 25)(sound))
    notes = found[0, SPEC.n_mels :]
    assert set(notes.argmax(0).tolist()) <= {3 * 21, 1 + 3 * 21}  # rows are closer than the bins of the spectrum
    assert float(notes.max()) == 0
    assert float(notes[1, 1:-1].max()) < -60  # two octaves below there is nothing


def test_matrices_alone_give_the_same_picture() -> None:
    torch.manual_seed(0)
    sound = torch.cat([0.1 * torch.randn(2, 22050), torch.zeros(1, 22050)])
    sound[0] *= torch.linspace(0, 1, 22050)
    wanted = DecibelImage(SPEC, 13, tonal=True)(sound)
    assert torch.allclose(MatrixImage(SPEC, 13, 22050, tonal=True)(sound), wanted, atol=1e-3)
    assert bool((wanted[2] == -80).all())


def test_mel_bands_and_notes_are_each_relative_to_their_own_loudest_point() -> None:
    torch.manual_seed(0)
    picture = -20 - 30 * torch.rand(2, SPEC.n_mels + NOTE_ROWS, 5)
    found = relative(picture)
    mel, notes = found[:, : SPEC.n_mels], found[:, SPEC.n_mels :]
    assert mel.amax((1, 2)).tolist() == notes.amax((1, 2)).tolist() == [0, 0]
    assert torch.equal(mel, relative(picture[:, : SPEC.n_mels]))

from collections.abc import Callable

import pytest
import torch

from audio_gen.features.decibel_image import SPEC
from audio_gen.features.notes import NOTE_ROWS
from audio_gen.training import augment
from audio_gen.training.recipes.gan import augment as augment_crops


def pictures() -> torch.Tensor:
    return -80 * torch.rand(6, 32, 20, generator=torch.Generator().manual_seed(0))


KINDS: dict[str, Callable[[torch.Tensor, float], torch.Tensor]] = {
    "equalise": augment.equalise,
    "low_pass": augment.low_pass,
    "room": augment.room,
    "comb": augment.comb,
    "noise_floor": augment.noise_floor,
    "shift_bands": augment.shift_bands,
    "detune": augment.detune,
    "crops": augment_crops,
}


@pytest.mark.parametrize("kind", KINDS)
def test_changes_all_or_nothing_and_never_the_input(kind: str) -> None:
    x = pictures()
    before = x.clone()
    torch.manual_seed(3)
    assert torch.equal(KINDS[kind](x, 0.0), x)
    changed = torch.stack([KINDS[kind](x, 1.0) for _ in range(10)])
    assert changed.shape == (10, *x.shape)
    assert torch.isfinite(changed).all()
    assert torch.equal(x, before)
    assert (changed != x).flatten(1).any(1).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_random_state_gives_the_same(kind: str) -> None:
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(KINDS[kind](pictures(), 0.9))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


def test_equalise_is_one_smooth_curve_a_picture() -> None:
    torch.manual_seed(0)
    change = augment.equalise(pictures(), 1.0, depth=8.0) - pictures()
    assert torch.allclose(change, change[:, :, :1].expand_as(change), atol=1e-4)  # the same at all times
    assert change.abs().max() <= 8 + 1e-4
    assert change[:, :, 0].diff(dim=1).abs().max() < 8 * 2 * 5 / 32


def test_low_pass_leaves_the_lower_part() -> None:
    torch.manual_seed(0)
    change = augment.low_pass(pictures(), 1.0) - pictures()
    assert torch.equal(change[:, :12], torch.zeros(6, 12, 20))
    assert (change <= 0).all()
    assert (change[:, -1] < 0).any()


def test_noise_floor_only_raises_and_stays_low() -> None:
    torch.manual_seed(0)
    noisy = augment.noise_floor(pictures(), 1.0, highest=45.0)
    assert (noisy >= pictures()).all()
    raised = noisy[noisy > pictures()]
    assert raised.max() < -45 + 12


def test_a_comb_is_a_ripple_over_frequency_of_at_most_six_and_a_half_decibels_up() -> None:
    x = torch.full((40, 128, 3), -40.0)
    torch.manual_seed(0)
    gain = augment.comb(x, 1.0) - x
    assert torch.equal(gain[:, :, 0], gain[:, :, 2])
    assert (gain <= 20 * torch.log10(torch.tensor(1 + 10 ** (-1 / 20))) + 1e-3).all()
    depth = gain[:, :, 0].amax(1) - gain[:, :, 0].amin(1)
    assert (depth > 1).float().mean() > 0.9
    assert (depth > 8).any()


def test_a_room_rings_on_and_never_before() -> None:
    x = torch.full((8, 4, 60), -200.0)
    x[:, :, 20] = 0.0
    torch.manual_seed(0)
    y = augment.room(x, 1.0)
    assert (y[:, :, :20] < -150).all()
    assert torch.allclose(y[:, :, 20], x[:, :, 20], atol=1e-3)  # the sound itself
    tail = y[:, :, 21:]
    assert (tail.diff(dim=2) < 1e-3).all()
    assert (tail[:, :, 0] > -60).all()
    assert torch.allclose(y[:, 0], y[:, 3])
    slopes = y[:, 0, 22] - y[:, 0, 21]  # dB a column of 77 ms: 60 dB in 0.3 to 2 s
    assert (slopes > -60 * 0.0776 / 0.3).all()
    assert (slopes < -60 * 0.0774 / 2.0).all()


def test_shift_bands_moves_rows() -> None:
    torch.manual_seed(0)
    x = pictures()
    for before, after in zip(x, augment.shift_bands(x, 1.0, most=3), strict=True):
        places = [torch.arange(32).sub(shift).clamp(0, 31) for shift in range(-3, 4)]
        assert any(torch.equal(after, before[place]) for place in places)


def test_mask_silences_stripes() -> None:
    torch.manual_seed(0)
    x = pictures().clamp(max=-1, min=-79)
    masked = augment.mask(x, bands=6, columns=5, count=2)
    silent = masked == -80
    assert torch.equal(masked[~silent], x[~silent])
    whole_rows, whole_columns = silent.all(2).sum(1), silent.all(1).sum(1)
    assert (whole_rows <= 14).all()
    assert (whole_columns <= 12).all()
    assert silent.any()
    for picture in silent:  # nothing but whole rows and columns
        assert torch.equal(picture, picture.all(1)[:, None] | picture.all(0)[None])
    assert torch.equal(augment.mask(x, 0, 0), x)


def test_mix_by_hand() -> None:
    torch.manual_seed(0)
    x = pictures()
    mixed, partner, share = augment.mix(x, 0.3)
    assert (share >= 0.5).all()
    assert sorted(partner.tolist()) == list(range(6))
    for row in range(6):
        right = share[row] * x[row] + (1 - share[row]) * x[partner[row]]
        assert torch.allclose(mixed[row], right, atol=1e-4)
    same, _, ones = augment.mix(x, 0.0)
    assert torch.equal(same, x)
    assert torch.equal(ones, torch.ones(6))


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_strengthen_gives_relative_decibels(strength: float) -> None:
    torch.manual_seed(0)
    x = pictures() - 5
    strong = augment.strengthen(x, strength)
    assert strong.shape == x.shape
    assert strong.min() >= -80
    assert strong.max() <= 0
    plain = (x - x.amax((1, 2), keepdim=True)).clamp_min(-80)
    assert torch.equal(strong, plain) == (strength == 0)


def test_notes_stay_within_a_semitone() -> None:
    torch.manual_seed(0)
    x = torch.full((16, SPEC.n_mels + NOTE_ROWS, 40), -60.0)
    x[:, [50, SPEC.n_mels + 40]] = 0.0
    found = augment.strengthen(x, 1.5)
    assert found.shape == x.shape
    mel, notes = found[:, : SPEC.n_mels], found[:, SPEC.n_mels :]
    assert (notes.mean(2).argmax(1) - 40).abs().le(2).all()  # less than a semitone
    assert mel.mean(2).argmax(1).ne(50).any()
    assert notes.amax((1, 2)).eq(0).all()


def test_detune_moves_notes_by_parts_of_rows() -> None:
    torch.manual_seed(0)
    x = torch.arange(30.0)[None, :, None].expand(8, 30, 4)
    moved = (x - augment.detune(x, 1.0, most=1.5))[:, 5:-5]
    assert moved.std((1, 2)).max() < 1e-5  # a ramp moves by the same everywhere
    assert moved.abs().max() <= 1.5
    assert len({round(value, 3) for value in moved[:, 0, 0].tolist()}) == 8
    assert torch.equal(augment.detune(x, 0.0), x)

import random
from collections.abc import Iterator

import pytest
import torch

from audio_gen.features.decibel_image import DecibelImage
from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec
from audio_gen.pipelines.windows import ALL_HEARD, Cutter, Window, Windows, thinned

SPECS = [
    MelSpec(sample_rate=8000, n_fft=64, hop_length=16, n_mels=8, power=2.0, floor=1e-10),
    MelSpec(sample_rate=8000, n_fft=63, hop_length=20, n_mels=8, power=2.0, floor=1e-10),
    MelSpec(sample_rate=8000, n_fft=64, hop_length=100, n_mels=8, power=2.0, floor=1e-10),
]
SIZE, COLUMNS = 403, 4
LENGTHS = (1, 3, 40, SIZE - 1, SIZE, SIZE + 1, 500, 503, 504, 2 * SIZE, 2 * SIZE + 1, 3 * SIZE - 1, 3333)


def noise(length: int) -> torch.Tensor:
    """Louder and louder, so that every window has a picture of its own."""
    return torch.randn(1, length, generator=torch.Generator().manual_seed(0)) * torch.linspace(0.1, 1, length)


def slow_windows(samples: torch.Tensor, picture: DecibelImage) -> list[Window]:
    spec, hop = picture.log_mel.spec, SIZE // 2
    length = samples.shape[1]
    if length < SIZE:
        samples = torch.stack([samples[0, i % length] for i in range(SIZE)])[None]
        length = SIZE
    frames = LogMel(spec)(samples)[0]
    count = spec.frames(SIZE)
    starts = list(range(0, length - SIZE + 1, hop))
    places = [min(round(start / spec.hop_length), frames.shape[1] - count) for start in starts]
    found = [Window(k, picture.of_frames(frames[:, at : at + count])) for k, at in enumerate(places)]
    if length - (starts[-1] + SIZE) >= SIZE // 4:
        found.append(Window(len(found), picture.of_frames(frames[:, -count:]), regular=False))
    return found


def blocks_of(samples: torch.Tensor, largest: int, cuts: random.Random) -> Iterator[torch.Tensor]:
    start = 0
    while start < samples.shape[1]:
        step = cuts.randint(1, largest)
        yield samples[:, start : start + step]
        start += step


@pytest.mark.parametrize("spec", SPECS, ids=["even", "odd", "long hop"])
@pytest.mark.parametrize("largest", [7, 90, 5000])
def test_windows_of_blocks_equal_the_slow_way(spec: MelSpec, largest: int) -> None:
    picture, cuts = DecibelImage(spec, COLUMNS), random.Random(0)
    for length in LENGTHS:
        samples = noise(length)
        cutter = Cutter(picture, SIZE)
        found = list(cutter.windows(blocks_of(samples, largest, cuts)))
        right = slow_windows(samples, picture)
        assert cutter.samples == length
        assert [(one.number, one.regular) for one in found] == [(one.number, one.regular) for one in right]
        for one, other in zip(found, right, strict=True):
            torch.testing.assert_close(one.picture, other.picture, rtol=0, atol=1e-3)
        assert len(found) == len(Windows(length, SIZE, COLUMNS, (2, 1)).starts(len(found)))


def test_a_window_hears_what_it_would_hear_alone() -> None:
    picture = DecibelImage(SPECS[0], 8)
    size = 16 * 50  # its windows start with frames
    samples = noise(10 * size)
    found = torch.stack([window.picture for window in Cutter(picture, size).windows(iter([samples]))])
    alone = picture(samples[0].unfold(0, size, size // 2))
    inner = slice(1, -1)  # at its ends a window alone is reflected, where the file goes on
    assert (found - alone)[..., inner].abs().mean() < 0.5
    assert (found - alone.roll(1, 0))[..., inner].abs().mean() > 3


def test_notes_are_cut_with_the_mel_bands() -> None:
    spec = MelSpec(n_fft=2048, hop_length=512, n_mels=16, power=2.0, floor=1e-10)
    samples = noise(3 * 22050)
    plain, tonal = (DecibelImage(spec, 10, tonal=tonal) for tonal in (False, True))
    some, more = (list(Cutter(picture, 22050).windows(iter([samples]))) for picture in (plain, tonal))
    for one, other in zip(some, more, strict=True):
        assert other.picture.shape == (tonal.rows, 10)
        torch.testing.assert_close(other.picture[:16], one.picture, rtol=0, atol=1e-3)


def test_windows_of_nothing() -> None:
    assert list(Cutter(DecibelImage(SPECS[0], COLUMNS), SIZE).windows(iter([]))) == []


def test_the_cutter_keeps_no_more_than_it_needs() -> None:
    cutter = Cutter(DecibelImage(SPECS[0], COLUMNS), SIZE)
    most = 0
    for _ in cutter.windows(iter([torch.zeros(1, 100)] * 500)):
        most = max(most, cutter._frames.untyped_storage().nbytes() // 4 // 8)
    assert 0 < most <= 2 * SPECS[0].frames(SIZE) + 100 // 16


def test_all_frames_are_shown_on_the_way() -> None:
    shown: list[torch.Tensor] = []
    picture, samples = DecibelImage(SPECS[0], COLUMNS), noise(3000)
    list(Cutter(picture, SIZE, shown.append).windows(iter(samples.split(700, 1))))
    torch.testing.assert_close(torch.cat(shown, 1), LogMel(SPECS[0])(samples)[0], rtol=0, atol=1e-4)


@pytest.mark.parametrize("last_is_regular", [True, False])
@pytest.mark.parametrize("count", [1, 2, ALL_HEARD - 1, ALL_HEARD, ALL_HEARD + 1, ALL_HEARD + 2, 39, 40])
def test_only_windows_with_regular_neighbours_lie_between(count: int, last_is_regular: bool) -> None:
    nothing = torch.zeros(0)
    given = [Window(number, nothing, last_is_regular or number < count - 1) for number in range(count)]
    found = sorted(thinned(iter(given)))
    assert [window.number for window in found] == list(range(count))
    regular = sum(window.regular for window in given)
    assert [window.number for window in found if window.between] == [
        number for number in range(1, regular - 1, 2) if regular > ALL_HEARD
    ]
    assert [window.regular for window in found] == [window.regular for window in given]


def test_thinning_waits_for_no_more_than_a_minute() -> None:
    taken = 0

    def endless() -> Iterator[Window]:
        nonlocal taken
        while True:
            yield Window(taken, torch.zeros(0))
            taken += 1

    for given, window in enumerate(thinned(endless())):
        assert taken - given <= ALL_HEARD
        if window.number >= 100:
            break


@pytest.mark.parametrize("size", [2, 8, 9, 40])
def test_where_windows_start(size: int) -> None:
    for length in (1, size - 1, size, size + 1, size + size // 4, 2 * size, 2 * size + 1, 3 * size - 1, 331):
        whole = max(length, size)
        starts = list(range(0, whole - size + 1, size // 2))
        if length > size and whole - size - starts[-1] >= size // 4:
            starts.append(whole - size)
        assert Windows(length, size, 4, (2, 1)).starts(len(starts)) == starts

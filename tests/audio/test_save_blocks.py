"""Writing block by block: the same file as at once, the promised length, and no half of a file."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from audio_gen.audio import encode
from audio_gen.audio.clip import Clip
from audio_gen.audio.decode import load
from audio_gen.audio.encode import save, save_blocks
from audio_gen.errors import ParameterError

RATE = 8000
ALL = [
    ("wav", "PCM_16"),
    ("wav", "PCM_24"),
    ("wav", "FLOAT"),
    ("flac", "PCM_16"),
    ("flac", "PCM_24"),
    ("ogg", "VORBIS"),
]


def sound(length: int, channels: int = 1) -> torch.Tensor:
    return torch.randn(channels, length, generator=torch.Generator().manual_seed(0)).clamp(-3, 3) / 4


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """No file may grow over `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(("suffix", "subtype"), ALL)
@pytest.mark.parametrize("channels", [1, 2])
def test_any_division_gives_the_bytes_of_the_whole(tmp_path: Path, suffix: str, subtype: str, channels: int) -> None:
    length = 9 * RATE + 1  # two blocks of 4 s and a bit
    samples = sound(length, channels)
    whole, parts = tmp_path / f"whole.{suffix}", tmp_path / f"parts.{suffix}"
    save(whole, Clip(samples, RATE), subtype=subtype)
    for cuts in ([], [1, 1, 4 * RATE, 4 * RATE + 7], [8 * RATE], [RATE // 2], range(0, length, 500)):
        blocks = samples.tensor_split(list(cuts), dim=1)
        save_blocks(parts, iter(blocks), RATE, length=length, channels=channels, subtype=subtype)
        assert parts.read_bytes() == whole.read_bytes()


def test_a_producer_may_use_one_buffer_for_all_its_blocks(tmp_path: Path) -> None:
    def blocks() -> Iterator[torch.Tensor]:
        buffer = torch.empty(1, 100)
        for number in range(1000):
            yield buffer.fill_(number / 1000)

    save_blocks(tmp_path / "a.wav", blocks(), RATE, length=100_000, subtype="FLOAT")
    assert torch.equal(load(tmp_path / "a.wav").samples[0, ::100], torch.arange(1000) / 1000)


def test_blocks_are_asked_for_one_at_a_time(tmp_path: Path) -> None:
    path, seen = tmp_path / "a.wav", []

    def blocks() -> Iterator[torch.Tensor]:
        for _ in range(20):
            seen.append(sum(file.stat().st_size for file in tmp_path.iterdir()))
            yield torch.zeros(1, 2 * RATE)

    save_blocks(path, blocks(), RATE, length=40 * RATE)
    assert seen[10] >= 8 * 2 * 2 * RATE  # most of what came before lies in the file already
    assert path.stat().st_size == 44 + 2 * 40 * RATE


def test_the_gain_is_applied_and_what_is_over_full_scale_is_clipped(tmp_path: Path) -> None:
    save_blocks(tmp_path / "a.wav", [torch.tensor([[0.25, -0.125]]), torch.tensor([[0.75]])], RATE, length=3, gain=2.0)
    assert load(tmp_path / "a.wav").samples.tolist() == [[0.5, -0.25, 1 - 2**-15]]


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
@pytest.mark.parametrize(("length", "message"), [(299, "more than the 299"), (301, "300 samples, not the 301")])
def test_another_length_than_promised_is_refused(tmp_path: Path, suffix: str, length: int, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        save_blocks(tmp_path / f"a.{suffix}", iter(sound(300).split(100, dim=1)), RATE, length=length)
    assert list(tmp_path.iterdir()) == []


def test_no_blocks_and_endless_ones_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="0 samples, not the 5"):
        save_blocks(tmp_path / "a.wav", [], RATE, length=5)
    with pytest.raises(ParameterError, match="more than"):
        save_blocks(tmp_path / "a.wav", iter(lambda: torch.zeros(1, 10), None), RATE, length=95)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (torch.zeros(2, 5), r"\[2, 5\].*\[1, t\]"),
        (torch.zeros(5), r"\[5\].*\[1, t\]"),
        (torch.tensor([[0.0, float("nan")]]), "NaN or infinite"),
        (torch.tensor([[float("-inf"), 0.0]]), "NaN or infinite"),
    ],
)
def test_blocks_that_are_no_sound_are_refused(tmp_path: Path, block: torch.Tensor, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        save_blocks(tmp_path / "a.wav", [torch.zeros(1, 3), block], RATE, length=8)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "change", [{"length": 0}, {"channels": 0}, {"sample_rate": 0}, {"gain": float("nan")}, {"gain": float("inf")}]
)
def test_numbers_that_make_no_sense_are_refused_before_work(tmp_path: Path, change: dict[str, float]) -> None:
    def never() -> Iterator[torch.Tensor]:
        raise AssertionError("asked for a block")
        yield

    values = {"sample_rate": RATE, "length": 5, "channels": 1, "gain": 1.0, **change}
    with pytest.raises(ParameterError, match="at least 1"):
        save_blocks(tmp_path / "a.wav", never(), **values)  # type: ignore[arg-type]


def test_the_size_is_checked_before_work_tags_included(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "WAV_LIMIT", 1000)
    save_blocks(tmp_path / "a.wav", [torch.zeros(1, 500)], RATE, length=500)
    for length, tags in ((501, None), (450, {"a": "x" * 50})):
        with pytest.raises(ParameterError, match="4 GiB"):
            save_blocks(tmp_path / "b.wav", iter(()), RATE, length=length, tags=tags)


def test_an_error_of_the_producer_is_passed_on_and_leaves_the_old_file(tmp_path: Path) -> None:
    save_blocks(tmp_path / "a.wav", [torch.zeros(1, 5)], RATE, length=5)
    before = (tmp_path / "a.wav").read_bytes()

    def failing() -> Iterator[torch.Tensor]:
        yield torch.ones(1, 5 * RATE)
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match=r"^out of memory$"):
        save_blocks(tmp_path / "a.wav", failing(), RATE, length=10 * RATE)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]
    assert (tmp_path / "a.wav").read_bytes() == before


@pytest.mark.parametrize(("suffix", "subtype"), ALL)
@pytest.mark.parametrize("length", [1, 4001])
def test_a_full_disk_is_told_wherever_it_ends(tmp_path: Path, suffix: str, subtype: str, length: int) -> None:
    path = tmp_path / f"a.{suffix}"

    def write() -> None:
        save(path, Clip(sound(length), RATE), subtype=subtype, tags={"a": ["b"]})

    write()
    size, before = path.stat().st_size, path.read_bytes()
    path.unlink()
    # libsndfile keeps to itself what it couldn't write when it closed the file: the last page of an OGG
    for space in {0, 10, 44, size // 2, *range(size - 64, size, 7), size - 1}:
        with disk_of(space), pytest.raises(OSError, match=r"can't be written to .*disk full"):
            write()
        assert list(tmp_path.iterdir()) == [], space
    with disk_of(size):
        write()
    assert path.read_bytes() == before

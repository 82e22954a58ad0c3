import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from audio_gen.audio.decode import load
from audio_gen.audio.encode import read_tags
from audio_gen.audio.loudness import Loudness, TruePeak
from audio_gen.errors import ParameterError
from audio_gen.pipelines.render import Finish, render

RATE = 22050


def noise(seconds: float, level: float = 0.05) -> torch.Tensor:
    return level * torch.randn(1, round(seconds * RATE), generator=torch.Generator().manual_seed(0))


def measured(path: Path) -> tuple[float, float]:
    samples = load(path).samples
    loudness, peak = Loudness(RATE, len(samples)), TruePeak(RATE, len(samples))
    loudness.add(samples)
    peak.add(samples)
    return loudness.lufs, peak.dbtp


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("target", [-14.0, -23.0, -40.0, None])
def test_the_loudness_is_what_was_asked_for(tmp_path: Path, target: float | None) -> None:
    samples, path = noise(3), tmp_path / "a.wav"
    found = render(path, torch.split(samples, 5000, 1), samples.shape[1], RATE, Finish(target), {"a": 1})
    lufs, peak = measured(path)
    assert abs(found.lufs - lufs) < 0.1
    assert abs(found.dbtp - peak) < 0.1
    assert peak <= -1 + 0.02
    if target is None:
        assert found.gain == 1
    else:
        assert abs(lufs - target) < 0.1
    assert read_tags(path) == {"a": 1}


def test_the_ceiling_comes_before_the_loudness(tmp_path: Path) -> None:
    samples = noise(2)
    samples[0, 10000] = 0.9  # one click
    for finish in (Finish(-10.0), Finish()):
        found = render(tmp_path / "a.wav", [3 * samples], samples.shape[1], RATE, finish, {})
        lufs, peak = measured(tmp_path / "a.wav")
        assert peak == pytest.approx(-1, abs=0.02)
        assert found.gain < 1
        assert lufs < -15


def test_fades(tmp_path: Path) -> None:
    flat = torch.full((2, RATE), 0.5)
    render(tmp_path / "a.wav", [flat], RATE, RATE, Finish(None, 0.1, 0.25, "FLOAT"), {})
    found = load(tmp_path / "a.wav").samples
    middle = slice(round(0.1 * RATE), RATE - round(0.25 * RATE))
    level = float(found[0, RATE // 2])
    assert (found[:, middle] - level).abs().max() < 1e-6
    rise, fall = found[0, : middle.start], found[0, middle.stop :]
    assert (rise.diff() >= 0).all()
    assert (fall.diff() <= 0).all()
    assert max(rise[0], fall[-1]) < 1e-4 * level
    assert float(rise[len(rise) // 2]) == pytest.approx(level / 2, rel=0.01)
    render(tmp_path / "b.wav", [flat], RATE, RATE, Finish(None, 0.0, 0.0, "FLOAT"), {})
    plain = load(tmp_path / "b.wav").samples
    assert (plain - plain[0, 0]).abs().max() == 0
    render(tmp_path / "c.wav", [flat], RATE, RATE, Finish(None, 5, 5, "FLOAT"), {})  # longer than the sound
    assert load(tmp_path / "c.wav").samples.abs().max() < 0.5


def test_the_division_makes_no_difference(tmp_path: Path) -> None:
    samples = noise(2)
    finish = Finish(-20, 0.3, 0.4)
    for number, cuts in enumerate(([], [1, 2, 3], list(range(0, RATE, 700)))):
        render(tmp_path / f"{number}.wav", samples.tensor_split(cuts, 1), samples.shape[1], RATE, finish, {})
    one, two, three = ((tmp_path / f"{number}.wav").read_bytes() for number in range(3))
    assert one == two == three


def test_silence_stays_silence(tmp_path: Path) -> None:
    found = render(tmp_path / "a.wav", [torch.zeros(1, RATE)], RATE, RATE, Finish(-14), {})
    assert found.to_dict() == {"lufs": None, "true_peak_db": None, "gain": 1.0}
    assert load(tmp_path / "a.wav").samples.abs().max() == 0


@pytest.mark.parametrize("length", [RATE - 1, RATE + 1, 0])
def test_another_length_leaves_no_file(tmp_path: Path, spool: Path, length: int) -> None:
    with pytest.raises(ParameterError):
        render(tmp_path / "out" / "a.wav", [noise(1)], length, RATE, Finish(), {})
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_no_block_at_all(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="no sound"):
        render(tmp_path / "a.wav", [], 10, RATE, Finish(), {})


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_blocks_that_fail_leave_nothing(tmp_path: Path, spool: Path, error: type[BaseException]) -> None:
    def blocks() -> Iterator[torch.Tensor]:
        yield noise(1)
        raise error("no more")

    (tmp_path / "a.wav").write_bytes(b"old")
    with pytest.raises(error, match="no more"):
        render(tmp_path / "a.wav", blocks(), 2 * RATE, RATE, Finish(), {})
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "a.wav"]
    assert (tmp_path / "a.wav").read_bytes() == b"old"


def test_values_that_are_not_finite_leave_nothing(tmp_path: Path, spool: Path) -> None:
    samples = noise(1)
    samples[0, 5] = float("nan")
    with pytest.raises(ParameterError, match="NaN"):
        render(tmp_path / "a.wav", [samples], RATE, RATE, Finish(-20), {})
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("space", [100, 30_000, 60_000])  # the first blocks, the spool, the file
def test_a_full_disk_leaves_nothing(tmp_path: Path, spool: Path, space: int) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (space, before[1]))
    try:
        with pytest.raises(OSError):  # noqa: PT011 - its words are the system's
            render(tmp_path / "a.wav", torch.split(noise(1), 1000, 1), RATE, RATE, Finish(), {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "wrong",
    [{"lufs": -71}, {"lufs": 0}, {"lufs": float("nan")}, {"fade_in": -1}, {"fade_out": float("nan")}, {"fade_in": 1e9}],
)
def test_refuses(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match="not"):
        Finish(**wrong)

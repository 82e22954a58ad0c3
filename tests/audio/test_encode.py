"""Writing: what is written is read back, byte for byte the same each time, whole or not at all."""

import time
from pathlib import Path

import pytest
import soundfile
import torch

from audio_gen.audio import _clockless, encode
from audio_gen.audio.clip import Clip
from audio_gen.audio.decode import load
from audio_gen.audio.encode import read_tags, save
from audio_gen.errors import DecodeError, ParameterError

ALL = [
    ("wav", "PCM_16", 2**-15),
    ("wav", "PCM_24", 2**-23),
    ("wav", "FLOAT", 0.0),
    ("flac", "PCM_16", 2**-15),
    ("flac", "PCM_24", 2**-23),
    ("ogg", "VORBIS", 0.2),
]


def music(seconds: float = 1.0, channels: int = 2, level: float = 0.5) -> Clip:
    noise = torch.randn(channels, round(22050 * seconds), generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.avg_pool1d(noise, 15, stride=1, padding=7)
    return Clip(level * smooth / smooth.abs().max(), 22050)


@pytest.mark.parametrize(("suffix", "subtype", "step"), ALL)
@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_saved_is_loaded(tmp_path: Path, suffix: str, subtype: str, step: float, channels: int) -> None:
    clip = music(channels=channels)
    before = clip.samples.clone()
    peak = save(tmp_path / f"a.{suffix}", clip, subtype=subtype)
    assert peak == pytest.approx(0.5)
    assert torch.equal(clip.samples, before)
    again = load(tmp_path / f"a.{suffix}")
    assert again.sample_rate == clip.sample_rate
    torch.testing.assert_close(again.samples, clip.samples, atol=step * 0.51 if suffix != "ogg" else step, rtol=0)
    assert soundfile.info(tmp_path / f"a.{suffix}").subtype == subtype


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_samples_on_the_grid_come_back_exactly(tmp_path: Path, subtype: str) -> None:
    grid = torch.arange(-(2**15), 2**15, dtype=torch.float32)[None] / 2**15
    save(tmp_path / "a.wav", Clip(grid, 22050), subtype=subtype)
    assert torch.equal(load(tmp_path / "a.wav").samples, grid)


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
@pytest.mark.parametrize("sign", [1, -1])
def test_peaks_over_full_scale_are_reported_and_limited_never_wrapped(tmp_path: Path, name: str, sign: int) -> None:
    clip = Clip(sign * torch.tensor([[0.0, 0.5, 1.0, 2.0, 1.5, 0.25]]), 22050)
    assert save(tmp_path / name, clip) == 2
    again = load(tmp_path / name).samples
    assert 0.999 < again.abs().max() < 1
    torch.testing.assert_close(again, clip.samples / 2, atol=1e-4, rtol=0)  # scaled as a whole, not clipped


def test_floats_keep_their_peaks(tmp_path: Path) -> None:
    clip = music(level=3.0)
    assert save(tmp_path / "a.wav", clip, subtype="FLOAT") == pytest.approx(3)
    assert torch.equal(load(tmp_path / "a.wav").samples, clip.samples)


def test_the_same_clip_gives_the_same_bytes_at_any_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = Clip(torch.linspace(-1, 1, 30000)[None], 22050)

    def write_all() -> dict[str, bytes]:
        written = {}
        for suffix, subtype, _ in ALL:
            save(tmp_path / f"a.{suffix}", clip, subtype=subtype, tags={"a": "b"})
            written[subtype + suffix] = (tmp_path / f"a.{suffix}").read_bytes()
        return written

    first = write_all()
    time.sleep(1.05)  # the clock in a PEAK chunk counts seconds
    assert write_all() == first
    monkeypatch.setattr(_clockless, "strip", lambda *_: None)  # without it, two of them do differ
    raw = write_all()
    assert {name for name in raw if raw[name] != first[name]} == {"FLOATwav", "VORBISogg"}


def test_checksums_of_an_ogg_are_those_of_libogg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_clockless, "strip", lambda *_: None)
    save(tmp_path / "a.ogg", music())
    page = bytearray((tmp_path / "a.ogg").read_bytes()[:58])  # the first: 27 bytes, 1 segment of 30
    stated = int.from_bytes(page[22:26], "little")
    page[22:26] = bytes(4)
    assert _clockless.ogg_checksum(page) == stated


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg"])
def test_tags_are_kept(tmp_path: Path, name: str) -> None:
    tags = {"seed": "7", "label": "fünk ☃\n", "long": "x" * 5000}
    save(tmp_path / name, music(), tags=tags)
    assert read_tags(tmp_path / name) == tags
    save(tmp_path / name, music())
    assert read_tags(tmp_path / name) == {}
    with pytest.raises(ParameterError, match="too long"):
        save(tmp_path / name, music(), tags={"a": "x" * (1 << 20 if name == "a.wav" else 16_000)})


@pytest.mark.parametrize("comment", ["made by hand", "[1, 2]", "{"])
def test_comments_of_others_are_no_tags(tmp_path: Path, comment: str) -> None:
    with soundfile.SoundFile(tmp_path / "a.wav", "w", 22050, 1) as sound:
        sound.comment = comment
        sound.write(music(channels=1).samples[0].numpy())
    assert read_tags(tmp_path / "a.wav") == {}


def test_what_has_no_tags_to_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("text")
    for name in ("a.wav", "missing.wav"):
        with pytest.raises(DecodeError, match=name):
            read_tags(tmp_path / name)


@pytest.mark.parametrize("subtype", ["PCM_16", "VORBIS"])
def test_a_long_clip_is_written_in_blocks(tmp_path: Path, subtype: str) -> None:
    path = tmp_path / ("a.ogg" if subtype == "VORBIS" else "a.wav")
    clip = Clip(0.1 * torch.randn(1, 8000 * 150, generator=torch.Generator().manual_seed(0)), 8000)
    save(path, clip, subtype=subtype)
    assert load(path).samples.shape == clip.samples.shape


def test_unknown_suffixes_and_subtypes_list_what_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"'.mp3'.*\.wav, \.flac, \.ogg"):
        save(tmp_path / "a.mp3", music())
    with pytest.raises(ParameterError, match=r"PCM_8.*PCM_16, PCM_24, FLOAT in \.wav"):
        save(tmp_path / "a.wav", music(), subtype="PCM_8")
    with pytest.raises(ParameterError, match=r"FLOAT.*\.flac"):
        save(tmp_path / "a.flac", music(), subtype="FLOAT")
    assert list(tmp_path.iterdir()) == []


def test_what_the_format_cannot_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ParameterError, match="FLAC can't hold 9 channels"):
        save(tmp_path / "a.flac", Clip(torch.zeros(9, 10), 22050))
    monkeypatch.setattr(encode, "WAV_LIMIT", 1000)
    with pytest.raises(ParameterError, match="4 GiB"):
        save(tmp_path / "a.wav", music())
    assert list(tmp_path.iterdir()) == []


def test_names_may_be_odd_and_folders_new(tmp_path: Path) -> None:
    path = tmp_path / "new" / "b\udce9 \n\U0001f3b5.WAV"
    save(path, music())
    assert load(path).duration == 1


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "a.wav", music())
    before = (tmp_path / "a.wav").read_bytes()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_clockless, "strip", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path / "a.wav", music(2))
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]
    assert (tmp_path / "a.wav").read_bytes() == before

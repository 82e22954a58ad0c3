"""What a file says of itself: all of it in a WAV's own chunk, a readable part in the comment, nothing from liars."""

import json
import shutil
import struct
import subprocess
import wave
from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch

from audio_gen.audio import _riff
from audio_gen.audio.clip import Clip
from audio_gen.audio.decode import load
from audio_gen.audio.encode import read_tags, save
from audio_gen.errors import ParameterError

NESTED = {
    "software": "audio_gen 9.8.7",
    "generated_by": "machine",
    "label": "fünk ☃",
    "seed": 7,
    "loop": True,
    "none": None,
    "chords": ["C", "G7", {"bass": 1.5, "rest": None}],
    "settings": {"a": {"b": [[], {}, False]}},
}
LONG = {**NESTED, "notes": [{"pitch": 60 + i % 12, "start": i / 8} for i in range(5000)], "z": 1}
SUBTYPES = [("PCM_16", 2), ("PCM_24", 3), ("FLOAT", 4)]


def clip(length: int = 101) -> Clip:
    return Clip(torch.linspace(-0.5, 0.5, length)[None], 8000)


def parts(path: Path) -> dict[bytes, bytes]:
    """Contents of the chunks of a WAV, those of LIST INFO by their own names; every byte must be accounted for."""
    data, found = path.read_bytes(), {}
    assert data[:4] == b"RIFF"
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    inside = [(12, len(data))]
    while inside:
        at, end = inside.pop()
        while at < end:
            name, length = struct.unpack("<4sI", data[at : at + 8])
            assert name not in found
            found[name] = data[at + 8 : at + 8 + length]
            if name == b"LIST":
                assert data[at + 8 : at + 12] == b"INFO"
                inside.append((at + 12, at + 8 + length))
            at += 8 + length + length % 2
        assert at == end
    return found


def riff(*chunks: tuple[bytes, int, bytes]) -> bytes:
    """A WAV of chunks whose stated lengths may be lies."""
    body = b"".join(struct.pack("<4sI", name, length) + contents for name, length, contents in chunks)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16) + struct.pack(
        "<4sI4s", b"data", 4, bytes(4)
    )
    return struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(body), b"WAVE") + form + body


@pytest.mark.parametrize(("subtype", "width"), SUBTYPES)
@pytest.mark.parametrize("tags", [{"a": "b"}, {"a": "bc"}, NESTED, LONG], ids=["even", "odd", "nested", "long"])
@pytest.mark.parametrize("length", [100, 101])
def test_a_wav_keeps_every_value(tmp_path: Path, subtype: str, width: int, tags: dict[str, Any], length: int) -> None:
    path = tmp_path / "a.wav"
    save(path, clip(length), subtype=subtype, tags=tags)
    assert read_tags(path) == tags
    found = parts(path)
    assert json.loads(found[b"agjs"]) == tags
    assert len(found[b"data"]) == length * width
    assert len(found[b"ICMT"]) <= 16_001  # and its zero
    sound, rate = soundfile.read(path, dtype="float32")
    assert (len(sound), rate) == (length, 8000)
    assert torch.equal(torch.from_numpy(sound), load(path).samples[0])
    if subtype != "FLOAT":
        with wave.open(str(path)) as file:
            assert (file.getnframes(), file.getsampwidth()) == (length, width)


def test_the_same_tags_give_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    for name, tags in (("a.wav", NESTED), ("b.wav", dict(reversed(NESTED.items())))):
        save(tmp_path / name, clip(), tags=tags)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    for name in ("c.wav", "d.wav"):
        save(tmp_path / name, clip(), tags={} if name == "c.wav" else None)
    assert (tmp_path / "c.wav").read_bytes() == (tmp_path / "d.wav").read_bytes()
    assert set(parts(tmp_path / "c.wav")) == {b"fmt ", b"data"}


def test_the_comment_says_ai_generated_of_what_a_machine_made_and_of_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    for tags in (NESTED, LONG, {"generated_by": "machine", "text": "x" * 100_000}):
        save(path, clip(), tags=tags)
        found = parts(path)
        assert found[b"ICMT"].startswith(b"AI-generated")
        assert found[b"ICMT"].endswith(b"\0")
        assert b'"generated_by": "machine"' in found[b"ICMT"]
    for tags in ({"label": "x"}, {"generated_by": "hand"}, {"inner": {"generated_by": "machine"}}):
        save(path, clip(), tags=tags)
        assert b"AI-generated" not in path.read_bytes()


def test_the_software_stands_in_a_field_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    save(path, clip(), tags=NESTED)
    assert parts(path)[b"ISFT"] == b"audio_gen 9.8.7\0"
    assert b"libsndfile" not in path.read_bytes()
    save(path, clip(), tags={"software": "a\0b\n" + "\udce9" + "x" * 1000})
    assert parts(path)[b"ISFT"].startswith(b"a b ?xxx")
    assert len(parts(path)[b"ISFT"]) == 256
    for tags in ({"label": "x"}, {"software": 7}, {"software": ["x"]}):
        save(path, clip(), tags=tags)
        assert b"ISFT" not in parts(path)


def test_a_short_comment_has_the_plain_values_the_longest_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    save(path, clip(), tags=LONG)
    comment = parts(path)[b"ICMT"].rstrip(b"\0").decode()
    plain = {key: value for key, value in LONG.items() if not isinstance(value, (list, dict))}
    assert json.loads(comment[comment.index("{") :]) == plain
    save(path, clip(), tags={"a": "x" * 20_000, "b": "y" * 9_000, "c": "z" * 6_500, "d": 1, **NESTED})
    comment = parts(path)[b"ICMT"].decode()
    assert [letter * 100 in comment for letter in "xyz"] == [False, True, True]
    assert read_tags(path)["a"] == "x" * 20_000


def test_the_comment_uses_its_room_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    save(path, clip(), tags={"generated_by": "machine", **{f"{number:04}": "x" * 20 for number in range(2000)}})
    assert 15_900 < len(parts(path)[b"ICMT"]) <= 16_001  # and its zero
    assert len(read_tags(path)) == 2001


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")
@pytest.mark.parametrize("tags", [NESTED, LONG], ids=["nested", "long"])
def test_ffprobe_opens_it_and_shows_the_comment(tmp_path: Path, tags: dict[str, Any]) -> None:
    save(tmp_path / "a.wav", clip(8000), tags=tags)
    command = ["ffprobe", "-v", "warning", "-show_format", "-of", "json", str(tmp_path / "a.wav")]
    done = subprocess.run(command, capture_output=True, check=True)
    shown = json.loads(done.stdout)["format"]
    assert shown["tags"]["comment"].startswith("AI-generated")
    assert shown["tags"]["encoder"] == "audio_gen 9.8.7"
    assert float(shown["duration"]) == 1
    assert done.stderr == b""


@pytest.mark.parametrize("suffix", ["flac", "ogg"])
def test_flac_and_ogg_keep_everything_or_the_plain_values(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    save(path, clip(), tags=NESTED)
    assert read_tags(path) == NESTED
    save(path, clip(), tags=LONG)
    assert read_tags(path) == {key: value for key, value in LONG.items() if not isinstance(value, (list, dict))}
    path.unlink()
    with pytest.raises(ParameterError, match="too long"):
        save(path, clip(), tags={"a": "x" * 16_000})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.wav", "a.ogg"])
@pytest.mark.parametrize(
    ("value", "message"),
    [(float("nan"), "finite"), (float("-inf"), "finite"), (b"x", "JSON"), ({1, 2}, "JSON"), ("x" * (1 << 20), "long")],
)
def test_what_can_not_be_kept_is_refused_before_work(tmp_path: Path, name: str, value: object, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        save(tmp_path / name, clip(), tags={"a": value})
    deep: list[Any] = []
    for _ in range(40):
        deep = [deep]
    with pytest.raises(ParameterError, match="nested"):
        save(tmp_path / name, clip(), tags={"a": deep})
    assert list(tmp_path.iterdir()) == []


def test_tags_of_one_mebibyte_are_kept_whole(tmp_path: Path) -> None:
    tags = {"a": "x" * ((1 << 20) - len('{"a": ""}'))}
    save(tmp_path / "a.wav", clip(), tags=tags)
    assert read_tags(tmp_path / "a.wav") == tags


COMMENT = (b"LIST", 28, b"INFO" + struct.pack("<4sI", b"ICMT", 16) + b'{"from": "ICMT"}')
JSON = b'{"from": "own"} '


@pytest.mark.parametrize(
    ("chunks", "source"),
    [
        ([(b"agjs", 16, JSON), COMMENT], "own"),
        ([COMMENT, (b"agjs", 16, JSON)], "own"),
        ([COMMENT, (b"agjs", 0xFFFFFFFF, JSON)], "own"),  # zeros stand for what is missing
        ([COMMENT, (b"agjs", 0x7FFFFFFF, b"")], "ICMT"),
        ([COMMENT, (b"agjs", 0, b"")], "ICMT"),
        ([COMMENT, (b"agjs", 2, b"[]")], "ICMT"),
        ([COMMENT, (b"agjs", 2, b"\xff\xfe")], "ICMT"),
        ([COMMENT, (b"agjs", 200_000, b"[" * 200_000)], "ICMT"),  # deeper than json goes
        ([COMMENT, (b"agjs", 200, b'{"a":' + b"[" * 97 + b"]" * 97 + b"}")], "ICMT"),
        ([COMMENT, (b"agjs", 5006, b'{"a":' + b"9" * 5000 + b"}")], "ICMT"),  # more digits than Python reads
        ([COMMENT, (b"agjs", 3 << 20, b'{"a":"' + b"x" * ((3 << 20) - 8) + b'"}')], "ICMT"),
        ([(b"LIST", 0xFFFFFFFF, COMMENT[2])], "ICMT"),
        ([(b"LIST", 28, b"INFO" + struct.pack("<4sI", b"ICMT", 0xFFFFFFF0) + b'{"from": "ICMT"}')], "ICMT"),
        ([(b"LIST", 0xFFFFFFF0, b"INFO" + bytes(64))], None),
        ([(b"LIST", 1, b"I\0")], None),
        ([(b"LIST", 4, b"INFO")] * 3, None),
    ],
)
def test_lies_about_lengths_cost_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunks: list[tuple[bytes, int, bytes]], source: str | None
) -> None:
    asked = []
    plain_read = _riff.padded_read

    def counted(file: Any, offset: int, count: int) -> bytes:
        asked.append(count)
        return plain_read(file, offset, count)

    monkeypatch.setattr(_riff, "padded_read", counted)
    (tmp_path / "a.wav").write_bytes(riff(*chunks))
    assert read_tags(tmp_path / "a.wav") == ({"from": source} if source else {})
    assert max(asked) <= 1 << 20
    assert len(asked) < 100


def test_a_file_of_nothing_but_chunks_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_riff, "MAX_CHUNKS", 50)
    (tmp_path / "a.wav").write_bytes(riff(*[(b"junk", 0, b"")] * 60, (b"agjs", 16, JSON)))
    assert read_tags(tmp_path / "a.wav") == {}
    monkeypatch.setattr(_riff, "MAX_CHUNKS", 70)
    assert read_tags(tmp_path / "a.wav") == {"from": "own"}


def test_a_wav_cut_off_anywhere_is_read_without_trouble(tmp_path: Path) -> None:
    save(tmp_path / "a.wav", clip(), tags=NESTED)
    data = (tmp_path / "a.wav").read_bytes()
    for end in range(44 + 202, len(data), 5):
        (tmp_path / "b.wav").write_bytes(data[:end])
        read = read_tags(tmp_path / "b.wav")
        assert read in ({}, NESTED)
    (tmp_path / "b.wav").write_bytes(data[: data.index(b"agjs")])
    assert read_tags(tmp_path / "b.wav") == NESTED  # from the comment, behind its notice


def test_chunks_are_put_at_even_places(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(riff((b"junk", 1, b"x")))
    _riff.append(tmp_path / "a.wav", _riff.text_chunks({b"ICMT": b"{}"}, JSON))
    assert set(parts(tmp_path / "a.wav")) == {b"fmt ", b"data", b"junk", b"LIST", b"ICMT", b"agjs"}


def test_sound_that_reads_like_a_header_is_left_alone(tmp_path: Path) -> None:
    words = torch.frombuffer(bytearray(b"PEAKPEAKPEAKPEAKPEAK"), dtype=torch.int16)
    save(tmp_path / "a.wav", Clip(words[None].float() / 2**15, 8000), tags={"PEAK": "PEAK PEAK PEAK PEAK"})
    assert parts(tmp_path / "a.wav")[b"data"] == b"PEAK" * 5
    assert read_tags(tmp_path / "a.wav") == {"PEAK": "PEAK PEAK PEAK PEAK"}

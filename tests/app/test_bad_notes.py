"""A folder of files of notes that no command can serve, or not every one: a record each, and the run goes on."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from audio_gen.app.cli import main
from tests import notes
from tests.pipelines import drum_nets

END = b"\0\xff\x2f\0"
BEYOND = b"\xff\xff\xff\x7f\x90\x3c\x50\x10\x80\x3c\0"  # a note after the longest time that a delta tells


def voice(channel: int = 0, *, ends: bool = True) -> bytes:
    """Two bars of eighths."""
    body = b""
    for n in range(16):
        pitch = 36 + 2 * (n % 4) if channel == 9 else 60 + n % 7
        off = bytes([0x80 | channel, pitch, 0] if ends else [0xB0 | channel, 1, 1])
        body += bytes([0, 0x90 | channel, pitch, 80]) + b"\x81\x70" + off
    return body


def meter(beats: int, power: int) -> bytes:
    return b"\0\xff\x58\x04" + bytes([beats, power, 24, 8])


def midi(*bodies: bytes, kind: int = 0, division: int = 480) -> bytes:
    chunks = [b"MTrk" + struct.pack(">I", len(body + END)) + body + END for body in bodies]
    return b"MThd" + struct.pack(">IHHh", 6, kind, len(chunks), division) + b"".join(chunks)


FILES = {
    "empty.mid": b"",
    "words.mid": b"hello",
    "header.mid": midi(),
    "silent.mid": midi(b""),
    "cut.mid": midi(voice())[:60],
    "film.mid": midi(voice(), division=-25 * 256 + 40),
    "no_ticks.mid": midi(voice(), division=0),
    "patterns.mid": midi(voice(), voice(), kind=2),
    "open.mid": midi(voice(ends=False)),
    "open_drums.mid": midi(voice(9, ends=False)),
    "far.mid": midi(voice() + BEYOND),
    "no_beats.mid": midi(meter(0, 2) + voice()),
    "fives.mid": midi(meter(5, 2) + voice()),
    "sevens_drums.mid": midi(meter(7, 3) + voice(9)),
    "tiny_bars.mid": midi(meter(1, 6) + voice()),
    "huge_bars.mid": midi(meter(64, 0) + voice()),
    "no_time.mid": midi(b"\0\xff\x51\x03\0\0\0" + voice()),
    "good.mid": midi(voice()),
    "good_drums.mid": midi(voice(9)),
    "no_tune.abc": b"X:1\nK:\n||||:|\n",
    "bare.abc": b"X:1\nM:4/4\nL:1/4\nK:G\nGABc|dedB|\n",
    "broken.musicxml": b'<?xml version="1.0"?><score-partwise><part id="P1"><measure>',
    "packed.mxl": b"PK\3\4 but no archive",
}


@pytest.fixture
def folder(tiny: Any, tmp_path: Path) -> Path:
    notes.melody(tiny.folder)
    notes.composer(tiny.folder)
    for make in (drum_nets.rnn, drum_nets.feeling):
        make(tiny.folder)
    place = tmp_path / "in"
    place.mkdir()
    for name, data in FILES.items():
        (place / name).write_bytes(data)
    return place


@pytest.mark.parametrize(
    ("command", "served"),
    [
        (["continue", "--bars", "1"], {"good.mid", "fives.mid", "bare.abc"}),
        (["infill", "--bars", "1"], {"good.mid", "fives.mid", "bare.abc"}),
        (["harmonise"], {"good.mid", "fives.mid", "bare.abc"}),
        (["drums"], {"good.mid", "fives.mid", "bare.abc", "open.mid"}),
        (["humanise"], {"good_drums.mid", "sevens_drums.mid", "open_drums.mid"}),
    ],
)
def test_each_file_has_a_record_and_those_that_can_are_served(
    folder: Path, command: list[str], served: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("music21", reason="music21 is not installed")
    assert main([*command, str(folder), "-o", str(folder.parent / "out"), "--jobs", "1", "--quiet"]) == 1
    records = {Path(one["path"]).name: one for one in map(json.loads, capsys.readouterr().out.splitlines())}
    assert records.keys() == FILES.keys()
    assert {name for name, one in records.items() if one["ok"]} >= served
    failed = {name: one["error"] for name, one in records.items() if not one["ok"]}
    assert {error["type"] for error in failed.values()} <= {"DecodeError", "ParameterError"}, failed
    made = sorted(path.stem for path in (folder.parent / "out").glob("*.mid"))
    assert len(made) == len(records) - len(failed)

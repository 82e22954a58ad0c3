"""MIDI ↔ Score: an exact round trip, and files that can't serve."""

import struct
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_gen.errors import DecodeError, ParameterError
from audio_gen.symbolic.chords import QUALITIES
from audio_gen.symbolic.midi import MAX_QUARTERS, midi_bytes, read_midi
from audio_gen.symbolic.score import NOTE, UNITS, Chord, Key, Meter, Score, Tempo, Track, notes_of

quick = settings(max_examples=100, deadline=None, database=None)
END = b"\x00\xff\x2f\x00"
Message = tuple[int, bytes]


def chunk(*messages: Message, end: bytes = END) -> bytes:
    """(ticks after the one before, bytes) each, ticks below 2^14."""
    body = b"".join(bytes([ticks >> 7 | 128, ticks & 127]) + message for ticks, message in messages) + end
    return b"MTrk" + struct.pack(">I", len(body)) + body


def midi(*chunks: bytes, kind: int = 1, division: int = 480, count: int | None = None) -> bytes:
    return b"MThd" + struct.pack(">IHHH", 6, kind, len(chunks) if count is None else count, division) + b"".join(chunks)


def on(pitch: int, velocity: int = 100, channel: int = 0) -> bytes:
    return bytes([0x90 | channel, pitch, velocity])


def off(pitch: int, channel: int = 0) -> bytes:
    return bytes([0x80 | channel, pitch, 0])


def meta(kind: int, *data: int) -> bytes:
    return bytes([0xFF, kind, len(data), *data])


def notes(data: bytes) -> list[list[tuple[int, ...]]]:
    return [track.notes.tolist() for track in read_midi(data, "a.mid").tracks]


NOTE_PAIR = ((0, on(60)), (100, off(60)))


def signs(*values: st.SearchStrategy[object], first: bool = False) -> st.SearchStrategy[list[tuple[object, ...]]]:
    """Tuples that begin with onsets, which rise; where `first`, from 0 on."""

    def sorted_rows(rows: list[tuple[int, ...]]) -> list[tuple[object, ...]]:
        rows = sorted(rows)
        return [(0, *rows[0][1:]), *(row for row in rows[1:] if row[0])] if first else list(rows)

    rows = st.lists(
        st.tuples(st.integers(0, 20_000), *values), min_size=first, max_size=5, unique_by=lambda row: row[0]
    )
    return rows.map(sorted_rows)


@st.composite
def tracks(draw: st.DrawFn) -> Track:
    rows = st.tuples(st.integers(0, 5000), st.integers(1, 2000), st.integers(0, 127), st.integers(1, 127))
    names = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
    found = notes_of(draw(st.lists(rows, max_size=20)))
    return Track(found, draw(names), draw(st.integers(0, 127)), draw(st.booleans()))


@st.composite
def scores(draw: st.DrawFn) -> Score:
    tempi = st.one_of(st.integers(4, 1000).map(float), st.integers(36, 10_000).map(lambda tenths: tenths / 10))
    pitch_class = st.integers(0, 11)
    chords = draw(signs(pitch_class, st.sampled_from(["", *QUALITIES]), pitch_class))
    return Score(
        tuple(draw(st.lists(tracks(), max_size=4))),
        tuple(Meter(*row) for row in draw(signs(st.integers(1, 64), st.sampled_from(UNITS), first=True))),
        tuple(Tempo(*row) for row in draw(signs(tempi, first=True))),
        tuple(Key(*row) for row in draw(signs(pitch_class, st.booleans()))),
        tuple(Chord(*row) if row[2] else Chord(row[0], 0, "", 0) for row in chords),
    )


@quick
@given(scores())
def test_what_is_written_comes_back(score: Score) -> None:
    data = midi_bytes(score)
    assert read_midi(data, "a.mid") == score
    assert midi_bytes(read_midi(data, "a.mid")) == data


@quick
@given(st.floats(3.58, 1000))
def test_any_tempo_comes_back_within_a_microsecond_and_then_exactly(bpm: float) -> None:
    once = read_midi(midi_bytes(Score((), tempi=(Tempo(0, bpm),))), "a.mid")
    assert abs(60e6 / once.tempi[0].bpm - 60e6 / bpm) <= 1
    assert read_midi(midi_bytes(once), "a.mid") == once


@quick
@given(st.data())
def test_whatever_the_bytes_the_answer_is_a_score_or_a_reason(data: st.DataObject) -> None:
    many = [(37, on(pitch, 64, pitch % 16)) for pitch in range(40, 60)] + [
        (50, off(pitch, pitch % 16)) for pitch in range(40, 60)
    ]
    more = chunk((0, meta(3, 97)), (0, meta(0x51, 7, 0, 0)), (0, meta(0x58, 3, 2, 24, 8)), (9, b"\xc0\x05"), *many)
    broken = bytearray(midi(more, chunk(*many), division=96))
    for _ in range(data.draw(st.integers(1, 12))):
        place = data.draw(st.integers(0, len(broken)))
        broken[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    try:
        score = read_midi(bytes(broken), "a.mid")
    except DecodeError:
        return
    assert read_midi(midi_bytes(score), "b.mid") == score


@quick
@given(st.binary(max_size=200))
def test_noise_in_a_track_is_a_score_or_a_reason(noise: bytes) -> None:
    with suppress(DecodeError):
        read_midi(midi(b"MTrk" + struct.pack(">I", len(noise)) + noise), "a.mid")


def test_another_reader_finds_the_same() -> None:
    symusic = pytest.importorskip("symusic", reason="symusic is not installed")
    random = np.random.default_rng(0)
    rows = np.zeros(200, NOTE)
    rows["onset"], rows["duration"] = random.integers(0, 9000, 200), random.integers(1, 900, 200)
    rows["pitch"], rows["velocity"] = random.integers(20, 100, 200), random.integers(1, 128, 200)
    score = Score(
        (Track(rows, "piano", 3), Track(rows[::2], "kit", 0, True)),
        (Meter(0, 7, 8),),
        (Tempo(0, 93.5),),
        (Key(0, 2, True),),
    )
    other = symusic.Score.from_midi(midi_bytes(score))
    assert [(track.name, track.program, track.is_drum) for track in other.tracks] == [
        ("piano", 3, False),
        ("kit", 0, True),
    ]
    for mine, theirs in zip(score.tracks, other.tracks, strict=True):
        found = sorted((note.time, note.pitch, note.duration, note.velocity) for note in theirs.notes)
        assert found == sorted((onset, pitch, length, loud) for onset, length, pitch, loud in mine.notes.tolist())
    assert [(one.numerator, one.denominator) for one in other.time_signatures] == [(7, 8)]
    assert [round(one.qpm, 3) for one in other.tempos] == [93.5]
    assert [(one.key, one.tonality) for one in other.key_signatures] == [(-1, 1)]


def test_drums_are_on_channel_ten_and_others_never() -> None:
    sixteen = [Track(notes_of([(0, 10, 60, 80)]), program=number) for number in range(16)]
    data = midi_bytes(Score((*sixteen, Track(notes_of([(0, 10, 36, 80)]), is_drum=True))))
    assert data.count(bytes([0x99, 36, 80])) == 1
    assert bytes([0x99, 60, 80]) not in data
    assert read_midi(data, "a.mid").tracks == (*sixteen, Track(notes_of([(0, 10, 36, 80)]), is_drum=True))


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([(0, on(60)), (100, off(60))], [(0, 100, 60, 100)]),
        ([(0, on(60)), (100, on(60, 0))], [(0, 100, 60, 100)]),  # velocity 0 ends a note
        (
            [(0, on(60)), (100, bytes([62, 90])), (0, bytes([60, 0])), (5, off(62))],
            [(0, 100, 60, 100), (100, 5, 62, 90)],
        ),
        ([(0, on(60)), (0, off(60))], [(0, 1, 60, 100)]),  # no length
        (
            [(0, on(60)), (480, on(62)), (100, off(62)), (100, meta(1))],
            [(0, 680, 60, 100), (480, 100, 62, 100)],
        ),  # no end
        ([(5, on(60))], [(5, 1, 60, 100)]),
        ([(0, on(60)), (9, on(60, 80)), (9, off(60)), (9, off(60))], [(0, 9, 60, 100), (9, 18, 60, 80)]),  # overlap
        ([(0, on(60)), (9, on(60, 80)), (0, off(60)), (9, off(60))], [(0, 9, 60, 100), (9, 9, 60, 80)]),
        ([(0, off(60)), (3, on(60)), (3, off(60, 1)), (3, off(60))], [(3, 6, 60, 100)]),
        (
            [(0, b"\xf0\x02\x01\xf7"), (1, b"\xb0\x40\x7f"), (1, b"\xe0\x00\x40"), (1, on(60)), (1, off(60))],
            [(3, 1, 60, 100)],
        ),
        ([(0, on(200, 250)), (1, off(200))], [(0, 1, 127, 127)]),  # players bring data bytes into range
    ],
)
def test_notes_as_players_take_them(messages: Sequence[Message], expected: list[tuple[int, ...]]) -> None:
    assert notes(midi(chunk(*messages))) == [expected]
    assert notes(midi(chunk(*messages, end=b""), kind=0)) == [expected]  # without an End of Track


def test_a_chunk_is_a_track_for_each_channel_and_program() -> None:
    mixed = chunk(
        (0, meta(3, *b"song")), (0, b"\xc1\x05"), (0, on(60, 100, 1)), (0, on(36, 90, 9)),
        (10, off(60, 1)), (0, off(36, 9)), (0, b"\xc1\x07"), (0, on(64, 80, 1)), (5, off(64, 1)),
    )  # fmt: skip
    found = read_midi(midi(mixed, kind=0), "a.mid").tracks
    assert [(one.name, one.program, one.is_drum) for one in found] == [
        ("song", 5, False),
        ("song", 0, True),
        ("song", 7, False),
    ]
    assert [one.notes.tolist() for one in found] == [[(0, 10, 60, 100)], [(0, 10, 36, 90)], [(10, 5, 64, 80)]]


def test_instruments_may_be_set_up_in_a_chunk_before() -> None:
    found = read_midi(
        midi(chunk((0, b"\xc0\x18"), (0, b"\xc1\x21")), chunk((0, on(60, 9, 1)), (1, off(60, 1)))), "a.mid"
    )
    assert [(one.program, len(one.notes)) for one in found.tracks] == [(33, 1)]


@pytest.mark.parametrize("division", [1, 24, 96, 384, 960, 32767])
def test_other_resolutions_come_to_the_nearest_tick(division: int) -> None:
    random = np.random.default_rng(division)
    gaps = random.integers(0, 2000, 20)
    data = midi(chunk(*((int(gap), on(pitch)) for pitch, gap in enumerate(gaps))), division=division)
    if int(gaps.sum()) > MAX_QUARTERS * division:
        return
    found = sorted(notes(data)[0], key=lambda note: note[2])
    for note, at in zip(found, np.cumsum(gaps).tolist(), strict=True):
        assert abs(note[0] - at * 480 / division) <= 0.5


def test_names_in_older_encodings_and_packed_files() -> None:
    plain = midi(chunk((0, meta(3, *"Flöte".encode("latin-1"))), *NOTE_PAIR))
    assert read_midi(plain, "a.mid").tracks[0].name == "Flöte"
    assert notes(b"RIFF\0\0\0\0RMIDdata\0\0\0\0" + plain) == notes(plain)
    alien = plain[:14] + b"XFIH" + struct.pack(">I", 3) + b"abc" + plain[14:] + b"and more"
    assert notes(alien) == notes(plain)


def test_what_the_file_tells_of_metre_tempo_and_key() -> None:
    told = chunk(
        (0, meta(0x58, 5, 2, 24, 8)), (0, meta(0x59, 0xFD, 1)),
        (96, meta(0x51, 0x06, 0x8A, 0x1B)), (0, meta(0x58, 7, 3, 24, 8)),
        (0, meta(0x59, 99, 0)), (0, meta(6, *b"verse")), (0, meta(6, *b"chord:what")), (0, meta(6, *b"chord:F#m7b5")),
    )  # fmt: skip
    score = read_midi(midi(told, chunk(*NOTE_PAIR), division=96), "a.mid")
    assert score.meters == (Meter(0, 5, 4), Meter(480, 7, 8))
    assert score.tempi == (Tempo(0, 120.0), Tempo(480, 140.0))  # 428,571 microseconds
    assert score.keys == (Key(0, 0, True),)
    assert score.chords == (Chord(480, 6, "m7b5", 6),)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "MThd"),
        (b"MThd", "header breaks off"),
        (b"no music at all, only text", "MThd"),
        (midi(chunk(*NOTE_PAIR))[:-6], "breaks off in track 1 of 1"),
        (midi(chunk(*NOTE_PAIR), count=2), "breaks off in track 2 of 2"),
        (midi(chunk(*NOTE_PAIR), division=0), "0 ticks a quarter"),
        (midi(chunk(*NOTE_PAIR), division=0xE728), "SMPTE"),
        (midi(chunk(*NOTE_PAIR), chunk(*NOTE_PAIR), kind=2), "2 patterns apart"),
        (midi(chunk((0, meta(0x58, 0, 2, 24, 8)))), "0/4"),
        (midi(chunk((0, meta(0x58, 4, 7, 24, 8)))), "4/128"),
        (midi(chunk((0, meta(0x58, 4, 255, 24, 8)))), "metre"),
        (midi(chunk((0, meta(0x51, 0, 0, 0)))), "tempo is 1 to 1000 bpm, not inf"),
        (midi(chunk((0, meta(0x51, 0, 0, 9)))), "tempo is 1 to 1000"),
        (midi(chunk((0, b"\x05\x05"))), "no event begins"),
        (midi(chunk((0, b"\xf4\x05"))), "no event begins with the byte 244"),
        (midi(chunk((0, b"\xff\x01\x7fabc"))), "an event breaks off"),
        (midi(chunk((0, on(60)), end=b"\x84")), "an event breaks off"),
        (midi(chunk((0, on(60)), end=b"\xff\xff\xff\xff\x7f\x90")), "more than four bytes"),
        (midi(chunk((0, on(60)), end=b"\xff\xff\xff\x7f" + END[1:]), division=1), "268435455 quarters"),
        (midi(chunk((0, on(60)), end=b"\xff\xff\xff\x7f\xff\x51\x03\x07\0\0"), division=1), "268435455 quarters"),
        (bytes(1 + (1 << 24)), "16777217 bytes"),
    ],
)
def test_a_file_that_can_not_serve_says_why(data: bytes, message: str) -> None:
    with pytest.raises(DecodeError, match=message) as caught:
        read_midi(data, "b/a.mid")
    assert "'b/a.mid'" in str(caught.value)


def test_one_pattern_of_type_2_is_as_good_as_type_0() -> None:
    assert notes(midi(chunk(*NOTE_PAIR), kind=2)) == [[(0, 100, 60, 100)]]


@pytest.mark.parametrize(
    ("score", "message"),
    [
        (Score((), tempi=(Tempo(0, 3.5),)), "no tempo under 3.576"),
        (Score((Track(notes_of([(480 * MAX_QUARTERS, 1, 60, 80)])),), tempi=(Tempo(0, 120),)), None),
        (Score((Track(notes_of([(480 * MAX_QUARTERS, 480, 60, 80)])),)), f"{MAX_QUARTERS + 1} quarters"),
        (Score((), meters=(Meter(0, 4, 4), Meter(60_000_000, 4, 4))), "quarters"),
        (Score((), chords=(Chord(0, 0, "m11", 0),)), "m11"),
    ],
)
def test_what_midi_can_not_hold_is_refused(score: Score, message: str | None) -> None:
    with pytest.raises(ParameterError, match=message or f"it lasts {MAX_QUARTERS} quarters"):
        midi_bytes(score)


@pytest.mark.slow
def test_two_hundred_thousand_notes_are_read() -> None:
    pair = b"\x01\x90\x3c\x40\x01\x3c\x00"
    body = pair * 200_000 + END
    score = read_midi(midi(b"MTrk" + struct.pack(">I", len(body)) + body), "a.mid")
    assert (score.notes, score.end) == (200_000, 400_000)

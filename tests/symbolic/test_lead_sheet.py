"""ABC and MusicXML as scores: notes, bars, keys, chords, repeats; and what can't be read."""

import io
import zipfile

import pytest

from audio_gen.errors import DecodeError
from audio_gen.symbolic.lead_sheet import abc_tunes, read_abc, read_musicxml, read_tune
from audio_gen.symbolic.score import Chord, Key, Meter, Score, Tempo

pytest.importorskip("music21", reason="music21 is not installed")

TUNE = """X:1
T:Two Bars
M:3/4
L:1/4
Q:1/4=96
K:Dm
"Dm"D E "A7/C#"F|"N.C."G3-|G2 z|
"""
XML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">
<score-partwise version="4.0">
<part-list><score-part id="P1"><part-name>Lead</part-name></score-part></part-list>
<part id="P1">
<measure number="0" implicit="yes"><attributes><divisions>2</divisions><key><fifths>-2</fifths><mode>minor</mode></key>
<time><beats>4</beats><beat-type>4</beat-type></time></attributes>
<note><pitch><step>D</step><octave>5</octave></pitch><duration>2</duration></note></measure>
<measure number="1"><harmony><root><root-step>G</root-step></root><kind>minor-seventh</kind></harmony>
<note><pitch><step>B</step><alter>-1</alter><octave>4</octave></pitch><duration>4</duration></note>
<note><chord/><pitch><step>G</step><octave>4</octave></pitch><duration>4</duration></note>
<harmony><root><root-step>E</root-step><root-alter>-1</root-alter></root><kind>major-seventh</kind></harmony>
<note><grace/><pitch><step>C</step><octave>5</octave></pitch></note>
<note><pitch><step>A</step><octave>4</octave></pitch><duration>4</duration></note></measure>
<measure number="2"><note><rest/><duration>8</duration></note></measure>
</part></score-partwise>"""


def abc(body: str, *fields: str) -> Score:
    return read_tune("\n".join(["X:1", "L:1/4", *(fields or ("M:4/4", "K:C")), body, ""]))[1]


def places(score: Score) -> list[tuple[int, int, int]]:
    return [(onset, duration, pitch) for onset, duration, pitch, _ in score.tracks[0].notes.tolist()]


def test_a_tune_with_chords() -> None:
    title, score = read_tune(TUNE)
    assert title == "Two Bars"
    assert places(score) == [(0, 480, 62), (480, 480, 64), (960, 480, 65), (1440, 2400, 67)]  # the tie is one note
    assert score.meters == (Meter(0, 3, 4),)
    assert score.tempi == (Tempo(0, 96.0),)
    assert score.keys == (Key(0, 2, True),)
    assert score.chords == (Chord(0, 2, "min", 2), Chord(960, 9, "7", 1), Chord(1440, 0, "", 0))
    assert not score.tracks[0].polyphonic


def test_repeats_and_their_endings_are_played_out() -> None:
    score = abc("|:CDEF|[1GGGG:|[2cccc||")
    assert [pitch for _, _, pitch in places(score)] == [*(60, 62, 64, 65), *[67] * 4, *(60, 62, 64, 65), *[72] * 4]
    assert score.meters == (Meter(0, 4, 4),)


def test_an_upbeat_is_a_short_bar_and_so_is_one_that_a_repeat_cuts() -> None:
    score = abc("G|:CDEF|GGG:|A|CDEF|GFEz|")
    assert score.meters == (Meter(0, 1, 4), Meter(480, 4, 4), Meter(2400, 3, 4), Meter(3840, 4, 4))
    assert [bar.start for bar in score.bars()] == [0, 480, 2400, 3840, 5760, 7680, 9600]  # GGG and A are one bar
    assert [pitch for onset, _, pitch in places(score) if onset in (0, 480, 5760, 7680)] == [67, 60, 67, 60]


def test_short_bars_that_are_one_together_are_one() -> None:
    score = abc("A|CDEF|GGG:|A|CDEF|")
    assert score.meters[:2] == (Meter(0, 1, 4), Meter(480, 4, 4))
    assert all(meter.beats in (1, 4) for meter in score.meters)


def test_metres_may_change() -> None:
    score = abc("CDEF|[M:3/4]CDE|[M:7/8]C3D/|CDE|", "M:4/4", "K:G")
    assert score.meters[:3] == (Meter(0, 4, 4), Meter(1920, 3, 4), Meter(3360, 7, 8))
    assert score.keys == (Key(0, 7, False),)


def test_without_chords_metre_or_mode() -> None:
    score = abc("CDEF|GABc|", "K:Edor")
    assert score.chords == ()
    assert score.keys == (Key(0, 4, True),)
    assert score.meters[0] == Meter(0, 4, 4)


def test_triplets_are_exact() -> None:
    assert [row[:2] for row in places(abc("(3C/D/E/ F z2|"))] == [(0, 160), (160, 160), (320, 160), (480, 480)]


def test_a_bass_as_the_nottingham_collection_writes_it() -> None:
    assert abc('"D/f+"D2"B-/d"D2|').chords == (Chord(0, 2, "maj", 6), Chord(960, 10, "maj", 2))
    assert abc('"D"D2"slowly"D2|').chords == (Chord(0, 2, "maj", 2),)


def test_an_accidental_holds_to_the_end_of_its_bar() -> None:
    assert [pitch for _, _, pitch in places(abc("^GGgG|G=G^GG|"))] == [68, 68, 80, 68, 67, 67, 68, 68]
    assert places(abc("^G2-G2|G4|")) == [(0, 1920, 68), (1920, 1920, 67)]


def test_ties_join_one_pitch_and_go_over_repeats() -> None:
    assert places(abc("C4-|C4-|C2D2|")) == [(0, 4800, 60), (4800, 960, 62)]
    assert places(abc("C2-D2|")) == [(0, 960, 60), (960, 960, 62)]  # a slur, written as a tie


def test_text_over_notes_that_is_no_chord_stops_none() -> None:
    assert abc('"Am"A2"Fine"A2|"D.C."A2"(E7)"A2|"N.C."A4|').chords == (
        *(Chord(0, 9, "min", 9), Chord(2880, 4, "7", 4)),
        Chord(3840, 0, "", 0),
    )


def test_two_voices_keep_their_chords() -> None:
    score = abc('V:1\n"Am"A4|"E7"B4|\nV:2\nC4|E4|', "M:4/4", "K:Am")
    assert [track.notes["pitch"].tolist() for track in score.tracks] == [[69, 71], [60, 64]]
    assert score.chords == (Chord(0, 9, "min", 9), Chord(1920, 4, "7", 4))


def test_several_tunes_and_what_stands_before_them() -> None:
    text = (
        "%abc\nM:3/4\n\n" + TUNE.replace("M:3/4\n", "") + "\n" + TUNE.replace("X:1\nT:Two Bars\nM:3/4", "X:2\nT:Next")
    )
    assert [tune.splitlines()[0] for tune in abc_tunes(text)] == ["X:1", "X:2"]
    found = read_abc(text)
    assert [title for title, _ in found] == ["Two Bars", "Next"]
    assert found[0][1] == found[1][1] == read_tune(TUNE)[1]


def test_musicxml_packed_or_not() -> None:
    score = read_musicxml(XML.encode())
    assert score.tracks[0].name == "Lead"
    assert places(score) == [(0, 480, 74), (480, 960, 67), (480, 960, 70), (1440, 960, 69)]
    assert score.meters == (Meter(0, 1, 4), Meter(480, 4, 4))
    assert score.keys == (Key(0, 7, True),)
    assert score.chords == (Chord(480, 7, "m7", 7), Chord(1440, 3, "maj7", 3))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/container.xml", "<container/>")
        archive.writestr("song.musicxml", XML)
    assert read_musicxml(packed.getvalue()) == score


def test_parts_are_tracks_and_sound_where_the_instrument_sounds() -> None:
    part = XML[XML.index('<part id="P1">') : XML.index("</score-partwise>")].replace("P1", "P2")
    part = part.replace("</time></attributes>", "</time><transpose><chromatic>-2</chromatic></transpose></attributes>")
    two = XML.replace("</score-partwise>", part + "</score-partwise>").replace(
        "</part-list>", '<score-part id="P2"><part-name>Clarinet</part-name></score-part></part-list>'
    )
    score = read_musicxml(two.encode())
    assert [track.name for track in score.tracks] == ["Lead", "Clarinet"]
    lead, clarinet = (track.notes["pitch"] for track in score.tracks)
    assert (lead - clarinet == 2).all()
    assert score.keys == (Key(0, 7, True),)
    assert score.chords == (Chord(480, 7, "m7", 7), Chord(1440, 3, "maj7", 3))


@pytest.mark.parametrize("text", ["", "no tune", "T:Title\nK:C\nCDE|"])
def test_text_without_a_tune_is_refused(text: str) -> None:
    with pytest.raises(DecodeError, match=r"'a\.abc' holds no ABC tune"):
        read_abc(text, "a.abc")


@pytest.mark.parametrize("text", ["X:1\n", "X:1\nK:C\n", "X:1\nM:0/0\nK:C\nCDE|", "X:1\nM:4/4\nK:C\n\0\0|["])
def test_a_tune_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(DecodeError, match=r"a\.abc"):
        read_abc(text, "a.abc")


@pytest.mark.parametrize(
    "data",
    [b"", b"<score-partwise>", b"<html></html>", XML[:900].encode(), b"PK\3\4 but no archive", b"<score-partwise/>"],
)
def test_musicxml_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError, match=r"a\.xml"):
        read_musicxml(data, "a.xml")


def test_an_archive_that_unpacks_to_very_much_is_refused() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("song.xml", b" " * ((1 << 24) + 1))
    with pytest.raises(DecodeError, match="16777217"):
        read_musicxml(packed.getvalue())
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("song.txt", "x")
    with pytest.raises(DecodeError, match="without MusicXML"):
        read_musicxml(empty.getvalue())

"""Files of notes: known by what is in them; written whole; and which track serves."""

from pathlib import Path

import pytest

from audio_gen.errors import DecodeError, ParameterError
from audio_gen.symbolic.files import drum_track, one_voice, read_notes, write_notes
from audio_gen.symbolic.midi import midi_bytes
from audio_gen.symbolic.score import Chord, Meter, Score, Tempo, Track, notes_of

MELODY = Track(notes_of([(0, 480, 60, 80), (480, 480, 62, 80)]), "Voice", 53)
CHORDS = Track(notes_of([(0, 480, 60, 80), (0, 480, 64, 80)]), "Piano")
DRUMS = Track(notes_of([(0, 60, 36, 80)]), "", 0, True)
EMPTY = Track(notes_of([]), "Title")
TUNE = "X:1\nT:A\nM:4/4\nL:1/4\nK:C\nCDEF|\n"
XML = """<?xml version="1.0"?>
<score-partwise><part-list><score-part id="P1"><part-name>A</part-name></score-part></part-list>
<part id="P1"><measure number="1"><attributes><divisions>1</divisions>
<time><beats>4</beats><beat-type>4</beat-type></time></attributes>
<note><pitch><step>C</step><octave>4</octave></pitch><duration>4</duration></note></measure></part></score-partwise>"""


def test_what_is_written_is_read(tmp_path: Path) -> None:
    score = Score((MELODY, CHORDS, DRUMS), (Meter(0, 3, 4),), (Tempo(0, 97.3),), chords=(Chord(0, 2, "m7", 9),))
    for name in ("a.mid", "deep/b.MIDI"):
        write_notes(tmp_path / name, score)
        assert read_notes(tmp_path / name) == score
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["a.mid", "b.MIDI"]
    assert (tmp_path / "a.mid").read_bytes() == (tmp_path / "deep/b.MIDI").read_bytes()


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    write_notes(tmp_path / "a.mid", Score((MELODY,)))
    with pytest.raises(ParameterError, match="bpm"):
        write_notes(tmp_path / "a.mid", Score((MELODY,), tempi=(Tempo(0, 2.0),)))
    assert read_notes(tmp_path / "a.mid") == Score((MELODY,))
    with pytest.raises(ParameterError, match=r"\.mid, not '\.abc'"):
        write_notes(tmp_path / "a.abc", Score((MELODY,)))


def test_the_content_tells_not_the_name(tmp_path: Path) -> None:
    pytest.importorskip("music21", reason="music21 is not installed")
    (tmp_path / "midi.abc").write_bytes(midi_bytes(Score((MELODY,))))
    (tmp_path / "abc.xml").write_text(TUNE)
    (tmp_path / "xml.mid").write_bytes(b"\xef\xbb\xbf\n" + XML.encode())
    (tmp_path / "16.xml").write_bytes(XML.encode("utf-16"))
    assert read_notes(tmp_path / "midi.abc") == Score((MELODY,))
    assert read_notes(str(tmp_path / "abc.xml")).tracks[0].notes["pitch"].tolist() == [60, 62, 64, 65]
    assert read_notes(tmp_path / "xml.mid") == read_notes(tmp_path / "16.xml")
    assert read_notes(tmp_path / "xml.mid").tracks[0].notes.tolist() == [(0, 1920, 60, 80)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "0 bytes"),
        (b"some text", "MIDI"),
        (b"\x00\x01\xff\xfe" * 9, "MIDI"),
        (b"<html>K:</html>", "MIDI"),
        (b"RIFF\0\0\0\0WAVEfmt ", r"a recording \(WAV\), not MIDI"),
        (b"fLaC\0\0\0\x22", r"a recording \(FLAC\)"),
        (b"OggS\0\2", r"a recording \(OGG\)"),
        (b"ID3\4\0\0\0\0\0\0" + (b"\xff\xfb\x90\0" + bytes(413)) * 4, r"a recording \(MP3\)"),
        (b"RIFF\0\0\0\0RMIDdata", "damaged MIDI"),
        (TUNE.encode() + b"\n" + TUNE.encode(), "2 tunes"),
        (b"PK\3\4", "MusicXML"),
    ],
)
def test_other_files_are_refused_by_path(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.mid").write_bytes(content)
    with pytest.raises(DecodeError, match=message) as caught:
        read_notes(tmp_path / "a.mid")
    assert str(tmp_path / "a.mid") in str(caught.value)


def test_folders_and_missing_files_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.mid", tmp_path / "a\0b.mid"):
        with pytest.raises(DecodeError, match=r"no file|can't be read"):
            read_notes(path)


def test_the_only_track_that_serves_is_found() -> None:
    score = Score((EMPTY, CHORDS, MELODY, DRUMS))
    assert one_voice(score) == one_voice(score, 3) == 2
    assert drum_track(score) == drum_track(score, 4) == 3


@pytest.mark.parametrize(
    ("tracks", "chosen", "message"),
    [
        ((CHORDS, CHORDS), None, r"one voice, and none .* tracks: 1 'Piano' \(2 notes, polyphonic\), 2 'Piano'"),
        (
            (MELODY, CHORDS, MELODY),
            None,
            r"2 of the tracks would do; use --track 1 or 3; tracks: 1 'Voice' \(2 notes, one",
        ),
        ((MELODY, CHORDS), 2, r"track 2 isn't that; tracks: 1 'Voice'"),
        ((MELODY, EMPTY), 2, r"track 2 isn't that; .* 2 'Title' \(0 notes\)"),
        ((MELODY, DRUMS), 2, r"track 2 isn't that; .* 2 \(1 note, drums\)"),
        ((MELODY,), 0, "no track 0; tracks: 1 'Voice'"),
        ((MELODY,), 2, "no track 2"),
        ((), None, "it has no tracks"),
    ],
)
def test_a_track_that_does_not_serve_is_refused(tracks: tuple[Track, ...], chosen: int | None, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        one_voice(Score(tracks), chosen)


def test_without_drums_the_message_says_so() -> None:
    with pytest.raises(ParameterError, match=r"drums \(channel 10\), and none .* tracks: 1 'Voice'"):
        drum_track(Score((MELODY,)))

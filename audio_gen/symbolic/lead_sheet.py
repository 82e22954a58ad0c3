"""ABC and MusicXML → Score, through music21: tunes with metres, key and chords (`_notation`)."""

import io
import re
import zipfile
from typing import Any

from audio_gen.errors import DecodeError, ParameterError
from audio_gen.symbolic._notation import score_of
from audio_gen.symbolic.score import Score

MAX_BYTES = 1 << 24  # of a tune or an unpacked MusicXML file: a packed one can hold a thousand times its size
_CHORD = re.compile(r"(?i:n\.?c\.?|none|nochord)$|[A-G][b#]?($|[-+/\d^°ø]|m|M|dim|aug|sus|add|o\d?$)")
# ABC of a tune that tells none: in music21's default, 1.3, an accidental holds for one note; in tunes it is for the bar
_VERSION = (2, 0, 0)
_ANY_CHORD = "NC"  # one that music21 has no pitches to find for


def abc_tunes(text: str) -> list[str]:
    """The tunes of an ABC file, each from its `X:` on; fields that stand before the first are put into each."""
    head, *tunes = re.split(r"(?m)^(?=X:)", text)
    fields = "".join(line for line in head.splitlines(keepends=True) if re.match(r"[A-WZ]:", line))
    return [re.sub(r"\A(X:.*\n)", lambda found: found[1] + fields, tune) for tune in tunes]


def read_abc(text: str, name: str = "ABC") -> list[tuple[str, Score]]:
    """(title, score) of each tune.

    Raises:
        DecodeError: no tune, or one of them can't be read.
        ParameterError: music21 isn't there.
    """
    tunes = abc_tunes(text)
    if not tunes:
        raise DecodeError(f"{name!r} holds no ABC tune: one begins with a line X: and a number, and has a line K:")
    return [read_tune(tune, f"{name}, {tune.split(chr(10), 1)[0].strip()}") for tune in tunes]


def read_tune(text: str, name: str = "ABC") -> tuple[str, Score]:
    """(title, score) of one ABC tune.

    Raises:
        DecodeError: it can't be read, or has no notes.
        ParameterError: music21 isn't there.
    """
    _check_size(len(text), name)
    music21 = _music21()
    try:
        stream, figures = _abc_stream(music21, text)
        title = str(getattr(stream.metadata, "title", None) or "")
    except Exception as error:  # music21 has many, and lets others through
        raise _unreadable(name, error) from error
    return title, _score_of(stream, name, figures)


def read_musicxml(data: bytes, name: str = "MusicXML") -> Score:
    """The score in a MusicXML file, packed (.mxl) or not; a part is a track.

    Raises:
        DecodeError: it can't be read, or has no notes.
        ParameterError: music21 isn't there.
    """
    music21 = _music21()
    text = _unpacked(data, name) if data[:2] == b"PK" else data
    _check_size(len(text), name)
    try:
        importer = music21.musicxml.xmlToM21.MusicXMLImporter()
        importer.xmlText = text
        importer.parseXMLText()
        stream = importer.stream
    except Exception as error:
        raise _unreadable(name, error) from error
    return _score_of(stream, name)


def _unpacked(data: bytes, name: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            inside = [
                one
                for one in archive.infolist()
                if one.filename.lower().endswith((".xml", ".musicxml")) and not one.filename.startswith("META-INF")
            ]
            if not inside:
                raise DecodeError(f"{name!r} is a packed file without MusicXML in it; export it again")
            _check_size(inside[0].file_size, name)
            with archive.open(inside[0]) as file:
                return file.read(MAX_BYTES + 1)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError) as error:
        raise _unreadable(name, error) from error


def _abc_stream(music21: Any, text: str) -> tuple[Any, tuple[str, ...] | None]:
    """music21's stream of a tune, and the figures of its chord symbols in their order, if they were left out of it.

    To make a chord symbol, music21 works out its pitches, which takes longer than all the notes. So of a tune of one
    voice, in which symbols come in the order of the text, it is given "no chord" in place of each.
    """
    handler = music21.abcFormat.ABCHandler(abcVersion=_VERSION)
    handler.process(text)
    if handler.definesReferenceNumbers():  # a tune alone is no book of tunes
        handler = next(iter(handler.splitByReferenceNumber().values()))
    figures = None
    if not re.search(r"(?m)^V:|\[V:", text):
        figured = [token for token in handler.tokens if getattr(token, "chordSymbols", None)]
        figures = tuple(_figure(token.chordSymbols[0]) for token in figured)
        for token in figured:
            token.chordSymbols = [_ANY_CHORD]
    stream = music21.stream.Score()
    music21.abcFormat.translate.abcToStreamScore(handler, stream)
    return stream, figures


def _figure(text: str) -> str:
    """What stands in quotation marks, if it is a chord: other text, such as "slowly" or "Fine", is "" here."""
    figure = re.sub(r'["()\s]', "", text)
    return figure if _CHORD.match(figure) else ""


def _score_of(stream: Any, name: str, figures: tuple[str, ...] | None = None) -> Score:
    try:
        score = score_of(stream, figures)
    except Exception as error:  # as above
        raise _unreadable(name, error) from error
    if not score.tracks:
        raise DecodeError(f"{name!r} has no notes; give a tune with notes and a line K: (ABC), or a part (MusicXML)")
    return score


def _check_size(size: int, name: str) -> None:
    if size > MAX_BYTES:
        raise DecodeError(
            f"{name!r} holds {size} bytes of notation; at most {MAX_BYTES} are read: split it into pieces"
        )


def _unreadable(name: str, error: Exception) -> DecodeError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return DecodeError(f"{name!r} can't be read as ABC or MusicXML ({reason}); export it again")


def _music21() -> Any:
    try:
        import music21
    except ImportError as error:
        raise ParameterError("ABC and MusicXML need music21: pip install audio-gen[scores]") from error
    return music21

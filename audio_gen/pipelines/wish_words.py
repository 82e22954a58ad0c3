"""wish_words: the words of a wish that are read here: a metre, a range of pitches, a style, an instrument."""

import re
from collections.abc import Sequence

from audio_gen.errors import ParameterError
from audio_gen.symbolic.keys import LETTERS, TONICS
from audio_gen.symbolic.score import UNITS, Meter

_PITCH = r"([A-Ga-g])([#b]*)(-?\d)"
_RANGE = re.compile(rf"{_PITCH}\s*-\s*{_PITCH}")

INSTRUMENTS = {  # General MIDI programs from 0 on, those that a tune or chords are often given to
    "piano": 0, "electric-piano": 4, "harpsichord": 6, "vibraphone": 11, "organ": 19, "accordion": 21,
    "guitar": 24, "electric-guitar": 27, "bass": 32, "violin": 40, "viola": 41, "cello": 42, "harp": 46,
    "strings": 48, "choir": 52, "trumpet": 56, "trombone": 57, "horn": 60, "brass": 61, "saxophone": 65,
    "oboe": 68, "bassoon": 70, "clarinet": 71, "flute": 73, "recorder": 74,
}  # fmt: skip


def parse_meter(text: str) -> Meter:
    """`3/4` → a metre from 0 on.

    Raises:
        ParameterError: none.
    """
    found = re.fullmatch(r"\s*(\d{1,2})\s*/\s*(\d{1,2})\s*", text)
    if not found or not 1 <= int(found[1]) <= 64 or int(found[2]) not in UNITS:
        raise ParameterError(f"{text!r} is no metre: 1 to 64 beats, a stroke and 1, 2, 4 ... or 64, such as 4/4 or 6/8")
    return Meter(0, int(found[1]), int(found[2]))


def parse_range(text: str) -> tuple[int, int]:
    """`C3-C6` → the MIDI pitches (48, 84); C4 is middle C, 60.

    Raises:
        ParameterError: no such range, or less than an octave.
    """
    found = _RANGE.fullmatch(text.strip())
    pitches = [_pitch(*found.groups()[part : part + 3]) for part in (0, 3)] if found else [-1, -1]
    if not 0 <= pitches[0] <= pitches[1] - 11 <= 127 - 11:
        raise ParameterError(f"{text!r} is no range: a low and a high note, an octave or more apart, such as C3-C6")
    return pitches[0], pitches[1]


def _pitch(letter: str, accidentals: str, octave: str) -> int:
    return LETTERS[letter.upper()] + accidentals.count("#") - accidentals.count("b") + 12 * (int(octave) + 1)


def pitch_name(pitch: int) -> str:
    """MIDI pitch → name.

    >>> pitch_name(60)
    'C4'
    """
    return f"{TONICS[0][pitch % 12]}{pitch // 12 - 1}"


def style_number(style: str, styles: Sequence[str], model: str) -> int:
    """The place of a style among labels: in full, or by a part of its name that no other has; capitals don't count.

    Raises:
        ParameterError: no such style, or several; the message lists those there are.
    """
    wanted = style.casefold()
    exact = [n for n, one in enumerate(styles) if one.casefold() == wanted]
    found = exact or [n for n, one in enumerate(styles) if wanted and wanted in one.casefold()]
    if len(found) != 1:
        several = " and ".join(repr(styles[n]) for n in found[:8])
        why = f"{style!r} is part of {several}" if found else f"{model!r} knows no style {style!r}"
        apart = "; " if any("," in one for one in styles) else ", "  # "Folk, World, & Country" is one
        raise ParameterError(f"{why}; it knows: {apart.join(styles) or 'none'}")
    return found[0]


def parse_program(text: str) -> int:
    """`flute` or `73` → a General MIDI program, 0 to 127.

    Raises:
        ParameterError: none.
    """
    name = text.strip().casefold().replace(" ", "-")
    number = int(name) if re.fullmatch(r"\d{1,3}", name) else INSTRUMENTS.get(name, 128)
    if number > 127:
        raise ParameterError(f"{text!r} is no instrument: a number from 0 to 127, or one of {', '.join(INSTRUMENTS)}")
    return number

"""Chords: a root and one of nine qualities, read from the spellings of lead sheets."""

import re
from itertools import pairwise

import numpy as np

from audio_gen.errors import ParameterError
from audio_gen.symbolic.keys import FLATS, SHARPS, TONICS, Mask, pitch_class_of
from audio_gen.symbolic.score import Chord

QUALITIES = ("maj", "min", "dim", "aug", "7", "m7", "maj7", "m7b5", "sus")
TONES = (
    (0, 4, 7),
    (0, 3, 7),
    (0, 3, 6),
    (0, 4, 8),
    (0, 4, 7, 10),
    (0, 3, 7, 10),
    (0, 4, 7, 11),
    (0, 3, 6, 10),
    (0, 5, 7),
)
SUFFIXES = ("", "m", "dim", "+", "7", "m7", "maj7", "m7b5", "sus4")
NO_CHORD = 12 * len(QUALITIES)  # its code; its parts are (0, "", 0)
NONE = ("N.C.", "NC", "N.C", "N")

Parts = tuple[int, str, int]  # root, quality, bass

_NOTE = rf"([A-G])([{SHARPS}]+|[{FLATS}]+)?"
_ROOT = re.compile(_NOTE)
_BASS = re.compile(rf"/{_NOTE}(?=$|[\s(])")
_TOKEN = re.compile(
    r"(?P<major>maj|Maj|ma|M|Δ|\^)|(?P<minor>min|mi|m)|(?P<dim>dim|o|°)|(?P<half>ø|halfdim)|(?P<sus>sus[24]?)"
    rf"|(?P<degree>69|(?:(?:add|alter|omit|no)\s*)?[{SHARPS}{FLATS}]?(?:13|11|[25679])|(?<=\d)\+(?=\d)(?:5|9|11|13))"
    r"|(?P<aug>aug|\+)|(?P<alt>alt)|(?P<plain>power|pedal|add\s*4|(?<=6)/9|[\s(),])"
)


def chord_code(root: int, quality: str) -> int:
    """0-107: 9 · root + the quality's place in QUALITIES; NO_CHORD (108) where the quality is "".

    >>> chord_code(2, "m7")
    23

    Raises:
        ParameterError: no such root or quality.
    """
    if not 0 <= root <= 11 or (quality and quality not in QUALITIES):
        raise ParameterError(
            f'a chord has a root 0-11 and a quality of {QUALITIES} ("" for none), not {root}, {quality!r}'
        )
    return len(QUALITIES) * root + QUALITIES.index(quality) if quality else NO_CHORD


def chord_of_code(code: int) -> tuple[int, str]:
    """(root, quality) of `chord_code`; (0, "") of NO_CHORD.

    Raises:
        ParameterError: not 0-108.
    """
    if not 0 <= code <= NO_CHORD:
        raise ParameterError(f"a chord's code is 0-{NO_CHORD}, not {code}")
    return (0, "") if code == NO_CHORD else (code // len(QUALITIES), QUALITIES[code % len(QUALITIES)])


def chord_tones(root: int, quality: str) -> Mask:
    """`[12]`: which pitch classes sound in the chord; none where there is no chord."""
    tones = TONES[QUALITIES.index(quality)] if quality else ()
    return np.isin((np.arange(12) - root) % 12, tones)


def parse_chord(text: str) -> Parts:
    """A lead sheet's spelling → (root, quality, bass); N.C. → (0, "", 0).

    Roots are A-G with # or b; `-` is a flat too, as music21 writes it, so minor is `m`. Third, fifth and seventh choose
    one of the nine qualities; sixths, ninths and further tones are left out. An augmented fifth over a major third is
    "aug" whatever the seventh, since none of its tones is wrong then; a diminished seventh is "dim", a minor chord with
    a major seventh "min", a power chord or a pedal "maj".

    >>> parse_chord("B-7/D"), parse_chord("F#m7b5"), parse_chord("C6")
    ((10, '7', 2), (6, 'm7b5', 6), (0, 'maj', 0))

    Raises:
        ParameterError: no chord; the message lists what is allowed.
    """
    spelling = text.strip()
    if spelling in NONE:
        return 0, "", 0
    found = _ROOT.match(spelling)
    if found is None:
        raise _no_chord(text)
    root = pitch_class_of(found[1], found[2] or "")
    rest = spelling[found.end() :]
    over = _BASS.search(rest)
    bass = pitch_class_of(over[1], over[2] or "") if over else root
    return root, _quality(rest[: over.start()] + rest[over.end() :] if over else rest, text), bass


def parse_chords(text: str) -> list[list[Parts]]:
    """`Dm7 G7 | Cmaj7` → the chords of each bar, which share it equally.

    Bars are parted by `|`, chords by spaces. `.` and `%` are the last chord once more; a bar of nothing but `%`, or of
    nothing at all, is the bar before.

    >>> parse_chords("Dm7 G7 | C")
    [[(2, 'm7', 2), (7, '7', 7)], [(0, 'maj', 0)]]

    Raises:
        ParameterError: an unknown chord, a repeat of nothing, or no chord at all.
    """
    bars: list[list[Parts]] = []
    for words in [bar.split() for bar in re.sub(r"^[\s|]+|[\s|]+$", "", text).replace("||", "|").split("|")]:
        if words in ([], ["%"]) and bars:
            bars.append(bars[-1])
            continue
        bars.append([])
        for word in words:
            last = next((bar[-1] for bar in reversed(bars) if bar), None)
            if word in (".", "%") and last is None:
                raise ParameterError(f"{text!r} begins with {word!r}, the last chord once more; begin with a chord")
            bars[-1].append(last if word in (".", "%") and last else parse_chord(word))
    if not bars[0]:
        raise ParameterError(f'{text!r} has no chords; write such as "Dm7 G7 | Cmaj7"')
    return bars


def place_chords(bars: list[list[Parts]], starts: list[int]) -> tuple[Chord, ...]:
    """Chords of bars → chords at ticks: bar n from `starts[n]` to `starts[n + 1]`; too few bars begin anew.

    A chord that goes on is not said again.
    """
    placed: list[Chord] = []
    for number, (start, end) in enumerate(pairwise(starts)):
        bar = bars[number % len(bars)]
        for place, parts in enumerate(bar):
            if not placed or placed[-1][1:] != parts:
                placed.append(Chord(start + (end - start) * place // len(bar), *parts))
    return tuple(placed)


def chord_name(root: int, quality: str, bass: int | None = None) -> str:
    """The inverse of `parse_chord`: `Bb7/D`, or N.C.

    >>> chord_name(10, "7", 2)
    'Bb7/D'
    """
    if not quality:
        return NONE[0]
    over = "" if bass in (None, root) else f"/{TONICS[0][bass or 0]}"
    return TONICS[0][root] + SUFFIXES[QUALITIES.index(quality)] + over


def _quality(suffix: str, text: str) -> str:
    third, fifth, seventh, major, suspended, place = 4, 7, 0, False, False, 0
    while place < len(suffix):
        token = _TOKEN.match(suffix, place)
        if token is None:
            raise _no_chord(text)
        place, kind = token.end(), token.lastgroup
        if kind == "major":
            major, seventh = True, 11 if seventh else 0
        elif kind == "minor":
            third = 3
        elif kind == "aug":
            fifth = 8
        elif kind == "dim":
            third, fifth = 3, 6
        elif kind == "half":
            third, fifth, seventh = 3, 6, 10
        elif kind == "alt":
            seventh = 10
        elif kind == "sus":
            suspended = True
        elif kind == "degree":
            fifth, seventh = _with_degree(
                token[0], fifth, seventh, 11 if major else 9 if (third, fifth) == (3, 6) else 10
            )
    if suspended:
        return "sus"
    if third == 4:
        return "aug" if fifth == 8 else {10: "7", 11: "maj7"}.get(seventh, "maj")
    if fifth == 6:
        return "m7b5" if seventh == 10 else "dim"
    return "m7" if seventh == 10 else "min"


def _with_degree(degree: str, fifth: int, seventh: int, usual: int) -> tuple[int, int]:
    """Fifth and seventh (semitones) after one of `7`, `b5`, `alter #5`, `add 9`, `13` ..."""
    number = re.sub(r"\D", "", degree)
    if number == "5" and not degree.startswith(("omit", "no")):
        return 7 + any(s in degree for s in SHARPS + "+") - any(s in degree for s in FLATS), seventh
    plain = number in ("7", "9", "11", "13") and degree[0].isdigit()
    return fifth, (seventh or usual) if plain or degree.replace(" ", "") == "add7" else seventh


def _no_chord(text: str) -> ParameterError:
    return ParameterError(
        f"{text!r} is no chord: a root A-G with # or b, then nothing (major), m, dim, o7, ø7, + (aug), 6, 7, m7, maj7, "
        f"m7b5, sus2, sus4, 9, 11, 13, add9 or alterations such as b9, then perhaps a bass: Dm7, Bb7/D, F#m7b5; or N.C."
    )

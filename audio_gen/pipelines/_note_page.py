"""The page of new pieces of notes beside real ones, as HTML text."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from audio_gen.models.checkpoint import Checkpoint
from audio_gen.pipelines._document import document
from audio_gen.pipelines._figures import Media, player_html

# what a table tells: by its name in what is asked for (a wish) and in what is measured
FACTS = {
    "style": ("style", ""),
    "key": ("key", "key_estimated"),
    "metre": ("meter", "meter"),
    "quarters a minute": ("bpm", "bpm"),
    "bars": ("bars", "bars"),
    "chords": ("chords", ""),
    "notes a bar": ("", "notes_a_bar"),
    "notes in the key": ("", "in_key_share"),
    "chord tones": ("", "chord_tone_share"),
    "range": ("pitches", "range"),
}
_RIGHTS = (
    "The page carries music of the dataset: pass it on only if you may. What was generated stands under the licence of "
    "the model's weights: {}."
)


@dataclass(frozen=True)
class Side:
    """The real or the new piece of a row: its files below the page's folder, and what is seen and measured of it."""

    sound: str
    midi: str
    media: Media
    measured: Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A new piece, the real one that it was made after, and what was asked for."""

    name: str
    asked: Mapping[str, Any]
    real: Side
    generated: Side


def page(model: Checkpoint, source: str, bars: int, rows: Sequence[Row], blind: str) -> str:
    """The whole page.

    Args:
        model: what made the new pieces.
        source: where the real ones are from.
        bars: how many of each are heard.
        rows: in the page's order.
        blind: HTML on the blind test.
    """
    name, place = escape(model.name), escape(source)
    header = (
        f"<p>Each row has a real piece of {place} and a new one by <b>{name}</b>, which was asked for the real piece's "
        "style, tempo and length, of tunes also for its key and chords. Both go the same way to sound, so that nothing "
        "but the notes tells them apart: from sixteenths (drums keep their timing) to one synthesizer. The first "
        f"{bars} bars are seen and heard; what is measured is of the whole piece.</p>\n"
        "<p>The pictures are piano rolls: time runs to the right, pitch upwards, each drum has a row, and darker is "
        f"louder; upright lines are bars and beats. A row's pictures have one scale.</p>\n{blind}"
    )
    made = f'<p class="soft">{name}, SHA-256 <code>{model.sha256[:16]}</code></p>\n'
    main = "".join(map(_row, rows)) + made
    return document(
        f"{model.name}: new music beside real music",
        header,
        main,
        _RIGHTS.format(escape(model.licence)),
        media="'self' file:",
    )


def _row(row: Row) -> str:
    name = escape(row.name)
    cards = "".join(
        f'<article class="card">\n<h3>{heading}</h3>\n'
        f"{player_html(side.media, f'{row.name}, {heading.lower()}', side.sound, side.midi)}\n</article>"
        for heading, side in (("Real", row.real), ("Generated", row.generated))
    )
    return f'<section>\n<h2>{name}</h2>\n<div class="pair">{cards}</div>\n{_table(row)}</section>\n'


def _table(row: Row) -> str:
    lines = []
    for name, (asked, measured) in FACTS.items():
        found = (side.measured.get(measured) for side in (row.real, row.generated))
        cells = [_text(value) for value in (row.asked.get(asked), *found)]
        if any(cells):
            lines.append(f'<tr><th scope="row">{name}</th>{_cells("td", cells)}</tr>')
    head = f"<tr><td></td>{_cells('th', ('asked for', 'measured, real', 'measured, generated'))}</tr>"
    return f'<div class="scroll"><table><thead>{head}</thead><tbody>{"".join(lines)}</tbody></table></div>\n'


def _cells(tag: str, texts: Iterable[str]) -> str:
    return "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)

"""The report as HTML: pure functions from records and media to text. What comes from outside is escaped, always."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import PurePath
from typing import Any

from audio_gen.pipelines._document import document
from audio_gen.pipelines._figures import UNSURE, Media, media_html, number, result_html, timeline_html
from audio_gen.pipelines._pictures import clock

TAGS = ("label", "seed", "model", "vocoder", "licence")  # of a new clip: those shown at once, in this order


@dataclass(frozen=True)
class Report:
    """All that the page shows."""

    title: str
    shown: Sequence[tuple[Mapping[str, Any], Media]]  # records drawn as cards
    listed: Sequence[Mapping[str, Any]]  # records in the table, once the page is full
    failed: Sequence[Mapping[str, Any]]
    generated: Sequence[tuple[str, Mapping[str, str], Media]]  # file name, tags


def page(report: Report) -> str:
    """The whole page as HTML text."""
    sections = [
        _section("What the models hear in each file", _HEARD, (_record_card(*item) for item in report.shown)),
        _section("More files", "They are too many to be drawn here.", [_table(report.listed)] if report.listed else []),
        _section("Files that could not be used", "", map(_error_card, report.failed)),
        _section(
            "New music", _NEW, [_pair(_generated_card(*item) for item in report.generated)] if report.generated else []
        ),
        _section("How this page was made", "", [_made(report)]),
    ]
    facts = [
        (len(report.shown) + len(report.listed), "files labelled"),
        (len(report.failed), "could not be used"),
        (len(report.generated), "new clips"),
    ]
    chips = "".join(f"<li><b>{count}</b> {what}</li>" for count, what in facts if count)
    header = f'<p>{_WHAT}</p>\n<ul class="facts">{chips}</ul>'
    return document(report.title, header, "".join(sections), _RIGHTS, media="data:")


_WHAT = (
    "A folder of music went in; out came a log-mel spectrogram, a genre and an emotion for each file, "
    "and new music from a generative model."
)
_HEARD = (
    "Each picture is a log-mel spectrogram: time runs to the right, pitch upwards, and brighter is louder. "
    "The bars are probabilities; the dot lies where the music is heard between unpleasant and pleasant, "
    "calm and energetic, and the pale disc around it is how unsure the model is."
)
_NEW = (
    "Nobody played these: a network drew a spectrogram from random numbers (the seed) and a class label, "
    "and a vocoder turned it into sound."
)
_RIGHTS = (
    "The page carries parts of the music it describes: pass it on only if you may pass on that music. "
    "Labels are guesses of models and no statement about their makers."
)


def _section(heading: str, lede: str, parts: Iterable[str]) -> str:
    body = "\n".join(parts)
    lead = f'<p class="soft">{lede}</p>\n' if lede else ""
    return f"<section>\n<h2>{heading}</h2>\n{lead}{body}\n</section>\n" if body else ""


def _pair(cards: Iterable[str]) -> str:
    return f'<div class="pair">{"".join(cards)}</div>'


def _record_card(record: Mapping[str, Any], media: Media) -> str:
    results = _results(record)
    timeline = timeline_html(next((result["timeline"] for result in results.values() if result.get("timeline")), []))
    seen = media_html(media, _file_name(record), timeline)
    labels = "".join(result_html(name, result) for name, result in results.items())
    return (
        f'<article class="card">\n{_heading(record)}\n<div class="columns">\n'
        f'<div>{seen}</div>\n<div class="results">{labels}</div>\n</div>\n</article>'
    )


def _results(record: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    results = record.get("results")
    items = results.items() if isinstance(results, dict) else ()
    return {str(name): result for name, result in items if isinstance(result, dict)}


def _heading(record: Mapping[str, Any]) -> str:
    seconds, rate = number(record.get("duration_s")), number(record.get("sample_rate"))
    facts = [str(record.get("path", ""))]
    facts += [] if seconds is None else [clock(seconds, fine=seconds < 1)]
    facts += [] if rate is None else [f"{rate / 1000:g} kHz"]
    return f'<h3>{escape(_file_name(record))}</h3>\n<p class="soft">{escape(" · ".join(facts))}</p>'


def _file_name(record: Mapping[str, Any]) -> str:
    return PurePath(str(record.get("path", ""))).name or "unnamed"


def _error_card(record: Mapping[str, Any]) -> str:
    error = record.get("error")
    error = error if isinstance(error, dict) else {}
    kind, message = (escape(str(error.get(key, ""))) for key in ("type", "message"))
    text = f'<p>{message} <span class="soft">({kind})</span></p>'
    return f'<article class="card bad">\n{_heading(record)}\n{text}\n</article>'


def _table(records: Iterable[Mapping[str, Any]]) -> str:
    rows = []
    for record in records:
        says = "; ".join(f"{name}: {result.get('label') or UNSURE}" for name, result in _results(record).items())
        seconds = number(record.get("duration_s"))
        length = "" if seconds is None else clock(seconds)
        rows.append(f"<tr><td>{escape(str(record.get('path', '')))}</td><td>{length}</td><td>{escape(says)}</td></tr>")
    head = '<tr><th scope="col">File</th><th scope="col">Length</th><th scope="col">Heard as</th></tr>'
    return f'<div class="scroll"><table><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table></div>'


def _generated_card(name: str, tags: Mapping[str, str], media: Media) -> str:
    first = {key: tags[key] for key in TAGS if key in tags}
    rest = {key: value for key, value in tags.items() if key not in first}
    facts = _facts(first) if tags else '<p class="soft">This file carries no tags.</p>'
    more = f"<details><summary>What else the file says of itself</summary>{_facts(rest)}</details>" if rest else ""
    heading = f'<h3>{escape(name)}</h3>\n<p class="soft">{clock(media.seconds)}</p>'
    return f'<article class="card">\n{heading}\n{media_html(media, name)}\n{facts}{more}\n</article>'


def _facts(facts: Mapping[str, str]) -> str:
    rows = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in facts.items())
    return f"<dl>{rows}</dl>" if rows else ""


def _made(report: Report) -> str:
    models: dict[str, str] = {}
    for record in [*(record for record, _ in report.shown), *report.listed]:
        for name, result in _results(record).items():
            model = result.get("model")
            if isinstance(model, dict):
                models.setdefault(str(model.get("name", name)), str(model.get("sha256", "")))
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd><code>{escape(sha[:16])}</code></dd>" for name, sha in sorted(models.items())
    )
    listed = f"<p>The labels come from these models (name, start of the SHA-256):</p><dl>{rows}</dl>" if rows else ""
    return (
        "<p>The commands <code>audio-gen features</code>, <code>classify</code>, <code>generate</code> and "
        f"<code>report</code> made this page; it needs no network.</p>{listed}"
        "<p>The code is Apache-2.0; the weights are not: <code>audio-gen info</code> names the licence of each "
        "checkpoint, which follows its training data, and each new clip carries its own.</p>"
    )

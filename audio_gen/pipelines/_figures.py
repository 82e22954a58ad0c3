"""Parts of the report's page: picture with axes, player, timeline, bars, the plane of emotions, as HTML text."""

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from audio_gen.features.mel_spec import MelSpec
from audio_gen.pipelines._pictures import clock, frequency_ticks, time_ticks

BARS = 5  # classes drawn for each model
UNSURE = "unsure"  # in the place of a label that a model doesn't give
QUADRANTS = {
    "Q1": "pleasant, energetic",
    "Q2": "unpleasant, energetic",
    "Q3": "unpleasant, calm",
    "Q4": "pleasant, calm",
}


@dataclass(frozen=True)
class Media:
    """What can be seen and heard of a file: a PNG of all of it, and its beginning as OGG; empty where there is none."""

    seconds: float = 0.0  # length of what the picture shows
    picture: bytes = b""  # a spectrogram, or a piano roll where there are `rows`
    spec: MelSpec = field(default_factory=MelSpec)  # of a spectrogram
    player: bytes = b""
    heard: float = 0.0  # seconds in the player
    note: str = ""  # why something is missing
    rows: Sequence[tuple[float, str]] = ()  # place (0 is the bottom) and name of a piano roll's rows


def media_html(media: Media, name: str, timeline: str = "") -> str:
    label = escape(name, quote=True)
    parts = []
    if media.picture:
        y = "".join(
            f'<span class="y" style="bottom:{100 * at:.1f}%">{text}</span>'
            for at, text in media.rows or frequency_ticks(media.spec)
        )
        x = "".join(
            f'<span class="x{" end" if at > 0.97 else ""}" style="left:{100 * at:.1f}%">{text}</span>'
            for at, text in time_ticks(media.seconds)
        )
        kind, shown = ("plot roll", "Piano roll") if media.rows else ("plot", "Log-mel spectrogram")
        picture = f'<img src="{_data("image/png", media.picture)}" alt="{shown} of {label}">'
        parts.append(f'<figure class="{kind}">{picture}<div aria-hidden="true">{x}{y}</div></figure>')
    parts.append(timeline)
    if media.player:
        sound = _data("audio/ogg", media.player)
        parts.append(f'<audio controls preload="metadata" aria-label="Listen to {label}" src="{sound}"></audio>')
        if media.heard < media.seconds - 0.5:
            parts.append(f'<p class="soft">The player has the first {clock(media.heard)}.</p>')
    if media.note:
        parts.append(f'<p class="soft">{escape(media.note)}</p>')
    return "\n".join(part for part in parts if part)


def player_html(media: Media, name: str, sound: str, midi: str = "") -> str:
    """Picture, player and, of notes, a link to their MIDI, which are files below the page's folder."""
    label = escape(name, quote=True)
    player = f'<audio controls preload="metadata" aria-label="Listen to {label}" src="{sound}"></audio>'
    notes = f'<p class="soft"><a href="{midi}" download>The notes as MIDI</a></p>' if midi else ""
    return f"{media_html(media, name)}{player}{notes}"


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def timeline_html(segments: Any) -> str:
    items = []
    for segment in segments if isinstance(segments, list) else []:
        if not isinstance(segment, dict):
            continue
        start, end = number(segment.get("start_s")), number(segment.get("end_s"))
        label = escape(str(segment.get("label") or UNSURE))
        if start is not None and end is not None and end > start:
            span = f"{clock(start)} to {clock(end)}: {label}"
            items.append(f'<li style="--s:{end - start:.3f}" title="{span}">{label}</li>')
    return f'<ol class="timeline" aria-label="Label over time">{"".join(items)}</ol>' if len(items) > 1 else ""


def result_html(name: str, result: Mapping[str, Any]) -> str:
    probs = result.get("probs")
    bars = _bars(probs) if isinstance(probs, dict) and probs else ""
    valence, arousal = number(result.get("valence")), number(result.get("arousal"))
    plane = "" if valence is None or arousal is None else _plane(valence, arousal, result)
    reason = result.get("abstained")
    unsure = f'<p class="soft">{UNSURE}: {escape(str(reason))}</p>' if reason else ""
    return f"<section>\n<h4>{escape(name)}</h4>\n{plane}{bars}{unsure}\n</section>" if bars or plane else ""


def _bars(probs: Mapping[str, Any]) -> str:
    known = [(str(label), prob) for label, value in probs.items() if (prob := number(value)) is not None]
    rows = [
        f"<li><span>{escape(label)}</span>"
        f'<span class="track" aria-hidden="true"><i style="--p:{100 * min(max(prob, 0), 1):.1f}%"></i></span>'
        f"<span>{100 * prob:.0f} %</span></li>"
        for label, prob in sorted(known, key=lambda pair: -pair[1])[:BARS]
    ]
    return f'<ul class="bars">{"".join(rows)}</ul>'


def _plane(valence: float, arousal: float, result: Mapping[str, Any]) -> str:
    x, y = (min(max(value, -1), 1) for value in (valence, arousal))
    wide, high = (min(max(number(result.get(name)) or 0.0, 0), 1) for name in ("valence_sd", "arousal_sd"))
    quadrant = str(result.get("quadrant") or "")
    meaning = QUADRANTS.get(quadrant, "")
    described = f"valence {_signed(valence, wide)}, arousal {_signed(arousal, high)}"
    drawing = (
        f'<svg viewBox="-1.3 -1.3 2.6 2.6" role="img" aria-label="{escape(described)}">'
        '<rect class="frame" x="-1" y="-1" width="2" height="2" rx=".06"/>'
        '<path class="axis" d="M-1 0H1M0-1V1"/>'
        f'<g transform="translate({x:.3f} {-y:.3f})"><ellipse class="spread" rx="{wide:.3f}" ry="{high:.3f}"/>'
        '<circle class="dot" r=".09"/></g>'
        '<text y="-1.07">energetic</text><text y="1.2">calm</text>'
        '<text transform="translate(-1.08 0) rotate(-90)">unpleasant</text>'
        '<text transform="translate(1.2 0) rotate(-90)">pleasant</text></svg>'
    )
    label = escape(str(result.get("label") or meaning or UNSURE))
    place = escape(f"{quadrant}: {meaning}" if meaning else quadrant)
    values = described.replace(", ", "<br>")
    words = f'<p><b>{label}</b></p><p>{place}</p><p class="soft">{values}</p>'
    return f'<div class="emotion">{drawing}<div>{words}</div></div>'


def _signed(value: float, spread: float) -> str:
    return f"{value:+.2f}".replace("-", "−") + (f" ± {spread:.2f}" if spread else "")


def number(value: Any) -> float | None:
    """`value` as a finite float, None for anything else (also what an edited record may hold)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None

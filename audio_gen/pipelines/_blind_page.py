"""The page of a blind test as HTML text, in the report's look. Nothing in it, not a name, tells the truth."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources

from audio_gen.pipelines._figures import Media, media_html

TITLES = {"tell": "Recorded, or made by a machine?", "ab": "Which is nearer to the original?"}
_INTRO = {
    "tell": "Half of these {count} clips were recorded, the other half was made by a machine; "
    "all are equally long and equally loud. Say of each which it is, and how good it sounds.",
    "ab": "Each of these {count} originals comes with two copies, in random order; all are equally long and equally "
    "loud. Say which copy is nearer to the original, and guess where you hear no difference.",
}
_HOW = (
    "Use headphones in a quiet place, and set the volume once, before you begin. Listen as often as you like. "
    "Then press the button at the foot of the page: it saves your answers as the file answers.json, "
    "which you give back to whoever gave you this page. Nothing is sent by itself."
)
_PICTURE = (
    "The pictures are log-mel spectrograms: time runs to the right, pitch upwards, and brighter is louder. "
    "Go by what you hear; they only show where something happens."
)
_RIGHTS = (
    "The page carries parts of the music that is judged: pass it on only if you may pass on that music. "
    "Where an answer is missing, it is left out."
)
_CHOICES = {
    "tell": (("real", "recorded"), ("generated", "made by a machine")),
    "ab": (("x", "copy X"), ("y", "copy Y")),
}
_QUALITY = ("bad", "poor", "fair", "good", "excellent")  # 1 to 5, as ITU-T P.800 words them
_NAMES = {"": "", "original": "Original", "x": "Copy X", "y": "Copy Y"}


@dataclass(frozen=True)
class Player:
    """One sound of a question: its file below the page's folder, what it is called there, its picture."""

    source: str
    name: str  # "", "original", "x" or "y"
    media: Media


def page(title: str | None, kind: str, test: str, questions: Sequence[tuple[str, Sequence[Player]]]) -> str:
    """The whole page.

    Args:
        title: heading; None is the question.
        kind: "tell" or "ab".
        test: the number that the answers will carry.
        questions: name and players of each.
    """
    files = resources.files("audio_gen.pipelines")
    css = files.joinpath("report.css").read_text("utf-8") + files.joinpath("blind_test.css").read_text("utf-8")
    script = files.joinpath("blind_test.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # nothing is fetched but the sounds beside the page, and no script runs but this one
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src 'self' file:; "
        f"script-src 'sha256-{digest}'"
    )
    heading = escape(title or TITLES[kind])
    pictured = any(player.media.picture for _, players in questions for player in players)
    lede = [_INTRO[kind].format(count=len(questions)), _HOW, *([_PICTURE] if pictured else [])]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{heading}</title>\n<style>\n{css}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{heading}</h1>\n{''.join(f'<p>{text}</p>' for text in lede)}\n"
        "<noscript><p><b>This page needs JavaScript to save your answers; allow it and load the page again.</b></p>"
        "</noscript>\n</header>\n"
        f'<main>\n<form data-test="{test}" data-kind="{kind}" autocomplete="off">\n'
        "<p><label>Your name, or any word, to tell listeners apart (may stay empty): "
        '<input name="listener" maxlength="40"></label></p>\n'
        f"{''.join(_card(kind, name, players) for name, players in questions)}"
        '<div class="foot"><output></output><button type="submit">Save my answers</button></div>\n</form>\n</main>\n'
        f'<footer><p class="soft">{_RIGHTS}</p></footer>\n<script>{script}</script>\n</body>\n</html>\n'
    )


def _card(kind: str, name: str, players: Sequence[Player]) -> str:
    sounds = "".join(_sound(name, player) for player in players)
    asked = _radios(f"told-{name}", TITLES[kind], _CHOICES[kind])
    if kind == "tell":
        scale = [(str(number), f"{number} {word}") for number, word in enumerate(_QUALITY, 1)]
        asked += _radios(f"quality-{name}", "How good does it sound?", scale)
    layout = "columns" if len(players) == 1 else "compared"
    return (
        f'<article class="card" data-clip="{name}">\n<h2>Clip {name}</h2>\n<div class="{layout}">\n'
        f'<div class="sounds">{sounds}</div>\n<div class="asked">{asked}</div>\n</div>\n</article>\n'
    )


def _sound(clip: str, player: Player) -> str:
    name = f"clip {clip}" + (f", {_NAMES[player.name]}" if player.name else "")
    heading = f"<h3>{_NAMES[player.name]}</h3>" if player.name else ""
    sound = f'<audio controls preload="metadata" aria-label="Listen to {name}" src="{player.source}"></audio>'
    return f"<div>{heading}{media_html(player.media, name)}{sound}</div>"


def _radios(name: str, question: str, choices: Sequence[tuple[str, str]]) -> str:
    parts = [f'<label><input type="radio" name="{name}" value="{value}"> {text}</label>' for value, text in choices]
    return f"<fieldset><legend>{question}</legend>{''.join(parts)}</fieldset>"

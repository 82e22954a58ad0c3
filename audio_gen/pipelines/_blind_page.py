"""The page of a blind test as HTML text, in the report's look. Nothing in it, not a name, tells the truth."""

from collections.abc import Sequence
from dataclasses import dataclass

from audio_gen.pipelines._document import document
from audio_gen.pipelines._figures import Media, player_html


@dataclass(frozen=True)
class Words:
    """What a kind of test says."""

    question: str
    intro: str  # of how many clips
    choices: tuple[tuple[str, str], tuple[str, str]]  # value and text


_HOW = (
    "Use headphones in a quiet place, and set the volume once, before you begin. Listen as often as you like. "
    "Then press the button at the foot of the page: it saves your answers as the file answers.json, "
    "which you give back to whoever gave you this page. Nothing is sent by itself."
)
_SPECTROGRAM = (
    "The pictures are log-mel spectrograms: time runs to the right, pitch upwards, and brighter is louder. "
    "Go by what you hear; they only show where something happens."
)
_ROLL = (
    "The pictures are piano rolls: time runs to the right, pitch upwards, each drum has a row, and darker is louder; "
    "upright lines are bars and beats. The same notes come as MIDI, without names. Go by what you hear."
)
_RIGHTS = (
    "The page carries parts of the music that is judged: pass it on only if you may pass on that music. "
    "Where an answer is missing, it is left out."
)
_EQUAL = "all are equally long and equally loud"
_NEARER = (("x", "copy X"), ("y", "copy Y"))
_AB = "Each of these {{count}} originals comes with two copies, in random order; {}. "
_AB_ASKED = "Say which copy is nearer to the original, and guess where you hear no difference."
_WORDS = {  # by kind, and whether it is of notes
    ("tell", False): Words(
        "Recorded, or made by a machine?",
        "Half of these {count} clips were recorded, the other half was made by a machine; "
        f"{_EQUAL}. Say of each which it is, and how good it sounds.",
        (("real", "recorded"), ("generated", "made by a machine")),
    ),
    ("tell", True): Words(
        "Music by a person, or by a machine?",
        "The notes of half of these {count} clips are a person's, those of the other half a machine's; a synthesizer "
        f"played all of them, and {_EQUAL}. Say of each whose notes they are, and how good it sounds.",
        (("real", "a person"), ("generated", "a machine")),
    ),
    ("ab", False): Words("Which is nearer to the original?", _AB.format(_EQUAL) + _AB_ASKED, _NEARER),
    ("ab", True): Words(
        "Which is nearer to the original?",
        _AB.format(f"a synthesizer played all of them, and {_EQUAL}") + _AB_ASKED,
        _NEARER,
    ),
}
_QUALITY = ("bad", "poor", "fair", "good", "excellent")  # 1 to 5, as ITU-T P.800 words them
_NAMES = {"": "", "original": "Original", "x": "Copy X", "y": "Copy Y"}


@dataclass(frozen=True)
class Player:
    """One sound of a question: its file below the page's folder, what it is called there, its picture."""

    source: str
    name: str  # "", "original", "x" or "y"
    media: Media
    midi: str = ""  # the file of its notes below the page's folder


def page(
    title: str | None, kind: str, test: str, questions: Sequence[tuple[str, Sequence[Player]]], *, notes: bool = False
) -> str:
    """The whole page.

    Args:
        title: heading; None is the question.
        kind: "tell" or "ab".
        test: the number that the answers will carry.
        questions: name and players of each.
        notes: whether a synthesizer played them.
    """
    words = _WORDS[kind, notes]
    pictured = any(player.media.picture for _, players in questions for player in players)
    picture = [_ROLL if notes else _SPECTROGRAM] if pictured else []
    lede = "".join(f"<p>{text}</p>" for text in (words.intro.format(count=len(questions)), _HOW, *picture))
    header = (
        f"{lede}\n<noscript><p><b>This page needs JavaScript to save your answers; allow it and load the page "
        "again.</b></p></noscript>"
    )
    main = (
        f'<form data-test="{test}" data-kind="{kind}" autocomplete="off">\n'
        "<p><label>Your name, or any word, to tell listeners apart (may stay empty): "
        '<input name="listener" maxlength="40"></label></p>\n'
        f"{''.join(_card(kind, words, name, players) for name, players in questions)}"
        '<div class="foot"><output></output><button type="submit">Save my answers</button></div>\n</form>\n'
    )
    # sounds are files beside the page; where it is opened from a disk, browsers don't count that as 'self'
    return document(
        title or words.question,
        header,
        main,
        _RIGHTS,
        media="'self' file:",
        styles=("blind_test.css",),
        script="blind_test.js",
    )


def _card(kind: str, words: Words, name: str, players: Sequence[Player]) -> str:
    sounds = "".join(_sound(name, player) for player in players)
    asked = _radios(f"told-{name}", words.question, words.choices)
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
    return f"<div>{heading}{player_html(player.media, name, player.source, player.midi)}</div>"


def _radios(name: str, question: str, choices: Sequence[tuple[str, str]]) -> str:
    parts = [f'<label><input type="radio" name="{name}" value="{value}"> {text}</label>' for value, text in choices]
    return f"<fieldset><legend>{question}</legend>{''.join(parts)}</fieldset>"

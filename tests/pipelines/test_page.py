import math
import re
from collections import Counter
from html.parser import HTMLParser

import pytest

from audio_gen.pipelines._figures import Media
from audio_gen.pipelines._page import Report, page

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&"


def record(path: str = "a/song.mp3", **results: object) -> dict[str, object]:
    genre = {"model": {"name": "genre", "sha256": "ab" * 32}, "label": "jazz", "probs": {"jazz": 0.714, "rock": 0.286}}
    emotion = {"valence": -0.31, "arousal": 0.52, "valence_sd": 0.2, "arousal_sd": 0.1, "quadrant": "Q2"}
    good = {"schema": 1, "path": path, "ok": True, "duration_s": 181.2, "sample_rate": 44100}
    return {**good, "results": results or {"genre": genre, "emotion": emotion}}


def failure(path: str = "a/bad.mp3", message: str = "breaks off") -> dict[str, object]:
    return {"schema": 1, "path": path, "ok": False, "error": {"type": "DecodeError", "message": message}}


class Outline(HTMLParser):
    """Counts the elements and checks that they are closed in order."""

    VOID = ("meta", "img", "br", "rect", "path", "ellipse", "circle")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def full() -> Report:
    media = Media(seconds=181.2, picture=b"png", player=b"ogg", heard=30.0)
    new = ("music.wav", {"label": "folk", "seed": "7", "licence": "GPL-3.0-or-later"}, media)
    return Report("Title", [(record(), media)], [record("b/more.mp3")], [failure()], [new])


def test_all_parts_are_there():
    text = page(full())
    outline = Outline(text)
    assert outline.elements["article"] == 3
    assert outline.elements["img"] == outline.elements["audio"] == 2
    assert outline.elements["svg"] == 1
    for expected in ("71 %", "29 %", "valence −0.31 ± 0.20", "Q2: unpleasant, energetic", "b/more.mp3", "breaks off"):
        assert expected in text
    for expected in ("GPL-3.0-or-later", "abababababababab", "3:01 · 44.1 kHz", "The player has the first 0:30"):
        assert expected in text


def test_the_dot_lies_in_its_quadrant():
    place = re.search(r'translate\((\S+) (\S+)\)"><ellipse', page(full()))
    assert place
    assert [float(value) for value in place.groups()] == [-0.31, -0.52]  # arousal upwards


def test_the_page_fetches_nothing():
    outline = Outline(page(full()))
    assert not set(outline.elements) & {"script", "link", "iframe"}
    sources = [value for name, value in outline.attributes if name in ("src", "href")]
    assert len(sources) == 4
    assert all(value.startswith("data:") for value in sources)


def evil_reports() -> list[Report]:
    """Each place that takes text from outside, filled with markup."""
    heard = Media(1.0, b"p", player=b"o", note=EVIL)
    model = {"model": {"name": EVIL, "sha256": EVIL}, "label": EVIL, "probs": {EVIL: 0.5}}
    emotion = {"valence": 0, "arousal": 0, "quadrant": EVIL, "label": EVIL}
    timeline = {"timeline": [{"start_s": i, "end_s": i + 1, "label": EVIL} for i in (0, 1)]}
    return [
        Report(EVIL, [], [], [], []),
        Report("t", [(record(EVIL), heard)], [], [], []),
        Report("t", [], [record(EVIL, genre=model)], [failure(EVIL, EVIL)], []),
        Report("t", [], [], [], [(EVIL, {EVIL: EVIL}, heard)]),
        *(Report("t", [(record(**{EVIL: result}), heard)], [], [], []) for result in (model, emotion, timeline)),
    ]


@pytest.mark.parametrize("report", evil_reports())
def test_what_comes_from_outside_is_escaped(report: Report):
    text = page(report)
    outline = Outline(text)
    assert outline.elements["script"] == 0
    assert not any(name.startswith("on") for name, _ in outline.attributes)
    assert "x" not in [value for name, value in outline.attributes if name == "src"]
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize("value", [None, "x", [], math.nan, math.inf, True])
def test_an_edited_record_spoils_only_itself(value: object):
    results = {"g": {"probs": {"jazz": value}, "timeline": [value, 3]}, "e": {"valence": value, "arousal": value}}
    odd = {"path": "odd.mp3", "ok": True, "duration_s": value, "sample_rate": value, "results": results}
    worse = {"path": "worse.mp3", "ok": True, "results": {"g": value}}
    worst = {"path": "worst.mp3", "ok": True, "results": value}
    records = [odd, worse, worst]
    text = page(Report("t", [(r, Media()) for r in records], records, [{"path": "e", "ok": False, "error": value}], []))
    assert Outline(text).elements["article"] == 4
    assert "nan" not in text.lower().split("</style>")[1]


def test_empty_sections_are_left_out():
    text = page(Report("t", [], [], [], []))
    assert Outline(text).elements["h2"] == 1


def test_a_model_that_abstains_is_unsure():
    segments = [{"start_s": 10 * i, "end_s": 10 * i + 10, "label": label} for i, label in enumerate(["jazz", None])]
    reason = "highest probability 0.31 (jazz) is below --min-confidence 0.45"
    genre = {"label": None, "abstained": reason, "probs": {"jazz": 0.314, "rock": 0.286}, "timeline": segments}
    emotion = {"valence": 0.1, "arousal": 0.2, "quadrant": None, "label": None, "abstained": reason}
    unsure = record(genre=genre, emotion=emotion)
    text = page(Report("Title", [(unsure, Media())], [unsure], [], []))
    Outline(text)
    assert "None" not in text
    assert text.count(f"unsure: {reason}") == 2
    assert "0:10 to 0:20: unsure" in text
    assert "<b>unsure</b>" in text
    assert "genre: unsure; emotion: unsure" in text

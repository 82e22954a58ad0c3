"""The report of a classifier: its figures, and the page made of them."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audio_gen.datasets._arrays import Arrays
from audio_gen.models import checkpoint
from audio_gen.training.progress import Progress
from audio_gen.training.report import class_report, write_report
from audio_gen.training.train import Plan, train

Small = Callable[[str], list[str]]
EVIL = '<script>alert("x")</script>'


@pytest.fixture
def report(tmp_path: Path, pictures: Arrays, tiny: Any) -> dict[str, Any]:
    """Of a network that was never trained, so that it errs."""
    tiny.classifier("mine", pictures.labels, columns=16, training={"steps": 20, "best_step": 10, "seed": 0})
    curve = [
        {"step": step, "train_loss": 2 / step, "accuracy": 0.5, "macro_f1": 0.4, "score": 0.4} for step in (10, 20)
    ]
    return class_report(checkpoint.load("mine"), pictures, Progress(20, 0.4, 10, 1, curve), ["a note"])


def test_figures_agree_with_the_predictions(report: dict[str, Any], pictures: Arrays) -> None:
    valid = report["figures"]["valid"]
    confusion = np.array(valid["confusion"])
    assert valid["tracks"] == len(valid["predictions"]) == confusion.sum() == 12
    assert confusion.sum(1).tolist() == list(report["tracks"]["valid"].values()) == [3, 3, 3, 3]
    right = [p["true"] == p["told"] for p in valid["predictions"]]
    assert 0 < sum(right) < 12
    assert valid["accuracy"]["value"] == pytest.approx(np.mean(right))
    hits, both = np.diag(confusion), confusion.sum(0) + confusion.sum(1)
    assert [figure["value"] for figure in valid["f1"].values()] == pytest.approx((2 * hits / both).tolist())
    assert valid["macro_f1"]["value"] == pytest.approx(np.mean(2 * hits / both))
    for figure in (valid["accuracy"], valid["macro_f1"], valid["ece"], *valid["f1"].values()):
        assert figure["low"] <= figure["value"] <= figure["high"]
    assert report["tracks"]["train"] == dict.fromkeys(pictures.labels, 6)
    assert report["groups"] == {"train": 24, "valid": 12}


def test_a_test_split_is_measured_where_there_is_one(pictures: Arrays, tiny: Any) -> None:
    tiny.classifier("mine", pictures.labels, columns=16)
    tracks = tuple(t._replace(split="test") if n >= 30 else t for n, t in enumerate(pictures.tracks))
    found = class_report(checkpoint.load("mine"), replace(pictures, tracks=tracks), Progress())
    assert [part["tracks"] for part in found["figures"].values()] == [6, 6]
    assert list(found["tracks"]) == ["train", "valid", "test"]


def test_a_class_that_is_not_in_valid_is_undefined_not_nan(pictures: Arrays, tiny: Any, tmp_path: Path) -> None:
    tiny.classifier("mine", ("drums", "flute", "organ", "voice"), columns=16)
    tracks = tuple(
        t._replace(split="aside") if n >= 24 and t.label == "voice" else t for n, t in enumerate(pictures.tracks)
    )
    curve = [{"step": 5, "train_loss": float("nan"), "score": float("nan")}]
    found = class_report(checkpoint.load("mine"), replace(pictures, tracks=tracks), Progress(5, curve=curve))
    assert sum(found["figures"]["valid"]["confusion"][3]) == 0
    assert found["curve"] == [{"step": 5, "train_loss": None, "score": None}]
    write_report(tmp_path, found)  # allow_nan=False


class Checker(HTMLParser):
    """Every tag that is opened is closed, and nothing is fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "img", "link", "iframe")
        assert not {"src", "href", "onclick", "onload"} & {name for name, _ in attrs}
        if tag not in ("meta", "polyline"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "polyline":
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_holds_the_figures_and_nothing_foreign(report: dict[str, Any], tmp_path: Path) -> None:
    paths = write_report(tmp_path, report)
    assert [path.name for path in paths] == ["mine.report.json", "mine.report.html"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == sorted(path.name for path in paths)
    assert json.loads(paths[0].read_text()) == json.loads(json.dumps(report))
    page = paths[1].read_text()
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    assert "http" not in re.sub("http-equiv", "", page)
    assert "prefers-color-scheme: dark" in page
    valid = report["figures"]["valid"]
    for told in (
        "Confusion matrix",
        f"{valid['accuracy']['value']:.3f}",
        f"{valid['f1']['organ']['value']:.3f}",
        "a note",
    ):
        assert told in checker.text
    assert page.count("<polyline") == 3


def test_what_users_name_is_escaped(report: dict[str, Any], tmp_path: Path) -> None:
    evil = json.loads(
        json.dumps(report).replace("organ", EVIL.replace('"', r"\"")).replace("made/", EVIL.replace('"', "'"))
    )
    evil |= {"notes": [EVIL], "licence": EVIL}
    evil["training"] |= {"data": EVIL, "command": f"audio-gen train --data {EVIL}", "settings": {EVIL: EVIL}}
    evil["training"]["init"] = {"name": EVIL, "sha256": EVIL}
    page = write_report(tmp_path, evil)[1].read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_names_that_are_no_text_can_be_written(report: dict[str, Any], tmp_path: Path) -> None:
    odd = json.loads(json.dumps(report).replace("made/valid/24", r"made/\udcff"))
    for path in write_report(tmp_path, odd):
        path.read_text(encoding="utf-8")


def test_a_training_leaves_a_report_beside_its_run(tmp_path: Path, pictures: Arrays, tiny_settings: Small) -> None:
    plan = Plan(
        recipe="classifier",
        name="mine",
        runs=tmp_path / "runs",
        output=tmp_path / "out",
        assignments=[*tiny_settings("classifier"), "steps=20"],
        device="cpu",
        quiet=True,
    )
    made = checkpoint.load(train(plan, pictures))
    report = json.loads((tmp_path / "runs" / "mine" / "mine.report.json").read_text())
    assert [point["step"] for point in report["curve"]] == list(range(2, report["ended"] + 1, 2))
    assert report["training"] == json.loads(json.dumps(made.training))
    best = next(point for point in report["curve"] if point["step"] == made.training["best_step"])
    assert report["figures"]["valid"]["macro_f1"]["value"] == pytest.approx(
        best["macro_f1"], abs=0.1
    )  # float16 weights
    assert report["figures"]["valid"]["accuracy"]["value"] == pytest.approx(best["accuracy"], abs=0.1)

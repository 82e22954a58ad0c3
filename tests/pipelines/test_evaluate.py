import csv
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from audio_gen.errors import DatasetError
from audio_gen.metrics.classification import accuracy, macro_f1
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.evaluate import evaluate_classifier

RATE = 22050


def write(path: Path, seconds: float, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    samples = 0.3 * np.sin(2 * np.pi * random.uniform(80, 7000) * t) + random.uniform(0, 0.2) * random.standard_normal(
        len(t)
    )
    soundfile.write(path, samples, RATE)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A folder with a table of eight tracks: genre, valence and arousal."""
    rows = []
    for n in range(8):
        write(tmp_path / "music" / f"{n}.wav", 0.5 + 0.5 * n, n)
        row = {"path": f"{n}.wav", "split": "unseen", "label": ("blues", "jazz", "rock")[n % 3]}
        rows.append(row | {"valence": f"{n / 8 - 0.5}", "arousal": f"{0.7 - n / 5:.2f}"})
    save(tmp_path / "music", rows)
    return tmp_path / "music"


def save(home: Path, rows: list[dict[str, str]]) -> None:
    with (home / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def load(home: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((home / "labels.csv").read_text().splitlines()))


def test_the_figures_are_those_of_classify(tiny: Any, table: Path) -> None:
    model = Classifier.load(tiny.classifier())
    found = evaluate_classifier(model, "folder", table, "unseen")
    assert list(found) == ["accuracy", "macro_f1", "ece", "details"]
    told = {Path(result.path).name: result for result in model.predict([table])}
    rows = load(table)
    truth = [model.labels.index(row["label"]) for row in rows]
    guess = [model.labels.index(str(told[row["path"]].label)) for row in rows]
    assert found["accuracy"]["value"] == accuracy(truth, guess)
    assert found["macro_f1"]["value"] == pytest.approx(macro_f1(truth, guess))
    for key in ("accuracy", "macro_f1", "ece"):
        assert list(found[key]) == ["value", "low", "high"]
        assert found[key]["low"] <= found[key]["value"] + 0.1
        assert found[key]["low"] <= found[key]["high"]
    details = found["details"]
    assert (details["tracks"], details["scored"], details["failed"]) == (8, 8, [])
    assert (details["model"], details["dataset"], details["split"]) == ("genre", "folder", "unseen")
    assert sum(sum(row.values()) for row in details["confusion"].values()) == 8
    assert evaluate_classifier(model, "folder", table, "unseen") == found


def test_emotion_by_figures(tiny: Any, table: Path) -> None:
    found = evaluate_classifier(Classifier.load(tiny.emotion()), "folder", table, "unseen")
    assert set(found) == {"arousal_r", "valence_r", "details"}
    model = Classifier.load("emotion")
    told = {Path(result.path).name: result.details for result in model.predict([table])}
    rows = load(table)
    for key in ("arousal", "valence"):
        right = np.corrcoef([float(row[key]) for row in rows], [told[row["path"]][key] for row in rows])[0, 1]
        assert found[f"{key}_r"]["value"] == pytest.approx(right, abs=1e-3)
        assert {f"{key}_ccc", f"{key}_rmse"} <= found["details"].keys()


@pytest.mark.parametrize("words", [False, True])
def test_emotion_by_quadrants(tiny: Any, table: Path, words: bool) -> None:
    names = ("happy", "tense", "sad", "calm") if words else ("Q1", "Q2", "Q3", "Q4")
    save(table, [{"path": row["path"], "label": names[n % 4]} for n, row in enumerate(load(table))])
    model = Classifier.load(tiny.emotion())
    found = evaluate_classifier(model, "folder", table, "test")
    keys = {"quadrant_accuracy", "arousal_accuracy", "valence_accuracy", "macro_f1", "ece", "details"}
    assert set(found) == keys
    told = {Path(result.path).name: result for result in model.predict([table])}
    order = [told[f"{n}.wav"] for n in range(8)]
    assert found["quadrant_accuracy"]["value"] == np.mean(
        [r.details["quadrant"] == f"Q{n % 4 + 1}" for n, r in enumerate(order)]
    )
    active = [r.probs["happy"] + r.probs["tense"] > 0.5 for r in order]
    assert found["arousal_accuracy"]["value"] == np.mean([a == (n % 4 < 2) for n, a in enumerate(active)])
    pleasant = [r.probs["happy"] + r.probs["calm"] > 0.5 for r in order]
    assert found["valence_accuracy"]["value"] == np.mean([p == (n % 4 in (0, 3)) for n, p in enumerate(pleasant)])


@pytest.mark.parametrize("home", ["", "gtzan_mel"])
@pytest.mark.parametrize("split", ["test", "never_seen"])
def test_a_split_of_pictures_with_nothing_else_there(tiny: Any, tmp_path: Path, home: str, split: str) -> None:
    random = np.random.default_rng(0)
    (tmp_path / "only" / home).mkdir(parents=True)
    mel = random.integers(0, 256, (9, 128, 387), dtype=np.uint8)
    genres = np.array(["blues", "jazz", "rock"])
    np.savez(tmp_path / "only" / home / f"{split}.npz", mel=mel, label=np.arange(9) % 3, genres=genres)
    found = evaluate_classifier(Classifier.load(tiny.classifier()), "gtzan_mel", tmp_path / "only", split)
    assert found["details"]["tracks"] == 9
    assert 0 <= found["accuracy"]["value"] <= 1


def test_class_folders_are_a_split_by_any_name(tiny: Any, tmp_path: Path) -> None:
    for n, label in enumerate(("blues", "jazz")):
        write(tmp_path / "new" / label / "x.wav", 1.0, n)
    found = evaluate_classifier(Classifier.load(tiny.classifier()), "folder", tmp_path / "new", "test")
    assert found["details"]["tracks"] == 2


def test_labels_that_the_model_does_not_know_are_in_the_table_only(tiny: Any, table: Path) -> None:
    rows = load(table)
    save(table, [{**row, "label": "polka" if n < 3 else row["label"]} for n, row in enumerate(rows)])
    details = evaluate_classifier(Classifier.load(tiny.classifier()), "folder", table, "unseen")["details"]
    assert (details["tracks"], details["scored"]) == (8, 5)
    assert sum(details["confusion"]["polka"].values()) == 3
    save(table, [{**row, "label": "polka"} for row in rows])
    with pytest.raises(DatasetError, match=r"tells nothing that 'genre' predicts \(blues, jazz, rock\)"):
        evaluate_classifier(Classifier.load("genre"), "folder", table, "unseen")


def test_a_track_that_cannot_be_read_is_counted(tiny: Any, table: Path, caplog: pytest.LogCaptureFixture) -> None:
    (table / "3.wav").write_bytes(b"torn")
    model = Classifier.load(tiny.classifier())
    with caplog.at_level(logging.WARNING):
        details = evaluate_classifier(model, "folder", table, "unseen")["details"]
    assert (details["failed"], details["tracks"]) == (["3.wav"], 7)
    assert "3.wav" in caplog.text
    for path in table.glob("*.wav"):
        path.write_bytes(b"torn")
    with pytest.raises(DatasetError, match="none of the 8 tracks of folder unseen can be read"):
        evaluate_classifier(model, "folder", table, "unseen")


def test_a_split_that_is_not_there(tiny: Any, table: Path) -> None:
    with pytest.raises(DatasetError, match="'test'"):
        evaluate_classifier(Classifier.load(tiny.classifier()), "folder", table, "test")

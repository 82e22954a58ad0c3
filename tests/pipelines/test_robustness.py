from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from audio_gen.audio.clip import Clip
from audio_gen.datasets._item import Item
from audio_gen.errors import DatasetError
from audio_gen.features.decibel_image import to_uint8
from audio_gen.metrics.classification import accuracy
from audio_gen.models.attacks import error, fgsm
from audio_gen.pipelines import evaluate, not_music, robustness
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.evaluate import evaluate_classifier
from audio_gen.pipelines.hearing import verdict_over, windows_of
from audio_gen.pipelines.not_music import evaluate_not_music
from audio_gen.pipelines.windows import Window

RATE = 22050
NAMES = {
    "mp3_64_kbps",
    "low_pass_4_khz",
    "gain_up_12_db",
    "gain_down_12_db",
    "noise_20_db",
    "mono_fold_down",
    "speed_up_3_percent",
    "speed_down_3_percent",
}
LABELS = ("blues", "jazz", "rock")


def sound(seed: int, seconds: float = 1.5) -> np.ndarray:
    random = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    return 0.2 * np.sin(2 * np.pi * random.uniform(80, 7000) * t) + 0.05 * random.standard_normal(len(t))


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Class folders of two tracks each."""
    for n in range(6):
        path = tmp_path / "music" / LABELS[n % 3] / f"{n}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, sound(n), RATE)
    return tmp_path / "music"


def test_every_change_is_one_and_stays_music_of_its_length() -> None:
    clip = Clip(torch.from_numpy(sound(0)).float()[None].repeat(2, 1), RATE)
    changes = robustness.changes(RATE)
    assert changes.keys() == NAMES - (set() if robustness.has_mp3() else {"mp3_64_kbps"})
    for name, change in changes.items():
        changed = change(clip)
        assert changed.shape[0] == 1
        assert changed.shape[1] == pytest.approx(clip.samples.shape[1], rel=0.07), name
        assert torch.isfinite(changed).all()
        length = min(changed.shape[1], clip.samples.shape[1])
        assert not torch.allclose(changed[:, :length], clip.samples[:1, :length], atol=1e-3), name
    assert changes["gain_up_12_db"](clip).abs().max() > 0.9 * 10**0.6 * clip.samples.abs().max()


@pytest.mark.parametrize("kind", ["classifier", "emotion"])
def test_the_table_of_a_model(tiny: Any, music: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Classifier.load(getattr(tiny, kind)())
    decoded: list[Path] = []
    load = robustness.load
    monkeypatch.setattr(robustness, "load", lambda path: decoded.append(path) or load(path))
    monkeypatch.setattr(evaluate, "windows_of", None)  # once, and by no other way
    found = evaluate_classifier(model, "folder", music, "test", robust=True)
    assert sorted(decoded) == sorted(music.glob("*/*.wav"))
    table = found["details"]["robustness"]
    assert table.keys() == NAMES
    columns = {"kept", *({"valence_change", "arousal_change"} if kind == "emotion" else ())}
    for row in table.values():
        assert row.keys() == columns
        assert 0 <= row["kept"]["low"] <= row["kept"]["value"] <= row["kept"]["high"] <= 1
    assert table["gain_up_12_db"]["kept"]["value"] == 1  # a relative picture doesn't hear it
    if kind == "emotion":
        assert table["gain_down_12_db"]["valence_change"]["value"] < 1e-3
        assert table["noise_20_db"]["valence_change"]["value"] > 1e-3


def test_what_is_counted_is_what_was_heard(tiny: Any, music: Path) -> None:
    model = Classifier.load(tiny.classifier())
    change = robustness.changes(RATE)["low_pass_4_khz"]
    kept = []
    for path in sorted(music.glob("*/*.wav")):
        clip = robustness.clip_of(Item("x", "test", "", path), RATE)
        soundfile.write(path.with_suffix(".after.wav"), change(clip)[0].numpy(), RATE, subtype="FLOAT")
        before, after = model.predict([path, path.with_suffix(".after.wav")])
        path.with_suffix(".after.wav").unlink()
        kept.append(before.label == after.label)
    table = evaluate_classifier(model, "folder", music, "test", robust=True)["details"]["robustness"]
    assert table["low_pass_4_khz"]["kept"]["value"] == pytest.approx(np.mean(kept))
    assert evaluate_classifier(model, "folder", music, "test", robust=True)["details"]["robustness"] == table


def test_figures_are_the_same_with_and_without(tiny: Any, music: Path) -> None:
    model = Classifier.load(tiny.classifier())
    plain, robust = (evaluate_classifier(model, "folder", music, "test", robust=wish) for wish in (False, True))
    assert "robustness" not in plain["details"]
    for key in ("accuracy", "macro_f1", "ece"):
        assert plain[key]["value"] == pytest.approx(robust[key]["value"], abs=1e-5)


def test_no_label_is_needed(tiny: Any, music: Path) -> None:
    model = Classifier.load(tiny.classifier("other", ("x", "y")))
    found = evaluate_classifier(model, "folder", music, "test", robust=True)
    assert found.keys() == {"details"}
    assert found["details"]["robustness"].keys() == NAMES
    assert found["details"]["confusion"].keys() == set(LABELS)


def test_pictures_cannot_be_changed(tiny: Any, tmp_path: Path) -> None:
    mel = np.zeros((3, 128, 387), np.uint8)
    np.savez(tmp_path / "test.npz", mel=mel, label=np.arange(3), genres=np.array(LABELS))
    with pytest.raises(DatasetError, match="no audio to change, only a picture"):
        evaluate_classifier(Classifier.load(tiny.classifier()), "gtzan_mel", tmp_path, "test", robust=True)


def test_without_an_encoder_mp3_is_left_out_and_said(
    tiny: Any, music: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(robustness, "has_mp3", lambda: False)
    found = evaluate_classifier(Classifier.load(tiny.classifier()), "folder", music, "test", robust=True)
    assert found["details"]["robustness"].keys() == NAMES - {"mp3_64_kbps"}
    assert caplog.text.count("no MP3 encoder") == 1


def undecided(tiny: Any) -> Classifier:
    """A model whose classes are about equally likely, so that an attack can change its mind."""
    model = Classifier.load(tiny.classifier())
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        model.net.classes.bias -= model.net(-80 * torch.rand(8, 128, 13, generator=random)).logits.mean(0)
    return model


def as_told(model: Classifier, items: list[Item]) -> list[int]:
    return [int(verdict_over(model, windows_of(model, item)).probs.argmax()) for item in items]


def attacked_by_hand(model: Classifier, item: Item, label: int, epsilon: float) -> int:
    pictures = torch.stack([window.picture for window in windows_of(model, item)])
    moved = fgsm(pictures, error(model.net, torch.full((len(pictures),), label)), epsilon)
    return int(verdict_over(model, [Window(*numbered) for numbered in enumerate(moved)]).probs.argmax())


def test_attacks_on_pictures(tiny: Any, tmp_path: Path) -> None:
    model = undecided(tiny)
    random = torch.Generator().manual_seed(0)
    mel = to_uint8(-80 * torch.rand(4, 128, 40, generator=random)).numpy()
    items = [Item(str(n), "test", "", image=image) for n, image in enumerate(mel)]
    truth = as_told(model, items)  # so that it is right, and has something to lose
    np.savez(tmp_path / "test.npz", mel=mel, label=np.array(truth), genres=np.array(LABELS))
    found = evaluate_classifier(model, "gtzan_mel", tmp_path, "test", epsilon=5.0)
    attacked = found["details"]["attacked"]
    assert (attacked["method"], attacked["epsilon_db"], attacked["tracks"]) == ("fgsm", 5.0, 4)
    assert attacked["clean_accuracy"] == found["accuracy"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    by_hand = [attacked_by_hand(model, item, label, 5.0) for item, label in zip(items, truth, strict=True)]
    assert attacked["attacked_accuracy"]["value"] == accuracy(truth, by_hand) < 1


def test_attacks_on_audio_are_attacks_on_its_pictures(tiny: Any, music: Path) -> None:
    model = undecided(tiny)
    paths = sorted(music.glob("*/*.wav"))
    truth = [LABELS.index(path.parent.name) for path in paths]
    items = [Item(path.name, "test", "", path) for path in paths]
    details = evaluate_classifier(model, "folder", music, "test", epsilon=20.0)["details"]
    by_hand = [attacked_by_hand(model, item, label, 20.0) for item, label in zip(items, truth, strict=True)]
    assert details["attacked"]["clean_accuracy"]["value"] == accuracy(truth, as_told(model, items))
    assert details["attacked"]["attacked_accuracy"]["value"] == accuracy(truth, by_hand)


def test_attacks_need_labels(tiny: Any, music: Path) -> None:
    model = Classifier.load(tiny.classifier("other", ("x", "y")))
    with pytest.raises(DatasetError, match="--attacked needs tracks whose label is one of x, y"):
        evaluate_classifier(model, "folder", music, "test", robust=True, epsilon=1.0)


def test_sounds_that_are_no_music(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(not_music, "COUNT", 3)
    monkeypatch.setattr(not_music, "SECONDS", 1.5)
    model = Classifier.load(tiny.classifier())
    found = evaluate_not_music(model)
    kinds = {"silence", "white_noise", "pink_noise", "brown_noise", "tone", "clicks", "speech", "all"}
    assert found.keys() == kinds | {"speech_by"}
    for kind in kinds:
        row = found[kind]
        assert 1 / 3 <= row["probability"]["low"] <= row["probability"]["value"] <= row["probability"]["high"] <= 1
        assert row["label"] in LABELS
        assert row["sounds"] == {"silence": 1, "all": 19}.get(kind, 3)
    told = [found[kind]["probability"]["value"] for kind in ("white_noise", "pink_noise", "brown_noise", "tone")]
    assert len(set(told)) == 4
    assert evaluate_not_music(model) == found
    silent = verdict_over(model, [Window(0, torch.full((128, 13), -80.0))])
    assert found["silence"]["probability"]["value"] == pytest.approx(float(silent.probs.max()))

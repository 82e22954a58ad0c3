import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from audio_gen.app.cli import main
from audio_gen.audio.clip import Clip
from audio_gen.audio.encode import save
from audio_gen.features.mel_spec import MelSpec
from audio_gen.models import checkpoint
from audio_gen.symbolic.files import write_notes
from audio_gen.symbolic.score import Meter, Score, Tempo, Track, notes_of


@pytest.fixture
def genre(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUDIO_GEN_CHECKPOINTS", str(tmp_path))
    model = checkpoint.Checkpoint(
        name="genre",
        family="classifier",
        config={},
        spec=MelSpec(),
        front_end={},
        labels=("blues", "jazz"),
        training={},
        metrics={
            "some_set/valid": {
                "accuracy": {"value": 0.71234, "low": 0.65, "high": 0.77},
                "ece": 0.05,
                "details": {"note": "x"},
            }
        },
        licence="CC BY-NC-SA 4.0",
        state={"w": torch.zeros(3, 5)},
    )
    model.save(tmp_path / "genre.safetensors")
    return tmp_path / "genre.safetensors"


def shown(capfd: pytest.CaptureFixture[str], *argv: object) -> Any:
    assert main([str(word) for word in argv]) == 0
    return json.loads(capfd.readouterr().out)


def test_info_lists_all(genre: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (genre.parent / "broken.safetensors").write_bytes(b"x" * 20)
    assert main(["info"]) == 0
    text = capfd.readouterr().out
    assert "accuracy 0.712 [0.65, 0.77], ece 0.05\n" in text
    assert "licence: CC BY-NC-SA 4.0" in text
    assert "broken: can't be used: " in text
    assert f"torch {torch.__version__.split('+')[0]}" in text
    assert "devices: cpu (" in text
    found = shown(capfd, "info", "--json")
    assert "genre" in {item["name"] for item in found["checkpoints"]}


def test_inspect_a_clip(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tags = {"model": "music", "label": "folk", "seed": "7"}
    for name, carried in (("tagged.wav", tags), ("plain.wav", None)):
        save(tmp_path / name, Clip(torch.zeros(1, 100), 8000), tags=carried)
    assert shown(capfd, "inspect", tmp_path / "tagged.wav") == tags
    assert main(["inspect", str(tmp_path / "plain.wav")]) == 0
    out, err = capfd.readouterr()
    assert out == "{}\n"
    assert "no tags" in err


def test_inspect_a_checkpoint(genre: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found = shown(capfd, "inspect", genre)
    assert (found["licence"], found["labels"], found["parameters"]) == ("CC BY-NC-SA 4.0", ["blues", "jazz"], 15)
    assert found["spec"] == MelSpec().to_dict()
    assert len(found["sha256"]) == 64


def test_inspect_an_array(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "x.npy", np.asfortranarray(np.arange(6, dtype=np.float16).reshape(2, 3)))
    found = shown(capfd, "inspect", tmp_path / "x.npy")
    assert found == {"shape": [2, 3], "dtype": "float16", "min": 0.0, "max": 5.0, "mean": 2.5}


def test_inspect_notes_and_what_is_told_of_them(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tracks = (
        Track(notes_of([(0, 480, 60, 80), (480, 480, 64, 80)]), "tune", 73),
        Track(notes_of([(0, 9, 36, 9)]), "", 0, True),
    )
    write_notes(tmp_path / "a.MID", Score(tracks, (Meter(0, 3, 4),), (Tempo(0, 90.0),)))
    found = shown(capfd, "inspect", tmp_path / "a.MID")
    assert (found["meter"], found["bpm"], found["bars"], found["notes"]) == ("3/4", 90.0, 1, 2)
    assert [(one["name"], one["program"], one["drums"], one["notes"]) for one in found["tracks"]] == [
        ("tune", 73, False, 2),
        ("", 0, True, 1),
    ]
    assert found["told_in"] is None
    (tmp_path / "a.json").write_text('{"model": "melody"}')
    assert shown(capfd, "inspect", tmp_path / "a.MID")["told_in"] == "a.json"
    assert shown(capfd, "inspect", tmp_path / "a.json") == {"model": "melody"}


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("gone.mid", None, 1),
        ("gone.json", None, 2),
        ("list.json", b"[1]", 2),
        ("torn.json", b'{"a": ', 2),
        ("gone.wav", None, 2),
        ("text.wav", b"text", 1),
        ("x.mid", b"MThd", 1),
        ("torn.npy", b"\x93NUMPY\x01\x00", 2),
        ("pickle.npy", b"\x80\x04N.", 2),
        ("torn.safetensors", b"\x10\x00", 3),
    ],
)
def test_what_can_not_be_inspected(
    tmp_path: Path, name: str, data: bytes | None, code: int, capfd: pytest.CaptureFixture[str]
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    assert main(["inspect", str(tmp_path / name)]) == code
    err = capfd.readouterr().err
    assert err.startswith("audio-gen: error: ")
    assert err.count("\n") == 1


def test_info_tells_what_generators_and_vocoders_reach(tiny: Any, capfd: pytest.CaptureFixture[str]) -> None:
    targets = {"class_agreement": {"met": True, "found": 0.75, "at_least": 0.7}}
    tiny.generator(metrics={"made/valid": {"details": {"model": "music", "targets": targets}}})
    rows = {
        "neural": {"onset_correlation": {"value": 0.76, "low": 0.7, "high": 0.8}},
        "other": {"mel_l1": {"value": 9}},
    }
    tiny.vocoder(metrics={"made/valid": {"details": {"model": "neural", "vocoding": rows}}})
    assert main(["info"]) == 0
    said = capfd.readouterr().out
    assert "on made/valid: class_agreement 0.75\n" in said
    assert "on made/valid: onset_correlation 0.76 [0.7, 0.8]\n" in said

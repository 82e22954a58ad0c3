import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from audio_gen.app.cli import main
from audio_gen.audio.clip import Clip
from audio_gen.audio.decode import load
from audio_gen.audio.encode import save
from audio_gen.errors import ParameterError
from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec
from audio_gen.pipelines import _media, report
from audio_gen.pipelines.records import json_line
from audio_gen.pipelines.tables import write_table

SPEC = MelSpec()


def tone(hz: float, seconds: float = 1.0, rate: int = 22050, channels: int = 1) -> Clip:
    wave = 0.5 * torch.sin(2 * torch.pi * hz * torch.arange(round(seconds * rate)) / rate)
    return Clip(wave.expand(channels, -1).contiguous(), rate)


def record(path: Path) -> dict[str, object]:
    genre = {"model": {"name": "genre", "sha256": "ab"}, "label": "jazz", "probs": {"jazz": 1.0}}
    return {"schema": 1, "path": str(path), "ok": True, "duration_s": 1.0, "results": {"genre": genre}}


def feature_record(path: Path, output: str, spec: MelSpec = SPEC) -> dict[str, object]:
    return {"path": str(path), "ok": True, "results": {"features": {"output": output, "spec": spec.to_dict()}}}


def pictures(page: str) -> list[np.ndarray]:
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))).astype(int) for data in found]


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """A folder with two good files and one that isn't audio, the records of all, and a generated clip."""
    for name, hz in (("low.wav", 300.0), ("high <b>.wav", 5000.0)):
        save(tmp_path / "music" / name, tone(hz))
    bad = {"schema": 1, "path": "bad.mp3", "ok": False, "error": {"type": "DecodeError", "message": "is empty"}}
    good = [record(tmp_path / "music" / name) for name in ("low.wav", "high <b>.wav")]
    (tmp_path / "classify.jsonl").write_bytes(b"".join(map(json_line, [good[0], bad, good[1]])))
    save(tmp_path / "new" / "music_folk_7_0.wav", tone(440.0), tags={"label": "folk", "licence": "GPL-3.0-or-later"})
    return tmp_path


def test_the_command_writes_one_page_with_all(music: Path):
    output = music / "out" / "report.html"
    arguments = ["report", str(music / "classify.jsonl"), "--generated", str(music / "new"), "-o", str(output)]
    assert main(arguments) == 0
    page = output.read_text("utf-8")
    assert [path.name for path in output.parent.iterdir()] == ["report.html"]
    assert page.count("<audio") == 3
    assert "high &lt;b&gt;.wav" in page
    assert "<b>.wav" not in page
    assert "GPL-3.0-or-later" in page
    assert "is empty" in page
    assert main(arguments) == 2
    assert main([*arguments, "--overwrite", "--title", "Mine"]) == 0
    assert "<h1>Mine</h1>" in output.read_text("utf-8")


def test_pictures_show_the_tones(music: Path):
    report.write_report(music / "classify.jsonl", music / "r.html")
    low, high = (picture.sum(1).argmax() for picture in pictures((music / "r.html").read_text("utf-8")))
    assert low > high + 50  # rows count from the top


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_features_are_drawn_where_there_are_any(music: Path, kind: str):
    folder = music / "features"
    (folder / "sub").mkdir(parents=True)
    np.save(folder / "sub" / "low.npy", np.full((SPEC.n_mels, 345), -1.0, np.float16))  # 4 s, all of one colour
    rows = [feature_record(music / "music" / "low.wav", "sub/low.npy")]
    if kind == "jsonl":
        (folder / "manifest.jsonl").write_bytes(json_line(rows[0]))
    else:
        write_table(rows, kind, folder / "manifest.parquet")
    report.write_report(music / "classify.jsonl", music / "r.html", features=folder)
    page = (music / "r.html").read_text("utf-8")
    drawn, computed = pictures(page)
    assert drawn.shape == (SPEC.n_mels, 345)
    assert (drawn == 255).all()
    assert computed.shape == (SPEC.n_mels, SPEC.frames(22050))
    assert "The player has the first 0:01" in page


def test_the_spec_of_the_manifest_is_used(tmp_path: Path):
    spec = MelSpec(sample_rate=16000, n_mels=64, power=2.0, fmax=None)
    write_table([feature_record(tmp_path / "a.wav", "a.npy", spec)], "parquet", tmp_path / "manifest.parquet")
    assert _media.feature_files(tmp_path) == {str(tmp_path / "a.wav"): _media.Mel(tmp_path / "a.npy", spec)}


def test_a_missing_file_or_feature_costs_only_itself(music: Path):
    media = _media.exhibit(music / "gone.wav")
    assert not media.player
    assert not media.picture
    assert "No player" in media.note
    np.save(music / "odd.npy", np.zeros(3))
    (music / "torn.npy").write_bytes(b"\x93NUMPY")
    for name in ("odd.npy", "torn.npy", "gone.npy"):
        media = _media.exhibit(music / "music" / "low.wav", _media.Mel(music / name, SPEC))
        assert media.player
        assert not media.picture
        assert "No picture" in media.note


def test_the_page_stops_growing(music: Path, monkeypatch: pytest.MonkeyPatch):
    one = report._size(_media.exhibit(music / "new" / "music_folk_7_0.wav"))
    monkeypatch.setattr(report, "SPACE", one + 1)
    assert report.write_report(music / "classify.jsonl", music / "r.html", generated=music / "new").labelled == 2
    page = (music / "r.html").read_text("utf-8")
    assert page.count("<audio") == 2  # the new clip, and one record
    assert "More files" in page


@pytest.mark.parametrize(("rate", "channels", "kept"), [(44100, 2, 44100), (96000, 6, 44100), (8000, 1, 44100)])
def test_the_player_has_the_beginning_in_a_common_form(tmp_path: Path, rate: int, channels: int, kept: int):
    save(tmp_path / "a.wav", tone(440.0, 3.0, rate, channels))
    clip = _media.excerpt(tmp_path / "a.wav", seconds=2.0)
    assert clip.sample_rate == kept
    assert clip.channels == (2 if channels == 2 else 1)
    assert clip.duration == pytest.approx(2.0, abs=1e-3)
    (tmp_path / "b.ogg").write_bytes(_media.as_ogg(clip))
    mel = LogMel(MelSpec(sample_rate=kept))(load(tmp_path / "b.ogg").to(channels=1).samples)[0]
    expected = LogMel(MelSpec(sample_rate=kept))(clip.to(channels=1).samples)[0]
    assert mel.mean(1).argmax() == expected.mean(1).argmax()


def test_wrong_arguments_say_what_to_do(music: Path):
    records, output = music / "classify.jsonl", music / "r.html"
    with pytest.raises(ParameterError, match="can't read the records"):
        report.write_report(music / "gone.jsonl", output)
    with pytest.raises(ParameterError, match="audio-gen features"):
        report.write_report(records, output, features=music / "music")
    with pytest.raises(ParameterError, match="audio-gen generate"):
        report.write_report(records, output, generated=music / "gone")
    (music / "torn.jsonl").write_text(json.dumps(["no record"]) + "\n")
    assert main(["report", str(music / "torn.jsonl"), "-o", str(output)]) == 2
    assert main(["report", str(records), "-o", str(music)]) == 2
    assert not output.exists()


def test_nested_tags_are_told_in_words(tmp_path: Path) -> None:
    tags = {"label": "folk", "trained_on": ["A (CC0)", "B (GPL)"], "wish": {"seed": 3, "glob": [], "loop": False}}
    (tmp_path / "new").mkdir()
    save(tmp_path / "new" / "clip.wav", Clip(torch.rand(1, 8000) - 0.5, 8000), tags=tags)
    record = {"schema": 1, "path": "a.wav", "ok": False, "error": {"type": "DecodeError", "message": "x"}}
    (tmp_path / "records.jsonl").write_bytes(json_line(record))
    page = tmp_path / "report.html"
    report.write_report(tmp_path / "records.jsonl", page, generated=tmp_path / "new")
    said = page.read_text()
    assert "<dd>A (CC0); B (GPL)</dd>" in said
    assert "<dd>loop False, seed 3</dd>" in said

"""Files that are made again from what they say of themselves."""

import json
from pathlib import Path
from typing import Any

import pytest

from audio_gen.app.cli import main
from audio_gen.audio.encode import read_tags, save
from audio_gen.errors import ParameterError
from audio_gen.models import checkpoint
from audio_gen.pipelines.generate import Generator
from audio_gen.pipelines.provenance import asked_of, digest, remade

CLIP = ["generate", "--model", "music", "--seconds", "0.4"]
COMMANDS = {
    "plain": [*CLIP, "--count", "2", "--seed", "5"],
    "tree": [*CLIP, "--tree", "--label", "folk:0.3,techno:0.7", "--variety", "0.5"],
    "finish": [*CLIP, "--lufs", "-20", "--fade", "0.1", "0.2", "--subtype", "PCM_24", "--vocoder", "neural"],
    "loop": ["generate", "--model", "music", "--loop", "--bpm", "200", "--bars", "1"],
    "best": [*CLIP, "--best-of", "3"],
    "vae": ["generate", "--model", "vae", "--seconds", "0.4"],
    "one-shot": ["generate", "--model", "drums"],
    "walk": ["walk", "--model", "music", "--seeds", "3,1", "--label", "folk", "techno", "--seconds", "0.6"],
}


@pytest.fixture
def models(tiny: Any) -> Any:
    tiny.generator(critic=True)
    tiny.generator("drums", length=30, seed=3)
    tiny.autoencoder()
    tiny.vocoder()
    return tiny


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_same_bytes_again(models: Any, tmp_path: Path, name: str) -> None:
    assert main([*COMMANDS[name], "-o", str(tmp_path / "out"), "--quiet"]) == 0
    clips = sorted((tmp_path / "out").rglob("*.wav"))
    assert clips
    for path in clips:
        assert main(["generate", "--rerender", str(path), "-o", str(tmp_path / "again"), "--quiet"]) == 0
        again = tmp_path / "again" / path.name
        assert again.read_bytes() == path.read_bytes()
        told, then = (json.loads(one.with_suffix(".json").read_text()) for one in (again, path))
        assert {key: value for key, value in then.items() if key != "takes"} == told


def test_what_is_like_a_recording(models: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audio_gen.pipelines.like.ROUNDS", 3)
    assert main(["generate", "--model", "music", "--seconds", "1.5", "-o", str(tmp_path), "--quiet"]) == 0
    (song,) = tmp_path.glob("*.wav")
    like = ["generate", "--model", "music", "--like", str(song), "--seconds", "0.4", "--count", "2", "--quiet"]
    assert main([*like, "-o", str(tmp_path / "out")]) == 0
    found = sorted((tmp_path / "out").glob("*.wav"))
    assert [path.name for path in found] == [f"music_like-{song.stem}_seed0_000{index}.wav"[:200] for index in (0, 1)]
    assert found[0].read_bytes() != found[1].read_bytes()
    assert main(["generate", "--rerender", str(found[1]), "-o", str(tmp_path / "again"), "--quiet"]) == 0
    assert (tmp_path / "again" / found[1].name).read_bytes() == found[1].read_bytes()
    assert len(read_tags(found[0])["wish"]["glob"]) == 64
    assert main([*like, "--label", "folk", "-o", str(tmp_path / "none")]) == 2


def test_changed_models_are_refused_with_both_hashes(
    models: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*CLIP, "--vocoder", "neural", "-o", str(tmp_path / "out"), "--quiet"]) == 0
    (path,) = (tmp_path / "out").glob("*.wav")
    for change in (lambda: models.generator(seed=9), lambda: models.vocoder(licence="another")):
        before = {name: checkpoint.load(name).sha256 for name in ("music", "neural")}
        changed = change()
        now = checkpoint.load(changed).sha256
        assert main(["generate", "--rerender", str(path), "-o", str(tmp_path / "again"), "--quiet"]) == 3
        said = capfd.readouterr().err
        assert "has changed" in said
        assert before[changed.stem][:12] in said
        assert now[:12] in said
        models.generator(critic=True)
        models.vocoder()
    assert not (tmp_path / "again").exists()


def test_existing_files_and_others(models: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([*CLIP, "-o", str(tmp_path), "--quiet"]) == 0
    (path,) = tmp_path.glob("*.wav")
    before = path.read_bytes()
    assert main(["generate", "--rerender", str(path), "-o", str(tmp_path), "--quiet"]) == 2
    assert "exists already" in capfd.readouterr().err
    assert main(["generate", "--rerender", str(path), "-o", str(tmp_path), "--quiet", "--overwrite"]) == 0
    assert path.read_bytes() == before
    from audio_gen.audio.decode import load

    save(tmp_path / "plain.wav", load(path))
    assert main(["generate", "--rerender", str(tmp_path / "plain.wav"), "-o", str(tmp_path / "x"), "--quiet"]) == 2
    assert "doesn't tell how it was made" in capfd.readouterr().err
    (tmp_path / "text.wav").write_text("text")
    assert main(["generate", "--rerender", str(tmp_path / "text.wav"), "-o", str(tmp_path / "x"), "--quiet"]) == 1


def test_accounts_that_make_no_sense_are_refused(models: Any, tmp_path: Path) -> None:
    assert main([*CLIP, "-o", str(tmp_path), "--quiet"]) == 0
    (path,) = tmp_path.glob("*.wav")
    said = asked_of(path)
    made = Generator.load("music")
    voice = made.vocoder("mel-griffin-lim")
    item, _ = remade(made, voice, said)
    assert item.wish == {**said["wish"], "glob": ()}
    for wish in (
        {},
        {"label": 3},
        {"label": "folk", "seconds": "x"},
        {"label": "polka"},
        {"seeds": 1, "label": "folk"},
    ):
        with pytest.raises(ParameterError):
            remade(made, voice, {**said, "wish": wish})
    with pytest.raises(ParameterError, match="somebody's recording"):
        remade(made, voice, {**said, "wish": {**said["wish"], "source": {}}})
    with pytest.raises(ParameterError):
        remade(made, voice, {**said, "finish": {"lufs": 99}})
    with pytest.raises(ParameterError):
        remade(made, voice, {**said, "finish": {"colour": 1}})


def test_what_was_made_by_another_version_is_warned_of(
    models: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert main([*CLIP, "-o", str(tmp_path), "--quiet"]) == 0
    (path,) = tmp_path.glob("*.wav")
    made = Generator.load("music")
    remade(made, made.vocoder("mel-griffin-lim"), {**asked_of(path), "software": "audio_gen 0.0.1"})
    assert "bytes may differ" in caplog.text


def test_digests(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert digest(tmp_path / "a").startswith("ba7816bf8f01cfea")

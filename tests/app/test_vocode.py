import json
from pathlib import Path

import numpy as np
import pytest

from audio_gen.app.cli import main
from audio_gen.audio.decode import load


def test_audio_and_log_mels_in_the_mirrored_tree(music: Path, capfd: pytest.CaptureFixture[str]) -> None:
    np.save(music / "b" / "mel.npy", np.zeros((128, 5), np.float16) - 6)
    np.save(music / "b" / "other.npy", np.zeros((80, 5), np.float32))
    assert main(["vocode", "music", "-o", "out", "--quiet"]) == 1
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {row["path"]: row["ok"] for row in rows} == {
        "music/a/track01.wav": True,
        "music/b/mel.npy": True,
        "music/b/other.npy": False,
        "music/b/track01.flac": True,
        "music/b/x.wav/t.OGG": True,
        "music/empty.mp3": False,
        "music/text.wav": False,
    }
    assert {str(path) for path in Path("out").rglob("*.*") if path.is_file()} == {
        "out/a/track01.wav",
        "out/b/mel.wav",
        "out/b/track01.wav",
        "out/b/x.wav/t.wav",
    }
    clip = load("out/b/track01.wav")
    assert (clip.sample_rate, clip.samples.shape) == (22050, (1, 55125))
    capfd.readouterr()
    assert main(["vocode", "music", "-o", "out", "--quiet"]) == 2
    assert "--skip-existing" in capfd.readouterr().err
    assert main(["vocode", "music/a", "music/b", "-o", "out", "--skip-existing"]) == 1
    assert '"ok": true' not in capfd.readouterr().out


def test_the_same_bytes_for_every_number_of_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for name in "abc":
        np.save(f"{name}.npy", random.standard_normal((128, 8)).astype(np.float32) - 5)
    for jobs in "12":
        assert main(["vocode", "a.npy", "b.npy", "c.npy", "-o", jobs, "--jobs", jobs]) == 0
    first = {path.name: path.read_bytes() for path in Path("1").iterdir()}
    assert len(set(first.values())) == 3
    assert {path.name: path.read_bytes() for path in Path("2").iterdir()} == first


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["music/a", "--vocoder", "nothing"], 3, "no checkpoint is called 'nothing'"),
        (["music/none"], 2, "no such file"),
        (["music/a", "--device", "gpu"], 2, "auto, cpu, cuda"),
    ],
)
def test_wrong_usage(
    music: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    assert main(["vocode", *arguments, "-o", "out"]) == code
    assert message in capfd.readouterr().err


def test_a_wrong_subtype_fails_before_any_work(music: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["vocode", "music/a", "-o", "out", "--subtype", "MP3"]) in (2, 4)
    assert not list(Path("out").rglob("*.wav"))
    assert "PCM_16" in capfd.readouterr().out + capfd.readouterr().err

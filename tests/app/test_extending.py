import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch

from audio_gen.app.cli import main
from audio_gen.audio.decode import load
from audio_gen.audio.encode import read_tags
from audio_gen.pipelines import extend
from audio_gen.pipelines.seams import FADE
from audio_gen.pipelines.search import find_noise
from audio_gen.pipelines.vocoder import GRIFFIN_LIM


@pytest.fixture
def song(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two seconds of stereo at 44.1 kHz in the working folder."""
    monkeypatch.setattr(extend, "find_noise", partial(find_noise, rounds=2))
    monkeypatch.chdir(tmp_path)
    tiny.generator()
    time = torch.arange(88200) / 44100
    waves = torch.stack([torch.sin(2 * torch.pi * hertz * time) for hertz in (300, 450)], 1)
    soundfile.write("song.wav", (0.3 * waves).numpy(), 44100)
    return Path("song.wav")


def generate(*arguments: str) -> int:
    command = ["generate", "--model", "music", "-o", "out", "--vocoder", GRIFFIN_LIM, *arguments]
    return main(command)


def test_going_on_after_the_end(song: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert generate("--continue", "song.wav", "--seconds", "0.5", "--label", "techno", "--seed", "4") == 0
    path = Path("out/song_continued_techno_seed4.wav")
    before, after = load(song), load(path)
    assert after.samples.shape == (2, 88200 + 22050)
    kept = 88200 - round(FADE * 44100)
    assert torch.equal(after.samples[:, :kept], before.samples[:, :kept])
    said = capfd.readouterr()
    (record,) = (json.loads(line) for line in said.out.splitlines())
    told = json.loads(path.with_suffix(".json").read_text())
    assert record["results"]["generate"] == told
    assert [seam["at_s"] for seam in told["seams"]] == [2.0]
    assert "seam at 2.00 s" in said.err
    assert "stays at 44100 Hz, 2 channel(s)" in said.err
    assert read_tags(path) == {key: value for key, value in told.items() if key not in ("seams", "distance")}
    assert told["wish"]["source"]["seconds"] == 2
    assert "song" not in json.dumps(told)  # the recording is told by its hash
    again = ("--continue", "song.wav", "--label", "techno", "--seed", "4")
    assert generate(*again, "--seconds", "0.5") == 2  # it exists
    assert generate(*again, "--seconds", "0.5", "--skip-existing") == 0
    capfd.readouterr()
    assert generate(*again, "--seconds", "0.7", "--skip-existing") == 2  # but it is another one
    assert "was made from another wish" in capfd.readouterr().err
    assert main(["generate", "--rerender", str(path), "-o", "again"]) == 2
    assert "somebody's recording" in capfd.readouterr().err


def test_a_gap_made_anew(song: Path) -> None:
    assert generate("--inpaint", "song.wav", "--start", "0.8", "--end", "1.1", "--quiet") == 0
    path = Path("out/song_inpainted_folk_seed0.wav")
    before, after = load(song), load(path)
    first, last, fade = round(0.8 * 44100), round(1.1 * 44100), round(FADE * 44100)
    assert after.samples.shape == before.samples.shape
    for part in (slice(0, first - fade), slice(last + fade, None)):
        assert torch.equal(after.samples[:, part], before.samples[:, part])
    assert len(json.loads(path.with_suffix(".json").read_text())["seams"]) == 2
    path.write_bytes(b"mine")
    assert generate("--inpaint", "song.wav", "--start", "0.8", "--end", "1.1", "--quiet", "--skip-existing") == 0
    assert path.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--continue", "song.wav"], 2, "--seconds S"),
        (["--continue", "song.wav", "--seconds", "1", "--inpaint", "song.wav"], 2, "not allowed with"),
        (["--continue", "song.wav", "--seconds", "1", "--start", "0", "--end", "1"], 2, "--continue FILE goes with"),
        (["--continue", "song.wav", "--seconds", "1", "--end", "1"], 2, "--continue FILE goes with"),
        (["--continue", "song.wav", "--seconds", "1", "--rerender", "song.wav"], 2, "leave out --seconds, --continue"),
        (["--start", "1", "--end", "2"], 2, "go with --inpaint FILE"),
        (["--inpaint", "song.wav", "--start", "1"], 2, "--start A and --end B"),
        (["--inpaint", "song.wav", "--start", "1", "--end", "1.2", "--seconds", "3"], 2, "not with --seconds"),
        (["--inpaint", "song.wav", "--start", "0.1", "--end", "1"], 2, "must lie inside"),
        (["--continue", "none.wav", "--seconds", "1"], 2, "no such file: 'none.wav'"),
        (["--continue", "song.wav", "--seconds", "0"], 2, "above 0"),
        (["--continue", "song.wav", "--seconds", "1", "--label", "polka"], 2, "folk, techno"),
        (["--continue", "song.wav", "--seconds", "1", "--label", "folk", "techno"], 2, "several labels"),
        (["--continue", "song.wav", "--seconds", "1", "--count", "2"], 2, "several labels, seeds or clips"),
        (["--continue", "song.wav", "--seconds", "1", "--loop"], 2, "don't go with --loop"),
        (["--continue", "song.wav", "--seconds", "1", "--lufs", "-14", "--tree"], 2, "--lufs, --tree"),
        (["--continue", "song.wav", "--seconds", "1", "--fade", "1", "1"], 2, "--fade"),
        (["--continue", "song.wav", "--seconds", "1", "--best-of", "2"], 2, "--best-of"),
        (["--continue", "song.wav", "--seconds", "1", "--variety", "0.5"], 2, "--variety"),
        (["--continue", "song.wav", "--seconds", "1", "--model", "vae"], 2, "take a generator, not the autoencoder"),
        (["--continue", "song.wav", "--seconds", "1", "--model", "drums"], 2, "makes one-shots"),
        (["--continue", "text.wav", "--seconds", "1"], 1, "text.wav"),
    ],
)
def test_conflicts_and_mistakes(
    song: Path, tiny: Any, capfd: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    Path("text.wav").write_text("text")
    tiny.autoencoder()
    tiny.generator("drums", length=40)
    assert generate(*arguments, "--quiet") == code
    said = capfd.readouterr()
    assert message in said.err
    assert said.out == ""
    assert not Path("out").exists() or not list(Path("out").iterdir())


def test_a_recording_that_ends_in_silence(song: Path, capfd: pytest.CaptureFixture[str]) -> None:
    soundfile.write("song.wav", torch.zeros(88200).numpy(), 44100)
    assert generate("--continue", "song.wav", "--seconds", "1", "--quiet") == 2
    assert "cut the silence off first" in capfd.readouterr().err


@pytest.mark.parametrize(("subtype", "kept"), [("PCM_16", "PCM_16"), ("PCM_24", "PCM_24"), ("FLOAT", "FLOAT")])
def test_the_recording_stays_as_exact_as_it_was(song: Path, subtype: str, kept: str) -> None:
    clip = load(song)
    fine = clip.samples.double() + (2.0**-20 if subtype == "PCM_24" else 2.0**-27 if subtype == "FLOAT" else 0)
    loud = fine * (4 if subtype == "FLOAT" else 1)  # over full scale
    soundfile.write("exact.wav", loud.T.float().numpy(), 44100, subtype=subtype)
    assert generate("--continue", "exact.wav", "--seconds", "0.3", "--quiet") == 0
    path = Path("out/exact_continued_folk_seed0.wav")
    assert soundfile.info(path).subtype == kept
    before, after = load(Path("exact.wav")).samples, load(path).samples
    count = 88200 - round(FADE * 44100)
    assert torch.equal(after[:, :count], before[:, :count])


def test_many_channels_and_opposite_ones_are_refused(song: Path, capfd: pytest.CaptureFixture[str]) -> None:
    mono = load(song).samples[:1]
    soundfile.write("six.wav", mono.repeat(6, 1).T.numpy(), 44100)
    soundfile.write("opposite.wav", torch.cat([mono, -mono]).T.numpy(), 44100)
    for name, message in (("six.wav", "has 6 channels; mix it"), ("opposite.wav", "channels together, is silent")):
        assert generate("--continue", name, "--seconds", "0.3") == 2
        assert message in capfd.readouterr().err


def test_each_channel_gets_what_is_new_at_its_own_level(song: Path) -> None:
    mono = load(song).samples[:1]
    soundfile.write("side.wav", torch.cat([mono, 0.1 * mono]).T.numpy(), 44100)
    assert generate("--continue", "side.wav", "--seconds", "0.5", "--quiet") == 0
    new = load(Path("out/side_continued_folk_seed0.wav")).samples[:, 88200:]
    assert float(new[0].std() / new[1].std()) == pytest.approx(10, rel=0.2)  # but for what is bent at full scale


def test_a_smaller_subtype_is_told(song: Path, capfd: pytest.CaptureFixture[str]) -> None:
    soundfile.write("fine.wav", (load(song).samples.T.double() + 2.0**-20).numpy(), 44100, subtype="PCM_24")
    assert generate("--continue", "fine.wav", "--seconds", "0.3", "--subtype", "PCM_16") == 0
    assert "needs PCM_24 to stay as it is; PCM_16 changes it" in capfd.readouterr().err

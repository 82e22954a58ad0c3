import hashlib
import json
import math
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from audio_gen.app.cli import main
from audio_gen.audio.decode import load
from audio_gen.audio.encode import read_tags
from audio_gen.features.mel_spec import MelSpec
from audio_gen.models import checkpoint


def generate(output: Path, *arguments: str) -> int:
    return main(["generate", "--model", "music", "-o", str(output), "--seconds", "0.5", "--quiet", *arguments])


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_same_bytes_for_every_number_of_jobs(tiny: Any, tmp_path: Path) -> None:
    tiny.generator()
    for jobs in (1, 2, 4):
        assert generate(tmp_path / str(jobs), "--count", "4", "--jobs", str(jobs)) == 0
    one = files(tmp_path / "1")
    assert len(one) == 8
    assert files(tmp_path / "2") == files(tmp_path / "4") == one
    assert len(set(one.values())) == 8


def test_the_same_bytes_for_every_number_of_threads(tiny: Any, tmp_path: Path) -> None:
    tiny.generator()
    before = torch.get_num_threads()
    try:
        for count in (1, 2, 4):
            torch.set_num_threads(count)
            assert generate(tmp_path / str(count), "--count", "2", "--seconds", "6") == 0
    finally:
        torch.set_num_threads(before)
    assert files(tmp_path / "1") == files(tmp_path / "2") == files(tmp_path / "4")


def test_a_clip_does_not_depend_on_how_many_are_made(tiny: Any, tmp_path: Path) -> None:
    tiny.generator()
    assert generate(tmp_path / "two", "--count", "2", "--seed", "7") == 0
    assert generate(tmp_path / "four", "--count", "4", "--seed", "7") == 0
    two, four = files(tmp_path / "two"), files(tmp_path / "four")
    assert two == {name: four[name] for name in two}


def test_nothing_depends_on_the_time_or_on_what_was_done_before(tiny: Any, tmp_path: Path) -> None:
    tiny.generator()
    assert generate(tmp_path / "first") == 0
    begun = time.time()
    torch.manual_seed(123)
    torch.rand(5)
    time.sleep(max(0.0, begun + 1.1 - time.time()))  # a clock of whole seconds has moved on
    assert generate(tmp_path / "elsewhere" / "second") == 0
    assert files(tmp_path / "first") == files(tmp_path / "elsewhere" / "second")


def test_seeds_and_labels_differ(tiny: Any, tmp_path: Path) -> None:
    tiny.generator()
    for seed in ("0", "1", "-3", str(2**70)):
        for label in ("folk", "techno"):
            assert generate(tmp_path / "out", "--seed", seed, "--label", label, "--skip-existing") == 0
    sounds = [
        hashlib.sha256(load(path).samples.numpy().tobytes()).digest() for path in (tmp_path / "out").glob("*.wav")
    ]
    assert len(set(sounds)) == len(sounds) == 8


def test_files_are_called_after_model_label_seed_and_index(tiny: Any, tmp_path: Path) -> None:
    tiny.generator()
    assert generate(tmp_path / "out", "--count", "3", "--seed", "5") == 0
    names = ["music_folk_seed5_0000", "music_techno_seed5_0001", "music_folk_seed5_0002"]
    assert files(tmp_path / "out").keys() == {f"{name}.{end}" for name in names for end in ("json", "wav")}


def test_records_tags_and_sidecar(tiny: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tiny.generator()
    assert generate(tmp_path / "out", "--label", "techno", "--seed", "9") == 0
    (record,) = (json.loads(line) for line in capfd.readouterr().out.splitlines())
    wav = tmp_path / "out" / "music_techno_seed9_0000.wav"
    clip, tags = load(wav), read_tags(wav)
    told = json.loads(wav.with_suffix(".json").read_text())
    measured = told.pop("measured")
    assert tags == told
    assert tags["model"] == "music"
    assert tags["sha256"] == checkpoint.load(path).sha256
    assert (tags["label"], tags["seed"], tags["index"]) == ("techno", 9, 0)
    assert (tags["vocoder"], tags["licence"]) == ("mel-griffin-lim", "CC0-1.0, made by a test")
    assert not {"date", "time", "path", "batch_size"} & set(tags)
    assert clip.samples.shape == (1, 11025)
    assert clip.samples.abs().max() > 0.01
    assert record.keys() == {"schema", "path", "ok", "duration_s", "sample_rate", "results"}
    assert (record["path"], record["ok"], record["duration_s"], record["sample_rate"]) == (str(wav), True, 0.5, 22050)
    assert record["results"]["generate"] == {**tags, "measured": measured}
    assert measured.keys() == {"lufs", "true_peak_db", "gain"}
    peak = 20 * math.log10(float(clip.samples.abs().max()))
    assert peak - 0.1 < measured["true_peak_db"] < min(-0.9, peak + 3)


@pytest.mark.parametrize(("subtype", "size"), [("PCM_16", 2), ("PCM_24", 3), ("FLOAT", 4)])
def test_subtypes(tiny: Any, tmp_path: Path, subtype: str, size: int) -> None:
    tiny.generator()
    assert generate(tmp_path / "out", "--subtype", subtype) == 0
    (wav,) = (tmp_path / "out").glob("*.wav")
    assert 0 < wav.stat().st_size - size * 11025 < 2000


def test_existing_outputs(tiny: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tiny.generator()
    out = tmp_path / "out"
    assert generate(out, "--count", "2") == 0
    first = files(out)
    wav = out / "music_folk_seed0_0000.wav"
    wav.write_bytes(b"mine")
    capfd.readouterr()
    assert generate(out, "--count", "3") == 2  # neither: nothing is done
    assert "exists already; add --skip-existing to keep it or --overwrite" in capfd.readouterr().err
    assert set(files(out)) == set(first)
    assert generate(out, "--count", "3", "--skip-existing") == 0
    assert wav.read_bytes() == b"mine"
    assert len(files(out)) == 6
    assert len(capfd.readouterr().out.splitlines()) == 1
    assert generate(out, "--count", "3", "--overwrite") == 0
    assert {name: files(out)[name] for name in first} == first
    assert generate(out, "--count", "3", "--overwrite", "--skip-existing") == 2


def test_a_clip_whose_sidecar_was_never_written_is_made_again(tiny: Any, tmp_path: Path) -> None:
    tiny.generator()
    out = tmp_path / "out"
    assert generate(out, "--count", "2") == 0
    first = files(out)
    (out / "music_folk_seed0_0000.json").unlink()
    (out / "music_folk_seed0_0000.wav").write_bytes(b"old")
    assert generate(out, "--count", "2", "--skip-existing") == 0
    assert files(out) == first


def test_a_manifest_keeps_what_an_earlier_run_did(tiny: Any, tmp_path: Path) -> None:
    import pyarrow.parquet

    tiny.generator()
    out = tmp_path / "out"
    table = ("--format", "parquet", "--skip-existing")
    assert generate(out, "--count", "2", *table) == 0
    (out / "music_folk_seed0_0000.wav").unlink()
    assert generate(out, "--count", "3", *table) == 0
    rows = pyarrow.parquet.read_table(out / "manifest.parquet").to_pylist()
    assert sorted(row["results.generate.index"] for row in rows) == [0, 1, 2]
    assert generate(out, "--seed", "1", "--format", "parquet") == 2  # the manifest is there


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--label", "polka"], 2, "folk, techno"),
        (["--label", ""], 2, "folk, techno"),
        (["--count", "0"], 2, "--count"),
        (["--seconds", "0"], 2, "seconds"),
        (["--seconds", "-1"], 2, "seconds"),
        (["--seconds", "nan"], 2, "seconds"),
        (["--seconds", "1e9"], 2, "seconds"),
        (["--subtype", "MP3"], 2, "PCM_16"),
        (["--model", "nothing"], 3, "music"),
        (["--model", "genre"], 3, "family 'classifier'; this needs one of family 'generator'"),
        (["--vocoder", "nothing"], 3, "no checkpoint is called 'nothing'"),
        (["--vocoder", "genre"], 3, "family"),
    ],
)
def test_what_cannot_be_made(
    tiny: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    tiny.generator()
    tiny.classifier()
    assert generate(tmp_path / "out", *arguments) == code
    said = capfd.readouterr()
    errors = [line for line in said.err.splitlines() if "falls back" not in line]
    assert len(errors) == 1
    assert message in errors[0]
    assert said.out == ""
    assert not (tmp_path / "out").exists() or not files(tmp_path / "out")


@pytest.mark.parametrize("data", [b"", b"text", b"\x00" * 5000, None])
def test_a_broken_checkpoint_is_refused_in_one_line(
    tiny: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str], data: bytes | None
) -> None:
    path = tiny.generator()
    path.write_bytes(path.read_bytes()[:-100] if data is None else data)
    assert generate(tmp_path / "out") == 3
    said = capfd.readouterr().err
    assert "is not a whole audio_gen checkpoint" in said
    assert said.count("\n") == 1


def test_no_label_leads_out_of_the_folder(tiny: Any, tmp_path: Path) -> None:
    tiny.generator(labels=("../../x", "hip hop/rap", "Überraschung", "n" * 300))
    assert generate(tmp_path / "a" / "b" / "out", "--count", "4") == 0
    made = sorted(path.relative_to(tmp_path / "a" / "b" / "out").as_posix() for path in tmp_path.rglob("*.wav"))
    long = "n" * 60
    assert made == [
        "music_-..-x_seed0_0000.wav",
        "music_hip-hop-rap_seed0_0001.wav",
        f"music_{long}_seed0_0003.wav",
        "music_Überraschung_seed0_0002.wav",
    ]
    wav = tmp_path / "a" / "b" / "out" / "music_hip-hop-rap_seed0_0001.wav"
    assert read_tags(wav)["label"] == "hip hop/rap"
    assert generate(tmp_path / "a" / "b" / "tree", "--count", "4", "--tree") == 0
    folders = sorted(path.parent.relative_to(tmp_path / "a" / "b").as_posix() for path in tmp_path.rglob("*.wav"))
    assert folders[4:] == ["tree/-..-x", "tree/hip-hop-rap", f"tree/{long}", "tree/Überraschung"]


def test_a_spec_that_nothing_can_be_rebuilt_from(tiny: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tiny.generator(spec=MelSpec(n_fft=512, hop_length=512, n_mels=32))
    assert generate(tmp_path / "out") in (2, 3)
    assert "Griffin-Lim needs" in capfd.readouterr().err


def test_mixtures_and_variety_are_told_beside_the_clip(tiny: Any, tmp_path: Path) -> None:
    tiny.generator()
    assert generate(tmp_path, "--label", "folk:0.7,techno:0.3", "--variety", "0.5") == 0
    (told,) = [json.loads(path.read_text()) for path in tmp_path.glob("*.json")]
    assert (told["label"], told["wish"]["variety"]) == ("folk:0.7,techno:0.3", 0.5)
    assert [path.name for path in tmp_path.glob("*.wav")] == ["music_folk-0.7-techno-0.3_seed0_0000.wav"]
    assert generate(tmp_path, "--label", "folk:0.7,polka:0.3") == 2
    assert generate(tmp_path, "--variety", "2") == 2


def test_loops_are_as_long_as_their_bars(tiny: Any, tmp_path: Path) -> None:
    tiny.generator()
    command = ["generate", "--model", "music", "--quiet", "-o"]
    assert main([*command, str(tmp_path), "--loop", "--bpm", "125", "--bars", "1"]) == 0
    (clip,) = [load(path) for path in tmp_path.glob("*.wav")]
    assert clip.samples.shape[1] == round(4 * 60 / 125 * 22050)
    for wrong in (
        ["--bpm", "120"],
        ["--loop", "--bars", "2"],
        ["--loop", "--bpm", "5"],
        ["--loop", "--seconds", "0.5"],
        ["--loop", "--bpm", "120", "--seconds", "2"],
        ["--loop", "--seconds", "2", "--fade", "0.1", "0.1"],
    ):
        assert main([*command, str(tmp_path / "none"), *wrong]) == 2
    assert not (tmp_path / "none").exists()

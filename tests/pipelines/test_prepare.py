import csv
import logging
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from audio_gen.audio.decode import load
from audio_gen.audio.synth import find_soundfont
from audio_gen.datasets import folder, gtzan_mel
from audio_gen.datasets._arrays import Arrays, load_arrays
from audio_gen.errors import DatasetError, ParameterError
from audio_gen.features.decibel_image import SPEC, DecibelImage, to_uint8
from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec
from audio_gen.features.notes import NOTE_ROWS
from audio_gen.pipelines.prepare import images_of, prepare

RATE = 22050


def write(path: Path, seconds: float, hz: float, rate: int = RATE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(int(hz)).standard_normal(len(t))
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * hz * t) + 0.01 * noise, rate)


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """Class folders: three files each of two classes."""
    for n in range(3):
        write(tmp_path / "music" / "high" / f"{n}.wav", 1.5, 3000 + 100 * n)
        write(tmp_path / "music" / "low" / f"{n}.flac", 2.0, 200 + 10 * n, 44100)
    return tmp_path / "music"


@pytest.fixture
def several(tmp_path: Path) -> Path:
    """Two datasets in one root: gtzan_mel (pictures) and free_music (audio)."""
    root = tmp_path / "data"
    random = np.random.default_rng(0)
    (root / "gtzan_mel").mkdir(parents=True)
    for split, count in (("train", 3), ("valid", 2)):
        mel = random.integers(0, 256, (count, 128, 387), dtype=np.uint8)
        np.savez(root / "gtzan_mel" / f"{split}.npz", mel=mel, label=np.arange(count), genres=gtzan_mel.LABELS)
    rows = []
    for n, (split, style) in enumerate([("train", "folk"), ("train", "metal"), ("valid", "folk"), ("test", "jazz")]):
        write(root / "free_music" / f"{n}.wav", 1.0 + n, 300 * (n + 1))
        rows.append({"path": f"{n}.wav", "split": split, "style": style, "set": "styles", "licence": f"CC{n % 2}"})
    with (root / "free_music" / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return root


def test_pictures_of_class_folders(classes: Path) -> None:
    arrays = prepare(["folder"], classes, "image")
    items = folder.items(classes)
    assert (arrays.kind, arrays.labels, arrays.spec) == ("image", ("high", "low"), SPEC)
    assert arrays.mel.shape == (6, 128, 387)
    assert arrays.mel.dtype == np.uint8
    assert [track.id for track in arrays.tracks] == [item.id for item in items]
    for number, (track, item) in enumerate(zip(arrays.tracks, items, strict=True)):
        assert (track.split, track.label, track.group, track.dataset) == (item.split, item.label, item.group, "folder")
        assert item.path is not None
        samples = load(item.path).to(RATE, 1).samples
        wrapped = samples.repeat(1, 30)[:, : 30 * RATE]
        right = to_uint8(DecibelImage(SPEC, 387)(wrapped))[0].numpy()
        off = np.abs(arrays.mel[arrays.index == number][0].astype(int) - right)
        assert off.max() <= 1  # resampled as a stream: 1e-5 may round the other way
        assert np.mean(off) < 0.01
    assert {track.split for track in arrays.tracks} == {"train", "valid"}


def test_tracks_under_some_licences_can_be_left_out(tmp_path: Path) -> None:
    sound = 0.1 * np.random.default_rng(0).standard_normal(22050)
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "split", "style", "licence"])
        for number, licence in enumerate(["GPL-2", "GPL-2+", "CC0", "GPL-2"]):
            soundfile.write(tmp_path / f"{number}.wav", sound, 22050)
            table.writerow([f"{number}.wav", "train", "folk", licence])
    kept = prepare(["free_music"], tmp_path, "waveform", without_licence=["GPL-2"])
    assert [Path(track.id).stem for track in kept.tracks] == ["1", "2"]
    assert kept.licence == "GPL-2+; CC0"


def test_a_judge_learns_what_the_generator_does_not(tmp_path: Path) -> None:
    sound = 0.1 * np.random.default_rng(0).standard_normal(4410)
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "split", "label", "kit", "package", "licence"])
        rows = [("a", "train"), ("b", "train"), ("c", "valid"), ("d", "test"), ("e", "train")]
        for kit, split in rows:
            soundfile.write(tmp_path / f"{kit}.wav", sound, 22050)
            table.writerow([f"{kit}.wav", split, "kick", kit, "kits", "LGPL-3" if kit == "e" else "CC0"])
    left_out = {"without": ["b"], "without_licence": ["LGPL-3"]}
    learnt = prepare(["drums"], tmp_path, "log_mel", **left_out)
    judged = prepare(["drums"], tmp_path, "log_mel", for_judge=True, **left_out)

    def splits(arrays: Arrays) -> dict[str, str]:
        return {track.group: track.split for track in arrays.tracks}

    assert splits(learnt) == {"a": "train", "c": "valid", "d": "test"}
    assert splits(judged) == {"a": "valid", "b": "train", "c": "train"}
    assert learnt.credits == ("a (kits, CC0)",)
    learnt.save(tmp_path / "learnt.npz")
    assert load_arrays(tmp_path / "learnt.npz", "log_mel").credits == learnt.credits


def test_tracks_and_groups_can_be_left_out(classes: Path) -> None:
    items = folder.items(classes)
    without = [items[0].id, items[4].group, "nobody's"]
    kept = prepare(["folder"], classes, "waveform", seconds=0.2, without=without)
    assert [track.id for track in kept.tracks] == [items[number].id for number in (1, 2, 3, 5)]
    assert prepare(["folder"], classes, "waveform", seconds=0.2, without=[]).tracks[0].id == items[0].id


def test_waveforms_of_class_folders(classes: Path) -> None:
    arrays = prepare(["folder"], classes, "waveform", seconds=1.0)
    assert (arrays.kind, arrays.spec, arrays.mel.dtype) == ("waveform", MelSpec(), np.int16)
    assert arrays.index.tolist() == [22050 * n for n in range(7)]
    assert np.abs(arrays.mel.astype(float)).max() > 300


def test_tonal_images_are_images_with_notes(classes: Path) -> None:
    arrays, plain = (prepare(["folder"], classes, kind) for kind in ("tonal_image", "image"))
    assert arrays.kind == "tonal_image"
    assert arrays.mel.shape[1:] == (SPEC.n_mels + NOTE_ROWS, 387)
    assert np.array_equal(arrays.mel[:, : SPEC.n_mels], plain.mel)
    assert arrays.mel[:, SPEC.n_mels :].max() == 255


def test_log_mels_of_class_folders(classes: Path) -> None:
    arrays = prepare(["folder"], classes, "log_mel")
    assert (arrays.kind, arrays.spec, arrays.mel.dtype) == ("log_mel", MelSpec(), np.float16)
    assert arrays.index.tolist() == np.cumsum([0, *[130] * 3, *[173] * 3]).tolist()
    for number, item in enumerate(folder.items(classes)):
        assert item.path is not None
        right = LogMel()(load(item.path).to(RATE, 1).samples)[0].T.numpy()
        got = arrays.mel[arrays.index[number] : arrays.index[number + 1]]
        assert np.allclose(got, right.astype(np.float16), atol=2e-2)


@pytest.mark.parametrize(
    ("seconds", "count"), [(1e-4, 1), (29, 1), (30, 1), (39.9, 1), (40, 2), (60, 2), (69, 2), (70, 3)]
)
def test_pictures_of_half_a_minute(seconds: float, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audio_gen.pipelines.prepare.IMAGE_SECONDS", 0.3)  # a hundred times faster
    samples = torch.randn(1, max(1, round(seconds / 100 * RATE)), generator=torch.Generator().manual_seed(0))
    before = samples.clone()
    pictures, starts = images_of(samples)
    assert pictures.shape == (count, 128, 387)
    assert starts[:2] == [0.0, 0.3 if seconds >= 60 else pytest.approx((seconds - 30) / 100, abs=1e-4)][:count]
    assert torch.equal(samples, before)
    if seconds >= 30:
        end = to_uint8(DecibelImage(SPEC, 387)(samples[:, -round(0.3 * RATE) :]))[0].numpy()
        assert np.array_equal(pictures[-1], end) == (seconds in (30, 40, 60, 70))


def test_a_second_of_each(classes: Path) -> None:
    assert prepare(["folder"], classes, "log_mel", seconds=1.0).index.tolist() == [87 * n for n in range(7)]
    first, whole = (prepare(["folder"], classes, "image", seconds=seconds) for seconds in (0.5, None))
    assert not np.array_equal(first.mel, whole.mel)
    for seconds in (0, -1, float("nan")):
        with pytest.raises(ParameterError, match="seconds must be above 0"):
            prepare(["folder"], classes, "image", seconds=seconds)


def test_several_datasets_become_one(several: Path) -> None:
    arrays = prepare(["gtzan_mel", "free_music"], several, "image")
    assert arrays.labels == (*gtzan_mel.LABELS, "electronic", "orchestral", "folk")  # metal is in both
    assert [(track.dataset, track.split, track.label) for track in arrays.tracks] == [
        *[("gtzan_mel", "train", label) for label in ("blues", "classical", "country")],
        *[("gtzan_mel", "valid", label) for label in ("blues", "classical")],
        ("free_music", "train", "folk"),
        ("free_music", "train", "metal"),
        ("free_music", "valid", "folk"),
        ("free_music", "test", ""),
    ]
    with np.load(several / "gtzan_mel" / "valid.npz") as stored:
        assert np.array_equal(arrays.mel[arrays.index == 4][0], stored["mel"][1])
    assert arrays.licence == f"{gtzan_mel.LICENSE}; CC0; CC1"
    assert len(arrays.mel) == 9


def test_the_number_of_jobs_changes_nothing(classes: Path) -> None:
    one, four = (prepare(["folder"], classes, "image", jobs=jobs) for jobs in (1, 4))
    assert np.array_equal(one.mel, four.mel)
    assert one.tracks == four.tracks


def test_an_undecodable_track_is_left_out_with_a_warning(classes: Path, caplog: pytest.LogCaptureFixture) -> None:
    (classes / "high" / "1.wav").write_bytes(b"RIFF and nothing else")
    with caplog.at_level(logging.WARNING):
        arrays = prepare(["folder"], classes, "image")
    assert [track.id for track in arrays.tracks] == [
        f"{n}" for n in ("high/0.wav", "high/2.wav", "low/0.flac", "low/1.flac", "low/2.flac")
    ]
    assert arrays.index.tolist() == [0, 1, 2, 3, 4]
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.startswith("left out: ")
    assert "1.wav" in message


def test_nothing_decodable(classes: Path) -> None:
    for path in classes.rglob("*.*"):
        path.write_bytes(b"")
    with pytest.raises(DatasetError, match="none of this dataset's tracks could be read"):
        prepare(["folder"], classes, "image")


def test_refuses(classes: Path, several: Path) -> None:
    with pytest.raises(ParameterError, match="image, tonal_image, log_mel, waveform, score, not 'wave'"):
        prepare(["folder"], classes, "wave")
    with pytest.raises(ParameterError, match="gtzan_mel"):
        prepare(["gtzan"[:3]], classes, "image")
    with pytest.raises(DatasetError, match="no audio, only a picture; prepare it with `--as image`"):
        prepare(["gtzan_mel"], several, "log_mel")
    with pytest.raises(DatasetError, match="gtzan_mel"):
        prepare(["gtzan_mel"], classes, "image")


def test_progress_is_told_the_number_of_tracks(classes: Path) -> None:
    seen = []

    def progress(parts, count):  # type: ignore[no-untyped-def]
        seen.append(count)
        for part in parts:
            seen.append(part.tracks[0].id)
            yield part

    prepare(["folder"], classes, "image", progress=progress)
    assert seen == [6, *[item.id for item in folder.items(classes)]]


def test_midi_is_rendered_once_with_each_soundfont(tmp_path: Path) -> None:
    mido = pytest.importorskip("mido", reason="mido writes the score")
    font = find_soundfont()
    home = tmp_path / "emopia"
    (home / "midi").mkdir(parents=True)
    score = mido.MidiFile()
    score.tracks.append(
        mido.MidiTrack([mido.Message("note_on", note=69, velocity=90), mido.Message("note_off", note=69, time=480)])
    )
    score.save(home / "midi" / "Q1_a.mid")
    (home / "labels.csv").write_text("path,split,quadrant,song\nmidi/Q1_a.mid,train,Q1,a\n")
    other = tmp_path / "other.sf2"
    other.symlink_to(font)
    arrays = prepare(["emopia"], tmp_path, "image", soundfonts=[font, other], seconds=2.0)
    assert [(track.id, track.label, track.group) for track in arrays.tracks] == [
        (f"midi/Q1_a.mid#{name}", "Q1", "a") for name in (font.stem, "other")
    ]
    assert np.array_equal(arrays.mel[0], arrays.mel[1])
    loudest = int(arrays.mel[0].astype(int).sum(1).argmax())
    assert 5 <= loudest <= 25  # A4 and its octaves
    assert len(prepare(["emopia"], tmp_path, "image", seconds=2.0).tracks) == 1
    more = prepare(["emopia"], tmp_path, "image", soundfonts=[font, other], transpositions=[12, -3], seconds=2.0)
    assert [track.id.partition("#")[2] for track in more.tracks] == [font.stem, "other", f"{font.stem}#+12", "other#-3"]
    assert np.array_equal(more.mel[:2], arrays.mel)
    assert int(more.mel[2].astype(int).sum(1).argmax()) > loudest
    table = home / "labels.csv"
    table.write_text(table.read_text().replace("train", "valid"))
    assert len(prepare(["emopia"], tmp_path, "image", transpositions=[12], seconds=2.0).tracks) == 1


def test_tracks_know_the_fold_that_their_dataset_tells(tmp_path: Path) -> None:
    for name in "ab":
        write(tmp_path / "vgmidi" / f"{name}.wav", 1.0, 300)
    rows = "path,fold,valence,arousal\na.wav,3,0.1,0.2\nb.wav,0,0.3,-0.2\n"
    (tmp_path / "vgmidi" / "labels.csv").write_text(rows)
    tracks = prepare(["vgmidi"], tmp_path, "image").tracks
    assert [(track.fold, track.split) for track in tracks] == [("3", "valid"), ("0", "train")]

"""The whole evaluation on tiny models, and its figures on embeddings made up for the purpose."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from audio_gen.audio.clip import Clip
from audio_gen.errors import DatasetError, ParameterError
from audio_gen.models import checkpoint
from audio_gen.models.generator import GeneratorNet
from audio_gen.pipelines import _generator_clips
from audio_gen.pipelines._generator_clips import Sound, Source
from audio_gen.pipelines._generator_distances import MEAN, Listened
from audio_gen.pipelines._generator_ears import Heard
from audio_gen.pipelines._generator_judged import judged
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.evaluate_generator import embedding_of, evaluate_generator, wanted_of
from audio_gen.pipelines.generate import Generator
from audio_gen.pipelines.hearing import verdict_of

RATE = 22050
LABELS = ("folk", "techno")
SHORT: dict[str, Any] = {"count": 8, "seconds": 0.25, "vocoder": "griffin-lim"}


def write(path: Path, samples: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, RATE)


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """Three tracks of 1.5 s of each style for either split."""
    random = np.random.default_rng(0)
    for split in ("train", "valid"):
        for kind, label in enumerate(LABELS):
            for part in range(3):
                t = np.arange(RATE * 3 // 2) / RATE
                tone = 0.3 * np.sin(2 * np.pi * (300 + 2500 * kind + 40 * random.random()) * t)
                write(tmp_path / "real" / split / label / f"{part}.wav", tone + 0.03 * random.standard_normal(len(t)))
    return tmp_path / "real"


@pytest.fixture
def cast(tiny: Any) -> tuple[Generator, Classifier, dict[str, Any]]:
    """A generator, a judge of its labels (in another order) and a listener."""
    judge = Classifier.load(tiny.classifier("judge", LABELS[::-1]))
    return Generator.load(tiny.generator()), judge, {"genre": embedding_of(Classifier.load(tiny.classifier()))}


@pytest.fixture
def drums(tiny: Any) -> Generator:
    """Makes one-shots of 48 frames, 0.55 s."""
    model = checkpoint.load(tiny.generator("drums"))
    net = GeneratorNet(**{**model.config, "length": 48})
    net.load_state_dict(model.state, strict=False)
    path = tiny.folder / "drums.safetensors"
    replace(model, name="drums", config={**model.config, "length": 48}, state=net.state_dict()).save(path)
    return Generator.load(path)


def test_figures(cast: Any, real: Path) -> None:
    found = evaluate_generator(*cast, "folder", real, "valid", **SHORT)
    assert list(found) == ["details"]
    details = found["details"]
    assert (details["model"], details["judge"], details["vocoder"]) == ("music", "judge", "griffin-lim")
    sizes = [details[f"{name}_clips"] for name in ("generated", "real", "other_real", "pink_noise")]
    assert sizes == [16, 16, 16, 8]
    assert (details["other_real"], details["real_tracks"], details["other_real_tracks"]) == ("train", 6, 6)
    for name in ("generated", "real", "other_real", "shuffled_classes"):
        assert details["judged"][name]["class_agreement"].keys() == {"value", "low", "high"}
    for name in ("generated", "real", "other_real"):
        counts = np.array([list(row.values()) for row in details[f"confusion_{name}"].values()])
        assert counts.sum(1).tolist() == [8, 8]
        share = details["judged"][name]["class_agreement"]["value"]
        assert share == pytest.approx(counts.trace() / 16)
    assert list(details["listeners"]) == ["genre"]
    block = details["listeners"]["genre"]
    kad = {name: row["value"] for name, row in block["kad"].items() if isinstance(row, dict)}
    assert kad.keys() == {"generated", "other_real", "pink_noise", "vocoded"}
    assert kad["other_real"] < kad["pink_noise"]
    assert block["kad"]["limit"] == pytest.approx(0.9 * kad["other_real"] + 0.1 * kad["pink_noise"])
    assert block["coverage"][MEAN]["other_real"] > block["coverage"][MEAN]["pink_noise"]
    assert block["coverage"]["folk"]["clips"] == 8
    assert details["targets"].keys() == {"class_agreement", "genre kad", "genre coverage", "genre variety"}
    assert evaluate_generator(*cast, "folder", real, "valid", **SHORT) == found
    assert evaluate_generator(*cast, "folder", real, "valid", **SHORT, seed=1) != found


def test_copies_of_real_music_pass_every_test(cast: Any, real: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = _generator_clips.real_items("folder", real, "valid", LABELS)[0]
    monkeypatch.setattr(Source, "made", lambda source: source.real(items))
    details = evaluate_generator(*cast, "folder", real, "valid", **SHORT)["details"]
    block = details["listeners"]["genre"]
    assert block["coverage"][MEAN]["generated"] == 1
    assert block["variety"][MEAN]["ratio"] == pytest.approx(1)
    assert block["kad"]["under_limit"]
    assert details["judged"]["generated"] == details["judged"]["real"]
    wrong = {name: row for name, row in details["targets"].items() if not row.get("met", True)}
    assert not wrong


def test_noise_in_place_of_clips_is_found_out(cast: Any, real: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def noisy(source: Source) -> Iterator[Sound]:
        for number, sound in enumerate(source.pink_noise()):
            yield replace(sound, label=LABELS[number % 2])

    monkeypatch.setattr(Source, "made", noisy)
    details = evaluate_generator(*cast, "folder", real, "valid", **{**SHORT, "count": 16})["details"]
    assert details["targets"]["genre kad"]["met"] is False
    coverage = details["listeners"]["genre"]["coverage"][MEAN]
    assert coverage["generated"] < coverage["other_real"] / 1.5


def test_a_split_alone_is_held_against_itself(cast: Any, real: Path, tmp_path: Path) -> None:
    (real / "train").rename(tmp_path / "gone")
    details = evaluate_generator(*cast, "folder", real, "valid", **SHORT)["details"]
    assert (details["other_real"], details["real_tracks"], details["other_real_tracks"]) == ("half of valid", 4, 2)
    for path in real.rglob("[12].wav"):
        path.unlink()
    with pytest.raises(DatasetError, match="give two tracks of a class or more"):
        evaluate_generator(*cast, "folder", real, "valid", **SHORT)


def test_what_does_not_fit_is_refused(cast: Any, real: Path) -> None:
    generator, judge, listeners = cast
    other = Classifier.load("genre")
    with pytest.raises(DatasetError, match="judge 'genre' knows"):
        evaluate_generator(generator, other, listeners, "folder", real, "valid", **SHORT)
    with pytest.raises(DatasetError, match="no track of folk, techno as long as 2 s"):
        evaluate_generator(generator, judge, listeners, "folder", real, "valid", count=8, seconds=2.0)


def test_a_torn_track_is_left_out(cast: Any, real: Path) -> None:
    (real / "valid" / "folk" / "0.wav").write_bytes(b"torn")
    details = evaluate_generator(*cast, "folder", real, "valid", **SHORT)["details"]
    assert details["real_tracks"] == 5


def test_a_short_clip_is_heard_as_classify_hears_its_file(cast: Any, tmp_path: Path) -> None:
    _, judge, _ = cast
    for seconds in (0.3, 1.0, 2.7):
        noise = 0.1 * np.random.default_rng(0).standard_normal(round(seconds * RATE))
        soundfile.write(tmp_path / "x.wav", noise, RATE, subtype="FLOAT")
        (told,) = judge.predict(tmp_path / "x.wav")
        heard = verdict_of(judge, Clip(torch.from_numpy(noise).float()[None], RATE))
        assert [told.probs[label] for label in judge.labels] == pytest.approx(heard.probs.tolist(), abs=1e-4)
        assert told.embedding == pytest.approx(heard.embedding.numpy(), abs=1e-4)


def test_real_clips_are_spread_over_tracks_and_do_not_overlap(cast: Any, real: Path) -> None:
    generator, _, _ = cast
    source = Source(generator, generator.vocoder("griffin-lim"), 0.25, 8, 0)
    items = _generator_clips.real_items("folder", real, "valid", LABELS)[0]
    sounds = list(source.real(items))
    counts = np.unique([sound.track for sound in sounds], return_counts=True)[1]
    assert sorted(counts.tolist()) == [2, 2, 3, 3, 3, 3]
    assert {sound.clip.samples.shape for sound in sounds} == {(1, source.size)}
    for item in items:
        whole, _ = soundfile.read(item.path)
        places = [
            int(np.correlate(whole, sound.plain.samples[0].numpy(), "valid").argmax())
            for sound in sounds
            if sound.track == item.id and sound.plain
        ]
        assert np.diff(places).min() >= source.size
        assert places[0] == 0


def test_one_shots_begin_at_their_onset_and_end_in_silence(drums: Generator, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for label in LABELS:
        for number, silence in enumerate((0.0, 0.3)):
            burst = 0.5 * random.standard_normal(RATE // 8) * np.exp(-np.arange(RATE // 8) / 800)
            write(tmp_path / "hits" / label / f"{number}.wav", np.concatenate([np.zeros(round(silence * RATE)), burst]))
    halves = _generator_clips.real_items("folder", tmp_path / "hits", "test", LABELS)
    items = [*halves[0], *halves[1]]
    source = Source(drums, drums.vocoder("griffin-lim"), None, 8, 0)
    sounds = list(source.real(items))
    assert len(sounds) == 4  # one of each file, however many are wanted
    for sound in sounds:
        assert sound.plain is not None
        for clip in (sound.clip, sound.plain):
            samples = clip.samples[0]
            assert len(samples) == drums.samples(None) == 47 * 256
            begin = int(torch.nonzero(samples.abs() > 0.05)[0])
            assert begin <= 2 * 256
            assert samples[RATE // 4 :].abs().max() < 0.02
    made = next(source.made())
    assert made.clip.samples.shape[1] == 47 * 256


def test_one_shots_are_evaluated_too(drums: Generator, cast: Any, real: Path) -> None:
    details = evaluate_generator(drums, *cast[1:], "folder", real, "valid", count=6, vocoder="griffin-lim")["details"]
    assert details["seconds"] == pytest.approx(47 * 256 / RATE)
    assert details["real_clips"] == 6
    assert details["targets"]["genre density"]["at_most"] == 1.2
    assert details["listeners"]["genre"]["coverage"]["folk"]["generated"] is None  # 3 clips have no fifth neighbour
    assert details["targets"]["genre coverage"] == {"found": None, "at_least": 0.5}
    assert (wanted_of(drums).judge, wanted_of(drums).count) == ("kits", 150)
    assert (wanted_of(cast[0]).judge, wanted_of(cast[0]).count) == ("styles", 250)


def crowd(seed: int, *, apart: float = 3.0, spread: float = 1.0, far: float = 0.0, labelled: bool = True) -> Heard:
    """Two classes of 60 clips of 12 tracks each; the judge is right about four in five."""
    random = np.random.default_rng(seed)
    labels = np.repeat([0, 1], 60)
    rows = spread * random.standard_normal((120, 6)) + far
    rows[:, 0] += apart * labels
    heard = np.where(random.random(120) < 0.8, labels, 1 - labels)
    probs = np.where(np.eye(2)[heard] > 0, 0.9, 0.1)
    tracks = np.array([f"{seed}/{number // 5}" for number in range(120)])
    return Heard(labels if labelled else np.full(120, -1), tracks, probs, {"ear": rows}, {"ear": rows + 0.1})


def crowds(**changes: Heard) -> dict[str, Heard]:
    noise = crowd(3, apart=0, spread=0.1, far=4, labelled=False)
    noise = replace(noise, probs=np.full((120, 2), 0.5))
    return {"generated": crowd(0), "real": crowd(1), "other_real": crowd(2), "pink_noise": noise, **changes}


def test_controls_rank_where_real_music_resembles_real_music() -> None:
    block, notes = Listened("ear", LABELS, crowds(), 0).figures()
    assert notes == []
    for metric in ("density", "coverage"):
        means = block[metric][MEAN]
        assert means["clips"] == 120
        assert means["other_real"] > means["shuffled_classes"] > means["pink_noise"] == 0
        assert means["other_real"] == pytest.approx(np.mean([block[metric][label]["other_real"] for label in LABELS]))
    means = block["kad_within_classes"][MEAN]
    assert means["other_real"] < means["shuffled_classes"] < means["pink_noise"]
    assert block["kad"]["under_limit"]
    narrow, _ = Listened("ear", LABELS, crowds(generated=crowd(0, spread=0.2)), 0).figures()
    assert narrow["variety"][MEAN]["ratio"] < 0.3 < 0.9 < block["variety"][MEAN]["ratio"]
    off, _ = Listened("ear", LABELS, crowds(generated=crowd(0, far=2)), 0).figures()
    assert not off["kad"]["under_limit"]
    assert off["coverage"][MEAN]["generated"] < block["coverage"][MEAN]["generated"] / 2


def test_a_figure_that_misranks_a_control_is_named() -> None:
    strange = crowds(other_real=crowd(2, far=9), pink_noise=replace(crowd(3), labels=np.full(120, -1)))
    block, notes = Listened("ear", LABELS, strange, 0).figures()
    assert {"ear kad: pink_noise", "ear coverage: pink_noise", "ear density: shuffled_classes"} <= set(notes)
    assert block["kad"]["misranked"] == "pink_noise"
    assert "shuffled_classes" in block["density"]["misranked"]


def test_a_judge_is_held_against_shuffled_classes() -> None:
    found, notes = judged(LABELS, crowds(), 0.7, 0)
    assert notes == []
    assert found["judged"]["real"]["class_agreement"]["value"] > 0.7
    assert 0.35 < found["judged"]["shuffled_classes"]["class_agreement"]["value"] < 0.65
    assert found["judged"]["pink_noise"] == {"inception_score": pytest.approx(1)}
    for row in found["class_agreement_by_class"].values():
        assert row["wanted"] == min(0.7, row["real"])
    deaf = replace(crowd(1), probs=np.tile([0.6, 0.4], (120, 1)))
    found, notes = judged(LABELS, crowds(real=deaf), 0.7, 0)
    assert notes == ["class_agreement: shuffled_classes"]
    noise = crowds(real=deaf)["pink_noise"]
    sure = replace(noise, probs=np.eye(2)[np.arange(120) % 2])
    found, notes = judged(LABELS, crowds(real=deaf, pink_noise=sure), 0.7, 0)
    assert notes == ["class_agreement: shuffled_classes", "inception_score: pink_noise"]
    assert found["judged"]["misranked"] == ", ".join(notes)
    assert found["class_agreement_by_class"]["techno"]["wanted"] == 0  # what the judge can't do of real music


def test_a_track_is_one_vote_for_the_width_of_an_interval() -> None:
    right = np.repeat(np.random.default_rng(0).random(24) < 0.6, 5)
    same = replace(crowd(1), probs=np.where(right[:, None] == (np.eye(2)[crowd(1).labels] > 0), 0.9, 0.1))
    strangers = replace(same, tracks=np.array([str(number) for number in range(120)]))
    wide, narrow = (
        judged(LABELS, crowds(real=one), 0.7, 0)[0]["judged"]["real"]["class_agreement"] for one in (same, strangers)
    )
    assert wide["value"] == narrow["value"]
    assert wide["high"] - wide["low"] > 1.5 * (narrow["high"] - narrow["low"])


def test_a_page_is_a_blind_test(cast: Any, real: Path, tmp_path: Path) -> None:
    settings = {**SHORT, "seconds": 0.5}
    evaluate_generator(*cast, "folder", real, "valid", **settings, page=tmp_path / "page")
    page = tmp_path / "page"
    assert {path.name for path in page.iterdir()} == {"clips", "blind", "blind.truth.json"}
    truth = json.loads((page / "blind.truth.json").read_text())
    told = [(clip["truth"], clip["label"]) for clip in truth["clips"]]
    assert {one: told.count(one) for one in told} == {
        (kind, label): 4 for kind in ("real", "generated") for label in LABELS
    }
    assert "folk" not in (page / "blind" / "index.html").read_text()
    with pytest.raises(ParameterError, match="no empty folder"):
        evaluate_generator(*cast, "folder", real, "valid", **settings, page=page)
    with pytest.raises(ParameterError, match=r"0\.5 to 60 s"):
        evaluate_generator(*cast, "folder", real, "valid", **SHORT, page=tmp_path / "other")


def test_a_page_of_too_few_clips_costs_a_warning(
    cast: Any, real: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for path in real.rglob("[12].wav"):
        path.unlink()
    with caplog.at_level(logging.WARNING):
        evaluate_generator(*cast, "folder", real, "valid", **{**SHORT, "seconds": 1.0}, page=tmp_path / "page")
    assert "no blind test of 4 clips" in caplog.text

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from audio_gen.audio.decode import load
from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.pipelines.classify import Classifier, classify_file
from audio_gen.pipelines.inputs import Source
from audio_gen.pipelines.listening import check_together, judged
from audio_gen.pipelines.windows import Cutter

RATE = 22050


def music(length: int, seed: int = 0) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Notes that change twice a second over a little noise."""
    notes = np.random.default_rng(seed)
    pitches = np.repeat(notes.uniform(80, 6000, length // 11025 + 1), 11025)[:length]
    return 0.3 * np.sin(2 * np.pi * np.cumsum(pitches) / RATE) + 0.003 * notes.standard_normal(length)


def source(path: Path) -> Source:
    return Source(path, path.name, Path(path.name))


@pytest.mark.parametrize("rate", [RATE, 44100])
def test_a_streamed_file_equals_the_whole(tiny: Any, tmp_path: Path, rate: int) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, music(45 * rate), rate, subtype="FLOAT")  # longer than two blocks of the decoder
    model = Classifier.load(tiny.classifier())
    record = classify_file(source(path), [model], batch_size=4)
    whole = load(path).to(RATE, 1).samples
    (told,) = judged([model], Cutter(model.picture, model.window).windows(iter([whole])), 4)
    right = model.describe(told.prediction, 45.0)
    got = record["results"]["genre"]
    assert got["label"] == right["label"]
    assert list(got["probs"].values()) == pytest.approx(list(right["probs"].values()), abs=1e-4)
    assert len(got["timeline"]) == len(right["timeline"])
    assert record["duration_s"] == 45.0


def test_the_answer_follows_the_sound(tiny: Any, tmp_path: Path) -> None:
    model = Classifier.load(tiny.classifier())
    seen = set()
    for seed in range(4):
        soundfile.write(tmp_path / "x.wav", music(2 * RATE, seed), RATE)
        probs = classify_file(source(tmp_path / "x.wav"), [model])["results"]["genre"]["probs"]
        assert sum(probs.values()) == pytest.approx(1, abs=1e-5)
        seen.add(tuple(probs.values()))
    assert len(seen) == 4


@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_batch_size_changes_no_more_than_rounding(tiny: Any, tmp_path: Path, batch_size: int) -> None:
    soundfile.write(tmp_path / "x.wav", music(9 * RATE), RATE)
    model = Classifier.load(tiny.classifier())
    one, other = (classify_file(source(tmp_path / "x.wav"), [model], batch_size=n) for n in (1, batch_size))
    probs = [list(record["results"]["genre"]["probs"].values()) for record in (one, other)]
    assert probs[0] == pytest.approx(probs[1], abs=1e-5)


@pytest.mark.parametrize(
    ("samples", "rate"),
    [
        (np.zeros(1), 44100),
        (np.ones(1), 8000),
        (0.1 * np.ones((int(0.005 * 44100), 2)), 44100),
        (np.zeros(3 * RATE), RATE),
        (np.full(RATE, 0.5), RATE),
        (0.1 * np.ones((96000, 8)), 96000),
        (np.sin(np.arange(4000)), 8000),
    ],
    ids=["one zero", "one sample", "5 ms", "silence", "dc", "96 kHz", "8 kHz"],
)
def test_odd_files_get_their_result(
    tiny: Any, tmp_path: Path, samples: "np.ndarray[Any, np.dtype[np.float64]]", rate: int
) -> None:
    soundfile.write(tmp_path / "x.wav", samples, rate)
    models = [Classifier.load(tiny.classifier()), Classifier.load(tiny.emotion())]
    record = classify_file(source(tmp_path / "x.wav"), models)
    assert record["ok"]
    assert record["duration_s"] == round(len(samples) / rate, 3)
    assert record["sample_rate"] == rate
    for entry in record["results"].values():
        assert sum(entry["probs"].values()) == pytest.approx(1, abs=1e-5)
        assert entry["label"] == max(entry["probs"], key=entry["probs"].get)
        assert entry["timeline"][0]["start_s"] == 0
        assert entry["timeline"][-1]["end_s"] == record["duration_s"]


def test_short_audio_is_wrapped(tiny: Any, tmp_path: Path) -> None:
    model = Classifier.load(tiny.classifier())
    piece = music(3000)
    records = []
    for times in (1, 2):
        soundfile.write(tmp_path / "x.wav", np.tile(piece, times), RATE, subtype="FLOAT")
        records.append(classify_file(source(tmp_path / "x.wav"), [model])["results"]["genre"]["probs"])
    assert records[0] == records[1]


def test_from_python(tiny: Any, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", music(2 * RATE), RATE)
    (tmp_path / "b.wav").write_bytes(b"no audio")
    tiny.classifier()
    model = Classifier.load("genre")
    assert model.labels == ("blues", "jazz", "rock")
    good, bad = model.predict([tmp_path])
    assert good.path == str(tmp_path / "a.wav")
    assert good.label == good.top(1)[0][0] == good.details["label"]
    assert [label for label, _ in good.top(3)] == sorted(good.probs, key=lambda label: -good.probs[label])
    assert good.timeline == good.details["timeline"]
    assert good.error is None
    assert bad.error is not None
    assert (bad.label, bad.probs, bad.timeline) == (None, {}, [])


def test_an_embedding_with_every_result(tiny: Any, tmp_path: Path) -> None:
    for seed in range(2):
        soundfile.write(tmp_path / f"{seed}.wav", music(2 * RATE, seed), RATE)
    model = Classifier.load(tiny.classifier())
    results = list(model.predict([tmp_path / "0.wav", tmp_path / "1.wav", tmp_path / "0.wav"]))
    assert len(results) == 2
    for result in results:
        assert result.embedding is not None
        assert (result.embedding.dtype, result.embedding.shape) == (np.float32, (8,))
        assert np.linalg.norm(result.embedding) == pytest.approx(1, abs=1e-5)
        assert "embedding" not in result.details
        entry = classify_file(source(Path(result.path)), [model], embeddings=True)["results"]["genre"]
        assert np.allclose(entry["embedding"], result.embedding)
        assert list(entry)[-1] == "embedding"
    assert not np.allclose(results[0].embedding, results[1].embedding, atol=1e-3)


def test_a_model_abstains_below_the_least_confidence(tiny: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, music(5 * RATE), RATE)
    model = Classifier.load(tiny.classifier())
    (sure,) = model.predict(path)
    label, prob = sure.top(1)[0]
    assert (sure.label, sure.abstained) == (label, None)
    assert next(model.predict(path, min_confidence=prob - 1e-5)).label == label
    assert next(model.predict(path, min_confidence=prob + 1e-5)).label is None
    (unsure,) = model.predict(path, min_confidence=0.999)
    assert unsure.label is None
    assert unsure.details["label"] is None
    assert unsure.abstained == unsure.details["abstained"]
    assert unsure.abstained.startswith(f"highest probability {prob - 0.005:.2f} ({label}) is below")
    assert unsure.abstained.endswith("below --min-confidence 0.999")
    assert unsure.error is None
    assert (unsure.probs, unsure.top(1)) == (sure.probs, sure.top(1))
    assert [segment["label"] for segment in unsure.timeline] == [None]
    assert list(unsure.details) == ["model", "label", "abstained", "probs", "timeline"]


def test_emotion_abstains_from_the_quadrant_but_not_from_its_figures(tiny: Any, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", music(3 * RATE), RATE)
    model = Classifier.load(tiny.emotion(more={"quadrants": True}))
    entries = [
        classify_file(source(tmp_path / "x.wav"), [model], min_confidence=least)["results"]["emotion"]
        for least in (0.0, 1.0)
    ]
    assert entries[0]["quadrant"] is not None
    assert (entries[1]["quadrant"], entries[1]["label"]) == (None, None)
    for key in ("valence", "arousal", "valence_sd", "arousal_sd", "probs"):
        assert entries[0][key] == entries[1][key]


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_least_confidence_is_a_probability(tiny: Any, tmp_path: Path, value: float) -> None:
    model = Classifier.load(tiny.classifier())
    with pytest.raises(ParameterError, match="between 0 and 1, not"):
        list(model.predict(tmp_path, min_confidence=value))


def test_heat_maps_from_python(tiny: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, music(5 * RATE), RATE)
    model = Classifier.load(tiny.emotion(more={"quadrants": True, "terms": ["power", "tension"]}))
    assert model.answers == ("happy", "tense", "sad", "calm", "valence", "arousal", "power", "tension")
    best = next(model.predict(path)).label
    found = {name: model.heat_map(path, name) for name in model.answers}
    for name, heat in found.items():
        assert heat.label == name
        assert heat.values.shape == heat.decibels.shape == (128, len(heat.seconds)) == (128, round(5 * 387 / 30))
        assert np.isfinite(heat.values).all()
        assert heat.values.std() > 0
    assert np.array_equal(model.heat_map(path).values, found[str(best)].values)
    assert np.array_equal(model.heat_map(path, "Q2").values, found["tense"].values)
    happy = np.stack([found[name].values.ravel() for name in ("valence", "arousal", "happy")])
    weights, *_ = np.linalg.lstsq(happy[:2].T, happy[2], rcond=None)  # happy: both count, upwards
    assert (weights > 0).all()
    assert np.allclose(weights @ happy[:2], happy[2], atol=1e-4)
    with pytest.raises(ParameterError, match="no answer 'jazz' to explain; it gives happy"):
        model.heat_map(path, "jazz")


def test_explained_or_not_the_answer_is_the_same(tiny: Any, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", music(7 * RATE), RATE)
    models = [Classifier.load(tiny.classifier()), Classifier.load(tiny.emotion())]
    plain = classify_file(source(tmp_path / "x.wav"), models)
    maps = {name: tmp_path / "maps" / name / "x.png" for name in ("genre", "emotion")}
    told = classify_file(source(tmp_path / "x.wav"), models, heat_maps=maps)
    for name, entry in told["results"].items():
        assert entry.pop("heat_map") == maps[name].as_posix()
        assert maps[name].read_bytes().startswith(b"\x89PNG")
    assert told == plain
    maps["genre"].write_bytes(b"mine")
    classify_file(source(tmp_path / "x.wav"), models, heat_maps=maps, keep_maps=True)
    assert maps["genre"].read_bytes() == b"mine"


def test_emotion_has_figures_of_its_own(tiny: Any, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", music(3 * RATE), RATE)
    entry = classify_file(source(tmp_path / "x.wav"), [Classifier.load(tiny.emotion())])["results"]["emotion"]
    assert list(entry) == [
        "model", "valence", "arousal", "valence_sd", "arousal_sd", "quadrant", "label", "probs", "timeline",
    ]  # fmt: skip
    assert -1 <= entry["valence"] <= 1
    assert -1 <= entry["arousal"] <= 1
    assert entry["valence_sd"] > 0
    words = {"Q1": "happy", "Q2": "tense", "Q3": "sad", "Q4": "calm"}
    assert entry["label"] == words[entry["quadrant"]]
    assert list(entry["probs"]) == list(words.values())


def test_terms_are_shares_by_name(tiny: Any, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", music(3 * RATE), RATE)
    terms = ["amazement", "power", "tension"]
    entry = classify_file(
        source(tmp_path / "x.wav"), [Classifier.load(tiny.emotion(more={"quadrants": True, "terms": terms}))]
    )["results"]["emotion"]
    assert list(entry)[5:8] == ["quadrant", "terms", "label"]
    assert list(entry["terms"]) == terms
    assert all(0 <= share <= 1 for share in entry["terms"].values())
    assert len(set(entry["terms"].values())) == 3


def test_models_that_cannot_run_together(tiny: Any) -> None:
    one = Classifier.load(tiny.classifier("one"))
    with pytest.raises(CheckpointError, match=r"one mel spec and window: one, two"):
        check_together([one, Classifier.load(tiny.classifier("two", columns=26))])
    with pytest.raises(ParameterError, match="two models of one name"):
        check_together([one, Classifier.load("one")])
    check_together([one, Classifier.load(tiny.emotion())])


def test_predict_takes_one_path_or_several(tiny: Any, tmp_path: Path) -> None:
    tiny.classifier("named")
    path = tmp_path / "a.wav"
    soundfile.write(path, music(RATE), RATE)
    model = Classifier.load("named")
    one, many = list(model.predict(str(path))), list(model.predict([path]))
    assert [result.path for result in one] == [str(path)]
    assert one == many

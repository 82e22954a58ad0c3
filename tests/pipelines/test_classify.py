import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from audio_gen.audio.decode import load
from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.models.classifier import Prediction
from audio_gen.pipelines.classify import Classifier, batches, check_together, classify_file, timeline
from audio_gen.pipelines.inputs import Source

RATE = 22050


def music(length: int, seed: int = 0) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Notes that change twice a second over a little noise."""
    notes = np.random.default_rng(seed)
    pitches = np.repeat(notes.uniform(80, 6000, length // 11025 + 1), 11025)[:length]
    return 0.3 * np.sin(2 * np.pi * np.cumsum(pitches) / RATE) + 0.003 * notes.standard_normal(length)


def source(path: Path) -> Source:
    return Source(path, path.name, Path(path.name))


def slow_windows(samples: torch.Tensor, size: int) -> list[torch.Tensor]:
    length, hop = len(samples), size // 2
    if length < size:
        return [torch.stack([samples[i % length] for i in range(size)])]
    starts = list(range(0, length - size + 1, hop))
    if length - (starts[-1] + size) >= size // 4:
        starts.append(length - size)
    return [samples[start : start + size] for start in starts]


@pytest.mark.parametrize("size", [2, 8, 9, 40])
@pytest.mark.parametrize("batch_size", [1, 2, 3, 16])
def test_windows_and_batches_equal_the_slow_way(size: int, batch_size: int) -> None:
    cuts = random.Random(0)
    for length in (1, 3, size - 1, size, size + 1, size + size // 4, 2 * size, 2 * size + 1, 3 * size - 1, 331):
        if length < 1:
            continue
        samples = torch.arange(1.0, length + 1)
        right = slow_windows(samples, size)
        for largest in (1, 7, 60, length):
            blocks, start = [], 0
            while start < length:
                step = cuts.randint(1, largest)
                blocks.append(samples[None, start : start + step])
                start += step
            got = list(batches(iter(blocks), size, batch_size))
            assert torch.equal(torch.cat(got), torch.stack(right))
            assert all(len(batch) == batch_size for batch in got[:-1])
            assert len(got[-1]) <= batch_size + 1


def test_batches_of_nothing() -> None:
    assert list(batches(iter([]), 8, 2)) == []


def test_batches_keep_no_more_than_they_need() -> None:
    longest = 0

    def blocks() -> Any:
        for _ in range(200):
            yield torch.zeros(1, 100)

    for batch in batches(blocks(), 40, 4):
        longest = max(longest, batch.untyped_storage().size() // 4)
    assert longest <= 400


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [1, 2, 3, 4, 30])
def test_a_timeline_covers_everything_once(count: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    probs = torch.softmax(3 * torch.randn(count, 3, generator=generator), 1)
    duration = 0.4 if count == 1 else (count + 1) * 0.5 + 0.1
    segments = timeline(probs, "abc", 0.5, duration)
    assert segments[0]["start_s"] == 0.0
    assert segments[-1]["end_s"] == round(duration, 3)
    for left, right in pairwise(segments):
        assert left["end_s"] == right["start_s"]
        assert left["label"] != right["label"]
    for segment in segments:
        assert segment.keys() == {"start_s", "end_s", "label", "prob"}
        assert segment["end_s"] > segment["start_s"]
        assert 0 < segment["prob"] <= 1


def test_a_timeline_by_hand() -> None:
    a, b = [0.9, 0.1], [0.2, 0.8]
    segments = timeline(torch.tensor([a, a, a, b, b, b]), "ab", 5.0, 35.0)
    assert [(s["start_s"], s["end_s"], s["label"]) for s in segments] == [(0.0, 17.5, "a"), (17.5, 35.0, "b")]
    assert [s["prob"] for s in segments] == pytest.approx([0.9, 0.8])
    lone = timeline(torch.tensor([a, a, b, a, a]), "ab", 5.0, 30.0)  # one window alone is taken for a slip
    assert [(s["start_s"], s["end_s"], s["label"]) for s in lone] == [(0.0, 30.0, "a")]


@pytest.mark.parametrize("rate", [RATE, 44100])
def test_a_streamed_file_equals_the_whole(tiny: Any, tmp_path: Path, rate: int) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, music(45 * rate), rate, subtype="FLOAT")  # longer than two blocks of the decoder
    model = Classifier.load(tiny.classifier())
    record = classify_file(source(path), [model], batch_size=4)
    whole = load(path).to(RATE, 1).samples
    heard = [model.hear(batch) for batch in batches(iter([whole]), model.window, 4)]
    right = model.describe(Prediction(*map(torch.cat, zip(*heard, strict=True))), 45.0)
    got = record["results"]["genre"]
    if rate == RATE:
        assert got == right
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

from itertools import pairwise

import pytest
import torch

from audio_gen.pipelines.timeline import timeline


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


def test_an_unsure_segment_has_no_label() -> None:
    a, b, c = [0.9, 0.05, 0.05], [0.3, 0.4, 0.3], [0.3, 0.2, 0.5]
    probs = torch.tensor([a, a, b, b, c, c, a, a])
    plain = timeline(probs, "abc", 5.0, 45.0)
    assert [segment["label"] for segment in plain] == ["a", "b", "c", "a"]
    assert plain == timeline(probs, "abc", 5.0, 45.0, min_confidence=0.39)
    some = timeline(probs, "abc", 5.0, 45.0, min_confidence=0.45)
    assert [segment["label"] for segment in some] == ["a", None, "c", "a"]
    assert [segment["prob"] for segment in some] == [segment["prob"] for segment in plain]
    most = timeline(probs, "abc", 5.0, 45.0, min_confidence=0.6)  # unsure neighbours are one segment
    assert [(s["start_s"], s["end_s"], s["label"]) for s in most] == [
        (0.0, 12.5, "a"), (12.5, 32.5, None), (32.5, 45.0, "a"),
    ]  # fmt: skip
    assert most[1]["prob"] == pytest.approx(0.45)
    assert [segment["label"] for segment in timeline(probs, "abc", 5.0, 45.0, min_confidence=0.95)] == [None]

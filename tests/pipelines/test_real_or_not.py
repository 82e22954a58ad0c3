from typing import Any

import numpy as np
import pytest

from audio_gen.errors import ParameterError
from audio_gen.pipelines import _real_or_not
from audio_gen.pipelines._real_or_not import against_all, halves, real_or_not


@pytest.fixture
def noise(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(_real_or_not, "STEPS", 40)
    return np.random.default_rng(0).normal(size=(96, 16, 3)).astype(np.float32)


def test_what_is_alike_is_told_by_chance_and_what_differs_is_told(noise: Any) -> None:
    groups = np.arange(48) // 2
    alike = real_or_not(noise[:48], noise[48:], groups, groups)
    assert 0.25 < (alike["value"] or 0) < 0.75
    assert (alike["low"] or 0) <= (alike["value"] or 0) <= (alike["high"] or 0)
    moved = real_or_not(noise[:48], noise[48:] + 2.0, groups, groups)
    assert (moved["value"] or 0) > 0.95
    assert moved == real_or_not(noise[:48], noise[48:] + 2.0, groups, groups)


def test_a_theme_that_both_have_does_not_tell(noise: Any) -> None:
    """Each group has a theme of its own, real or made; knowing the theme of a window of another group is no help."""
    themes = 3 * np.random.default_rng(1).normal(size=(12, 16, 3)).astype(np.float32)
    windows = noise[:48] + np.repeat(themes, 4, 0)
    real = np.arange(48) % 4 < 2
    groups = np.arange(48) // 4
    found = real_or_not(windows[real], windows[~real], groups[real], groups[~real])
    assert (found["value"] or 1) < 0.8


def test_real_against_real_stands_beside(noise: Any) -> None:
    groups = np.arange(48) // 2
    half = halves(groups)
    assert half.sum() == 24
    assert not set(groups[half]) & set(groups[~half])
    found = against_all(noise[:48], groups, {"generated": (noise[48:60] + 1, groups[:12])})
    assert found["generated"]["windows"] == 24  # as many real ones as there are made ones
    assert found["real_real"]["windows"] == 48
    with pytest.raises(ParameterError, match="two pieces"):
        real_or_not(noise[:4], noise[4:8], np.zeros(4, int), np.zeros(4, int))

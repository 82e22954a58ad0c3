import json
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from audio_gen.errors import ParameterError
from audio_gen.features.mel_spec import MelSpec


def test_defaults_are_the_contract() -> None:
    assert MelSpec().to_dict() == {
        "sample_rate": 22050,
        "n_fft": 1024,
        "hop_length": 256,
        "n_mels": 128,
        "fmin": 0.0,
        "fmax": None,
        "power": 1.0,
        "log": "ln",
        "floor": 1e-5,
    }
    assert MelSpec().top == 11025.0
    assert MelSpec().frame_rate == 22050 / 256


def test_round_trip_through_json() -> None:
    spec = MelSpec(sample_rate=16000, n_fft=400, fmax=7000, power=2)
    assert MelSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    assert MelSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) != MelSpec()


def test_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        MelSpec().n_fft = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    "values",
    [
        {"sample_rate": 0},
        {"sample_rate": 22050.0},
        {"sample_rate": 10**12},
        {"n_fft": -1},
        {"n_fft": "1024"},
        {"n_fft": True},
        {"n_fft": 10**9},
        {"hop_length": 0},
        {"hop_length": None},
        {"n_mels": 10**9},
        {"n_mels": []},
        {"fmin": -1.0},
        {"fmin": float("nan")},
        {"fmin": 11025.0},
        {"fmax": 11026},
        {"fmax": 0},
        {"fmax": "high"},
        {"power": 0},
        {"power": float("inf")},
        {"power": 10**400},
        {"floor": 0.0},
        {"floor": float("nan")},
        {"floor": {}},
        {"log": "log10"},
        {"hop": 256},
    ],
)
def test_refuses_what_makes_no_sense(values: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=next(iter(values)) + "|n_fft"):
        MelSpec.from_dict(values)

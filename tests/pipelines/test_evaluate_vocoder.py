from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from audio_gen.errors import DatasetError, ParameterError
from audio_gen.pipelines._vocoder_rivals import CEILING, LIBROSA, TORCHAUDIO
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.evaluate_vocoder import evaluate_vocoder
from audio_gen.pipelines.vocoder import GRIFFIN_LIM, MEL_GRIFFIN_LIM, Vocoder


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Ten tracks that are long enough, one that isn't, one that can't be read."""
    random, time = np.random.default_rng(0), np.arange(33075) / 22050
    lines = ["path,label,split"]
    for number in range(12):
        notes = sum(np.sin(2 * np.pi * hertz * time) for hertz in random.uniform(200, 4000, 3))
        sound = 0.1 * notes * (1 + np.sin(2 * np.pi * 4 * time)) + 0.001 * random.normal(size=len(time))
        soundfile.write(tmp_path / f"{number}.wav", sound[: 5000 if number == 10 else None], 22050)
        lines.append(f"{number}.wav,any,valid")
    (tmp_path / "11.wav").write_bytes(b"no music")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_rivals_are_measured_side_by_side(tiny: Any, table: Path) -> None:
    vocoder, genre = Vocoder.load(str(tiny.vocoder())), Classifier.load(tiny.classifier())
    found = evaluate_vocoder(vocoder, {"genre": genre}, "folder", table, "valid", seconds=1.0, page=table / "page")
    details = found["details"]
    assert (details["tracks"], details["excerpts"], details["seconds"]) == (10, 10, 1.0)
    rivals = details["vocoding"]
    assert list(rivals) == ["neural", MEL_GRIFFIN_LIM, GRIFFIN_LIM, TORCHAUDIO, LIBROSA, CEILING]
    for name in ("stft_distance", "spectral_convergence", "log_spectral_distance_db"):
        plain = rivals[GRIFFIN_LIM][name]
        assert rivals[CEILING][name]["value"] < plain["value"] != rivals["neural"][name]["value"]
        assert plain["low"] <= plain["value"] <= plain["high"]
        # the libraries' own are the same algorithm
        assert abs(rivals[TORCHAUDIO][name]["value"] / plain["value"] - 1) < 0.3
        assert abs(rivals[LIBROSA][name]["value"] / plain["value"] - 1) < 0.3
    assert rivals[CEILING]["onset_correlation"]["value"] > 0.8
    assert all(rival["x_real_time"]["value"] > 0 for rival in rivals.values())
    assert all({"mel_l1", "kad_genre"} <= rival.keys() for rival in rivals.values())
    page = table / "page"
    assert (page / "blind" / "index.html").is_file()
    assert (page / "blind.truth.json").is_file()
    assert {folder.name for folder in (page / "clips").iterdir()} == {"original", "neural", MEL_GRIFFIN_LIM}
    with pytest.raises(ParameterError, match="no empty folder"):
        evaluate_vocoder(vocoder, {"genre": genre}, "folder", table, "valid", seconds=1.0, page=page)


def test_nothing_long_enough_is_told(tiny: Any, table: Path) -> None:
    with pytest.raises(DatasetError, match="no track with 60 s of audio"):
        evaluate_vocoder(
            Vocoder.load(str(tiny.vocoder())),
            {"genre": Classifier.load(tiny.classifier())},
            "folder",
            table,
            "valid",
            seconds=60,
        )

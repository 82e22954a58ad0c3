from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from audio_gen.errors import DatasetError
from audio_gen.pipelines.autoencoder import Autoencoder
from audio_gen.pipelines.evaluate_autoencoder import evaluate_autoencoder


@pytest.fixture
def table(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    lines = ["path,label,split"]
    for number in range(3):
        soundfile.write(tmp_path / f"{number}.wav", 0.1 * random.normal(size=22050), 22050)
        lines.append(f"{number}.wav,any,valid")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_what_comes_back_is_measured_beside_the_means(tiny: Any, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Autoencoder.load(tiny.autoencoder())
    found = evaluate_autoencoder(model, "folder", table, "valid")["details"]
    assert found["tracks"] == 3
    assert (
        found["reconstruction_db"]["low"] <= found["reconstruction_db"]["value"] <= found["reconstruction_db"]["high"]
    )
    assert found["band_means_db"]["value"] > 1  # noise moves around its mean
    monkeypatch.setattr(model, "encode", lambda mel: mel)
    monkeypatch.setattr(model, "decode", lambda mel: mel)
    perfect = evaluate_autoencoder(model, "folder", table, "valid")["details"]
    assert perfect["reconstruction_db"]["value"] == 0
    assert perfect["steps_db_again"] == perfect["steps_db_original"]
    with pytest.raises(DatasetError):
        evaluate_autoencoder(model, "folder", table, "test")

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audio_gen.app.cli import main
from audio_gen.audio.encode import read_tags
from audio_gen.datasets._arrays import Arrays
from audio_gen.features.mel_spec import MelSpec
from audio_gen.models import copy_index


@pytest.fixture
def prepared(tmp_path: Path, mels: Arrays) -> Path:
    """The fixture's tracks thrice as long, so that there are windows enough."""
    long = np.tile(mels.mel, (3, 2))
    tiny_spec = MelSpec(n_fft=512, hop_length=256, n_mels=32)
    arrays = replace(mels, mel=long, index=mels.index * 3, spec=tiny_spec, labels=("folk", "techno"))
    tracks = tuple(one._replace(label=("folk", "techno")[n % 2]) for n, one in enumerate(mels.tracks))
    replace(arrays, tracks=tracks).save(tmp_path / "arrays.npz")
    return tmp_path / "arrays.npz"


def test_an_index_is_built_found_and_used(
    tiny: Any, prepared: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tiny.generator()
    command = ["index", "music", "--data", str(prepared), "-o", str(tiny.folder), "--hop", "16"]
    assert main(["generate", "--model", "music", "--seconds", "3", "--check-copies", "-o", str(tmp_path / "out")]) == 3
    assert "audio-gen index music" in capfd.readouterr().err
    assert main(command) == 0
    assert main(command) == 2
    assert main([*command, "--skip-existing"]) == 0
    index = copy_index.load(copy_index.find("music"))
    assert len(index.tracks) == 10
    assert main(["generate", "--model", "music", "--seconds", "3", "--check-copies", "-o", str(tmp_path / "out")]) == 0
    (sidecar,) = (tmp_path / "out").glob("*.json")
    assert '"suspicious"' in sidecar.read_text()
    (clip,) = (tmp_path / "out").glob("*.wav")
    assert "copies" not in read_tags(clip)

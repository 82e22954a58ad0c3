from pathlib import Path

import numpy as np
import pytest
import soundfile


@pytest.fixture
def music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `music` in the working folder: three files of noise that can be read and two that can't."""
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    for name, rate, channels in (("a/track01.wav", 22050, 1), ("b/track01.flac", 44100, 2), ("b/x.wav/t.OGG", 8000, 1)):
        path = tmp_path / "music" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = 0.1 * generator.standard_normal((int(2.5 * rate), channels))
        soundfile.write(path, noise, rate, format=path.suffix[1:].upper())
    (tmp_path / "music" / "empty.mp3").write_bytes(b"")
    (tmp_path / "music" / "text.wav").write_text("#EXTM3U\nb/track01.flac\n")
    return tmp_path / "music"

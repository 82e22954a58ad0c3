import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from audio_gen.audio import speech as module
from audio_gen.audio.speech import murmur, program, speech
from audio_gen.errors import DecodeError

RATE = 22050


@pytest.fixture
def _no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "program", lambda: None)


def test_a_murmur_has_syllables_and_pauses() -> None:
    samples = murmur(RATE, 6, seed=0)
    assert samples.abs().max() == pytest.approx(0.5)
    loudness = samples[0].unfold(0, 441, 441).square().mean(-1).sqrt()
    quiet = loudness < 0.02 * loudness.max()
    assert 0.05 < float(quiet.float().mean()) < 0.7
    turns = int((quiet[1:] != quiet[:-1]).sum())
    assert turns >= 10  # syllables begin and end


def test_a_murmur_has_a_voice_that_glides() -> None:
    samples = murmur(RATE, 6, seed=0)[0]
    found = []
    for frame in samples.unfold(0, 2048, 1024):
        spectrum = torch.fft.rfft(frame * torch.hann_window(2048), 4096).abs().square()
        lags = torch.fft.irfft(spectrum)[RATE // 300 : RATE // 60]
        if lags.max() > 0.4 * spectrum.mean() and frame.abs().max() > 0.05:
            found.append(RATE / (RATE // 300 + int(lags.argmax())))
    assert len(found) > 20
    assert len({round(pitch) for pitch in found}) > 10  # no scale of a few notes


@pytest.mark.usefixtures("_no_program")
def test_speech_is_as_long_as_said_and_the_same_each_time() -> None:
    assert speech(RATE, 1.5, 3).shape == (1, round(1.5 * RATE))
    assert speech(8000, 1, 3).shape == (1, 8000)
    assert torch.equal(speech(RATE, 1, 3), speech(RATE, 1, 3))
    assert not torch.equal(speech(RATE, 1, 3), speech(RATE, 1, 4))


@pytest.fixture
def speaker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program called espeak-ng, alone on the path, that writes half a second of WAV to where it is told."""
    soundfile.write(tmp_path / "said.wav", 0.1 * np.random.default_rng(0).standard_normal(4000), 8000)
    path = tmp_path / "espeak-ng"
    copy = f'{shutil.which("cp")} "{tmp_path}/said.wav" "$2"'
    path.write_text(f'#!/bin/sh\nwhile [ "$1" != -w ]; do shift; done\n{copy}\n')
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return path


def test_the_program_speaks_where_it_is_installed(speaker: Path) -> None:
    assert program() == "espeak-ng"
    samples = speech(RATE, 2, 0)
    assert samples.shape == (1, 2 * RATE)
    assert torch.equal(samples[:, : RATE // 2], samples[:, RATE // 2 : RATE])  # repeated to fill
    assert not torch.allclose(samples, murmur(RATE, 2, 0)[:, : 2 * RATE])


def test_a_program_that_fails_is_told(speaker: Path) -> None:
    speaker.write_text("#!/bin/sh\necho no voice >&2\nexit 1\n")
    with pytest.raises(DecodeError, match=r"espeak-ng can't speak \(no voice\)"):
        speech(RATE, 1, 0)

"""The bad and the odd files of a music folder."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from audio_gen.audio.decode import load, open_audio
from audio_gen.errors import DecodeError
from tests.audio.broken import write_odd, write_undecodable


def test_what_cannot_be_decoded_is_a_decode_error_that_names_the_file(tmp_path: Path) -> None:
    paths = write_undecodable(tmp_path)
    assert len(paths) == len(set(paths)) == 20
    for path in paths:
        with pytest.raises(DecodeError) as caught:
            load(path)
        assert path.name in str(caught.value)
        assert "\n" not in str(caught.value)
        assert any(word in str(caught.value) for word in ("export", "copy", "check"))  # says what to do
    assert load(tmp_path / "neighbour.wav").duration == 1


def test_what_is_odd_decodes(tmp_path: Path) -> None:
    paths = write_odd(tmp_path)
    assert len(paths) == len(set(paths)) == 20
    for path in paths:
        clip = load(path)
        with open_audio(path) as source:
            mono = torch.cat(list(source.mono(22050)), dim=-1)
            assert source.seconds == clip.duration
        torch.testing.assert_close(mono, clip.to(22050, channels=1).samples, atol=1e-5, rtol=0)
    assert load(tmp_path / "one_sample.wav").samples.shape == (1, 1)
    assert load(tmp_path / "eight_channels.wav").samples.shape == (8, 48_000)
    assert load(tmp_path / "eight_bit.wav").sample_rate == 8000
    assert load(tmp_path / "streamed.wav").samples.shape == (1, 22050)
    assert load(tmp_path / "over_full_scale.wav").samples.abs().max() > 2  # kept as it is


def test_a_damaged_header_is_called_that(tmp_path: Path) -> None:
    path = tmp_path / "zero.wav"
    soundfile.write(path, np.zeros(1000), 8000)
    data = bytearray(path.read_bytes())
    data[24:28] = bytes(4)  # a sample rate of 0 Hz
    path.write_bytes(data)
    with pytest.raises(DecodeError, match=r"header makes no sense|states 0 Hz") as caught:
        load(path)
    assert "does not exist" not in str(caught.value)
    assert "SF_INFO" not in str(caught.value)

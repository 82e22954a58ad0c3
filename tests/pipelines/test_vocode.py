from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from audio_gen.audio.decode import load
from audio_gen.audio.encode import read_tags
from audio_gen.errors import CheckpointError, DecodeError, ParameterError
from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec
from audio_gen.models.griffin_lim import GriffinLim
from audio_gen.pipelines import vocode
from audio_gen.pipelines import vocoder as vocoding
from audio_gen.pipelines.inputs import Source
from audio_gen.pipelines.vocode import read_mel, vocode_file
from audio_gen.pipelines.vocoder import Vocoder

SMALL = MelSpec(n_fft=512, hop_length=128, n_mels=64)


def noise(frames: int) -> torch.Tensor:
    return 0.1 * torch.randn(SMALL.hop_length * (frames - 1), generator=torch.Generator().manual_seed(0))


def source(path: Path) -> Source:
    return Source(path, path.name, Path(path.name))


def test_one_log_mel_in_one_clip_out() -> None:
    vocoder = Vocoder.load(spec=SMALL)
    mel = LogMel(SMALL)(noise(50))
    clip = vocoder(mel)
    assert clip.samples.shape == (1, 128 * 49)
    assert clip.sample_rate == SMALL.sample_rate
    assert torch.equal(vocoder(mel[None]).samples, clip.samples)
    assert torch.equal(vocoder(mel.double()).samples, clip.samples)
    for wrong in (mel[0], torch.stack([mel, mel]), mel[:, :1], mel.T):
        with pytest.raises(ParameterError, match="frames"):
            vocoder(wrong)


def test_a_neural_vocoder_by_name_or_path(tiny: Any) -> None:
    path, mel = tiny.vocoder(spec=SMALL), LogMel(SMALL)(noise(50))
    vocoder = Vocoder.load("neural")
    clip = vocoder(mel)
    assert (vocoder.name, vocoder.spec) == ("neural", SMALL)
    assert clip.samples.shape == (1, 128 * 49)
    assert not clip.samples.requires_grad
    assert torch.equal(Vocoder.load(str(path), spec=SMALL)(mel).samples, clip.samples)
    assert not torch.equal(Vocoder.load(spec=SMALL)(mel).samples, clip.samples)
    with pytest.raises(CheckpointError, match="don't fit"):
        Vocoder.load("neural", spec=MelSpec())


@pytest.mark.parametrize("frames", [399, 400, 401, 466, 600, 1500])
def test_pieces_of_a_long_one_join_without_a_hole(frames: int, monkeypatch: pytest.MonkeyPatch) -> None:
    mel = LogMel(SMALL)(noise(frames))
    vocoder = Vocoder.load(spec=SMALL)
    vocoder.module.iterations = 8
    whole = vocoder(mel).samples[0]
    monkeypatch.setattr(vocoding, "CHUNK", 400)
    joined = vocoder(mel).samples[0]
    assert joined.shape == whole.shape == (128 * (frames - 1),)
    assert torch.equal(joined, whole) == (frames <= 400)
    levels = [10 * torch.log10(each.unfold(0, 1024, 512).square().mean(1)) for each in (whole, joined)]
    assert (levels[0] - levels[1]).abs().max() < 1.5  # dB


def test_names() -> None:
    assert (Vocoder.load().name, Vocoder.load("griffin-lim").name) == ("mel-griffin-lim", "griffin-lim")
    mel = LogMel(SMALL)(noise(20))
    plain, refined = (Vocoder.load(name, spec=SMALL)(mel).samples for name in ("griffin-lim", "mel-griffin-lim"))
    assert torch.equal(plain[0], GriffinLim(SMALL)(mel))
    assert torch.equal(refined[0], GriffinLim(SMALL, steady=True, refine=True)(mel))
    assert Vocoder.load("griffin-lim").spec == MelSpec()
    assert Vocoder.load("griffin-lim", spec=SMALL).spec == SMALL
    with pytest.raises(CheckpointError, match="no checkpoint is called 'wavenet'"):
        Vocoder.load("wavenet")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(64, 20), (1, 64, 20)])
def test_reads_log_mels(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    path = tmp_path / "x.npy"
    array = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    np.save(path, np.asfortranarray(array))
    mel = read_mel(path, SMALL)
    assert mel.dtype == torch.float32
    assert np.array_equal(mel.numpy(), array.reshape(64, 20).astype(np.float32))


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((20, 64), np.float32),
        np.zeros((64, 0), np.float32),
        np.zeros((64, 20), np.int16),
        np.zeros(64, np.float32),
        np.zeros((2, 64, 20), np.float32),
        np.full((64, 20), np.nan, np.float32),
        np.full((64, 20), np.inf, np.float32),
        np.array("text"),
        np.array([{"a": 1}], dtype=object),
        np.zeros(3, [("a", "f4")]),
    ],
    ids=str,
)
def test_refuses_other_arrays(tmp_path: Path, array: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]") -> None:
    path = tmp_path / "x.npy"
    np.save(path, array)
    with pytest.raises(DecodeError, match=r"give a float \.npy of shape \[64, frames\]"):
        read_mel(path, SMALL)


@pytest.mark.parametrize("cut", [0, 5, 60, 200, -1])
def test_refuses_torn_files_and_others(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.zeros((64, 20), np.float32))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DecodeError, match="can't be read as an array"):
        read_mel(path, SMALL)
    for data in (b"RIFF....WAVE", b"\x80\x04N.", b"PK\x03\x04" + bytes(90)):
        path.write_bytes(data)
        with pytest.raises(DecodeError):
            read_mel(path, SMALL)


def test_an_archive_of_arrays_is_no_log_mel(tmp_path: Path) -> None:
    with (tmp_path / "x.npy").open("wb") as file:
        np.savez(file, mel=np.zeros((64, 20), np.float32))
    with pytest.raises(DecodeError, match="holds no log-mel"):
        read_mel(tmp_path / "x.npy", SMALL)


@pytest.mark.parametrize("samples", [1, 110, 4410, 30000])
def test_audio_goes_through_its_mel_and_back(tmp_path: Path, samples: int) -> None:
    path, output = tmp_path / "in.wav", tmp_path / "out" / "in.wav"
    t = np.arange(samples) / 44100
    soundfile.write(path, np.stack([np.sin(2 * np.pi * 600 * t)] * 2, 1) * 0.4, 44100)
    record = vocode_file(source(path), output, Vocoder.load(spec=SMALL))
    clip = load(output)
    assert clip.sample_rate == 22050
    assert clip.samples.shape == (1, max(1, round(samples / 2)))
    assert (record["ok"], record["sample_rate"]) == (True, 44100)
    assert record["duration_s"] == pytest.approx(clip.duration, abs=1e-3)
    assert record["results"]["vocode"]["output"] == str(output)
    assert read_tags(output)["vocoder"] == "mel-griffin-lim"
    if samples > 20000:
        spectrum = torch.fft.rfft(clip.samples[0] * torch.hann_window(clip.samples.shape[1])).abs()
        assert abs(float(spectrum.argmax()) / clip.duration - 600) < 15


@pytest.mark.parametrize("frames", [1, 2, 30])
def test_a_log_mel_file_becomes_sound(tmp_path: Path, frames: int) -> None:
    path, output = tmp_path / "x.npy", tmp_path / "x.wav"
    mel = LogMel(SMALL)(noise(31))[:, :frames]
    np.save(path, mel.numpy())
    record = vocode_file(source(path), output, Vocoder.load(spec=SMALL))
    assert load(output).samples.shape[1] == 128 * max(1, frames - 1)
    assert record["results"]["vocode"]["vocoder"] == "mel-griffin-lim"


def test_a_log_mel_too_loud_for_any_sound_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.full((64, 20), 1e6, np.float32))
    with pytest.raises((DecodeError, ParameterError)):
        vocode_file(source(tmp_path / "x.npy"), tmp_path / "x.wav", Vocoder.load(spec=SMALL))
    assert not (tmp_path / "x.wav").exists()


def test_audio_of_more_than_an_hour_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocode, "MAX_SECONDS", 60)
    path = tmp_path / "long.flac"
    soundfile.write(path, np.zeros(8000 * 90, np.float32), 8000)
    with pytest.raises(ParameterError, match="longer than 1 minutes; cut it"):
        vocode_file(source(path), tmp_path / "out.wav", Vocoder.load())
    assert not (tmp_path / "out.wav").exists()

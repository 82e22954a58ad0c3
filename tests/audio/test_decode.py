"""Decoding: every format, in blocks and whole, and everything that can be wrong with a file."""

import contextlib
import os
import socket
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from audio_gen.audio import decode
from audio_gen.audio._pyav import PyAVReader
from audio_gen.audio._sniff import Kind
from audio_gen.audio.clip import Clip
from audio_gen.audio.decode import AUDIO_EXTENSIONS, load, open_audio
from audio_gen.audio.encode import save
from audio_gen.errors import DecodeError
from tests.audio.broken import RATE, tone, wave_header, write_av

SOUNDFILE = [
    ("wav", "PCM_U8", 0.01),
    ("wav", "PCM_16", 1e-4),
    ("wav", "PCM_24", 1e-6),
    ("wav", "PCM_32", 1e-6),
    ("wav", "FLOAT", 0),
    ("wav", "DOUBLE", 0),
    ("wav", "ULAW", 0.05),
    ("rf64", "PCM_16", 1e-4),
    ("w64", "PCM_16", 1e-4),
    ("aiff", "PCM_16", 1e-4),
    ("au", "PCM_16", 1e-4),
    ("caf", "PCM_16", 1e-4),
    ("flac", "PCM_16", 1e-4),
    ("ogg", "VORBIS", 0.2),
    ("mp3", "MPEG_LAYER_III", 0.2),
]
PYAV = [
    ("m4a", "aac", "ipod"),
    ("m4a", "alac", "ipod"),
    ("aac", "aac", "adts"),
    ("wma", "wmav2", "asf"),
    ("mka", "aac", "matroska"),
    ("mp2", "mp2", "mp2"),
    ("wv", "wavpack", "wv"),
    ("tta", "tta", "tta"),
    ("wav", "libmp3lame", "wav"),
    ("ts", "aac", "mpegts"),
    ("mp3", "libmp3lame", "mp3"),
]


def refused(path: Path, *words: str) -> str:
    with pytest.raises(DecodeError) as caught:
        load(path)
    for word in words:
        assert word in str(caught.value)
    return str(caught.value)


def same_tone(clip: Clip, rate: int) -> None:
    """The 440 Hz of `tone` is the loudest, at the level it was written with."""
    spectrum = torch.fft.rfft(clip.samples[0] * torch.hann_window(clip.samples.shape[1]))
    loudest = int(spectrum.abs().argmax()) * rate / clip.samples.shape[1]
    assert abs(loudest - 440) < 2 / clip.duration
    assert 0.2 < float(clip.samples[0].square().mean().sqrt()) < 0.35


@pytest.mark.parametrize(("suffix", "subtype", "error"), SOUNDFILE)
@pytest.mark.parametrize("channels", [1, 2])
def test_soundfile_formats(tmp_path: Path, suffix: str, subtype: str, error: float, channels: int) -> None:
    samples = tone(1, RATE, channels)
    path = tmp_path / "no suffix tells"
    soundfile.write(path, samples, RATE, subtype, format=suffix.upper())
    clip = load(path)
    assert clip.sample_rate == RATE
    torch.testing.assert_close(clip.samples, torch.from_numpy(samples.T.copy()), atol=error, rtol=0)


@pytest.mark.parametrize(("suffix", "codec", "form"), PYAV)
@pytest.mark.parametrize("channels", [1, 2])
def test_pyav_formats(tmp_path: Path, suffix: str, codec: str, form: str, channels: int) -> None:
    path = write_av(tmp_path / f"tune.{suffix}", tone(1, 44100, channels), 44100, codec, form=form)
    clip = load(path)
    assert (clip.sample_rate, clip.channels) == (44100, channels)
    assert 0.95 < clip.duration < 1.15  # encoders add padding; FFmpeg's WMA decoder keeps back a block
    same_tone(clip, 44100)


def test_left_stays_left(tmp_path: Path) -> None:
    samples = np.concatenate([tone(1, 44100), 0.1 * tone(1, 44100)], axis=1)
    path = write_av(tmp_path / "tune.m4a", samples, 44100, "alac", form="ipod")
    torch.testing.assert_close(load(path).samples, torch.from_numpy(samples.T.copy()), atol=1e-4, rtol=0)


def write(folder: Path, name: str) -> Path:
    samples = tone(3, 44100, 2)
    if name.endswith((".m4a", ".wma")):
        codec, form = ("aac", "ipod") if name.endswith(".m4a") else ("wmav2", "asf")
        return write_av(folder / name, samples, 44100, codec, form=form)
    if name == "variable.mp3":
        soundfile.write(folder / name, samples, 44100, bitrate_mode="VARIABLE", compression_level=0.5)
    elif name == "countless.mp3":  # no header that says how many frames there are
        write_av(folder / name, samples, 44100, "libmp3lame", form="mp3", options="write_xing=0")
    else:
        soundfile.write(folder / name, samples, 44100)
    return folder / name


NAMES = ["a.wav", "a.flac", "a.ogg", "a.mp3", "variable.mp3", "countless.mp3", "a.m4a", "a.wma"]


@pytest.mark.parametrize("name", NAMES)
def test_blocks_joined_equal_the_whole(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name)
    whole = load(path)
    for seconds in (0.0371, 0.5, 100):
        with open_audio(path) as source:
            blocks = list(source.blocks(seconds))
            assert source.seconds == whole.duration
        assert all(block.shape[1] <= max(1, seconds * 44100) for block in blocks)
        torch.testing.assert_close(torch.cat(blocks, dim=1), whole.samples, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rate", [22050, 44100, 48000])
def test_mono_equals_the_whole_converted(tmp_path: Path, name: str, rate: int) -> None:
    path = write(tmp_path, name)
    with open_audio(path) as source:
        joined = torch.cat(list(source.mono(rate, seconds=0.31)), dim=1)
    torch.testing.assert_close(joined, load(path).to(rate, channels=1).samples, atol=1e-5, rtol=0)


def test_an_mp3_in_blocks_is_the_same_as_in_one_read(tmp_path: Path) -> None:
    # soundfile seeks after each read, and loses an MP3's bit reservoir by that: with bursts the reservoir is in use
    samples = tone(8, 22050) * (np.arange(8 * 22050) % 3000 < 400)[:, None]
    soundfile.write(tmp_path / "a.mp3", samples, 22050, bitrate_mode="VARIABLE", compression_level=0.95)
    whole = soundfile.read(tmp_path / "a.mp3", dtype="float32")[0]
    with open_audio(tmp_path / "a.mp3") as source:
        joined = torch.cat(list(source.blocks(0.1)), dim=1)[0]
    torch.testing.assert_close(joined, torch.from_numpy(whole), atol=1e-5, rtol=0)
    buffer = np.empty(2205, np.float32)
    with soundfile.SoundFile(tmp_path / "a.mp3") as sound:
        seeking = np.concatenate([sound.read(out=buffer).copy() for _ in range(79)])
    assert np.abs(seeking - whole[: len(seeking)]).max() > 1e-3  # the test can fail


def test_a_flac_of_unknown_length_is_read_to_its_end(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", tone(1, RATE), RATE)
    content = bytearray((tmp_path / "a.flac").read_bytes())
    content[21] &= 0xF0  # STREAMINFO's 36 bits of the number of samples: encoders that write to a pipe leave 0
    content[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(content)
    with open_audio(tmp_path / "a.flac") as source:
        assert sum(block.shape[1] for block in source.blocks(0.1)) == RATE


def test_all_streams_of_a_chained_ogg_are_read(tmp_path: Path) -> None:
    save(tmp_path / "a.ogg", Clip(torch.from_numpy(tone().T.copy()), RATE))
    first = (tmp_path / "a.ogg").read_bytes()
    soundfile.write(tmp_path / "b.ogg", tone(), RATE)
    (tmp_path / "both.ogg").write_bytes(first + (tmp_path / "b.ogg").read_bytes())
    assert 1.9 < load(tmp_path / "both.ogg").duration < 2.1


def test_a_block_is_bounded_whatever_the_header_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MAX_BLOCK", 1000)
    soundfile.write(tmp_path / "a.wav", tone(1, RATE, 4), RATE)
    with open_audio(tmp_path / "a.wav") as source:
        assert {block.shape[1] for block in source.blocks(3600)} == {250, RATE % 250}


CUTS = [("a.wav", 0.9), ("a.wav", 0.3), ("a.flac", 0.9), ("a.flac", 0.3), ("a.ogg", 0.9), ("a.ogg", 0.4)]
CUTS += [
    ("a.mp3", 0.9),
    ("variable.mp3", 0.4),
    ("index first.m4a", 0.9),
    ("a.mka", 0.5),
    ("a.wma", 0.5),
    ("a.aiff", 0.5),
]


@pytest.mark.parametrize(("name", "part"), CUTS)
def test_a_file_that_breaks_off_names_the_seconds_decoded(tmp_path: Path, name: str, part: float) -> None:
    samples = tone(3, 44100)
    if name == "index first.m4a":
        path = write_av(tmp_path / name, samples, 44100, "aac", form="ipod", options="movflags=faststart")
    elif name == "a.mka":
        path = write_av(tmp_path / name, samples, 44100, "aac", form="matroska")
    else:
        path = write(tmp_path, name)
    whole = path.read_bytes()
    load(path)  # no false alarm
    path.write_bytes(whole[: int(len(whole) * part)])
    message = refused(path, "breaks off after ", " s (", "copy")
    seconds = float(message.split("after ")[1].split(" s")[0])
    assert abs(seconds - 3 * part) < 0.7
    assert seconds > 0.5


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 32000, 44100, 48000])
@pytest.mark.parametrize("mode", ["CONSTANT", "AVERAGE", "VARIABLE"])
def test_a_whole_mp3_raises_no_alarm(tmp_path: Path, rate: int, mode: str) -> None:
    samples = tone(0.7, rate, 2)
    soundfile.write(tmp_path / "a.mp3", samples, rate, bitrate_mode=mode, compression_level=0.6)
    assert load(tmp_path / "a.mp3").samples.shape == (2, len(samples))
    tagged = tmp_path / "tagged.mp3"  # a tag of 3,000 bytes in front, one of 128 behind
    tag = b"ID3\x04\0\0\0\0\x17\x38" + bytes(3000)
    tagged.write_bytes(tag + (tmp_path / "a.mp3").read_bytes() + b"TAG".ljust(128, b"\0"))
    assert load(tagged).samples.shape == (2, len(samples))


@pytest.mark.parametrize("length", [0, 0x7FFFF000, 0x80000000, 0xFFFFFFFF])
def test_a_wave_file_from_a_pipe_goes_to_its_end(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wave_header(length) + (tone() * 32767).astype("<i2").tobytes())
    assert load(path).samples.shape == (1, RATE)


def test_chunks_after_the_data_do_not_sound(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    data = (tone() * 32767).astype("<i2").tobytes()
    chunk = b"LIST" + struct.pack("<I", 4) + b"INFO"
    path.write_bytes(wave_header(len(data)) + data + chunk)
    assert load(path).samples.shape == (1, RATE)
    path.write_bytes(wave_header(0) + chunk)
    refused(path, "holds no audio samples")


@pytest.mark.parametrize(
    "text", ["ffconcat version 1.0\nfile 'a.wav'\n", "#EXTM3U\na.wav\n", "[playlist]\nFile1=a.wav\n"]
)
@pytest.mark.parametrize("suffix", ["mp3", "m4a", "wav", "ffconcat"])
def test_text_is_never_audio(tmp_path: Path, text: str, suffix: str) -> None:
    soundfile.write(tmp_path / "a.wav", tone(), RATE)
    for prefix in (b"", b"ID3\x04\0\0\0\0\0\0", b"\xef\xbb\xbf", b"\n"):
        path = tmp_path / f"list.{suffix}"
        path.write_bytes(prefix + text.encode())
        refused(path, "no audio file of a known kind")


def test_a_playlist_reads_no_neighbour_even_when_ffmpeg_is_told_to(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(), RATE)
    path = tmp_path / "list.txt"
    path.write_text(f"ffconcat version 1.0\nfile '{tmp_path / 'a.wav'}'\n")
    with path.open("rb", buffering=0) as file, pytest.raises((OSError, ValueError)):
        PyAVReader(file, Kind("concat"))


@pytest.mark.parametrize(("channels", "rate"), [(1024, RATE), (65, RATE), (1, 0), (1, 10), (2, 2_000_000_000)])
def test_an_absurd_header_is_refused(tmp_path: Path, channels: int, rate: int) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wave_header(10_240 * channels, rate=rate, channels=channels) + bytes(10_240 * channels))
    refused(path, "a.wav", "export it again")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_samples_that_are_no_audio_are_refused(tmp_path: Path, value: float, subtype: str) -> None:
    samples = tone().astype(np.float64)
    samples[-1] = value
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype)
    refused(tmp_path / "a.wav", "NaN", "export it again")


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "to nowhere.wav").symlink_to(tmp_path / "gone.wav")
    (tmp_path / "loop.wav").symlink_to(tmp_path / "loop.wav")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "s.wav"))
        for name in ("pipe.wav", "folder.wav", "s.wav"):
            refused(tmp_path / name, name, "not a regular file")
    for name in ("to nowhere.wav", "loop.wav", "missing.wav", "nul\0.wav"):
        refused(tmp_path / name, "can't be read")
    refused(Path("/dev/zero"), "not a regular file")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads every file")
def test_permissions_are_named(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(), RATE)
    (tmp_path / "a.wav").chmod(0)
    refused(tmp_path / "a.wav", "Permission denied")


@pytest.mark.parametrize(
    "error", [ValueError, RuntimeError, OSError, KeyError, AssertionError, MemoryError, UnicodeError]
)
def test_whatever_a_decoder_raises_is_a_decode_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*_: object) -> None:
        raise error("odd")

    soundfile.write(tmp_path / "a.wav", tone(), RATE)
    monkeypatch.setattr("audio_gen.audio._soundfile.SoundFileReader.read", fail)
    refused(tmp_path / "a.wav", "damaged or breaks off after 0.00 s")
    monkeypatch.setattr("audio_gen.audio._soundfile.SoundFileReader.__init__", fail)
    monkeypatch.setattr("audio_gen.audio._pyav.PyAVReader.__init__", fail)
    refused(tmp_path / "a.wav", "can't be decoded as wav (")


def test_a_hostile_offset_prints_no_traceback(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.w64"
    soundfile.write(path, tone(), RATE)
    content = bytearray(path.read_bytes())
    content[96:104] = bytes(7) + b"\x40"  # the length of the data: 4 EiB
    path.write_bytes(content)
    with path.open("rb", buffering=0) as file, contextlib.suppress(OSError):
        PyAVReader(file, Kind("w64")).close()
    assert capfd.readouterr().err == ""


def test_ctrl_c_is_no_decode_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    soundfile.write(tmp_path / "a.wav", tone(), RATE)
    monkeypatch.setattr("audio_gen.audio._soundfile.SoundFileReader.read", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load(tmp_path / "a.wav")


def test_damage_anywhere_is_survived(tmp_path: Path) -> None:
    path = tmp_path / "fuzzed"
    generator = np.random.default_rng(0)
    originals = [write(tmp_path, name).read_bytes() for name in ("a.wav", "a.flac", "a.ogg", "a.m4a", "a.wma")]
    outcomes = []
    for index in range(60):
        content = bytearray(originals[index % len(originals)])
        for place in generator.integers(0, min(len(content), (200, len(content))[index % 2]), 5):
            content[place] = generator.integers(256)
        path.write_bytes(content)
        try:
            outcomes.append(load(path).channels > 0)
        except DecodeError:
            outcomes.append(False)
    assert True in outcomes
    assert False in outcomes


def test_a_ten_hour_file_is_read_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    frames = 10 * 3600 * 8000
    with path.open("wb") as file:  # a file with a hole: 550 MB that take no room on the disk
        file.write(wave_header(2 * frames, rate=8000))
        file.truncate(44 + 2 * frames)
    total = 0
    with open_audio(path) as source:
        for count, block in enumerate(source.mono(4000, seconds=60)):
            total += block.shape[1]
            assert block.shape[1] <= 60 * 4000 + 2000  # and what the filter held back
            if count == 50:
                break
        assert source.seconds == 51 * 60
    assert total > 51 * 60 * 4000 - 2000


def test_extensions_are_lower_case_with_a_dot() -> None:
    assert {
        ".wav",
        ".mp3",
        ".flac",
        ".ogg",
        ".opus",
        ".m4a",
        ".aiff",
        ".wma",
        ".webm",
        ".mp4",
        ".aac",
    } <= AUDIO_EXTENSIONS
    assert all(extension == extension.lower() and extension[0] == "." for extension in AUDIO_EXTENSIONS)
    assert not AUDIO_EXTENSIONS & {".mid", ".midi", ".m3u", ".txt"}

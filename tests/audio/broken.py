"""Writes what a music folder may hold beside good music: 20 files that can't be decoded, 20 odd ones that can."""

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import cast

import av
import numpy as np
import soundfile
from av.audio.stream import AudioStream

RATE = 22050


def tone(seconds: float = 1.0, rate: int = RATE, channels: int = 1, hertz: float = 440.0) -> np.ndarray:
    """`[T, C]` float32: a tone and some noise, so that no format can write it in next to nothing."""
    time = np.arange(max(1, round(seconds * rate))) / rate
    noise = np.random.default_rng(0).normal(0, 0.02, (len(time), channels))
    return (0.4 * np.sin(2 * np.pi * hertz * time)[:, None] + noise).astype(np.float32)


def write_av(path: Path, samples: np.ndarray, rate: int, codec: str, *, form: str, options: str = "") -> Path:
    """Write `[T, C]` samples through PyAV; `options` is one `key=value` for the container."""
    layout = "mono" if samples.shape[1] == 1 else "stereo"
    with av.open(str(path), "w", format=form, options=dict([options.split("=")] if options else [])) as container:
        stream = cast(AudioStream, container.add_stream(codec, rate=rate, layout=layout))
        stream.bit_rate = 128_000
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), "fltp", layout=layout)
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def wave_header(data_bytes: int, *, rate: int = RATE, channels: int = 1) -> bytes:
    """The 44 bytes in front of 16-bit PCM."""
    block = 2 * channels
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * block % 2**32, block, 16)
    riff = min(data_bytes + 36, 2**32 - 1)
    return b"RIFF" + struct.pack("<I", riff) + b"WAVEfmt \x10\0\0\0" + form + b"data" + struct.pack("<I", data_bytes)


def write_undecodable(folder: Path) -> list[Path]:
    """20 files, each of which is a DecodeError. A good `neighbour.wav` lies beside them, for the playlists to name."""
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / "neighbour.wav", tone(), RATE)
    noise = np.random.default_rng(1).bytes(30_000)
    contents = {
        "empty.wav": b"",
        "header_only.wav": wave_header(0),
        "half_a_header.wav": wave_header(1000)[:20],
        "text.mp3": b"This is a letter, not a song.\n" * 50,
        "playlist.m4a": b"#EXTM3U\n#EXTINF:1,song\nneighbour.wav\n",
        "list.mp3": b"ffconcat version 1.0\nfile 'neighbour.wav'\n",
        "random.mp3": noise,
        "random.wav": noise,
        "channels.wav": wave_header(20_480, channels=1024) + bytes(20_480),
        "rate.wav": wave_header(2000, rate=0) + bytes(2000),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    paths = [folder / name for name in contents]
    paths += [_not_finite(folder / "nan.wav", np.nan), _not_finite(folder / "infinite.wav", np.inf)]
    paths += [_cut(folder / f"cut.{suffix}", write, part) for suffix, write, part in _CUTS]
    paths += [_cut(folder / "header_only.flac", _write_sound, 0.005), _unreadable(folder / "unreadable.flac")]
    return paths


def write_odd(folder: Path) -> list[Path]:
    """20 files that are unusual and decode."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "x.wav").mkdir()
    waves: dict[str, tuple[np.ndarray, int, str]] = {
        "silence.wav": (np.zeros((RATE, 1), np.float32), RATE, "PCM_16"),
        "five_ms.wav": (tone(0.005), RATE, "PCM_16"),
        "one_sample.wav": (tone(0), RATE, "PCM_16"),
        "eight_channels.wav": (tone(0.5, 96_000, 8), 96_000, "PCM_24"),
        "eight_bit.wav": (tone(1, 8000), 8000, "PCM_U8"),
        "name with spaces.wav": (tone(), RATE, "PCM_16"),
        "new\nline.wav": (tone(), RATE, "PCM_16"),
        "musik \U0001f3b5.wav": (tone(), RATE, "PCM_16"),
        "LOUD.WAV": (tone(), RATE, "PCM_16"),
        "x.wav/inside.wav": (tone(), RATE, "PCM_16"),
        os.fsdecode(b"caf\xe9.wav"): (tone(), RATE, "PCM_16"),
        "over_full_scale.wav": (tone() * 8, RATE, "FLOAT"),
        "double.wav": (tone(), RATE, "DOUBLE"),
    }
    for name, (samples, rate, subtype) in waves.items():
        with (folder / name).open("wb") as file:  # soundfile can't encode all of these names
            soundfile.write(file, samples, rate, subtype, format="WAV")
    soundfile.write(folder / "flac_inside.mp3", tone(), RATE, format="FLAC")
    soundfile.write(folder / "tune.aiff", tone(), RATE)
    soundfile.write(folder / "tune.mp3", tone(), RATE)
    soundfile.write(folder / "tune.opus", tone(1, 48_000), 48_000, format="OGG", subtype="OPUS")
    (folder / "streamed.wav").write_bytes(wave_header(2**32 - 1) + (tone() * 32767).astype("<i2").tobytes())
    _write_m4a(folder / "tune.m4a")
    write_av(folder / "tune.webm", tone(1, 48_000, 2), 48_000, "libopus", form="webm")
    names = ["flac_inside.mp3", "tune.aiff", "tune.mp3", "tune.opus", "streamed.wav", "tune.m4a", "tune.webm"]
    return [folder / name for name in [*waves, *names]]


def _write_sound(path: Path) -> None:
    soundfile.write(path, tone(2), RATE)


def _write_m4a(path: Path) -> None:
    write_av(path, tone(2), RATE, "aac", form="ipod")


def _write_m4a_index_first(path: Path) -> None:
    write_av(path, tone(2), RATE, "aac", form="ipod", options="movflags=faststart")


_CUTS: list[tuple[str, Callable[[Path], None], float]] = [
    ("wav", _write_sound, 0.5),
    ("flac", _write_sound, 0.6),
    ("mp3", _write_sound, 0.4),
    ("ogg", _write_sound, 0.7),
    ("m4a", _write_m4a, 0.9),
    ("mp4", _write_m4a_index_first, 0.6),
]


def _cut(path: Path, write: Callable[[Path], None], part: float) -> Path:
    write(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    return path


def _not_finite(path: Path, value: float) -> Path:
    samples = tone()
    samples[len(samples) // 2] = value
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    return path


def _unreadable(path: Path) -> Path:
    path.write_bytes(b"fLaC")  # root may read everything: so that it fails for root too
    path.chmod(0)
    return path

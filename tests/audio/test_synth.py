"""MIDI rendering: pitches, times, independence of what was played before, bad files."""

import importlib.util
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import mido
import pytest
import torch

from audio_gen.audio import _fluidsynth, _midi, _tinysoundfont, synth
from audio_gen.audio.clip import Clip
from audio_gen.audio.synth import find_soundfont, render
from audio_gen.errors import DecodeError, ParameterError

RATE = 22050
Message: TypeAlias = Any  # mido has no types


def on(note: int, time: int = 0, channel: int = 0, velocity: int = 100) -> Message:
    return mido.Message("note_on", note=note, time=time, channel=channel, velocity=velocity)


def off(note: int, time: int = 480, channel: int = 0) -> Message:
    return mido.Message("note_off", note=note, time=time, channel=channel)


def write_midi(path: Path, *tracks: list[Message], division: int = 480) -> Path:
    """480 ticks a beat, 120 beats a minute: 960 ticks are a second."""
    midi = mido.MidiFile(ticks_per_beat=division)
    midi.tracks.extend(mido.MidiTrack(track) for track in tracks)
    midi.save(path)
    return path


@pytest.fixture(scope="module")
def font() -> Path:
    """The small font in pretty_midi's package, which is the same on every machine; else any other."""
    spec = importlib.util.find_spec("pretty_midi")
    small = (
        Path(spec.submodule_search_locations[0]) / "TimGM6mb.sf2" if spec and spec.submodule_search_locations else None
    )
    if small and small.is_file():
        return small
    try:
        return find_soundfont()
    except ParameterError as error:
        pytest.skip(str(error))


Play = Callable[[Path], Clip]


@pytest.fixture(params=["tinysoundfont", "fluidsynth"])
def play(request: pytest.FixtureRequest, font: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """`render` with each of the two synthesizers."""
    if request.param == "tinysoundfont":
        if not importlib.util.find_spec("tinysoundfont"):
            pytest.skip("tinysoundfont is not installed")
    elif not shutil.which("fluidsynth"):
        pytest.skip("the program fluidsynth is not installed")
    else:
        monkeypatch.setattr(synth, "has_tinysoundfont", lambda: False)
    return lambda path: render(path, soundfont=font, sample_rate=RATE)


def hertz(samples: torch.Tensor, near: float) -> float:
    """The strongest frequency within a semitone and a half of `near`, by a zero-padded spectrum."""
    size = 1 << 19
    spectrum = torch.fft.rfft(samples * torch.hann_window(len(samples)), n=size).abs()
    low, high = int(near * 0.917 * size / RATE), int(near * 1.09 * size / RATE)
    return (low + int(spectrum[low:high].argmax())) * RATE / size


@pytest.mark.parametrize("program", [0, 19, 71])  # piano, organ, clarinet
def test_twelve_notes_come_out_within_ten_cents(tmp_path: Path, play: Play, program: int) -> None:
    track = [mido.Message("program_change", program=program)]
    for note in range(60, 72):
        track += [on(note, 96), off(note, 864)]
    samples = play(write_midi(tmp_path / "scale.mid", track)).samples.mean(0)
    for index in range(12):
        piece = samples[round((index + 0.2) * RATE) : round((index + 0.95) * RATE)]
        assert piece.square().mean().sqrt() > 1e-3
        right = 440 * 2 ** ((60 + index - 69) / 12)
        cents = 1200 * torch.log2(torch.tensor(hertz(piece, right) / right))
        assert abs(float(cents)) < 10


def test_transposition_moves_every_note_but_the_drums(tmp_path: Path, font: Path) -> None:
    tune = write_midi(tmp_path / "tune.mid", [on(69), off(69, 960)])
    up, down = (render(tune, soundfont=font, sample_rate=RATE, transpose=by).samples.mean(0) for by in (7, -12))
    assert hertz(up, 659.26) == pytest.approx(659.26, rel=0.006)
    assert hertz(down, 220.0) == pytest.approx(220.0, rel=0.006)
    drums = write_midi(tmp_path / "drums.mid", [on(38, channel=9), off(38, channel=9)])
    plain, moved = (render(drums, soundfont=font, sample_rate=RATE, transpose=by).samples for by in (0, 5))
    assert torch.equal(plain, moved)
    highest = write_midi(tmp_path / "high.mid", [on(127), off(127, 960)])
    octave = write_midi(tmp_path / "octave.mid", [on(116), off(116, 960)])
    heard = [render(path, soundfont=font, transpose=by).samples for path, by in ((highest, 1), (octave, 0))]
    assert torch.equal(*heard)  # 128 is no note: an octave lower


def test_notes_start_when_the_tempo_map_says(tmp_path: Path, play: Play) -> None:
    tempos = [mido.MetaMessage("set_tempo", tempo=250_000 + 7 * index, time=5) for index in range(300)]
    ticks = sum(message.time for message in tempos)
    seconds = 5 * 0.5 / 480 + sum(5 * message.tempo / 1e6 / 480 for message in tempos[:-1])
    seconds += (4000 - ticks) * tempos[-1].tempo / 1e6 / 480
    samples = play(write_midi(tmp_path / "a.mid", tempos, [on(76, 4000), off(76)])).samples
    level = samples.abs().amax(0)
    start = int((level > 0.02 * level.max()).nonzero()[0]) / RATE
    assert seconds - 0.004 < start < seconds + 0.03


def test_rendering_is_the_same_whatever_was_rendered_before(tmp_path: Path, font: Path) -> None:
    quiet = write_midi(tmp_path / "a.mid", [on(60), off(60)])
    wild = [mido.Message("control_change", control=7, value=3), mido.Message("control_change", control=10, value=0)]
    wild += [mido.Message("control_change", control=64, value=127), mido.Message("pitchwheel", pitch=8191)]
    wild += [mido.Message("program_change", program=48), mido.Message("control_change", control=0, value=8)]
    wild += [on(note) for note in range(40, 80)]
    loud = write_midi(tmp_path / "b.mid", [*wild, off(40)])
    first = render(quiet, soundfont=font, sample_rate=RATE)
    render(loud, soundfont=font, sample_rate=RATE, seconds=0.6)
    render(quiet, soundfont=font, sample_rate=44100)
    again = render(quiet, soundfont=font, sample_rate=RATE)
    assert torch.equal(first.samples, again.samples)
    assert not torch.equal(first.samples[:, :5000], render(loud, soundfont=font, sample_rate=RATE).samples[:, :5000])


def test_the_clip_is_stereo_and_as_long_as_asked_for(tmp_path: Path, play: Play, font: Path) -> None:
    path = write_midi(tmp_path / "a.mid", [on(60), off(60)])
    assert play(path).channels == 2
    assert 0.5 < play(path).duration < 12
    for seconds in (0.25, 0.5, 2.0):
        assert render(path, soundfont=font, sample_rate=RATE, seconds=seconds).samples.shape == (
            2,
            round(seconds * RATE),
        )
    short = render(path, soundfont=font, sample_rate=RATE, seconds=0.25).samples
    assert torch.equal(short, render(path, soundfont=font, sample_rate=RATE).samples[:, : short.shape[1]])


def test_loud_music_is_scaled_into_range(tmp_path: Path, play: Play) -> None:
    chord = [on(note, velocity=127) for note in range(36, 84)]
    samples = play(write_midi(tmp_path / "a.mid", [*chord, off(36), *(off(note, 0) for note in range(37, 84))])).samples
    assert samples.abs().max() == pytest.approx(1, abs=1e-6)


def test_controllers_are_heard(tmp_path: Path, play: Play) -> None:
    def level(*before: Message) -> torch.Tensor:
        return play(write_midi(tmp_path / "a.mid", [*before, on(60), off(60)])).samples.square().mean(1).sqrt()

    centre = level()
    left = level(mido.Message("control_change", control=10, value=0))
    soft = level(mido.Message("control_change", control=7, value=40))
    assert left[0] > 3 * left[1]
    assert centre[0] < 3 * centre[1]
    assert soft.sum() < 0.5 * centre.sum()


def test_channel_ten_plays_drums(tmp_path: Path, play: Play) -> None:
    drums = play(write_midi(tmp_path / "a.mid", [on(42, channel=9), off(42, channel=9)])).samples.mean(0)
    piano = play(write_midi(tmp_path / "b.mid", [on(42), off(42)])).samples.mean(0)

    def brightness(samples: torch.Tensor) -> float:
        power = torch.fft.rfft(samples[:8192]).abs().square()
        return float((power * torch.arange(len(power))).sum() / power.sum()) * RATE / 8192

    assert brightness(drums) > 3000 > brightness(piano)


def test_an_instrument_that_the_font_lacks_falls_back(tmp_path: Path, font: Path) -> None:
    plain = [mido.Message("program_change", program=19), on(60), off(60)]
    variation = [mido.Message("control_change", control=0, value=77), *plain]
    pair = [write_midi(tmp_path / f"{index}.mid", track) for index, track in enumerate((plain, variation))]
    first, second = (render(path, soundfont=font, sample_rate=RATE, seconds=0.5).samples for path in pair)
    assert torch.equal(first, second)


@pytest.mark.parametrize("part", [0.0, 0.02, 0.1, 0.3, 0.6, 0.95])
def test_a_midi_file_that_breaks_off_is_refused(tmp_path: Path, part: float) -> None:
    track = [message for note in range(40, 80) for message in (on(note), off(note, 100))]
    path = write_midi(tmp_path / "a.mid", track)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    with pytest.raises(DecodeError, match=r"a\.mid"):
        render(path)


@pytest.mark.parametrize(
    "content",
    [
        b"text that is no music",
        b"MThd",
        b"MThd\0\0\0\6\0\1\0\1\0\0" + b"MTrk\0\0\0\4\0\xff\x2f\0",  # 0 ticks a beat
        b"MThd\0\0\0\6\0\1\0\1\1\xe0" + b"MTrk\0\0\0\4\0\xff\x2f\0",  # no notes
        b"MThd\0\0\0\6\0\1\0\0\1\xe0",  # no tracks
        b"RIFF\0\0\0\0WAVEfmt ",
    ],
)
def test_what_is_no_music_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.mid").write_bytes(content)
    with pytest.raises(DecodeError, match=r"a\.mid"):
        render(tmp_path / "a.mid")


def test_folders_and_missing_files_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.mid"):
        with pytest.raises(DecodeError, match="no file"):
            render(path)


def test_a_piece_of_months_is_refused(tmp_path: Path, font: Path) -> None:
    path = write_midi(tmp_path / "a.mid", [on(60, 200_000_000), off(60)], division=1)
    with pytest.raises(DecodeError, match="at most 3600 s"):
        render(path, soundfont=font)


def test_a_wrapped_file_and_one_in_film_frames_are_read(tmp_path: Path) -> None:
    plain = write_midi(tmp_path / "a.mid", [on(60), off(60, 960)]).read_bytes()
    (tmp_path / "b.rmi").write_bytes(b"RIFF" + struct.pack("<I", len(plain) + 12) + b"RMIDdata" + bytes(4) + plain)
    assert _midi.read_midi(tmp_path / "b.rmi")[-1].seconds == pytest.approx(1)
    frames = bytearray(plain)
    frames[12:14] = struct.pack(">bB", -24, 40)  # 24 frames a second, 40 ticks a frame: 960 ticks are a second too
    (tmp_path / "c.mid").write_bytes(frames)
    assert _midi.read_midi(tmp_path / "c.mid")[-1].seconds == pytest.approx(1)


def test_a_named_font_must_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_midi(tmp_path / "a.mid", [on(60), off(60)])
    (tmp_path / "font.sf2").write_bytes(b"RIFF\x04\0\0\0sfbk" + bytes(100))
    with pytest.raises(ParameterError, match="no SoundFont at"):
        render(path, soundfont=path)
    with pytest.raises(ParameterError, match="give an SF2"):
        _tinysoundfont.play([], tmp_path / "font.sf2", RATE, None)
    monkeypatch.setenv("AUDIO_GEN_SOUNDFONT", str(tmp_path / "missing.sf2"))
    with pytest.raises(ParameterError, match=r"missing\.sf2"):
        find_soundfont()


def test_fonts_are_looked_for_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUDIO_GEN_SOUNDFONT", raising=False)
    monkeypatch.setattr(synth, "FOLDERS", (tmp_path,))
    monkeypatch.setattr(synth, "find_spec", lambda name: None)
    with pytest.raises(ParameterError, match="no SoundFont found"):
        find_soundfont()
    for name in ("zebra.sf2", "default-GM.sf3", "FluidR3_GM.sf2"):  # each is preferred to those before
        (tmp_path / name).write_bytes(b"RIFF\x04\0\0\0sfbk")
        assert find_soundfont() == tmp_path / name
    monkeypatch.setenv("AUDIO_GEN_SOUNDFONT", str(tmp_path / "zebra.sf2"))
    assert find_soundfont().name == "zebra.sf2"
    assert find_soundfont(tmp_path / "default-GM.sf3").name == "default-GM.sf3"


def test_without_a_synthesizer_the_message_says_how_to_get_one(
    tmp_path: Path, font: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synth, "has_tinysoundfont", lambda: False)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(ParameterError, match="pip install --no-deps tinysoundfont"):
        render(write_midi(tmp_path / "a.mid", [on(60), off(60)]), soundfont=font)


def test_fluidsynth_reports_its_own_failure(font: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "fluidsynth").write_text("#!/bin/sh\necho no such thing >&2\nexit 3\n")
    (tmp_path / "fluidsynth").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(ParameterError, match="no such thing"):
        _fluidsynth.play([], font, RATE, None)


@pytest.mark.parametrize(
    "arguments", [{"sample_rate": 100}, {"seconds": 0.0}, {"seconds": -1.0}, {"seconds": 1e9}, {"transpose": 25}]
)
def test_arguments_out_of_range_are_refused(tmp_path: Path, arguments: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match="must be"):
        render(tmp_path / "a.mid", **arguments)  # type: ignore[arg-type]

"""Tracks for a benchmark to read: MP3, OGG and FLAC in turn, 44.1 kHz stereo, 3 minutes each, made of given music."""

from pathlib import Path

import torch

import audio_gen as ag
from audio_gen.atomic import replacing
from audio_gen.pipelines.inputs import find_audio

SECONDS, RATE = 180, 44100
KINDS = (".mp3", ".ogg", ".flac")


def make_tracks(music: Path | None, folder: Path, count: int) -> list[Path]:
    """`count` tracks in `folder`; those that are there from an earlier run are kept.

    Raises:
        SystemExit: some are missing, and there is no music to make them of.
    """
    tracks = [folder / f"{number:03}{KINDS[number % len(KINDS)]}" for number in range(count)]
    missing = [number for number, track in enumerate(tracks) if not track.exists()]
    if missing and music is None:
        raise SystemExit(f"{len(missing)} of {count} tracks are not in {str(folder)!r}; give --music DIR to make them")
    sources = [source.path for source in find_audio([music])] if missing and music is not None else []
    for number in missing:
        turn = number % len(sources)
        write = save_mp3 if tracks[number].suffix == ".mp3" else ag.save
        write(tracks[number], joined(sources[turn:] + sources[:turn]))
    return tracks


def joined(sources: list[Path]) -> ag.Clip:
    """3 minutes of stereo: the files one after the other, from the start again where they are too short."""
    parts: list[torch.Tensor] = []
    while sum(part.shape[1] for part in parts) < SECONDS * RATE:
        clip = ag.load(sources[len(parts) % len(sources)]).to(RATE, channels=None)
        parts.append(clip.samples[:2] if clip.channels >= 2 else clip.samples.repeat(2, 1))
    samples = torch.cat(parts, 1)[:, : SECONDS * RATE]
    return ag.Clip(samples / samples.abs().max().clamp_min(1), RATE)


def save_mp3(path: Path, clip: ag.Clip) -> None:
    """At 192 kbit/s."""
    import av

    with replacing(path) as part, av.open(str(part), "w") as container:
        stream = container.add_stream("libmp3lame", rate=clip.sample_rate, layout="stereo", bit_rate=192_000)
        for block in clip.samples.split(RATE, 1):
            frame = av.AudioFrame.from_ndarray(block.contiguous().numpy(), format="fltp", layout="stereo")
            frame.sample_rate = clip.sample_rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def make_tiny(folder: Path, count: int) -> Path:
    """The folder of `count` files of 10 ms in it, a hundred in each of its folders; each is another one."""
    import soundfile

    rate = 22050
    whole = torch.rand(count + rate // 100, generator=torch.Generator().manual_seed(0)) - 0.5
    for number in range(count):
        place = folder / f"{number // 10_000:03}" / f"{number // 100 % 100:02}"
        if number % 100 == 0:
            place.mkdir(parents=True)
        soundfile.write(place / f"{number % 100:02}.wav", whole[number : number + rate // 100].numpy(), rate)
    return folder

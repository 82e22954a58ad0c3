"""What a lossy codec leaves of a clip: encoded and decoded in memory, by PyAV, whose wheel carries LAME."""

import io
from typing import Any

import torch

from audio_gen.audio.clip import Clip
from audio_gen.errors import ParameterError

MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


def mp3(clip: Clip, kbps: int = 64) -> Clip:
    """The clip after MP3 at `kbps` kbit/s in all, at its own rate, or the next one up that MP3 knows.

    The decoder takes off the padding that the encoder tells of; beyond that nothing is shifted back or cut. More than
    two channels become one.

    Raises:
        ParameterError: FFmpeg here has no MP3 encoder, or kbps is not 8 to 320.
    """
    if not 8 <= kbps <= 320:
        raise ParameterError(f"MP3 has bit rates of 8 to 320 kbit/s, not {kbps}")
    rate = next((rate for rate in MP3_RATES if rate >= clip.sample_rate), MP3_RATES[-1])
    clip = clip.to(rate, None if clip.channels <= 2 else 1)
    return _decoded(_encoded(clip, kbps))


def has_mp3() -> bool:
    """Whether MP3 can be encoded here."""
    import av

    try:
        av.codec.Codec("libmp3lame", "w")
    except ValueError:
        return False
    return True


def _encoded(clip: Clip, kbps: int) -> bytes:
    import av

    if not has_mp3():
        raise ParameterError("FFmpeg in PyAV has no MP3 encoder (libmp3lame): `pip install --force-reinstall av`")
    layout = "mono" if clip.channels == 1 else "stereo"
    file = io.BytesIO()
    try:
        with av.open(file, "w", format="mp3") as container:
            stream: Any = container.add_stream("libmp3lame", rate=clip.sample_rate, layout=layout)
            stream.bit_rate = 1000 * kbps
            frame = av.AudioFrame.from_ndarray(clip.samples.contiguous().numpy(), format="fltp", layout=layout)
            frame.sample_rate = clip.sample_rate
            for part in (frame, None):
                container.mux(stream.encode(part))
    except (av.FFmpegError, ValueError) as error:
        raise ParameterError(f"MP3 can't hold {clip.sample_rate} Hz at {kbps} kbit/s ({error})") from error
    return file.getvalue()


def _decoded(content: bytes) -> Clip:
    import av

    with av.open(io.BytesIO(content), "r", format="mp3") as container:
        frames = list(container.decode(audio=0))
    samples = torch.cat([torch.from_numpy(frame.to_ndarray()) for frame in frames], dim=-1)
    return Clip(samples.float(), frames[0].sample_rate)

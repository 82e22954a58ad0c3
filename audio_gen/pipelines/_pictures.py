"""Pictures of log-mel spectrograms as small PNG files, with the places of their axis ticks."""

import io
import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from audio_gen.features.mel_spec import MelSpec

WIDTH = 800  # columns of a picture, at most
RANGE_DB = 80.0  # from the darkest to the brightest colour

# night blue, violet, rose, orange, pale yellow: lightness rises all the way, so that the order survives in grey
_ANCHORS = ("#070b24", "#4a1a7a", "#b32d78", "#f07f4a", "#fdf3b8")
# linear RGB <-> OKLab (Ottosson, "A perceptual color space for image processing", 2020)
_RGB_TO_LMS = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]]
)  # fmt: skip
_LMS_TO_LAB = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
     [0.0259040371, 0.7827717662, -0.8086757660]]
)  # fmt: skip

Floats = npt.NDArray[np.floating]
Bytes = npt.NDArray[np.uint8]


def palette(anchors: Sequence[str] = _ANCHORS, size: int = 256) -> Bytes:
    """`[size, 3]` sRGB bytes: straight lines between the anchors in OKLab, where equal steps look equal.

    >>> palette(("#000000", "#ffffff"), 3)[:, 0].tolist()
    [0, 99, 255]
    """
    srgb = np.array([[int(anchor[i : i + 2], 16) / 255 for i in (1, 3, 5)] for anchor in anchors])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    lab = np.cbrt(linear @ _RGB_TO_LMS.T) @ _LMS_TO_LAB.T
    place = np.linspace(0, len(anchors) - 1, size)
    lab = np.stack([np.interp(place, np.arange(len(anchors)), lab[:, i]) for i in range(3)], 1)
    linear = ((lab @ np.linalg.inv(_LMS_TO_LAB).T) ** 3 @ np.linalg.inv(_RGB_TO_LMS).T).clip(0, 1)
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    colours: Bytes = np.rint(srgb * 255).astype(np.uint8)
    return colours


def shrink(mel: Floats, width: int = WIDTH) -> Floats:
    """`[M, N] -> [M, min(N, width)]` float32: neighbouring frames averaged; reads a memory map in pieces."""
    edges = np.linspace(0, mel.shape[1], min(mel.shape[1], width) + 1).astype(int)
    columns = [mel[:, a:b].mean(1, dtype=np.float32) for a, b in pairwise(edges)]
    return np.stack(columns, 1)


def spectrogram_png(mel: Floats, *, power: float = 1.0, width: int = WIDTH) -> bytes:
    """`[M, N]` natural-log mel → PNG of M rows (low frequencies at the bottom) and at most `width` columns.

    The brightest colour is the loudest value, the darkest lies `RANGE_DB` below. NaN is drawn as silence.
    """
    from PIL import Image

    decibel = np.nan_to_num(shrink(mel, width), nan=-1e3, posinf=0.0, neginf=-1e3) * (20 / power / math.log(10))
    index = ((decibel - decibel.max()) / RANGE_DB + 1).clip(0, 1) * 255
    image = Image.fromarray(np.rint(index[::-1]).astype(np.uint8))
    image.putpalette(palette().tobytes())
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def frequency_ticks(spec: MelSpec) -> list[tuple[float, str]]:
    """Place (0 is the bottom, 1 the top) and label of the frequency ticks of a mel picture."""
    low, high = _slaney_mel(spec.fmin), _slaney_mel(spec.top)
    ticks = [(250.0, "250 Hz"), (1000.0, "1 kHz"), (2000.0, "2 kHz"), (4000.0, "4 kHz"), (8000.0, "8 kHz")]
    return [((_slaney_mel(hz) - low) / (high - low), label) for hz, label in ticks if spec.fmin < hz < spec.top]


def _slaney_mel(hz: float) -> float:
    # 3 mels for 200 Hz up to 1 kHz, 27 mels for each factor 6.4 above (Slaney, 1998)
    return hz * 3 / 200 if hz < 1000 else 15 + 27 * math.log(hz / 1000) / math.log(6.4)


def time_ticks(seconds: float) -> list[tuple[float, str]]:
    """Place (0 is the start, 1 the end) and label of three to seven time ticks.

    >>> [label for _, label in time_ticks(15.0)]
    ['0:00', '0:05', '0:10', '0:15']
    """
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200)
    step = next((step for step in steps if seconds / step <= 6), seconds / 6)
    if seconds <= 0:
        return [(0.0, clock(0))]
    return [(i * step / seconds, clock(i * step, fine=step < 1)) for i in range(1 + math.floor(seconds / step + 1e-9))]


def clock(seconds: float, *, fine: bool = False) -> str:
    """Seconds as a person writes them.

    >>> clock(7), clock(185.4), clock(7384), clock(0.5, fine=True)
    ('0:07', '3:05', '2:03:04', '0.5 s')
    """
    if fine:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

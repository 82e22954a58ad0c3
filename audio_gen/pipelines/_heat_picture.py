"""A heat map over its spectrogram as a PNG, with axes in seconds and Hz: brighter is louder, warmer is hotter."""

import io
from typing import Any

import numpy as np

from audio_gen.features.decibel_image import RANGE_DB
from audio_gen.pipelines._pictures import Bytes, Floats, palette, shrink, time_ticks

WIDTH, HEIGHT = 960, 384  # of the plot, in pixels
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 34, 44  # margins around it
HOT = ("#7d8ba8", "#c2417e", "#f5793b", "#ffe06a")  # blue-grey where nothing speaks for the answer
PAPER, INK = "#ffffff", "#333333"
FREQUENCIES = (250, 500, 1000, 2000, 4000, 8000, 16000)  # Hz


def heat_png(values: Floats, decibels: Floats, seconds: Floats, hz: Floats, label: str) -> bytes:
    """Draw `[n_mels, N]` values over `[n_mels, N]` decibels (-80 to 0); low frequencies lie at the bottom."""
    from PIL import Image, ImageDraw, ImageFont

    plot = Image.fromarray(colours(shrink(values, WIDTH), shrink(decibels, WIDTH))[::-1].copy())
    picture = Image.new("RGB", (LEFT + WIDTH + RIGHT, TOP + HEIGHT + BOTTOM), PAPER)
    picture.paste(plot.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR), (LEFT, TOP))
    _axes(ImageDraw.Draw(picture), ImageFont.load_default(14), seconds, hz, label)
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=2)  # a spectrogram is mostly noise: more effort gains little
    return file.getvalue()


def colours(values: Floats, decibels: Floats) -> Bytes:
    """`[n_mels, N, 3]` sRGB: the colour from the heat, the brightness from the level."""
    level = np.clip(decibels / RANGE_DB + 1, 0, 1)[..., None]
    tint = palette(HOT)[np.rint(heat(values) * 255).astype(int)]
    shown: Bytes = np.rint(tint * (0.12 + 0.88 * level)).astype(np.uint8)
    return shown


def heat(values: Floats) -> Floats:
    """0 up to the map's average, 1 at its hottest point; 0 everywhere where all is the same."""
    above = values - values.mean()
    hottest = float(above.max())
    if hottest <= 1e-6 * max(1.0, float(np.abs(values).max())):
        return np.zeros_like(values)
    found: Floats = (above / hottest).clip(0, 1)
    return found


def _axes(draw: Any, font: Any, seconds: Floats, hz: Floats, label: str) -> None:
    right, bottom = LEFT + WIDTH, TOP + HEIGHT
    draw.rectangle((LEFT - 1, TOP - 1, right, bottom), outline=INK)
    draw.text((LEFT, TOP - 10), f"what speaks for “{label}”: the warmer, the more", INK, font, "ls")
    column = float(seconds[1] - seconds[0]) if len(seconds) > 1 else 0.0
    duration = float(seconds[-1]) + column
    for place, _ in time_ticks(duration):
        x = LEFT + place * WIDTH
        draw.line((x, bottom, x, bottom + 5), INK)
        draw.text((x, bottom + 8), f"{place * duration:.6g}", INK, font, "ma")
    draw.text((LEFT + WIDTH / 2, bottom + 40), "seconds", INK, font, "ms")
    for frequency in FREQUENCIES:
        if hz[0] <= frequency <= hz[-1]:
            y = bottom - (float(np.interp(frequency, hz, np.arange(len(hz)))) + 0.5) / len(hz) * HEIGHT
            draw.line((LEFT - 6, y, LEFT - 1, y), INK)
            draw.text((LEFT - 9, y), str(frequency), INK, font, "rm")
    draw.text((LEFT - 9, TOP - 10), "Hz", INK, font, "rs")

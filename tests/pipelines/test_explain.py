import io
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
import torch
from PIL import Image

from audio_gen.errors import ParameterError
from audio_gen.features.decibel_image import SPEC
from audio_gen.features.log_mel import LogMel
from audio_gen.pipelines import explain
from audio_gen.pipelines._heat_picture import BOTTOM, LEFT, RIGHT, TOP, colours, heat, heat_png
from audio_gen.pipelines.explain import Backdrop, HeatMap, heat_map, pick_answer
from audio_gen.pipelines.windows import Windows

SIZE, COLUMNS, STRIDE = 22050, 16, (32, 4)


def heard(samples: int, blocks: int = 3) -> Backdrop:
    backdrop = Backdrop(SPEC)
    sound = 0.1 * torch.randn(1, samples, generator=torch.Generator().manual_seed(0))
    for frames in LogMel(SPEC)(sound)[0].chunk(blocks, 1):
        backdrop.keep(torch.cat([frames, frames + 9]))  # what lies above the mel bands isn't shown
    return backdrop


def mapped(cells: torch.Tensor, samples: int) -> HeatMap:
    return heat_map(cells, Windows(samples, SIZE, COLUMNS, STRIDE), heard(samples), "jazz")


def slow_map(cells: torch.Tensor, starts: list[float], columns: int) -> np.ndarray:
    """Column by column, from all windows that heard it."""
    found = []
    for column in range(columns):
        total, weight = np.zeros(cells.shape[1]), 0.0
        for start, window in zip(starts, cells.numpy(), strict=True):
            inside = column - start
            if 0 <= inside < COLUMNS:
                share = 1.02 - abs(2 * inside / COLUMNS - 1)
                total += share * np.array([np.interp(inside / STRIDE[1], range(len(row)), row) for row in window])
                weight += share
        found.append(total / weight)
    bands = [[np.interp(band / STRIDE[0], range(cells.shape[1]), column) for column in found] for band in range(128)]
    return np.array(bands)


@pytest.mark.parametrize(("seconds", "count"), [(1.0, 1), (2.5, 4), (2.3, 4)])
def test_the_map_of_a_file_equals_the_slow_way(seconds: float, count: int) -> None:
    samples = int(seconds * SIZE)
    cells = torch.randn(count, 4, 4, generator=torch.Generator().manual_seed(0))
    found = mapped(cells, samples)
    columns = round(seconds * COLUMNS)
    assert found.values.shape == found.decibels.shape == (128, columns)
    starts = [start * COLUMNS / SIZE for start in Windows(samples, SIZE, COLUMNS, STRIDE).starts(count)]
    assert starts[-1] == pytest.approx((seconds - 1) * COLUMNS, abs=1e-3)
    if seconds * COLUMNS == columns:
        assert np.allclose(found.values, slow_map(cells, starts, columns), atol=1e-5)
    assert found.seconds[0] == 0
    assert found.seconds[-1] + found.seconds[1] == pytest.approx(samples / SPEC.sample_rate)
    assert np.allclose(found.hz, librosa.mel_frequencies(n_mels=130, fmin=0, fmax=11025)[1:-1])
    assert found.label == "jazz"


def test_windows_that_agree_make_an_even_map() -> None:
    assert np.allclose(mapped(torch.full((4, 4, 4), 2.5), int(2.4 * SIZE)).values, 2.5, atol=1e-5)


def test_what_no_window_heard_is_not_hot() -> None:
    values = mapped(-1 - torch.rand(1, 4, 4), int(1.25 * SIZE)).values
    assert values.shape == (128, 20)
    assert values.max() <= -1
    assert np.allclose(values[:, 17:], values.min(), atol=1e-6)


def test_a_short_file_has_its_own_length() -> None:
    assert mapped(torch.rand(1, 4, 4), SIZE // 4).values.shape == (128, 4)
    assert mapped(torch.rand(1, 4, 4), 1).values.shape == (128, 1)


def test_long_files_get_coarser_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explain, "COLUMNS", 20)
    monkeypatch.setattr(explain, "FRAMES", 50)
    cells = torch.randn(9, 4, 4, generator=torch.Generator().manual_seed(0))
    backdrop = heard(5 * SIZE, blocks=40)
    assert sum(part.shape[1] for part in backdrop._parts) <= 50
    found = heat_map(cells, Windows(5 * SIZE, SIZE, COLUMNS, STRIDE), backdrop, "jazz")
    monkeypatch.undo()
    fine = mapped(cells, 5 * SIZE)
    assert found.values.shape == found.decibels.shape == (128, 20)
    assert fine.values.shape == (128, 80)
    assert np.allclose(found.values, fine.values[:, ::4], atol=1e-5)
    assert np.allclose(found.seconds, fine.seconds[::4])


def test_the_backdrop_is_the_spectrogram() -> None:
    shown = mapped(torch.rand(3, 4, 4), 2 * SIZE)
    mel = LogMel(SPEC)(0.1 * torch.randn(1, 2 * SIZE, generator=torch.Generator().manual_seed(0)))[0]
    frames = [int((column + 0.25) * mel.shape[1] / 32) for column in range(32)]
    right = 10 / np.log(10) * mel[:, frames].numpy()
    assert np.allclose(shown.decibels, right - right.max(), atol=0.1)
    silent = Backdrop(SPEC)
    silent.keep(LogMel(SPEC)(torch.zeros(1, SIZE))[0])
    assert (silent.decibels(16, SIZE) == -80).all()


def test_what_was_repeated_of_a_short_file_is_not_shown() -> None:
    backdrop = Backdrop(SPEC)
    frames = LogMel(SPEC)(0.1 * torch.randn(1, SIZE, generator=torch.Generator().manual_seed(0)))[0]
    backdrop.keep(torch.cat([frames[:, :11], frames + 9], 1))
    shown = backdrop.decibels(4, 10 * SPEC.hop_length)
    right = 10 / np.log(10) * frames[:, [0, 3, 6, 8]].numpy()
    assert np.allclose(shown, right - right.max(), atol=0.1)


def test_kept_as_arrays(tmp_path: Path) -> None:
    found = mapped(torch.rand(3, 4, 4), 2 * SIZE)
    found.save(tmp_path / "a" / "map.npz")
    with np.load(tmp_path / "a" / "map.npz") as kept:
        assert sorted(kept) == ["decibels", "hz", "label", "seconds", "values"]
        for name in ("values", "seconds", "hz", "decibels"):
            assert kept[name].dtype == np.float32
            assert np.array_equal(kept[name], getattr(found, name))
        assert str(kept["label"]) == "jazz"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["map.npz"]
    with pytest.raises(ParameterError, match=r"\.png or \.npz, not '\.gif'"):
        found.save(tmp_path / "map.gif")


def test_heat_starts_at_the_average() -> None:
    values = np.array([[0.0, 1.0], [2.0, 5.0]], np.float32)
    assert heat(values).tolist() == [[0, 0], [0, 1]]
    assert heat(values - 9).tolist() == [[0, 0], [0, 1]]
    assert (heat(np.full((3, 4), 0.7, np.float32)) == 0).all()


def test_colour_is_heat_and_brightness_is_level() -> None:
    values = np.array([[0, 0, 1, 1]], np.float32)
    decibels = np.array([[-60, -10, -60, -10]], np.float32)
    red, green, blue = colours(values, decibels)[0].astype(int).T
    assert (red[:2] < blue[:2]).all()
    assert (red[2:] > blue[2:]).all()
    assert (red[1::2] > red[::2]).all()
    assert (green[1::2] > green[::2]).all()


@pytest.mark.parametrize("seconds", [0.01, 1.0, 12.0, 5000.0])
def test_a_picture_has_the_hot_place_where_it_is(seconds: float) -> None:
    values = np.zeros((128, 100), np.float32)
    values[96:112, 70:80] = 1
    hz = librosa.mel_frequencies(n_mels=128).astype(np.float32)
    times = (np.arange(100) * seconds / 100).astype(np.float32)
    drawn = heat_png(values, np.full((128, 100), -6, np.float32), times, hz, "jazz")
    with Image.open(io.BytesIO(drawn)) as image:
        assert image.format == "PNG"
        pixels = np.asarray(image.convert("RGB")).astype(int)
    plot = pixels[TOP:-BOTTOM, LEFT:-RIGHT]
    warm = plot[..., 0] - plot[..., 2] > 60
    rows, columns = (np.flatnonzero(warm.any(axis)) for axis in (1, 0))
    height, width = warm.shape
    assert (rows[[0, -1]] / height) == pytest.approx([16 / 128, 32 / 128], abs=0.02)  # the top is the highest band
    assert (columns[[0, -1]] / width) == pytest.approx([0.7, 0.8], abs=0.02)
    ink = (pixels < 128).all(2)
    assert ink[TOP:-BOTTOM, : LEFT - 10].any()  # labels in Hz
    assert ink[-BOTTOM + 8 :].any()  # and in seconds


def test_answers_by_name() -> None:
    names = ("happy", "tense", "sad", "calm", "valence", "arousal", "power")
    labels = ("Q1", "Q2", "Q3", "Q4")
    assert [pick_answer(name, names, labels) for name in ("tense", "Q2", "arousal", "power")] == [1, 1, 5, 6]
    with pytest.raises(ParameterError, match=r"no answer 'jazz' to explain; it gives happy, tense, .*, power"):
        pick_answer("jazz", names, labels)


def test_a_file_that_was_listened_to_without_maps(tiny: Any, tmp_path: Path) -> None:
    import soundfile

    from audio_gen.pipelines.classify import Classifier
    from audio_gen.pipelines.listening import listen

    soundfile.write(tmp_path / "x.wav", 0.1 * np.random.default_rng(0).standard_normal(30000), 22050)
    model = Classifier.load(tiny.classifier())
    with pytest.raises(ParameterError, match="without `explained`"):
        model.explain(listen(tmp_path / "x.wav", [model], 4), 0)

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from audio_gen.models.activation import halves
from audio_gen.models.classifier import Prediction
from audio_gen.pipelines import listening
from audio_gen.pipelines.classify import Classifier, classify_file
from audio_gen.pipelines.inputs import Source
from audio_gen.pipelines.listening import judged
from audio_gen.pipelines.together import Together
from audio_gen.pipelines.windows import ALL_HEARD, Cutter, Window

RATE = 22050


def sound(seconds: float, seed: int = 0) -> torch.Tensor:
    """Notes that change twice a second."""
    notes = np.random.default_rng(seed)
    count = int(seconds * RATE)
    pitches = np.repeat(notes.uniform(80, 6000, count // 11025 + 1), 11025)[:count]
    return torch.from_numpy(0.3 * np.sin(2 * np.pi * np.cumsum(pitches) / RATE)[None]).float()


def models(tiny: Any, **options: Any) -> list[Classifier]:
    paths = tiny.classifier(), tiny.emotion(more={"quadrants": True, "terms": ["power"]})
    return [Classifier.load(path, **options) for path in paths]


def windows_of(some: list[Classifier], samples: torch.Tensor) -> list[Window]:
    eye = some[-1]  # sees the notes too
    return list(Cutter(eye.picture, eye.window).windows(iter(samples.split(30000, 1))))


def same(one: Prediction, other: Prediction) -> None:
    for left, right in zip(one, other, strict=True):
        torch.testing.assert_close(left, right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 3, 50])
def test_short_files_are_heard_window_by_window(tiny: Any, batch_size: int) -> None:
    some = models(tiny, precision="float32")
    windows = windows_of(some, sound(6))
    assert 8 < len(windows) <= ALL_HEARD
    pictures = torch.stack([window.picture for window in windows])
    for model, told in zip(some, judged(some, windows, batch_size), strict=True):
        same(told.prediction, model.judge(pictures))
        same(told.prediction, model.net(pictures[:, : model.picture.rows]))
        assert told.prediction.logits.std(0).max() > 1e-3


@pytest.mark.parametrize("explained", [False, True])
def test_of_long_files_windows_between_are_halves_of_their_neighbours(tiny: Any, explained: bool) -> None:
    some = models(tiny, precision="float32")
    windows = windows_of(some, sound(13.4))
    count = len(windows)
    assert count > ALL_HEARD + 5
    assert not windows[-1].regular
    pictures = torch.stack([window.picture for window in windows])
    between = list(range(1, count - 2, 2))
    for model, told in zip(some, judged(some, windows, 4, explained=explained), strict=True):
        parts = halves(model.maps(pictures))
        whole = parts.mean(1)
        for number in between:
            whole[number] = (parts[number - 1, 1] + parts[number + 1, 0]) / 2
        same(told.prediction, model.net.answer(whole[:, :, None, None], model.keys(pictures)))
        alone = model.judge(pictures)
        assert not torch.allclose(told.prediction.embedding[between], alone.embedding[between], atol=1e-3)
        rest = [number for number in range(count) if number not in between]
        same(Prediction(*(part[rest] for part in told.prediction)), Prediction(*(part[rest] for part in alone)))
        if explained:
            assert told.cells is not None
            assert len(told.cells) == count  # heard for their maps
        else:
            assert told.cells is None


def test_windows_between_cost_no_convolutions(tiny: Any) -> None:
    some = models(tiny)
    windows = windows_of(some, sound(13.4))
    heard: list[int] = []
    model = some[0]
    trunk = model._trunk
    model._trunk = lambda mel: heard.append(len(mel)) or trunk(mel)
    judged(some, windows, 4)
    assert sum(heard) == len(windows) - (len(windows) - 2) // 2
    assert heard[:-1] == [4] * (len(heard) - 1)


def test_precision_reaches_the_convolutions(tiny: Any) -> None:
    samples = sound(3)[0].unfold(0, RATE + 200, RATE)
    said = [Classifier.load(tiny.classifier(), precision=name).hear(samples).logits for name in ("float32", "bfloat16")]
    assert 0 < (said[0] - said[1]).abs().max() < 0.1


def test_fixed_batches_across_files_change_no_record(tiny: Any, tmp_path: Path) -> None:
    """As on a GPU: what several threads want is computed in batches of one size, filled up with zeros."""
    from audio_gen.pipelines.batch import run_batch

    sources = []
    for number, seconds in enumerate((0.5, 3, 13, 1, 7, 2)):
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, sound(seconds, number)[0].numpy(), RATE)
        sources.append(Source(path, path.name, Path(path.name)))
    (tmp_path / "3.wav").write_bytes(b"RIFF, but no audio")
    some = models(tiny)
    shapes: set[int] = set()
    for model in some:
        trunk = model._trunk
        model._trunk = Together(lambda mel, trunk=trunk: shapes.add(len(mel)) or trunk(mel), 6)
    alone = [classify_file(source, some) for number, source in enumerate(sources) if number != 3]
    together: list[Any] = []
    run_batch(sources, lambda source: classify_file(source, some), jobs=4, on_record=together.append)
    assert [record["path"] for record in together] == [source.name for source in sources]
    assert not together.pop(3)["ok"]
    assert together == alone
    assert shapes == {6}
    assert listening.GPU_BATCH >= listening.CPU_BATCH

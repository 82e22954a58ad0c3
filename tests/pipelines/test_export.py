import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from audio_gen.errors import CheckpointError, DecodeError, ParameterError
from audio_gen.pipelines import _excerpts
from audio_gen.pipelines import export as exporting
from audio_gen.pipelines._onnx_graph import log_ndtr, to_onnx
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.export import Comparison, compare, export, session

RATE = 22050
EXTRA = ("onnx", "onnxruntime", "onnxscript")
needs_onnx = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, EXTRA)), reason='needs pip install "audio-gen[onnx]"'
)


@pytest.fixture
def no_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the package was installed from a wheel."""
    monkeypatch.setattr(_excerpts, "examples", list)


@pytest.fixture
def kept_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph is the same each time, and takes seconds to make."""
    monkeypatch.setattr(exporting, "to_onnx", _graph)


_graphs: dict[str, bytes] = {}


def _graph(classifier: Classifier) -> Any:
    import onnx

    key = classifier.checkpoint.sha256
    if key not in _graphs:
        _graphs[key] = to_onnx(classifier).SerializeToString()
    return onnx.load_from_string(_graphs[key])


def emotion(tiny: Any) -> Classifier:
    return Classifier.load(tiny.emotion(more={"quadrants": True, "terms": ["wonder", "power"]}))


def test_log_ndtr_as_torch_has_it() -> None:
    x = torch.cat([torch.linspace(-40, 40, 8001), torch.linspace(-2.01, -1.99, 201)])
    torch.testing.assert_close(log_ndtr(x).double(), torch.special.log_ndtr(x.double()), rtol=1e-6, atol=1e-5)


def test_made_windows_are_varied_and_always_the_same() -> None:
    rows = _excerpts.made(RATE, RATE)
    assert torch.equal(rows, _excerpts.made(RATE, RATE))
    assert rows.abs().mean(1).diff().gt(0).all()
    assert _excerpts.made(1, 1).isfinite().all()


def test_windows_of_files_are_spread_over_the_first_minute(tmp_path: Path) -> None:
    ramp = np.linspace(0, 0.9, 8000 * 70)
    soundfile.write(tmp_path / "long.wav", ramp, 8000, subtype="FLOAT")
    soundfile.write(tmp_path / "short.wav", np.full(100, 0.5), 8000)
    rows = _excerpts.of_files([tmp_path], 8000, 8000)
    assert rows.shape == (5, 8000)
    starts = rows[:4, 0] / 0.9 * 70
    assert starts[0] == 0
    assert 58 < starts[3] < 70  # the block that reaches a minute is the last one
    assert torch.equal(rows[4], torch.full((8000,), 0.5))
    assert _excerpts.of_files([], 8000, 8000).shape == (0, 8000)


def test_of_many_files_some_are_taken(tmp_path: Path) -> None:
    for number in range(70):
        soundfile.write(tmp_path / f"{number:02}.wav", np.full(10, number / 100), 8000, subtype="FLOAT")
    heard = _excerpts.of_files([tmp_path], 10, 8000)[:, 0]
    assert len(heard) == 24
    assert heard[-1] == pytest.approx(0.69)


@needs_onnx
@pytest.mark.usefixtures("kept_graphs", "no_examples")
def test_onnxruntime_says_what_the_checkpoint_says(tiny: Any, tmp_path: Path) -> None:
    classifier = emotion(tiny)
    made = export(classifier, tmp_path / "deep" / "emotion.onnx")
    assert (made.precision, made.licence) == ("float32", "CC0-1.0, made by a test")
    assert made.size == made.path.stat().st_size
    assert made.comparison.difference <= 1e-4
    running = session(made.path, 1)
    for batch in (1, 2, 5):
        samples = 0.1 * torch.randn(batch, classifier.window, generator=torch.Generator().manual_seed(batch))
        given = running.run(None, {"samples": samples.numpy()})
        found = dict(zip(("logits", "probs", "values", "terms", "embedding"), given, strict=True))
        wanted = classifier.net(classifier.see(samples))
        probs = torch.softmax(wanted.logits / classifier.net.temperature, -1)
        for name, value in {**wanted._asdict(), "probs": probs, "terms": torch.sigmoid(wanted.terms)}.items():
            torch.testing.assert_close(torch.from_numpy(found[name]), value, rtol=1e-4, atol=1e-4)
        assert probs.std() > 0.01
    assert [part.name for part in tmp_path.joinpath("deep").iterdir()] == ["emotion.onnx"]


@needs_onnx
@pytest.mark.usefixtures("kept_graphs", "no_examples")
def test_the_file_says_what_it_is(tiny: Any, tmp_path: Path) -> None:
    path = tiny.classifier()
    classifier = Classifier.load(path)
    made = export(path, tmp_path / "a.onnx")
    running = session(made.path, 1)
    told = running.get_modelmeta().custom_metadata_map
    assert (told["name"], told["licence"], told["precision"]) == ("genre", "CC0-1.0, made by a test", "float32")
    assert json.loads(told["labels"]) == ["blues", "jazz", "rock"]
    assert json.loads(told["spec"]) == classifier.checkpoint.spec.to_dict()
    assert told["sha256"] == classifier.checkpoint.sha256
    assert float(told["temperature"]) == 1
    assert int(told["window"]) == running.get_inputs()[0].shape[1] == classifier.window
    assert [output.name for output in running.get_outputs()] == ["logits", "probs", "embedding"]
    assert [output.shape[0] for output in running.get_outputs()] == ["batch"] * 3
    assert str(Path(exporting.__file__).parent.parent).encode() not in made.path.read_bytes()  # nobody's folders


@needs_onnx
def test_the_same_bytes_each_time(tiny: Any) -> None:
    classifier = Classifier.load(tiny.classifier())
    assert to_onnx(classifier).SerializeToString() == _graph(classifier).SerializeToString()


@needs_onnx
@pytest.mark.usefixtures("kept_graphs", "no_examples")
def test_int8_is_nearly_the_same(tiny: Any, tmp_path: Path) -> None:
    import onnx

    classifier = Classifier.load(tiny.classifier())
    made = export(classifier, tmp_path / "a.onnx", int8=True)
    assert 0 < made.comparison.mean_difference <= 0.02
    assert made.comparison.same_label >= 0.95
    model = onnx.load(made.path)
    eight_bits = {value.name for value in model.graph.initializer if value.data_type == onnx.TensorProto.INT8}
    assert len(eight_bits) >= 13  # weights of every convolution
    assert session(made.path, 1).get_modelmeta().custom_metadata_map["precision"] == "int8"


@needs_onnx
@pytest.mark.usefixtures("kept_graphs", "no_examples")
def test_music_to_calibrate_on_makes_a_difference(tiny: Any, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "hum.wav", 0.1 * np.sin(np.arange(3 * RATE) / 30), RATE)
    classifier = Classifier.load(tiny.classifier())
    samples = _excerpts.made(classifier.window, RATE)
    export(classifier, tmp_path / "a.onnx", int8=True)
    made = export(classifier, tmp_path / "b.onnx", int8=True, calibrate=[tmp_path / "hum.wav"])
    assert made.comparison.windows == 4
    assert compare(tmp_path / "a.onnx", classifier, samples) != compare(tmp_path / "b.onnx", classifier, samples)
    with pytest.raises(ParameterError, match="no such file"):
        export(classifier, tmp_path / "c.onnx", int8=True, calibrate=[tmp_path / "nothing"])
    (tmp_path / "broken.wav").write_bytes(b"no audio")
    with pytest.raises(DecodeError, match=r"broken\.wav"):
        export(classifier, tmp_path / "c.onnx", int8=True, calibrate=[tmp_path / "broken.wav"])
    assert not (tmp_path / "c.onnx").exists()


@needs_onnx
@pytest.mark.usefixtures("kept_graphs", "no_examples")
@pytest.mark.parametrize("int8", [False, True])
def test_a_file_that_differs_is_not_left(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, int8: bool
) -> None:
    graph = _graph(Classifier.load(tiny.classifier()))
    classifier = Classifier.load(tiny.classifier("other", seed=3))
    monkeypatch.setattr(exporting, "to_onnx", lambda _: graph)
    (tmp_path / "a.onnx").write_text("what was there")
    with pytest.raises(CheckpointError, match="nothing was written"):
        export(classifier, tmp_path / "a.onnx", int8=int8)
    assert (tmp_path / "a.onnx").read_text() == "what was there"
    assert [path.name for path in tmp_path.glob("*.onnx")] == ["a.onnx"]
    assert not list(tmp_path.glob(".*onnx"))


@pytest.mark.parametrize(
    ("found", "int8", "fine"),
    [
        (Comparison(9, 1e-4, 0, 1), False, True),
        (Comparison(9, 1.1e-4, 0, 1), False, False),
        (Comparison(9, float("nan"), float("nan"), 1), False, False),
        (Comparison(20, 0.3, 0.02, 0.95), True, True),
        (Comparison(20, 0.3, 0.021, 1), True, False),
        (Comparison(20, 0.3, 0.001, 0.9), True, False),
        (Comparison(20, 0.3, float("nan"), 1), True, False),
    ],
)
def test_the_bounds(found: Comparison, int8: bool, fine: bool) -> None:
    if fine:
        exporting._refuse("genre", found, int8=int8)
    else:
        with pytest.raises(CheckpointError, match="'genre'"):
            exporting._refuse("genre", found, int8=int8)


def test_wrong_names_and_models(tiny: Any, tmp_path: Path) -> None:
    tiny.generator()
    for name in ("genre.pt", "genre", "."):
        with pytest.raises(ParameterError, match=r"ends in \.onnx"):
            export("genre", tmp_path / name)
    if all(map(importlib.util.find_spec, EXTRA)):
        with pytest.raises(CheckpointError, match="family 'generator'"):
            export("music", tmp_path / "a.onnx")


@pytest.mark.parametrize("name", EXTRA)
def test_without_the_extra(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    tiny.classifier()
    with pytest.raises(ParameterError, match=rf'(onnx|{name}) is not installed: pip install "audio-gen\[onnx\]"'):
        export("genre", tmp_path / "a.onnx")


@needs_onnx
@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("name", ["genre", "emotion"])
def test_published_checkpoints_keep_the_bounds_on_the_example_clips(tmp_path: Path, name: str) -> None:
    if not _excerpts.examples():
        pytest.skip("the example clips are not here")
    exact = export(name, tmp_path / "float32.onnx").comparison
    assert (exact.same_label, exact.windows) == (1, 55)
    assert exact.difference <= 1e-4
    rough = export(name, tmp_path / "int8.onnx", int8=True).comparison
    assert rough.same_label >= 0.95
    assert rough.mean_difference <= 0.02

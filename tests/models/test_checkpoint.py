import io
import json
import pickle
import re
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from audio_gen.errors import CheckpointError
from audio_gen.features.mel_spec import MelSpec
from audio_gen.models import checkpoint
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.classifier import ClassifierNet
from audio_gen.models.generator import GeneratorNet
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.generate import Generator


class Bomb:
    """Goes off when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit('code out of a file was run')",)


def sample(**changes: Any) -> Checkpoint:
    net = ClassifierNet(2, widths=(8, 8, 8, 8))
    fields = Checkpoint(
        name="sample",
        family="classifier",
        config={"classes": 2, "dimensions": 0, "widths": [8, 8, 8, 8]},
        spec=MelSpec(power=2.0),
        front_end={"name": "decibel_image", "columns": 129, "window_s": 10.0},
        labels=("left", "right"),
        training={"steps": 3, "data": "made up"},
        metrics={"accuracy": {"value": 0.5, "low": 0.4, "high": 0.6}},
        licence="CC BY-NC-SA 4.0 (ümläut)",
        state=net.state_dict(),
    )
    return replace(fields, **changes)


def rewrite(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Save the file again with another header."""
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["audio_gen"])
        state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    text = change(header)
    save_file(state, path, {"audio_gen": text if isinstance(text, str) else json.dumps(header)})


def refused(path: Path, use: Callable[[str], object] = checkpoint.load) -> str:
    """The message of the CheckpointError: in one line, soon, and without filling the memory."""
    begun, peak = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CheckpointError) as caught:
        use(str(path))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 200_000  # KiB
    assert time.perf_counter() - begun < 5
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 600
    return str(caught.value)


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "sample.safetensors"
    saved = sample()
    saved.save(path)
    loaded = checkpoint.load(path)
    assert loaded.header() == saved.header()
    assert loaded.licence == "CC BY-NC-SA 4.0 (ümläut)"
    assert len(loaded.sha256) == 64
    assert loaded.state.keys() == saved.state.keys()
    for key, value in saved.state.items():
        right = value.half().float() if value.is_floating_point() else value
        assert torch.equal(loaded.state[key], right)
        assert loaded.state[key].dtype == value.dtype
    assert not torch.equal(loaded.state["classes.weight"], saved.state["classes.weight"])  # rounded to float16
    loaded.save(tmp_path / "again.safetensors")
    assert checkpoint.load(tmp_path / "again.safetensors").sha256 == loaded.sha256


def test_the_network_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "sample.safetensors"
    net = ClassifierNet(2, widths=(8, 8, 8, 8)).eval()
    sample(state=net.state_dict()).save(path)
    image = torch.randn(2, 128, 20, generator=torch.Generator().manual_seed(0)) * 20 - 40
    built = checkpoint.build(ClassifierNet, checkpoint.load(path))
    assert not built.training
    assert torch.allclose(built(image).logits, net(image).logits, atol=2e-3)


def test_other_people_can_read_the_licence(tmp_path: Path) -> None:
    path = tmp_path / "sample.safetensors"
    sample().save(path)
    with safe_open(path, framework="pt") as file:
        assert json.loads(file.metadata()["audio_gen"])["licence"] == "CC BY-NC-SA 4.0 (ümläut)"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e6])
def test_weights_that_diverged_are_not_saved(tmp_path: Path, value: float) -> None:
    state = {**ClassifierNet(2, widths=(8, 8, 8, 8)).state_dict(), "classes.bias": torch.tensor([0.0, value])}
    with pytest.raises(CheckpointError, match=r"classes\.bias"):
        sample(state=state).save(tmp_path / "sample.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.3, 0.5, 0.9, 0.999])
def test_cut_off(tmp_path: Path, share: float) -> None:
    path = tmp_path / "sample.safetensors"
    sample().save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert "sample.safetensors is not a whole audio_gen checkpoint" in refused(path)


@pytest.mark.parametrize(
    "data",
    [
        b"#!/bin/sh\necho hello\n",
        b"{}",
        bytes(range(256)) * 40,
        b"\xff" * 4096,
        (1 << 60).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"{}",
        pickle.dumps(Bomb()),
    ],
    ids=["text", "json", "bytes", "ff", "huge header", "empty header", "pickle"],
)
def test_something_else(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(data)
    assert "get it again" in refused(path)


def test_a_file_of_torch_is_not_unpickled(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    torch.save({"state": Bomb()}, buffer)
    path = tmp_path / "x.safetensors"
    path.write_bytes(buffer.getvalue())
    refused(path)
    with pytest.raises(SystemExit):  # the bomb is a real one
        torch.load(path, weights_only=False)


@pytest.mark.parametrize("key", sorted(sample().header()))
def test_a_header_field_is_missing_or_of_another_kind(tmp_path: Path, key: str) -> None:
    path = tmp_path / "sample.safetensors"
    for change in (lambda header: header.pop(key), lambda header: header.update({key: 7.5})):
        sample().save(path)
        rewrite(path, change)
        refused(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda header: "[" * 100_000 + "]" * 100_000,
        lambda header: '{"a":' * 50_000 + "1" + "}" * 50_000,
        lambda header: "null",
        lambda header: "no json",
        lambda header: '{"format": 1, "name": ' + "9" * 100_000 + "}",
        lambda header: header.update(format=2),
        lambda header: header.update(name="../../etc/cron.d/x"),
        lambda header: header.update(name=".hidden"),
        lambda header: header.update(name="two\nlines"),
        lambda header: header.update(name=""),
        lambda header: header["spec"].update(n_fft=10**12),
        lambda header: header["spec"].update(n_mels=10**9),
        lambda header: header["spec"].update(sample_rate=-1),
        lambda header: header["spec"].update(hop_length="256"),
        lambda header: header["spec"].update({"__class__": "os.system"}),
        lambda header: header.update(labels=["left", ["nested"]]),
        lambda header: header.update(labels=["left", "left"]),
    ],
)
def test_a_hostile_header(tmp_path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    path = tmp_path / "sample.safetensors"
    sample().save(path)
    rewrite(path, change)
    refused(path)


def test_no_metadata(tmp_path: Path) -> None:
    path = tmp_path / "sample.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    assert "no audio_gen header" in refused(path)


def test_weights_that_are_not_finite(tmp_path: Path) -> None:
    path = tmp_path / "sample.safetensors"
    sample().save(path)
    with safe_open(path, framework="pt") as file:
        metadata, state = file.metadata(), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    state["classes.bias"][0] = float("nan")
    save_file(state, path, metadata)
    assert "NaN" in refused(path)


@pytest.mark.parametrize(
    "config",
    [
        {"widths": [10**9] * 4},
        {"widths": [30_000] * 4},
        {"widths": [10**30] * 4},
        {"widths": [8] * 1000},
        {"widths": []},
        {"widths": [0, 0, 0, 0]},
        {"widths": [1, 1, 1, 1]},
        {"widths": [-8, 8, 8, 8]},
        {"widths": [8.5, 8, 8, 8]},
        {"widths": 8},
        {"widths": "8888"},
        {"widths": {"8": 8}},
        {"widths": [8, 8, 8]},
        {"widths": [[8]] * 4},
        {"classes": 3},
        {"classes": -1},
        {"classes": 10**9},
        {"classes": None},
        {"classes": "__import__('os').system('true')"},
        {"dimensions": 2},
        {"terms": ["power"]},
        {"terms": ["power"] * 1000},
        {"terms": ["x" * 1000]},
        {"terms": "power"},
        {"terms": [["power"]]},
        {"dropout": 7.0},
        {"dropout": float("nan")},
        {"self": 1},
        {"colour": 1},
    ],
)
def test_a_hostile_config(tmp_path: Path, config: dict[str, Any]) -> None:
    path = tmp_path / "sample.safetensors"
    sample(config={"classes": 2, "dimensions": 0, "widths": [8, 8, 8, 8], **config}).save(path)
    assert "'sample'" in refused(path, Classifier.load)


@pytest.mark.parametrize(
    "config", [{"blocks": 10**9}, {"blocks": 60_000}, {"blocks": 0}, {"widths": [8] * 60}, {"n_mels": 60_000}]
)
def test_a_hostile_generator_config(tiny: Any, config: dict[str, Any]) -> None:
    path = tiny.generator()
    rewrite(path, lambda header: header["config"].update(config))
    refused(path, Generator.load)


@pytest.mark.parametrize(
    "front_end",
    [
        {},
        {"name": "os.system", "columns": 13, "window_s": 1.0},
        {"name": "decibel_image", "columns": 13},
        {"name": "decibel_image", "columns": 0, "window_s": 1.0},
        {"name": "decibel_image", "columns": 10**12, "window_s": 1.0},
        {"name": "decibel_image", "columns": [], "window_s": 1.0},
        {"name": "decibel_image", "columns": 13, "window_s": 0.0},
        {"name": "decibel_image", "columns": 13, "window_s": -5},
        {"name": "decibel_image", "columns": 13, "window_s": 1e12},
        {"name": "decibel_image", "columns": 13, "window_s": float("inf")},
        {"name": "decibel_image", "columns": 13, "window_s": float("nan")},
        {"name": "decibel_image", "columns": 13, "window_s": "long"},
    ],
)
def test_a_hostile_front_end(tiny: Any, front_end: dict[str, Any]) -> None:
    assert "front end" in refused(tiny.classifier(front_end=front_end), Classifier.load)


def test_labels_have_to_be_as_many_as_the_outputs(tiny: Any) -> None:
    path = tiny.classifier()
    rewrite(path, lambda header: header.update(labels=["one"]))
    assert "3 classes but 1 labels" in refused(path, Classifier.load)
    path = tiny.generator()
    rewrite(path, lambda header: header.update(labels=["one"]))
    assert "2 classes but 1 labels" in refused(path, Generator.load)


def test_a_temperature_nothing_can_be_divided_by(tiny: Any) -> None:
    state = {**ClassifierNet(3, widths=(8, 8, 8, 8)).state_dict(), "temperature": torch.tensor(0.0)}
    assert "temperature" in refused(tiny.classifier(state=state), Classifier.load)


def test_weights_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "sample.safetensors"
    state = dict(sample().state)
    for changed in (
        {key: value for key, value in state.items() if key != "classes.bias"},
        {**state, "classes.bias": torch.zeros(3)},
        {**state, "more": torch.zeros(1)},
        {**state, "temperature": torch.zeros(1)},
    ):
        sample(state=changed).save(path)
        assert "weights don't fit family 'classifier'" in refused(path, Classifier.load)


def test_another_family(tiny: Any, tmp_path: Path) -> None:
    assert "is of family 'generator'; this needs one of family 'classifier'" in refused(
        tiny.generator(), Classifier.load
    )
    for family in ("os.system", "audio_gen.models.generator", "", "x" * 100_000):
        path = tmp_path / "sample.safetensors"
        sample(family=family).save(path)
        refused(path, Generator.load)


def test_found_by_name_and_by_path(tiny: Any, tmp_path: Path) -> None:
    path = tiny.classifier("mine")
    assert checkpoint.find("mine") == path
    assert checkpoint.find(str(path)) == path
    assert path in checkpoint.available()
    assert checkpoint.load("mine").sha256 == checkpoint.load(path).sha256
    other = tmp_path / "elsewhere" / "mine.safetensors"
    sample().save(other)
    assert checkpoint.load(other).name == "sample"
    (tiny.folder / ".half.part.safetensors").write_bytes(b"")
    assert not any(found.name.startswith(".") for found in checkpoint.available())


def test_the_own_folder_comes_before_the_cache(tiny: Any, tmp_path: Path) -> None:
    cached = tmp_path / "cache" / "audio_gen" / "checkpoints" / "mine.safetensors"
    sample().save(cached)
    assert checkpoint.find("mine") == cached
    own = tiny.classifier("mine")
    assert checkpoint.find("mine") == own
    assert [path for path in checkpoint.available() if path.stem == "mine"] == [own]


@pytest.mark.parametrize("name", ["nothing", "no/such.safetensors", "no.safetensors", "", "..", "a\nb"])
def test_an_unknown_name_lists_the_known_ones(tiny: Any, name: str) -> None:
    tiny.classifier("mine")
    tiny.generator("yours")
    with pytest.raises(CheckpointError, match=r"mine.*yours"):
        checkpoint.load(name)


def test_a_folder_of_checkpoints_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIO_GEN_CHECKPOINTS", str(tmp_path / "none"))
    with pytest.raises(CheckpointError, match=re.escape("no checkpoint is called 'nothing'")):
        checkpoint.load("nothing")


def test_a_network_that_takes_nothing_gets_nothing(tmp_path: Path) -> None:
    path = tmp_path / "sample.safetensors"
    sample().save(path)
    with pytest.raises(CheckpointError, match="config doesn't fit"):
        checkpoint.build(GeneratorNet, checkpoint.load(path))

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from audio_gen.errors import DatasetError, ParameterError
from audio_gen.features.mel_spec import MelSpec
from audio_gen.models import checkpoint
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.training.ema import Ema
from audio_gen.training.fit import NoScoreError, Run, cosine, fit, step_seed
from audio_gen.training.progress import read_progress


class Line:
    """The smallest recipe: a weight learns noisy numbers; `trouble(step)` is called in each step."""

    def __init__(self, trouble: Callable[[int], object] = lambda step: None, score: float | None = None) -> None:
        torch.manual_seed(0)
        self.net: Any = nn.Linear(3, 1)
        self.ema = Ema(self.net, 0.9)
        self.adam: Any = torch.optim.Adam(self.net.parameters(), 0.01)
        self.trouble, self.score = trouble, score
        self.seen: list[int] = []

    def setup(self, fabric: Fabric) -> None:
        self.net, self.adam = fabric.setup(self.net, self.adam)

    def modules(self) -> dict[str, nn.Module]:
        return {"net": self.net, "ema": self.ema.module}

    def optimizers(self) -> dict[str, Any]:
        return {"net": self.adam}

    def step(self, step: int, progress: float) -> dict[str, float]:
        self.trouble(step)
        self.seen.append(step)
        x = torch.randn(8, 3)
        loss = (self.net(x) - x.sum(1, keepdim=True)).square().mean() * (1 + progress)
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        self.ema.update(self.net, step)
        return {"loss": loss.item()}

    def validate(self) -> dict[str, float]:
        error = float((self.ema.module.weight - 1).abs().sum() + torch.rand(()) * 0)
        return {"score": -error if self.score is None else self.score}

    def checkpoint(self, name: str, training: dict[str, Any]) -> Checkpoint:
        state = self.ema.module.state_dict()
        return Checkpoint(name, "line", {}, MelSpec(), {}, ("a",), training, {}, "CC0-1.0", state)


def run(folder: Path, **changes: Any) -> Run:
    return Run(
        **{
            "folder": folder,
            "name": "line",
            "steps": 20,
            "device": "cpu",
            "validate_every": 5,
            "quiet": True,
            **changes,
        }
    )


def weights(folder: Path) -> bytes:
    state = checkpoint.load(folder / "best.safetensors").state
    return b"".join(value.numpy().tobytes() for value in state.values())


def stop_at(step: int) -> Callable[[int], object]:
    def trouble(now: int) -> None:
        if now == step:
            raise KeyboardInterrupt

    return trouble


def test_the_score_rises_and_the_best_is_kept(tmp_path: Path) -> None:
    recipe = Line()
    before = recipe.validate()["score"]
    path = fit(recipe, run(tmp_path, steps=60, facts={"data": "made up"}))
    made = checkpoint.load(path)
    assert path == tmp_path / "best.safetensors"
    assert recipe.seen == list(range(60))
    assert made.training["valid"]["score"] > before
    assert made.training == {
        "data": "made up", "steps": 60, "seed": 0, "best_step": 60, "valid": made.training["valid"],
    }  # fmt: skip


@pytest.mark.parametrize("step", [1, 5, 6, 12, 19])
def test_interrupted_and_resumed_equals_undisturbed(tmp_path: Path, step: int) -> None:
    fit(Line(), run(tmp_path / "whole"))
    with pytest.raises(KeyboardInterrupt):
        fit(Line(stop_at(step)), run(tmp_path / "broken"))
    torch.manual_seed(99)  # nothing random is carried over in the process
    second = Line()
    fit(second, run(tmp_path / "broken"))
    assert second.seen == list(range(step // 5 * 5, 20))
    assert weights(tmp_path / "broken") == weights(tmp_path / "whole")
    states = [torch.load(tmp_path / name / "state.pt", weights_only=True) for name in ("whole", "broken")]
    for kind in ("modules", "optimizers"):
        assert str(states[0][kind]) == str(states[1][kind])


class Plateau(Line):
    """A recipe whose score is best at a given step and gets worse from there on."""

    def __init__(self, peak: int, trouble: Callable[[int], object] = lambda step: None) -> None:
        super().__init__(trouble)
        self.peak = peak

    def validate(self) -> dict[str, float]:
        return {"score": -float(abs(self.seen[-1] + 1 - self.peak))}


def test_ends_early_when_the_score_gets_no_better(tmp_path: Path) -> None:
    recipe = Plateau(15)
    path = fit(recipe, run(tmp_path, steps=100, patience=3))
    assert recipe.seen == list(range(30))  # best at 15, then 20, 25 and 30 were no better
    assert checkpoint.load(path).training["best_step"] == 15
    progress = read_progress(tmp_path / "state.pt")
    assert (progress.step, progress.best_step, progress.waited) == (30, 15, 3)
    assert [point["step"] for point in progress.curve] == [5, 10, 15, 20, 25, 30]
    again = Plateau(15, lambda step: pytest.fail("it is done"))
    assert fit(again, run(tmp_path, steps=100, patience=3)) == path
    patient = Plateau(15)
    fit(patient, run(tmp_path / "never", steps=100))
    assert patient.seen == list(range(100))


@pytest.mark.parametrize("step", [7, 15, 22, 26, 29])
def test_patience_is_remembered_when_a_run_goes_on(tmp_path: Path, step: int) -> None:
    settings = {"steps": 100, "patience": 3, "save_every": 0.0}
    whole, broken = Plateau(15), Plateau(15, stop_at(step))
    fit(whole, run(tmp_path / "whole", **settings))
    with pytest.raises(KeyboardInterrupt):
        fit(broken, run(tmp_path / "broken", **settings))
    second = Plateau(15)
    fit(second, run(tmp_path / "broken", **settings))
    assert [*broken.seen, *second.seen] == whole.seen
    assert weights(tmp_path / "broken") == weights(tmp_path / "whole")
    assert read_progress(tmp_path / "broken" / "state.pt") == read_progress(tmp_path / "whole" / "state.pt")


def test_the_learning_curve_holds_the_mean_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses: list[float] = []
    recipe = Line()
    step = recipe.step

    def watched(number: int, progress: float) -> dict[str, float]:
        losses.append(step(number, progress)["loss"])
        return {"loss": losses[-1]}

    monkeypatch.setattr(recipe, "step", watched)
    fit(recipe, run(tmp_path))
    curve = read_progress(tmp_path / "state.pt").curve
    assert [point["train_loss"] for point in curve] == pytest.approx(
        [sum(losses[n : n + 5]) / 5 for n in (0, 5, 10, 15)]
    )


def test_another_seed_gives_other_weights(tmp_path: Path) -> None:
    fit(Line(), run(tmp_path / "a"))
    fit(Line(), run(tmp_path / "b", seed=1))
    assert weights(tmp_path / "a") != weights(tmp_path / "b")


def test_how_often_it_validates_changes_nothing(tmp_path: Path) -> None:
    ends = []
    for every in (1, 4, 20):
        recipe = Line()
        fit(recipe, run(tmp_path / str(every), validate_every=every))
        ends.append(recipe.ema.module.weight.clone())
    assert torch.equal(ends[0], ends[1])
    assert torch.equal(ends[0], ends[2])


def test_saves_every_so_many_seconds_too(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        fit(Line(stop_at(7)), run(tmp_path, validate_every=100, save_every=0.0))
    second = Line()
    fit(second, run(tmp_path, validate_every=100))
    assert second.seen[0] == 7


def test_a_finished_run_is_not_done_again(tmp_path: Path) -> None:
    fit(Line(), run(tmp_path))
    before = weights(tmp_path)
    again = Line(lambda step: pytest.fail("it is done"))
    assert fit(again, run(tmp_path)) == tmp_path / "best.safetensors"
    assert weights(tmp_path) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"steps": 30},
        {"name": "other"},
        {"settings": "Settings(rate=2)"},
        {"patience": 3},
        {"sources": {"lessons": "ab12"}},
    ],
    ids=str,
)
def test_another_run_in_the_folder_is_not_gone_on_with(tmp_path: Path, changes: dict[str, Any]) -> None:
    fit(Line(), run(tmp_path))
    what = next(iter(changes)).replace("sources", "lessons")
    with pytest.raises(DatasetError, match=f"holds another run, of {what} .*--overwrite"):
        fit(Line(), run(tmp_path, **changes))


@pytest.mark.parametrize("data", [b"", b"text", None])
def test_a_broken_state_is_told(tmp_path: Path, data: bytes | None) -> None:
    fit(Line(), run(tmp_path))
    state = tmp_path / "state.pt"
    state.write_bytes(state.read_bytes()[:-200] if data is None else data)
    with pytest.raises(DatasetError, match="can't be gone on with") as caught:
        fit(Line(), run(tmp_path))
    assert len(str(caught.value).splitlines()) == 1


def test_a_state_of_another_network_is_told(tmp_path: Path) -> None:
    fit(Line(), run(tmp_path))
    other = Line()
    other.net = nn.Linear(4, 1)
    with pytest.raises(DatasetError, match="can't be gone on with"):
        fit(other, run(tmp_path))


def test_without_a_score_nothing_is_published(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has no score after 20 steps"):
        fit(Line(score=math.nan), run(tmp_path))
    assert not (tmp_path / "best.safetensors").exists()


def test_a_training_that_diverges_ends_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, step = Line(), Line.step
    lost = {"loss": math.nan}
    monkeypatch.setattr(Line, "step", lambda self, n, p: {**step(self, n, p), **(lost if n == 6 else {})})
    with pytest.raises(NoScoreError, match="'line' diverged: loss is nan at step 7; lower the rate"):
        fit(recipe, run(tmp_path))
    assert recipe.seen[-1] == 6


def test_leaves_no_half_written_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit(Line(), run(tmp_path))
    before = (tmp_path / "state.pt").read_bytes()

    def save(state: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", save)
    other = run(tmp_path / "new")
    with pytest.raises(KeyboardInterrupt):
        fit(Line(), other)
    assert not [path for path in (tmp_path / "new").iterdir() if "state" in path.name]
    assert (tmp_path / "state.pt").read_bytes() == before


def test_writes_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="comes with the extra `train`")
    fit(Line(), run(tmp_path))
    assert list((tmp_path / "tensorboard").glob("events.*"))


@pytest.mark.parametrize("changes", [{"device": "tpu"}, {"precision": "7-bit"}])
def test_refuses(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=next(iter(changes.values()))):
        fit(Line(), run(tmp_path, **changes))


def test_says_how_it_goes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit(Line(), run(tmp_path / "a", quiet=False))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"line step {step}/20" for step in (5, 10, 15, 20)]
    fit(Line(), run(tmp_path / "b"))
    assert capsys.readouterr().err == ""


def test_step_seeds_are_all_different() -> None:
    seeds = {step_seed(seed, step, rank) for seed in range(5) for step in range(300) for rank in range(4)}
    assert len(seeds) == 5 * 300 * 4
    for seed in (-1, 2**62, 10**30):
        torch.manual_seed(step_seed(seed, 3))


def test_cosine() -> None:
    assert [cosine(1.0, 0.2, progress) for progress in (-1, 0, 0.5, 1, 2)] == pytest.approx([1, 1, 0.6, 0.2, 0.2])


def test_ema_follows_the_formula() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    ema = Ema(net, 0.8)
    twin = {key: value.clone().double() for key, value in net.state_dict().items()}
    for step in range(30):
        with torch.no_grad():
            for weight in net.parameters():
                weight.add_(torch.randn_like(weight))
        net(torch.randn(4, 2))
        ema.update(net, step)
        decay = min(0.8, (1 + step) / (10 + step))
        for key, value in net.state_dict().items():
            averaged = value.is_floating_point()
            twin[key] = decay * twin[key] + (1 - decay) * value.double() if averaged else value.double()
    for key, value in ema.module.state_dict().items():
        assert torch.allclose(value.double(), twin[key], atol=1e-5)
    assert not torch.allclose(ema.module[0].weight, net[0].weight, atol=1e-2)
    assert not ema.module.training
    assert not any(weight.requires_grad for weight in ema.module.parameters())

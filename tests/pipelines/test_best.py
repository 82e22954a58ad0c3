from dataclasses import replace
from typing import Any

import pytest
import torch

from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.pipelines.best import Jury, Score, chosen, judge_for
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.generate import Generated, Generator, Wish

WISH = Wish("techno", seed=3, seconds=0.6)


def score(take: int, agreement: float | None, critic: float | None, *, sane: bool = True) -> Score:
    return Score(take, agreement, critic, 0.0, sane)


def test_the_best_mean_rank_is_chosen() -> None:
    assert chosen([score(0, 0.9, 1.0), score(1, 0.8, 3.0), score(2, 0.95, 2.0)]) == 2
    assert chosen([score(0, 0.1, 1.0), score(1, 0.2, 2.0)]) == 1


def test_of_equal_ones_the_first() -> None:
    assert chosen([score(0, 0.9, 1.0), score(1, 0.8, 2.0)]) == 0  # first and second, second and first
    assert chosen([score(0, None, None), score(1, None, None)]) == 0
    assert chosen([score(0, 0.5, None), score(1, 0.5, None), score(2, 0.5, None)]) == 0


def test_what_is_not_sane_loses() -> None:
    assert chosen([score(0, 1.0, 9.0, sane=False), score(1, 0.1, 0.0), score(2, 0.2, 0.1)]) == 2
    assert chosen([score(0, 0.1, 0.0, sane=False), score(1, 0.9, 1.0, sane=False)]) == 1  # none is


def test_one_of_the_two_may_be_missing() -> None:
    assert chosen([score(0, 0.1, None), score(1, 0.9, None)]) == 1
    assert chosen([score(0, None, 2.0), score(1, None, 1.0)]) == 0


@pytest.fixture
def jury(tiny: Any) -> Jury:
    made = Generator.load(tiny.generator(critic=True))
    judge = Classifier.load(tiny.classifier("styles", ("folk", "jazz", "techno")))
    return Jury(made, made.vocoder("griffin-lim"), judge)


def test_takes_differ_and_are_told(jury: Jury) -> None:
    item, scores = jury.best_of(WISH, 4)
    assert [one.take for one in scores] == [0, 1, 2, 3]
    assert item.wish["take"] == chosen(scores)
    assert torch.equal(item.mel, jury.generator.make(replace(WISH, take=item.wish["take"])).mel)
    assert all(one.sane and one.critic is not None and 0 < (one.agreement or 0) < 1 for one in scores)
    assert len({one.critic for one in scores}) == 4
    assert jury.best_of(WISH, 4)[1] == scores
    assert jury.best_of(WISH, 2)[1] == scores[:2]
    first = jury.best_of(WISH, 1)[0]
    assert torch.equal(first.mel, jury.generator.make(WISH).mel)  # take 0 is the clip as it is without this


def test_agreement_is_with_what_was_asked_for(jury: Jury) -> None:
    item = jury.generator.make(WISH)
    techno, folk, both = (
        jury.score(replace(item, wish={**item.wish, "label": label})).agreement or 0
        for label in ("techno", "folk", "techno:3,folk:1")
    )
    assert both == pytest.approx(0.75 * techno + 0.25 * folk, abs=1e-6)
    assert techno + folk < 1


def test_silence_is_not_sane(jury: Jury) -> None:
    item, spec = jury.generator.make(WISH), jury.vocoder.spec
    floor = torch.full((spec.n_mels, item.mel.shape[1]), spec.floor).log()

    def of(mel: torch.Tensor) -> Score:
        return jury.score(Generated(lambda: iter([mel]), item.samples, item.wish))

    assert of(item.mel).sane
    quiet = of(floor)
    assert (quiet.sane, quiet.silent) == (False, 1.0)
    half = torch.cat([item.mel[:, :16], floor[:, 16:]], 1)
    assert not of(half).sane
    assert not of(torch.full_like(floor, float("nan"))).sane


def test_without_critic_and_judge(tiny: Any) -> None:
    made = Generator.load(tiny.generator())
    jury = Jury(made, made.vocoder("griffin-lim"), None)
    item, scores = jury.best_of(WISH, 2)
    assert [(one.agreement, one.critic) for one in scores] == [(None, None)] * 2
    assert item.wish["take"] == 0


def test_clips_shorter_than_the_critic_listens_have_no_logit(jury: Jury) -> None:
    assert jury.score(jury.generator.make(replace(WISH, seconds=0.2))).critic is None


def test_refuses(jury: Jury, tiny: Any) -> None:
    for wish, count in ((WISH, 0), (replace(WISH, seconds=601), 2)):
        with pytest.raises(ParameterError, match="takes are 1 or more"):
            jury.best_of(wish, count)
    with pytest.raises(CheckpointError, match=r"knows .*'blues'"):
        Jury(jury.generator, jury.vocoder, Classifier.load(tiny.classifier()))


def test_a_judge_is_found_by_its_labels(tiny: Any) -> None:
    made = Generator.load(tiny.generator())
    tiny.classifier("genre")
    assert judge_for(made) is None
    tiny.classifier("mine", ("techno", "folk"))
    (tiny.folder / "a.safetensors").write_bytes(b"damaged")
    found = judge_for(made)
    assert found is not None
    assert found.checkpoint.name == "mine"

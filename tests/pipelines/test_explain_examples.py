"""The deletion test on real music: the published checkpoints on the clips that come along."""

import math
from pathlib import Path

import pytest
import torch

from audio_gen.datasets._item import Item
from audio_gen.features.decibel_image import RANGE_DB, SPEC
from audio_gen.models.activation import evidence, mixture, upsample
from audio_gen.models.classifier import Verdict, combine
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.hearing import windows_of

CLIPS = Path(__file__).parents[2] / "data" / "examples"
SHARE = 0.2  # of a picture that is removed


def hottest(heat: torch.Tensor) -> torch.Tensor:
    """The highest fifth of `[n_mels, columns]`."""
    return heat > heat.flatten().kthvalue(math.floor((1 - SHARE) * heat.numel())).values


@pytest.mark.slow
@pytest.mark.parametrize("name", ["genre", "emotion"])
@torch.no_grad()
def test_removing_the_hottest_fifth_hurts_more_than_removing_other_areas(name: str) -> None:
    """The other areas are of the map's own grain: lone points at -80 dB would add noise rather than remove sound."""
    model = Classifier.load(name)
    random = torch.Generator().manual_seed(0)
    hot, other = [], []
    for clip in sorted(path for path in CLIPS.iterdir() if path.suffix in (".ogg", ".mp3", ".flac")):
        picture = windows_of(model, Item(clip.name, "test", "", clip))[0].picture[None]
        maps = model.net.features(picture)
        verdict = combine(model.net.answer(maps, model.net.keys(picture)), model.net)
        best = int(verdict.probs.argmax())

        def hurt(cells: torch.Tensor, picture: torch.Tensor = picture, verdict: Verdict = verdict) -> float:
            mel, notes = picture[:, : SPEC.n_mels], picture[:, SPEC.n_mels :]  # the map is of the mel bands
            mask = hottest(upsample(cells, model.net, *mel.shape[1:]))
            left = combine(model.net(torch.cat([torch.where(mask, -RANGE_DB, mel), notes], 1)), model.net)
            return float((verdict.probs - left.probs)[verdict.probs.argmax()])

        cells = torch.einsum("r,rmn->mn", mixture(model.net, best, verdict), evidence(model.net, maps)[0])
        hot.append(hurt(cells))
        other += [hurt(torch.rand(cells.shape, generator=random)) for _ in range(5)]
    assert len(hot) >= 10
    assert sum(hot) / len(hot) > 1.3 * max(0.02, sum(other) / len(other)), (
        sum(hot) / len(hot),
        sum(other) / len(other),
    )

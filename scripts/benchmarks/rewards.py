"""What fine-tuning by theory did: the statistics that were rewarded, before and after, beside real music.

Melodies of eight bars over the chords of OpenEWLD's valid split by `melody` and by `melody-rl`: medians and means
by rule, and how far their spread diverges from real music's. What wasn't rewarded: `audio-gen evaluate` on both.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from _measure import publish
from lightning_fabric import Fabric

from audio_gen.metrics.interval import bootstrap
from audio_gen.models import checkpoint
from audio_gen.models.melody import MelodyNet
from audio_gen.models.melody_pieces import MelodyPiece
from audio_gen.pipelines.evaluate_melody import fitted
from audio_gen.pipelines.prepare import prepare
from audio_gen.training.recipes.melody_rl import MelodyRl, Settings, with_tokens
from audio_gen.training.rewards._tune import tune_of

TURNS = 16  # melodies over each prompt


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("../shared/data/symbolic"), help="where openewld lies")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    recipe = MelodyRl(prepare(["openewld"], options.root, "score"), Settings(), checkpoint.load("melody"))
    recipe.setup(Fabric(accelerator="cpu", devices=1))
    drawn = {"real": list(recipe.valid)}
    for name in ("melody", "melody-rl"):
        net: MelodyNet = checkpoint.build(MelodyNet, checkpoint.load(name))
        sung = [recipe.sung(net, recipe.valid)[0] for _ in range(TURNS)]
        drawn[name] = [piece for tokens in sung for piece in with_tokens(recipe.valid, tokens)]
    found = {who: [tune_of(piece) for piece in pieces] for who, pieces in drawn.items()}
    rows = []
    for rule, statistic in recipe.rules.items():
        usual = recipe.usual[rule]
        told = {who: np.array([statistic(tune) for tune in tunes]) for who, tunes in found.items()}
        means = {who: float(np.nanmean(values)) for who, values in told.items()}
        medians = {who: float(np.nanmedian(values)) for who, values in told.items()}
        away = {who: abs(medians[who] - usual.median) for who in ("melody", "melody-rl")}
        rows.append(
            {
                "rule": rule,
                "median of train": round(usual.median, 4),
                **{f"median, {who}": round(value, 4) for who, value in medians.items()},
                **{f"mean, {who}": round(value, 4) for who, value in means.items()},
                **{f"nats from train, {who}": round(usual.away(list(values)), 4) for who, values in told.items()},
                "nearer": away["melody-rl"] <= away["melody"],
            }
        )
    publish("rewards", rows, prompts=len(recipe.valid), turns=TURNS, unrewarded=unrewarded(recipe.crops.pieces, drawn))


def unrewarded(train: Sequence[MelodyPiece], drawn: Mapping[str, Sequence[MelodyPiece]]) -> dict[str, object]:
    """What a second model, an n-gram of the training tunes with the place in the bar, makes of each set."""
    second = fitted(train)
    told = {}
    for who, pieces in drawn.items():
        nats = np.array([second.nats(piece.tokens, piece.position).mean() for piece in pieces])
        told[who] = bootstrap(np.mean, nats).to_dict()
        print(f"nats a sixteenth under an n-gram, {who}: {told[who]}")
    return {"ngram_nats_per_step": told}


if __name__ == "__main__":
    main()

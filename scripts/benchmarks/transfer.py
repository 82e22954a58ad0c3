"""Style transfer between two controls: a piece left as it is, and a real piece of the other style.

Grooves of Groove's valid split are played in another style's feel (by the humaniser, and by the feel of a real piece of
that style), or made again in it by the autoencoder. A small recurrent network that learnt styles from the train split
says how much of the wanted style is in them; content is the F1 of hits against the piece it was. Nearer to the second
control in style, and to the first in content, is better; a transfer lies between them.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from _measure import publish
from torch import nn

from audio_gen.datasets import groove
from audio_gen.datasets._scores import score_of
from audio_gen.metrics.interval import bootstrap
from audio_gen.models import checkpoint
from audio_gen.models.drum_pieces import batch_of, piece_of
from audio_gen.models.drum_vae import DrumVaeNet
from audio_gen.pipelines.groove_transfer import like
from audio_gen.pipelines.humaniser import Humaniser, Touch
from audio_gen.symbolic.score import Score

STEPS = 32  # two bars
STYLES = ("funk", "hiphop", "jazz", "latin", "rock")  # those with more than one long piece in valid
LEARN, BATCH = 1200, 64


class StyleNet(nn.Module):
    """Two bars `[B, 32, 27]` → logits of styles."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(27, 64, batch_first=True, bidirectional=True)
        self.out = nn.Linear(256, len(STYLES))

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        heard, _ = self.gru(F.dropout(windows, 0.2, self.training))
        thought = torch.cat([heard.mean(1), heard.amax(1)], 1)
        return self.out(F.dropout(thought, 0.4, self.training))


def windows(score: Score) -> torch.Tensor:
    """`[N, 32, 9, 3]`: two bars after two bars, from the second two on."""
    grid = torch.from_numpy(piece_of(score, 0).grid)
    return torch.stack([grid[at : at + STEPS] for at in range(STEPS, len(grid) - STEPS + 1, STEPS)])


def pieces(root: Path, split: str) -> list[tuple[str, Score]]:
    found = []
    for item in groove.items(root, split):
        if item.label in STYLES and not item.targets.get("fill") and item.extra.get("time_signature") == "4/4":
            score = score_of(item)
            if score.bars()[-1].end >= 3 * STEPS * 120:
                found.append((item.label, score))
    return found


def learn(real: list[tuple[str, Score]]) -> StyleNet:
    """Styles weigh the same, however many pieces they have."""
    torch.manual_seed(0)
    parts = [(windows(score).flatten(2), STYLES.index(style)) for style, score in real]
    rows = torch.cat([part for part, _ in parts])
    truth = torch.cat([torch.full((len(part),), style) for part, style in parts])
    chances = (1 / torch.bincount(truth, minlength=len(STYLES)).float())[truth]
    net = StyleNet()
    adam = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=0.05)
    for step in range(LEARN):
        chosen = torch.multinomial(chances, BATCH)
        for group in adam.param_groups:
            group["lr"] = 2e-3 * (1 - step / LEARN)
        loss = F.cross_entropy(net(rows[chosen]), truth[chosen])
        adam.zero_grad()
        loss.backward()
        adam.step()
    return net.eval()


@torch.no_grad()
def chance(net: StyleNet, grid: torch.Tensor, style: str) -> float:
    """Mean probability of a style over the windows of a piece."""
    return float(net(grid.flatten(2)).softmax(1)[:, STYLES.index(style)].mean())


def f1(one: torch.Tensor, other: torch.Tensor) -> float:
    a, b = one[..., 0], other[..., 0]
    return float(2 * (a * b).sum() / (a.sum() + b.sum()).clamp_min(1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("../shared/data/symbolic"), help="where groove lies")
    parser.add_argument("--split", default="valid")
    options = parser.parse_args()
    torch.set_num_threads(1)
    judge, real = learn(pieces(options.root, "train")), pieces(options.root, options.split)
    accuracy = [float(chance(judge, windows(score), style) > 1 / len(STYLES)) for style, score in real]
    told = [float(STYLES[int(judge(windows(s).flatten(2)).softmax(1).mean(0).argmax())] == style) for style, s in real]
    humaniser = Humaniser.load("humanise")
    model = checkpoint.load("drums-vae")
    vae: DrumVaeNet = checkpoint.build(DrumVaeNet, model)
    ways: dict[str, list[tuple[float, float]]] = {}
    random = np.random.default_rng(0)
    for number, (style, score) in enumerate(real):
        others = [(wanted, one) for wanted, one in real if wanted != style]
        wanted, other = others[int(random.integers(len(others)))]
        grid = windows(score)
        batch = batch_of(
            [
                piece_of(score, model.labels.index(wanted)).cut(at, STEPS)
                for at in range(STEPS, STEPS * (1 + len(grid)), STEPS)
            ]
        )
        with torch.no_grad():
            again = vae.decode(vae.encode(batch).mean, batch.conditions).grid()
        felt = humaniser.humanise(score, strength=1.0, style=wanted, keep_accents=False, seed=number)
        lent = like(humaniser, score, other, Touch(strength=1.0, seed=number))
        there = windows(other)
        size = min(len(there), len(grid))
        made = {
            "as it is (control)": grid,
            "feel of the style (humanise)": windows(felt),
            "feel of a piece (--like)": windows(lent),
            "made again in the style (drums-vae)": again,
            "a real piece of the style (control)": there[:size],
        }
        for way, found in made.items():
            count = min(len(found), len(grid))
            ways.setdefault(way, []).append((chance(judge, found, wanted), f1(found[:count], grid[:count])))
    rows = []
    for way, values in ways.items():
        style, content = (bootstrap(np.mean, np.array(column)) for column in zip(*values, strict=True))
        rows.append(
            {
                "way": way,
                "style wanted": f"{style.value:.3f} ({style.low:.3f}-{style.high:.3f})",
                "hits kept, F1": f"{content.value:.3f} ({content.low:.3f}-{content.high:.3f})",
            }
        )
    publish(
        "transfer",
        rows,
        pieces=len(real),
        accuracy_on_real=round(float(np.mean(told)), 3),
        above_chance=round(float(np.mean(accuracy)), 3),
    )


if __name__ == "__main__":
    main()

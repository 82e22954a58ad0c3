"""Grooves between two controls: as they are, and a real piece of the other style.

They are played in another style's feel (by the humaniser, and by the feel of a real piece of that style), or made again
in it by the autoencoder. Two classifiers that learnt styles from the train split say how much of the wanted style is in
them: a small recurrent network that hears hits and feel, and a linear one of the feel alone: how loud and how late each
drum is at each place in the beat, as far as it plays there. Content is the F1 of hits against the piece it was. Fluency
is what `drums-rnn`, which made none of it, needs for hits and for their manner.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from _style_judge import LinearJudge, Numbers, in_words
from torch import nn

from audio_gen.datasets import groove
from audio_gen.datasets._scores import score_of
from audio_gen.models import checkpoint
from audio_gen.models.drum_pieces import Conditions, DrumPiece, piece_of
from audio_gen.models.drum_rnn import DrumRnnNet
from audio_gen.models.drum_vae import DrumVaeNet, slerp
from audio_gen.pipelines._feel import cells_of, offsets_of
from audio_gen.pipelines.drum_vae_maker import latents_of
from audio_gen.pipelines.evaluate_drums import foretold
from audio_gen.pipelines.groove_remade import GUIDANCE as REMADE
from audio_gen.pipelines.groove_remade import remade
from audio_gen.pipelines.groove_transfer import GUIDANCE as FELT
from audio_gen.pipelines.groove_transfer import like, partners, styled
from audio_gen.pipelines.humaniser import Answer, Humaniser, Touch, moved
from audio_gen.pipelines.morph import hit_f1
from audio_gen.pipelines.piece import Wish
from audio_gen.symbolic.encoders.drums import DRUMS
from audio_gen.symbolic.files import drum_track
from audio_gen.symbolic.score import SIXTEENTH, Score

STEPS, BEAT = 32, 4  # two bars, and a quarter, in sixteenths
STYLES = ("funk", "hiphop", "jazz", "latin", "rock")  # those with more than one long piece in train and valid
LEARN, BATCH = 1200, 64
HEARD = 16  # windows of a piece that `drums-rnn` is asked about
FEW = 3  # hits; fewer tell no feel


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
            if score.bars()[-1].end >= 3 * STEPS * SIXTEENTH:
                found.append((item.label, score))
    return found


def learn(real: Sequence[tuple[str, torch.Tensor]]) -> StyleNet:
    """Styles weigh the same, however many pieces they have."""
    torch.manual_seed(0)
    rows = torch.cat([grid.flatten(2) for _, grid in real])
    truth = torch.cat([torch.full((len(grid),), STYLES.index(style)) for style, grid in real])
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


def feel(grid: torch.Tensor) -> Numbers:
    """`[91]`: each drum's velocity and offset at each place in the beat, and how both spread; NaN: not known."""
    cells = grid.double().numpy()
    struck = cells[..., 0] > 0
    loudness = cells[struck][:, 1].mean() if struck.any() else np.nan
    found = [loudness]
    for drum in range(len(DRUMS)):
        for place in range(BEAT):
            here = cells[:, place::BEAT, drum][struck[:, place::BEAT, drum]]
            found += [*(here[:, 1:].mean(0) - (loudness, 0))] if len(here) > FEW else [np.nan, np.nan]
        here = cells[:, :, drum][struck[:, :, drum]]
        found += [*here[:, 1:].std(0)] if len(here) > FEW else [np.nan, np.nan]
    return np.array(found)


class Jury:
    """What is told of a groove `[N, 32, 9, 3]`: its style by two classifiers, and its nats."""

    def __init__(self, root: Path) -> None:
        real = [(style, windows(score)) for style, score in pieces(root, "train")]
        self.net = learn(real)
        truth = np.array([STYLES.index(style) for style, _ in real])
        self.feel = LinearJudge(np.stack([feel(grid) for _, grid in real]), truth, len(STYLES))
        model = checkpoint.load("drums-rnn")
        self.drummer: DrumRnnNet = checkpoint.build(DrumRnnNet, model)
        self.any = len(model.labels)

    @torch.no_grad()
    def shares(self, grid: torch.Tensor) -> tuple[Numbers, Numbers]:
        """How much of each style is in all of it, and in its feel."""
        return self.net(grid.flatten(2)).softmax(1).mean(0).numpy(), self.feel.shares(feel(grid)[None])[0]

    def nats(self, grid: torch.Tensor, bpm: float) -> tuple[float, float]:
        """A sixteenth's hits, and a hit's velocity and offset."""
        cells = grid[:HEARD].flatten(0, 1).numpy()
        found = foretold(self.drummer, DrumPiece(cells, np.arange(len(cells)) % 16, 16, self.any, bpm))
        return found.nats[0] / found.steps, sum(found.nats[1:]) / max(1, found.hits)


class Ways:
    """What becomes of a groove."""

    def __init__(self) -> None:
        self.humaniser, self.vae = Humaniser.load("humanise"), checkpoint.load("drums-vae")
        self.net: DrumVaeNet = checkpoint.build(DrumVaeNet, self.vae)

    def all(self, score: Score, other: Score, style: str, seed: int) -> dict[str, torch.Tensor]:
        """By what it is called; `other` is a real piece of the style."""
        touch = Touch(strength=1.0, style=style, keep_accents=False, seed=seed)
        free, wish = Touch(strength=1.0, seed=seed), Wish(style=style, seed=seed)
        felt = {one: styled(self.humaniser, score, touch, guidance=one) for one in (1.0, FELT, 3 * FELT)}
        again = {one: remade(self.vae, score, wish, guidance=one).score for one in (1.0, REMADE, 2 * REMADE)}
        return {
            "as it is (control)": windows(score),
            **{f"feel of the style (humanise), guidance {one:g}": windows(made) for one, made in felt.items()},
            "feel of a piece (--like)": windows(like(self.humaniser, score, other, free)),
            "feel of a real piece, hit for hit (control)": windows(lent(score, other, free)),
            **{f"made again (drums-vae), guidance {one:g}": windows(made) for one, made in again.items()},
            "half-way to a real piece (morph)": self.between(score, other),
            "a real piece of the style (control)": windows(other),
        }

    @torch.no_grad()
    def between(self, score: Score, other: Score) -> torch.Tensor:
        """The pattern half-way, two bars by two bars; the other one comes round."""
        bpm, style = score.tempi[0].bpm, len(self.vae.labels)
        start, end = (latents_of(self.net, windows(one).numpy(), style, bpm) for one in (score, other))
        latents = torch.stack([slerp(one, end[number % len(end)], 0.5) for number, one in enumerate(start)])
        told = [torch.full((len(latents),), value) for value in (style, bpm, 0.0)]
        return self.net.decode(latents, Conditions(*told)).grid()


def lent(score: Score, other: Score, touch: Touch) -> Score:
    """Each hit as loud and as late as its partner in the other piece: all that a feel can bring over."""
    number, theirs = drum_track(score), other.tracks[drum_track(other)].notes
    cells, cells_there = cells_of(score.tracks[number].notes), cells_of(theirs)
    picked = partners(score, cells, other, cells_there, touch.seed)
    velocity = theirs["velocity"][cells_there.note][picked].astype(float)
    return moved(score, number, cells, Answer(velocity, offsets_of(theirs, cells_there)[picked].astype(float)), touch)


def kept(one: torch.Tensor, other: torch.Tensor) -> float:
    """F1 of hits over as many windows as both have."""
    count = min(len(one), len(other))
    return hit_f1(one[:count].numpy(), other[:count].numpy())


def compared(root: Path, split: str, most: int | None = None) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Rows of the table, and what they were measured with."""
    jury, ways, real = Jury(root), Ways(), pieces(root, split)
    random = np.random.default_rng(0)
    found: dict[str, list[tuple[float, ...]]] = {}
    told: list[tuple[bool, bool]] = []
    for number, (style, score) in enumerate(real[:most]):
        others = [one for one in real if one[0] != style]
        wanted, other = others[int(random.integers(len(others)))]
        grid = windows(score)
        told.append(tuple(STYLES[int(shares.argmax())] == style for shares in jury.shares(grid)))
        for way, made in ways.all(score, other, wanted, number).items():
            shares = [one[STYLES.index(wanted)] for one in jury.shares(made)]
            bpm = (other if way.startswith("a real") else score).tempi[0].bpm
            found.setdefault(way, []).append((*shares, kept(made, grid), *jury.nats(made, bpm)))
    heads = "style wanted", "in the feel alone", "hits kept, F1", "nats of hits", "nats of manner"
    rows = [{"way": way, **in_words(heads, np.array(values))} for way, values in found.items()]
    accuracy, of_feel = np.mean(told, 0).round(3).tolist()
    return rows, {"pieces": len(told), "accuracy_on_real": accuracy, "accuracy_of_feel_on_real": of_feel, "chance": 0.2}

"""groove_remade: drums made again in another style by the autoencoder: the more they lean to it, the more hits move."""

from dataclasses import replace

import numpy as np
import torch

from audio_gen.errors import ParameterError
from audio_gen.models import checkpoint
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.drum_pieces import Conditions
from audio_gen.models.drum_vae import STEPS, DrumVaeNet
from audio_gen.pipelines._feel import cells_of
from audio_gen.pipelines.device import one_thread
from audio_gen.pipelines.drum_vae_maker import latents_of
from audio_gen.pipelines.generate import clip_generator
from audio_gen.pipelines.leaning import leaning
from audio_gen.pipelines.morph import hit_f1
from audio_gen.pipelines.piece import Piece, Wish, measured
from audio_gen.symbolic.encoders.drums import DRUMS, HIT, NUMBER, Grid, decode, encode
from audio_gen.symbolic.files import drum_track
from audio_gen.symbolic.score import SIXTEENTH, Score

# the strongest of 4, 6, 8 and 10 whose hits `drums-rnn` finds as likely as real ones (1.29 nats a sixteenth, at 8 1.44;
# real 1.05 - 1.36); at 10 a third of the hits are others (scripts/bench transfer)
GUIDANCE = 6.0


def remade(
    model: Checkpoint, score: Score, wish: Wish, *, track: int | None = None, guidance: float = GUIDANCE
) -> Piece:
    """The score with its drums made again, two bars at a time, in the style of `wish`; pauses and all else stay.

    Args:
        model: of family "drum_vae".
        score: with drums, in 4/4.
        wish: its style and seed.
        track: of `score`, counted from 1.
        guidance: how many times as far as learnt the style leads away from any style (`leaning`).

    Raises:
        ParameterError: no drums, another metre, or an unknown style.
    """
    number, style = drum_track(score, track), wish.label(model.labels, model.name)
    if any(meter.bar != STEPS * SIXTEENTH // 2 for meter in score.meters):
        raise ParameterError(f"{model.name!r} knows 4/4 alone; take a model of family 'humaniser' for this file")
    drums = score.tracks[number]
    steps = cells_of(drums.notes).steps
    windows = encode(drums.notes, -(-steps // STEPS) * STEPS).grid.reshape(-1, STEPS, len(DRUMS), 3)
    made = _again(checkpoint.build(DrumVaeNet, model), windows, style, score.tempi[0].bpm, guidance, wish.seed)
    new = decode(made.reshape(-1, len(DRUMS), 3)).notes
    new = new[new["onset"] < score.bars()[-1].end]
    others = drums.notes[~np.isin(drums.notes["pitch"], list(NUMBER))]
    whole = score.with_track(number, replace(drums, notes=np.concatenate([others, new])))
    told = {**measured(whole), "hits_kept_f1": round(hit_f1(made, windows), 4)}
    return Piece(whole, {**wish.to_dict(), "guidance": guidance}, told)


@torch.no_grad()
def _again(net: DrumVaeNet, windows: Grid, style: int, bpm: float, guidance: float, seed: int) -> Grid:
    """`[N, 32, 9, 3]`: pairs of bars made again; where nothing was played, nothing is."""
    told = [torch.full((len(windows),), value) for value in (style, bpm, 0.0)]
    with one_thread():
        latents = latents_of(net, windows, style, bpm)
        groove = leaning(net, style, guidance).decode(latents, Conditions(*told))
        made = groove.drawn(net.spread, clip_generator(seed, 0))
    silent = ~windows[..., HIT].any((1, 2))
    grid: Grid = made.numpy()
    grid[silent] = 0
    return grid

"""melody_sampling: the melody network step by step, the LSTM's state kept, several takes at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.errors import ParameterError
from audio_gen.models.melody import FIRST, HOLD, LAGS, LOWEST, REST, TOKENS, MelodyNet, Told
from audio_gen.models.melody_pieces import MelodyPiece, batch_of
from audio_gen.pipelines.batch import stop_here_if_asked
from audio_gen.pipelines.generate import clip_generator
from audio_gen.pipelines.piece import Wish, pitch_name
from audio_gen.pipelines.sampling import chances, choose
from audio_gen.symbolic.theory import chord_of_code, chord_tones, scale_mask

COUNTED = 16  # steps over which the network sees how well a lag has agreed
PUSH = 0.2  # on the logit of holding, more with each take, towards the density that is asked for
LouderState = tuple[torch.Tensor, torch.Tensor]
Mask = npt.NDArray[np.bool_]
Steps = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Frame:
    """What is sung to.

    Args:
        piece: its tokens are known up to `start`; what is told of each step goes to its end.
        start: the first step to be sung.
        allowed: `[T, TOKENS]`, the tokens that each step may have.
    """

    piece: MelodyPiece
    start: int
    allowed: Mask


def allowed_tokens(piece: MelodyPiece, wish: Wish) -> Mask:
    """`[T, TOKENS]`: pitches in the range, and, where a key is asked for, in the key or the chord that sounds.

    Raises:
        ParameterError: no pitch is left.
    """
    pitches = np.arange(FIRST, TOKENS) - FIRST + LOWEST  # from the tonic
    low, high = wish.span or (0, 127)
    within = (pitches - piece.shift >= low) & (pitches - piece.shift <= high)
    if not within.any():
        lowest, highest = (pitch_name(int(pitch) - piece.shift) for pitch in (pitches[0], pitches[-1]))
        raise ParameterError(f"range {wish.pitches!r} leaves no pitch; in this key there are {lowest} to {highest}")
    allowed = np.ones((len(piece.tokens), TOKENS), bool)
    allowed[:, FIRST:] = within
    if wish.tonality is not None:
        scale = scale_mask(0, piece.minor)
        in_key = np.array([scale | chord_tones(*chord_of_code(int(code))) for code in piece.chord])
        allowed[:, FIRST:] &= in_key[:, pitches % 12]
    return allowed


def sing(net: MelodyNet, frame: Frame, takes: Sequence[Wish]) -> Steps:
    """`[takes, T]` tokens, a row for each take: those before `frame.start` as they are, then new ones."""
    piece, steps = frame.piece, len(frame.piece.tokens)
    tokens, told, _ = batch_of([piece] * len(takes))
    tokens[:, frame.start :] = HOLD
    luck = chances([clip_generator(take.seed, take.index, take.take) for take in takes], steps)
    push = torch.tensor([_push(take, number) for number, take in enumerate(takes)])
    allowed = torch.from_numpy(frame.allowed)
    silent = torch.ones(len(takes), dtype=torch.bool)
    state, done = None, 0
    for step in range(frame.start, steps):
        stop_here_if_asked()
        scores, state = next_scores(net, tokens, told, done, step, state)
        done = step + 1
        scores[:, HOLD] += push
        forbidden = ~allowed[step].expand_as(scores).clone()
        forbidden[:, HOLD] |= step == frame.start  # what sounded before has ended there
        forbidden[:, REST] |= silent & (step > frame.start)
        if step == steps - piece.bar:  # or the last bar could be none
            forbidden[:, REST] = True
            forbidden[:, HOLD] |= silent
        scores = scores.masked_fill(forbidden, -torch.inf)
        chosen = choose(scores, luck[:, step], temperature=takes[0].temperature, top_p=takes[0].top_p)
        tokens[:, step] = chosen
        silent = torch.where(chosen == HOLD, silent, chosen == REST)
    return tokens.numpy()


def next_scores(
    net: MelodyNet, tokens: torch.Tensor, told: Told, done: int, step: int, state: LouderState | None
) -> tuple[torch.Tensor, LouderState]:
    """Logits `[B, TOKENS]` of one step, and the LSTM's state after it.

    Args:
        net: the network.
        tokens: `[B, T]`, of which those before `step` count.
        told: of all T steps.
        done: how many steps the state has seen.
        step: the one to tell.
        state: None at the beginning.
    """
    # all that a step looks back to, and the note that sounds; only one longer than that is told as if it began there
    first = max(0, done - max(LAGS) * int(told.bar.max()) - COUNTED - 1)
    window = tokens[:, first : step + 1]
    part = Told(*(one[:, first : step + 1] if one.ndim == 2 else one for one in told))
    looked, agreed, places = net.lookback(window, told.bar)
    features = net.features(window, part, looked, agreed)[:, done - first :]
    hidden, state = net.lstm(features, state)
    return net.scores(hidden[:, -1:], agreed[:, -1:], places[:, -1:])[:, 0], state


def _push(take: Wish, number: int) -> float:
    """Holding more makes fewer notes; later takes try harder."""
    return {"low": 1.0, "high": -1.0}.get(take.density or "", 0.0) * PUSH * number

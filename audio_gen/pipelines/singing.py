"""singing: what a melody is sung to, and singing it: several takes at once, under hard conditions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.errors import ParameterError
from audio_gen.models.melody import LOWEST, TOKENS, MelodyNet
from audio_gen.models.melody_pieces import MelodyPiece, batch_of
from audio_gen.models.melody_sampling import Singer
from audio_gen.pipelines.batch import stop_here_if_asked
from audio_gen.pipelines.generate import clip_generator
from audio_gen.pipelines.piece import Wish
from audio_gen.pipelines.sampling import chances, choose
from audio_gen.pipelines.wish_words import pitch_name
from audio_gen.symbolic.encoders.melody import FIRST, HOLD, REST
from audio_gen.symbolic.theory import chord_of_code, chord_tones, scale_mask

REGISTER = 60, 79  # from the tonic: the 5th and 95th percentiles of the notes of OpenEWLD's 398 training melodies
# So many of these pitches are enough. Of 24 tunes of `melody` within an octave that has 8 or more none or one was a
# single note; below, with 7 to 1 of them, 2 to 12; above, with 6 or 7, none.
KNOWN = 8
MOST_OCTAVES = 5
PUSH = 0.2  # on the logit of holding, more with each take, towards the density that is asked for
Mask = npt.NDArray[np.bool_]
Steps = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Frame:
    """What is sung to.

    Args:
        piece: its tokens are known up to `start`; what is told of each step goes to its end.
        start: the first step to be sung.
        allowed: `[T, TOKENS]`, the tokens that each step may have.
        octaves: so many octaves higher than asked for it is sung (`octaves_away`).
    """

    piece: MelodyPiece
    start: int
    allowed: Mask
    octaves: int = 0


def octaves_away(low: int, high: int) -> int:
    """How many octaves up a range, in pitches from the tonic, has most of the usual register; 0 if it has enough.

    A network that has hardly seen a range holds one note there.
    """

    def shared(octaves: int) -> int:
        return max(0, min(high + 12 * octaves, REGISTER[1]) - max(low + 12 * octaves, REGISTER[0]) + 1)

    if shared(0) >= KNOWN:
        return 0
    return max(range(-MOST_OCTAVES, MOST_OCTAVES + 1), key=lambda octaves: (shared(octaves), -abs(octaves)))


def allowed_tokens(piece: MelodyPiece, wish: Wish) -> tuple[Mask, int]:
    """`[T, TOKENS]`: pitches in the range, and, where a key is asked for, in the key or the chord that sounds.

    Then how many octaves higher the range was put, where the network knows it better (`octaves_away`).

    Raises:
        ParameterError: no pitch is left.
    """
    pitches = np.arange(FIRST, TOKENS) - FIRST + LOWEST  # from the tonic
    low, high = wish.span or (0, 127)
    within = (pitches - piece.shift >= low) & (pitches - piece.shift <= high)
    if not within.any():
        lowest, highest = (pitch_name(int(pitch) - piece.shift) for pitch in (pitches[0], pitches[-1]))
        raise ParameterError(f"range {wish.pitches!r} leaves no pitch; in this key there are {lowest} to {highest}")
    there = pitches[within]
    octaves = octaves_away(int(there[0]), int(there[-1])) if wish.span else 0
    allowed = np.ones((len(piece.tokens), TOKENS), bool)
    allowed[:, FIRST:] = np.isin(pitches, there + 12 * octaves)
    if wish.tonality is not None:
        scale = scale_mask(0, piece.minor)
        in_key = np.array([scale | chord_tones(*chord_of_code(int(code))) for code in piece.chord])
        allowed[:, FIRST:] &= in_key[:, pitches % 12]
    return allowed, octaves


def frame_of(piece: MelodyPiece, start: int, wish: Wish) -> Frame:
    """What is sung from step `start` on, in octaves that the network knows; so is what it hears before.

    Raises:
        ParameterError: as for `allowed_tokens`.
    """
    allowed, octaves = allowed_tokens(piece, wish)
    sung = piece.tokens[:start]
    notes = sung[sung >= FIRST]
    if octaves and len(notes):
        pitches = notes - FIRST + LOWEST
        up = 12 * octaves_away(int(pitches.min()), int(pitches.max()))
        heard = np.where(sung >= FIRST, sung + up, sung)
        piece = replace(piece, tokens=np.concatenate([heard, piece.tokens[start:]]))
    return Frame(piece, start, allowed, octaves)


def sing(net: MelodyNet, frame: Frame, takes: Sequence[Wish]) -> Steps:
    """`[takes, T]` tokens, a row for each take: those before `frame.start` as they are, then new ones."""
    piece, steps = frame.piece, len(frame.piece.tokens)
    tokens, told, _ = batch_of([piece] * len(takes))
    singer = Singer(net, told)
    luck = chances([clip_generator(take.seed, take.index, take.take) for take in takes], steps)
    push = torch.tensor([_push(take, number) for number, take in enumerate(takes)])
    allowed = torch.from_numpy(frame.allowed)
    silent = torch.ones(len(takes), dtype=torch.bool)
    for step in range(steps):
        stop_here_if_asked()
        scores = singer.scores()
        if step < frame.start:
            singer.sing(tokens[:, step])
            continue
        scores[:, HOLD] += push
        forbidden = ~allowed[step].expand_as(scores).clone()
        forbidden[:, HOLD] |= step == frame.start  # what sounded before has ended there
        forbidden[:, REST] |= silent & (step > frame.start)
        if step == steps - piece.bar:  # or the last bar could be none
            forbidden[:, REST] = True
            forbidden[:, HOLD] |= silent
        scores = scores.masked_fill(forbidden, -torch.inf)
        chosen = choose(scores, luck[:, step], temperature=takes[0].temperature, top_p=takes[0].top_p)
        singer.sing(chosen)
        silent = torch.where(chosen == HOLD, silent, chosen == REST)
    return singer.tokens.numpy()


def _push(take: Wish, number: int) -> float:
    """Holding more makes fewer notes; later takes try harder."""
    return {"low": 1.0, "high": -1.0}.get(take.density or "", 0.0) * PUSH * number

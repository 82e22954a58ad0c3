"""evaluate a melody network: how well does it foretell tunes over their chords, and does the key matter to it?"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.errors import DatasetError
from audio_gen.metrics.calibration import ece
from audio_gen.metrics.interval import bootstrap
from audio_gen.metrics.ngram import NGram
from audio_gen.models import checkpoint
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.melody import TOKENS, MelodyNet
from audio_gen.models.melody_pieces import MelodyPiece, batch_of, piece_of
from audio_gen.pipelines._note_pieces import Split, Told, ratio
from audio_gen.pipelines._tunes import Tune, shuffled, voices
from audio_gen.symbolic.encoders.melody import FIRST, HOLD, encode
from audio_gen.symbolic.score import Key, Score

STEPS = 4  # sixteenths a quarter
SEMITONES = range(-6, 6)
Figures = npt.NDArray[np.float64]
Heard = tuple[bytes, Callable[[], float]]  # what a network sees of a piece, and what it costs: nats


class Foretold(NamedTuple):
    """Of one melody, `[T]`: nats of each step, probability of the likeliest token, and whether that was the one."""

    nats: Figures
    confidence: Figures
    right: npt.NDArray[np.bool_]


def melodies(told: Sequence[Told], labels: Sequence[str]) -> list[tuple[Told, MelodyPiece]]:
    """The first track that is no drum of each score.

    Raises:
        DatasetError: none has any.
    """
    pieces = []
    for one in told:
        voice = voice_of(one.score)
        if voice is not None:
            pieces.append((one, piece_of(encode(one.score, voice), one.style(labels))))
    if not pieces:
        raise DatasetError(f"none of {len(told)} pieces has a melody; measure this model on openewld or nottingham")
    return pieces


def voice_of(score: Score) -> int | None:
    """The number of the first track that has notes and is no drum."""
    return next(iter(voices(score)), None)


def foretell_melodies(model: Checkpoint, read: Split) -> dict[str, Any]:
    """Likelihoods over whole pieces, told their chords, metre, key and length: a sixteenth, a note and a quarter.

    In the details: the n-gram floor, fitted on the split "train" where that lies there too; what the melodies cost with
    their own pitches shuffled, and if all tokens were alike; how far nats per step move over twelve transpositions;
    accuracy of the likeliest token, also where something begins, and its calibration.
    """
    net: MelodyNet = checkpoint.build(MelodyNet, model)
    pairs = melodies(read.told, model.labels)
    pieces = [piece for _, piece in pairs]
    found = [foretold(net, piece) for piece in pieces]
    begun = [piece.tokens != HOLD for piece in pieces]
    train = [piece for _, piece in melodies(read.train, model.labels)] if read.train else []
    right, sure = (np.concatenate(parts) for parts in ([one.right for one in found], [one.confidence for one in found]))
    nats = [float(one.nats.sum()) for one in found]
    steps = [len(one.nats) for one in found]

    def hear(number: int, score: Score) -> Heard:
        piece = piece_of(encode(score, voice_of(score) or 0), pieces[number].style)
        name = piece.tokens.tobytes() + piece.chord.tobytes() + bytes([piece.minor])
        return name, lambda: float(foretold(net, piece).nats.sum())

    details = {
        "pieces": len(pieces),
        "ngram_of": f"{len(train)} pieces of train" if train else "none: the split train is not there",
        **_ngram_floor(train, pieces),
        "shuffled_nats_per_step": _shuffled(net, pieces),
        "uniform_nats_per_step": math.log(TOKENS),
        "transpositions": transpositions([one.score for one, _ in pairs], nats, steps, hear),
        "accuracy": ratio([one.right.sum() for one in found], [len(one.right) for one in found]),
        "accuracy_where_something_begins": ratio(
            [one.right[new].sum() for one, new in zip(found, begun, strict=True)], [new.sum() for new in begun]
        ),
        "ece": ece(np.stack([sure, 1 - sure], 1), np.where(right, 0, 1)) if len(sure) else None,
    }
    return {
        "nats_per_step": ratio(nats, steps),
        "nats_per_note": ratio(nats, [(piece.tokens >= FIRST).sum() for piece in pieces]),
        "nats_per_quarter": ratio(nats, np.array(steps) / STEPS),
        "details": details,
    }


@torch.no_grad()
def foretold(net: MelodyNet, piece: MelodyPiece) -> Foretold:
    """What a network thinks of one melody, each step given those before."""
    tokens, told, _ = batch_of([piece])
    shares = net(tokens, told)[0].double().log_softmax(-1)
    best = shares.max(-1)
    nats = -shares.gather(-1, tokens[0][:, None])[:, 0]
    return Foretold(nats.numpy(), best.values.exp().numpy(), (best.indices == tokens[0]).numpy())


def fitted(pieces: Sequence[MelodyPiece]) -> NGram:
    """An n-gram model of melodies; the place in the bar is its context."""
    sequences, contexts = [piece.tokens for piece in pieces], [piece.position for piece in pieces]
    return NGram.fit(sequences, symbols=TOKENS, contexts=contexts)


def transposed(score: Score, semitones: int) -> Score:
    """The score with its notes (drums aside), chords and keys so many semitones higher; notes stay in MIDI's range."""
    tracks = []
    for track in score.tracks:
        notes = track.notes.copy()
        if not track.is_drum:
            notes["pitch"] = np.clip(notes["pitch"].astype(int) + semitones, 0, 127)
        tracks.append(replace(track, notes=notes))
    keys = tuple(Key(key.onset, (key.tonic + semitones) % 12, key.minor) for key in score.keys)
    chords = tuple(
        one._replace(root=(one.root + semitones) % 12, bass=(one.bass + semitones) % 12) if one.quality else one
        for one in score.chords
    )
    return replace(score, tracks=tuple(tracks), keys=keys, chords=chords)


def _ngram_floor(train: Sequence[MelodyPiece], pieces: Sequence[MelodyPiece]) -> dict[str, Any]:
    if not train:
        return {}
    model = fitted(train)
    costs = [model.nats(piece.tokens, piece.position).sum() for piece in pieces]
    return {"ngram_nats_per_step": ratio(costs, [len(piece.tokens) for piece in pieces])}


def _shuffled(net: MelodyNet, pieces: Sequence[MelodyPiece]) -> dict[str, float | None]:
    """What melodies cost whose own pitches come in another order, in the same rhythm over the same chords."""
    random = np.random.default_rng(0)
    mixed = [
        replace(piece, tokens=shuffled(Tune(piece.tokens[None], piece.chord, 0), random).tokens[0]) for piece in pieces
    ]
    return ratio([foretold(net, piece).nats.sum() for piece in mixed], [len(piece.tokens) for piece in mixed])


def transpositions(
    scores: Sequence[Score],
    costs: Sequence[float],
    steps: Sequence[float],
    hear: Callable[[int, Score], Heard],
    *,
    unit: str = "step",
) -> dict[str, Any]:
    """Nats per step by semitones, and how far apart the least and the most are.

    A network that sees notes from the tonic finds most transpositions the same; those aren't which bring the tonic to
    another octave. What it sees twice it is asked for once.

    Args:
        scores: the pieces.
        costs: nats of each as it is.
        steps: of each.
        hear: what is seen of a piece, given its number and its notes.
        unit: what a step is called.
    """
    totals = np.zeros((len(scores), len(SEMITONES)))
    for number, (score, cost) in enumerate(zip(scores, costs, strict=True)):
        seen = {hear(number, score)[0]: cost}
        for column, semitones in enumerate(SEMITONES):
            name, ask = hear(number, transposed(score, semitones))
            if name not in seen:
                seen[name] = ask()
            totals[number, column] = seen[name]
    sizes = np.array(steps, np.float64)

    def spread(table: Figures, lengths: Figures) -> float:
        return float(np.ptp(table.sum(0) / lengths.sum()))

    by_semitones = zip(SEMITONES, totals.sum(0) / sizes.sum(), strict=True)
    return {
        f"nats_per_{unit}": {f"{semitones:+d}": float(nats) for semitones, nats in by_semitones},
        "spread": bootstrap(spread, totals, sizes).to_dict(),
    }

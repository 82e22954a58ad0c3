"""evaluate a melody network: how well does it foretell tunes over their chords, and does the key matter to it?"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from audio_gen.errors import DatasetError
from audio_gen.metrics.calibration import ece
from audio_gen.metrics.interval import Interval, bootstrap
from audio_gen.metrics.ngram import NGram
from audio_gen.models import checkpoint
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.melody import TOKENS, MelodyNet
from audio_gen.models.melody_pieces import MelodyPiece, batch_of, piece_of
from audio_gen.pipelines._note_pieces import Split, Told, ratio
from audio_gen.symbolic.encoders.melody import FIRST, HOLD, encode
from audio_gen.symbolic.score import Key, Score

STEPS = 4  # sixteenths a quarter
SEMITONES = range(-6, 6)
Figures = npt.NDArray[np.float64]


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
    voices = [number for number, track in enumerate(score.tracks) if len(track.notes) and not track.is_drum]
    return voices[0] if voices else None


def foretell_melodies(model: Checkpoint, read: Split) -> dict[str, Any]:
    """Likelihoods over whole pieces, told their chords, metre, key and length: a sixteenth, a note and a quarter.

    In the details: the n-gram floor, fitted on the split "train" where that lies there too; how far nats per step move
    over twelve transpositions; accuracy of the likeliest token, also where something begins, and its calibration.
    """
    net: MelodyNet = checkpoint.build(MelodyNet, model)
    pairs = melodies(read.told, model.labels)
    pieces = [piece for _, piece in pairs]
    found = [foretold(net, piece) for piece in pieces]
    begun = [piece.tokens != HOLD for piece in pieces]
    train = [piece for _, piece in melodies(read.train, model.labels)] if read.train else []
    right, sure = (np.concatenate(parts) for parts in ([one.right for one in found], [one.confidence for one in found]))
    details = {
        "pieces": len(pieces),
        "ngram_of": f"{len(train)} pieces of train" if train else "none: the split train is not there",
        **_ngram_floor(train, pieces),
        "transpositions": _transpositions(net, [one for one, _ in pairs], model.labels, found),
        "accuracy": ratio([one.right.sum() for one in found], [len(one.right) for one in found]),
        "accuracy_where_something_begins": ratio(
            [one.right[new].sum() for one, new in zip(found, begun, strict=True)], [new.sum() for new in begun]
        ),
        "ece": ece(np.stack([sure, 1 - sure], 1), np.where(right, 0, 1)) if len(sure) else None,
    }
    nats = [one.nats.sum() for one in found]
    steps = [len(one.nats) for one in found]
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


def _transpositions(net: MelodyNet, told: Sequence[Told], labels: Sequence[str], found: Sequence[Foretold]) -> Any:
    """Nats per step by semitones, and how far apart the least and the most are.

    The network sees notes from the tonic, so most transpositions are the same to it; those aren't which bring the
    tonic to another octave. What it sees twice it is asked for once.
    """
    totals = np.zeros((len(told), len(SEMITONES)))
    for row, (one, original) in enumerate(zip(told, found, strict=True)):
        seen: dict[bytes, float] = {}
        for column, semitones in enumerate(SEMITONES):
            score = transposed(one.score, semitones)
            piece = piece_of(encode(score, voice_of(score) or 0), one.style(labels))
            name = piece.tokens.tobytes() + piece.chord.tobytes() + bytes([piece.minor])
            if not semitones:
                seen[name] = float(original.nats.sum())
            if name not in seen:
                seen[name] = float(foretold(net, piece).nats.sum())
            totals[row, column] = seen[name]
    steps = np.array([len(one.nats) for one in found], np.float64)

    def spread(table: Figures, sizes: Figures) -> float:
        return float(np.ptp(table.sum(0) / sizes.sum()))

    apart: Interval = bootstrap(spread, totals, steps)
    by_semitones = {
        f"{number:+d}": float(total) for number, total in zip(SEMITONES, totals.sum(0) / steps.sum(), strict=True)
    }
    return {"nats_per_step": by_semitones, "spread": apart.to_dict()}

"""drum_maker: drums by a drum network: alone, for a file's music, after it, or anew in some of its bars."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.models import drum_rnn
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.pipelines._drum_place import Place, new_notes
from audio_gen.pipelines._drum_steps import Plan, plan_of
from audio_gen.pipelines.maker import Gap, Maker, density_error
from audio_gen.pipelines.note_copies import NoteIndex
from audio_gen.pipelines.piece import Piece, Wish, measured, notes_a_quarter
from audio_gen.symbolic.encoders.drums import Grid
from audio_gen.symbolic.files import drum_track
from audio_gen.symbolic.score import NOTE, SIXTEENTH, Meter, Score, Tempo, Track

BARS = 8  # where nobody says how many
THIRDS = (3.9, 4.8)  # notes a quarter that part Groove's beats of the split train into thirds
# Metres with a style that most of Groove's pieces in them have (2 of 4 of the split train, 4 of 4). Told no style the
# network plays 3/4 at 120 bpm with 12.2 notes a bar, told this one with 9.7; those two real pieces have 9.6 and 11.5
USUAL = {(3, 4): "jazz", (6, 8): "rock"}
OWN = ("meter", "bpm", "bars")  # what a file has
TUNED = ("key", "chords", "pitches", "voices", "programs")  # what drums don't have
WORDS = {"pitches": "range", "programs": "program"}  # as options are called


@dataclass(frozen=True)
class DrumWish(Wish):
    """What drums are to be.

    Args:
        fill_every: of so many bars the last is a fill; 0: none is, 1: all are.
        kit: name of the generator whose one-shots play it (`drum_kit`), if any does; no note depends on that.

    Raises:
        ParameterError: as for `Wish`, or a fill that comes less than never.
    """

    fill_every: int = 0
    kit: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.fill_every < 0:
            raise ParameterError(f"of so many bars the last is a fill, 0 is none, not {self.fill_every}")


class DrumMaker(Maker):
    """Makes drums; a subclass knows how its network does."""

    @abstractmethod
    def grids(self, place: Place, takes: Sequence[Wish]) -> list[Grid]:
        """`[place.steps, 9, 3]` of each take; what comes before the place doesn't matter."""

    def unlikely(self, score: Score, number: int, style: int) -> float:
        """How far a piece is from what is typical of real music, as a ratio; 0 where nobody can tell."""
        return 0.0

    def make(self, wish: Wish) -> Piece:
        """A new pattern of so many bars, 8 where nobody says how many.

        Raises:
            ParameterError: a condition that drums, or this network, don't know.
        """
        meter = wish.metre or Meter(0, 4, 4)
        if meter.bar % SIXTEENTH:
            raise ParameterError(f"a bar of {meter.beats}/{meter.unit} isn't whole sixteenths; drums need that")
        bare = Score((Track(np.zeros(0, NOTE), "drums", is_drum=True),), (meter,), (Tempo(0, wish.bpm or 120.0),))
        return self._anew(Place(bare, 0, 0, (wish.bars or BARS) * meter.bar), wish)

    def drummed(self, score: Score, wish: Wish, *, replacing: bool = False) -> Piece:
        """The score, all its notes as they are, and drums in all its bars as one more track.

        Args:
            score: in any metres and tempi.
            wish: `meter`, `bpm` and `bars` are the score's.
            replacing: whether drums that are there make way; the first such track is where the new ones go.

        Raises:
            ParameterError: it has no notes, or drums already.
        """
        _refuse(wish, OWN, "the file has its own")
        if not score.end:
            raise ParameterError("it has no notes; leave the file out for drums alone")
        there = [number for number, one in enumerate(score.tracks) if one.is_drum and len(one.notes)]
        if there and not replacing:
            raise ParameterError(
                f"track {there[0] + 1} has drums already ({len(score.tracks[there[0]].notes)} notes); --replace puts "
                "new ones in their place"
            )
        silent = Track(score.tracks[0].notes[:0], "drums", is_drum=True)
        if there:
            tracks = tuple(replace(one, notes=one.notes[:0]) if one.is_drum else one for one in score.tracks)
        else:
            tracks = (*score.tracks, silent)
        number = there[0] if there else len(tracks) - 1
        return self._anew(Place(replace(score, tracks=tracks), number, 0, score.bars()[-1].end), wish)

    def continued(self, score: Score, wish: Wish, track: int | None = None) -> Piece:
        """The score as it is, and `wish.bars` (8) new bars of its drums after its last bar."""
        _refuse(wish, OWN[:2], "the file has its own")
        number = drum_track(score, track)
        last = score.bars()[-1]
        return self._anew(Place(score, number, last.end, last.end + (wish.bars or BARS) * last.meter.bar), wish)

    def infilled(self, score: Score, wish: Wish, gap: Gap) -> Piece:
        """The score with the drums of the gap made anew."""
        _refuse(wish, OWN, "the file has its own")
        number = drum_track(score, gap.tracks[0] if gap.tracks else None)
        if len(gap.tracks) > 1:
            raise ParameterError(f"drums are one track, not {', '.join(map(str, gap.tracks))}")
        bars = score.bars()
        if not 1 <= gap.first <= gap.last <= len(bars):
            raise ParameterError(f"bars {gap.first}-{gap.last} aren't there: it has {len(bars)}, counted from 1")
        return self._anew(Place(score, number, bars[gap.first - 1].start, bars[gap.last - 1].end), wish)

    def plan(self, place: Place, wish: Wish) -> Plan:
        """What the network is told of each sixteenth."""
        fill_every = wish.fill_every if isinstance(wish, DrumWish) else 0
        return plan_of(place.score, place.steps, wish.label(self.labels, self.checkpoint.name), fill_every=fill_every)

    def check(self, wish: Wish) -> None:
        """Refuse what drums don't have, or a style that the network doesn't know."""
        super().check(wish)
        _refuse(wish, TUNED, "drums have none")

    def _anew(self, place: Place, wish: Wish) -> Piece:
        self.check(wish)
        meant = replace(wish, style=wish.style or self._usual(place))
        style = meant.label(self.labels, self.checkpoint.name)

        def make(takes: list[Wish]) -> list[Piece]:
            return [self._piece(place, grid, take) for grid, take in zip(self.grids(place, takes), takes, strict=True)]

        def fit(piece: Piece) -> float:
            density = density_error(wish.density, piece.measured["notes_a_quarter"], THIRDS)
            return density + (self.unlikely(piece.score, place.number, style) if wish.best_of > 1 else 0.0)

        made = self.best(meant, make, fit)
        return replace(made, wish={**made.wish, "style": wish.style})

    def _usual(self, place: Place) -> str | None:
        """The style where a wish tells none, by the first metre; drums that are there go on as they are."""
        first = place.score.meters[0]
        style = USUAL.get((first.beats, first.unit)) if not len(place.kept) else None
        return style if style in self.labels else None

    def _piece(self, place: Place, grid: Grid, wish: Wish) -> Piece:
        track = place.score.tracks[place.number]
        notes = np.concatenate([place.kept, new_notes(place, grid)])
        score = place.score.with_track(place.number, replace(track, notes=notes))
        own = score.tracks[place.number]
        found = measured(score, place.number)
        found |= {"notes": len(own.notes), "notes_a_quarter": round(notes_a_quarter(score, place.number), 3)}
        found["notes_a_bar"] = round(len(own.notes) / max(1, found["bars"]), 3)
        copies = self.index.report(replace(score, tracks=(own,))) if self.index else None
        return Piece(score, wish.to_dict(), found, copies)


def drum_maker(model: Checkpoint, index: NoteIndex | None = None) -> DrumMaker:
    """What makes drums with a checkpoint of one of the drum families."""
    if model.family == drum_rnn.FAMILY:
        from audio_gen.pipelines.drum_rnn_maker import DrumRnnMaker

        return DrumRnnMaker(model, index)
    from audio_gen.pipelines.drum_vae_maker import DrumVaeMaker

    return DrumVaeMaker(model, index)


def load_drummer(name: str) -> DrumMaker:
    """The drum model called `name`, or at that path.

    Raises:
        CheckpointError: missing, damaged, or no model of drums.
    """
    from audio_gen.pipelines.composer import load_maker

    maker = load_maker(name)
    if not isinstance(maker, DrumMaker):
        raise CheckpointError(
            f"{maker.checkpoint.name!r} writes no drums; take `drums-rnn` or `drums-vae`, or another model that was "
            "trained as one of these"
        )
    return maker


def _refuse(wish: Wish, names: Sequence[str], why: str) -> None:
    for name in names:
        if getattr(wish, name) is not None:
            raise ParameterError(f"{WORDS.get(name, name)} {getattr(wish, name)!r}: {why}; leave it out")

"""composer: a model of notes by name, and what it composes, from Python."""

from pathlib import Path

from audio_gen.errors import CheckpointError
from audio_gen.models import checkpoint, composer, melody
from audio_gen.pipelines import note_copies
from audio_gen.pipelines.maker import Gap, Maker
from audio_gen.pipelines.piece import REDRAWS, Piece, Wish
from audio_gen.symbolic.score import Score

DRUMS = ("drum_rnn", "drum_vae")
FAMILIES = (melody.FAMILY, composer.FAMILY, *DRUMS)


def load_maker(name: str | Path) -> Maker:
    """What makes pieces with the checkpoint called `name`, or at that path.

    Raises:
        CheckpointError: missing, damaged, or no model of notes.
    """
    model = checkpoint.load(name)
    index = note_copies.find(model.name, str(model.training.get("data", "")))
    if model.family == melody.FAMILY:
        from audio_gen.pipelines.melody_maker import MelodyMaker

        return MelodyMaker(model, index)
    if model.family == composer.FAMILY:
        from audio_gen.pipelines.line_maker import LineMaker

        return LineMaker(model, index)
    if model.family in DRUMS:
        from audio_gen.pipelines.drum_maker import drum_maker

        return drum_maker(model, index)
    raise CheckpointError(
        f"{model.name!r} writes no notes of its own; take `melody`, `composer`, `drums-rnn` or `drums-vae`, or another "
        "model that was trained as one of these"
    )


class Composer:
    """Makes music as notes: `Composer.load("melody").compose(key="D minor", bars=8, seed=7)`."""

    def __init__(self, maker: Maker) -> None:
        self.maker = maker

    @classmethod
    def load(cls, name: str | Path) -> "Composer":
        """The model called `name`, or at that path.

        Raises:
            CheckpointError: missing, damaged, or no model of notes.
        """
        return cls(load_maker(name))

    @property
    def styles(self) -> tuple[str, ...]:
        """What it can be asked for."""
        return self.maker.labels

    def compose(
        self,
        *,
        style: str | None = None,
        key: str | None = None,
        meter: str | None = None,
        bpm: float | None = None,
        bars: int | None = None,
        chords: str | None = None,
        density: str | None = None,
        pitches: str | None = None,
        voices: str | None = None,
        temperature: float = 1.0,
        top_p: float = 0.95,
        best_of: int = 1,
        redraws: int = REDRAWS,
        seed: int = 0,
        index: int = 0,
        programs: tuple[int, ...] | None = None,
    ) -> Score:
        """A new score; the arguments are those of `Wish`. The same ones give the same notes.

        What drums alone can be asked for, such as `fill_every`, `make` takes as a `DrumWish`.

        Raises:
            ParameterError: a condition that is none, or that this model doesn't know; the message lists what is
                allowed.
        """
        conditions = style, key, meter, bpm, bars, chords, density, pitches, voices
        wish = Wish(*conditions, temperature, top_p, seed, index, best_of=best_of, programs=programs, redraws=redraws)
        return self.make(wish).score

    def make(self, wish: Wish) -> Piece:
        """A new piece, with what was asked for, what was measured, and the copy report.

        Raises:
            ParameterError: as for `compose`.
        """
        return self.maker.make(wish)

    def go_on(self, score: Score, wish: Wish, *, track: int | None = None) -> Piece:
        """The score as it is, and `wish.bars` new bars after it; `track` (from 1) is the one to go on with.

        Raises:
            ParameterError: it doesn't fit this model; the message says why.
        """
        return self.maker.continued(score, wish, track)

    def infill(self, score: Score, wish: Wish, first: int, last: int, *, tracks: tuple[int, ...] = ()) -> Piece:
        """The score with bars `first` to `last` (from 1, both in) of `tracks` (from 1; () is all) made anew.

        Raises:
            ParameterError: as for `go_on`.
        """
        return self.maker.infilled(score, wish, Gap(first, last, tracks))

    def harmonise(self, score: Score, wish: Wish, *, track: int | None = None) -> Piece:
        """A melody as it is, with three more voices or with chords (`wish.voices`).

        Raises:
            ParameterError: as for `go_on`.
        """
        return self.maker.harmonised(score, wish, track)

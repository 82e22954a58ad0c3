"""line_maker: four voices, or a melody with chords, by the Transformer that continues, fills gaps and harmonises."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from audio_gen.errors import ParameterError
from audio_gen.models import checkpoint
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.composer import UNKNOWN, ComposerNet
from audio_gen.models.composer_pieces import FOUR
from audio_gen.pipelines import melody_maker
from audio_gen.pipelines.accompaniment import NAME, accompanied, key_of_chords
from audio_gen.pipelines.canvas import Canvas, Manner, filled, gapped_line, unknown_line
from audio_gen.pipelines.generate import clip_generator
from audio_gen.pipelines.line_plan import (
    Plan,
    allowed_symbols,
    chords_joined,
    end_of,
    key_of_lines,
    lines_of,
    moved,
    within_gaps,
)
from audio_gen.pipelines.maker import Gap, Maker, density_error
from audio_gen.pipelines.note_copies import NoteIndex
from audio_gen.pipelines.piece import Piece, Wish, chord_tone_share, measured, notes_a_quarter, refuse_fixed, up_to
from audio_gen.pipelines.thin import is_off, is_thin
from audio_gen.symbolic.encoders.melody import shift_to_c
from audio_gen.symbolic.encoders.voices import (
    CHORDS,
    MELODY,
    ROLES,
    UNIT,
    VELOCITY,
    Line,
    Voices,
    chord_line,
    chords_of_line,
    notes_of_line,
)
from audio_gen.symbolic.score import TICKS, Key, Meter, Score, Tempo, Track, notes_of
from audio_gen.symbolic.theory import key_name

BARS = 8  # where nobody tells
LONGEST_BAR = 96  # units: two whole notes
THIRDS = {0: (0.72, 0.82), MELODY: melody_maker.THIRDS}  # notes a quarter: thirds of JSB's sopranos, of melodies
PUSH = 0.15  # on the logits of durations, a take, towards the density that is asked for


class LineMaker(Maker):
    """Composes, continues, fills gaps and harmonises with a checkpoint of family "composer"."""

    def __init__(self, model: Checkpoint, index: NoteIndex | None = None) -> None:
        super().__init__(model, index)
        self.net = checkpoint.build(ComposerNet, model).requires_grad_(False)

    def check(self, wish: Wish) -> None:
        """See `Maker.check`; also metres that it doesn't count, and chords for four voices."""
        super().check(wish)
        self._check_meters((wish.metre or Meter(0, 4, 4),))
        if wish.chords is not None and wish.voices == "satb":
            raise ParameterError("four voices are composed without chords; leave out chords, or ask for voices chords")

    def make(self, wish: Wish) -> Piece:
        """A new melody with chords, or with `wish.voices` "satb" four voices.

        Where nobody tells, 8 bars of 4/4 at 120 bpm; without a key that of the chords, or C major. Chords that aren't
        asked for are composed too, in the key where one is asked for; a track of block chords plays them.

        Raises:
            ParameterError: an unknown style, a metre that it doesn't count, a range that leaves no pitch, or chords
                for four voices.
        """
        self.check(wish)
        meter, bars = wish.metre or Meter(0, 4, 4), wish.bars or BARS
        chords = wish.placed(bars, meter.bar)
        key = wish.tonality or key_of_chords(chords, bars * meter.bar)
        units = bars * meter.bar // UNIT
        roles = FOUR if wish.voices == "satb" else (MELODY, CHORDS)
        tracks = tuple(
            Track(notes_of([]), ROLES[role], wish.program(place)) for place, role in enumerate(roles) if role != CHORDS
        )
        score = Score(tracks, (meter,), (Tempo(0, wish.bpm or 120.0),), (Key(0, *key),), chords)
        lines = tuple(
            chord_line(chords, units) if role == CHORDS and chords else unknown_line(0, units) for role in roles
        )
        everything = tuple(range(len(tracks)))
        plan = Plan(score, everything, roles, lines, key, meter.bar, sounds=True, played=0, program=wish.program(1))
        return self._told(plan, wish)

    def continued(self, score: Score, wish: Wish, track: int | None = None) -> Piece:
        """The score, all its notes as they are, and then `wish.bars` more bars (8 where nobody tells).

        Each voice goes on after its own last note. Chords go on where the score has some, or some are asked for.

        Raises:
            ParameterError: neither four voices nor one melody, or what `make` refuses.
        """
        refuse_fixed(wish)
        score = up_to(score, score.end)
        tracks, roles = lines_of(score, track)
        last = score.bars()[-1]
        more = wish.bars or BARS
        end, units = last.end // UNIT, (last.end + more * last.meter.bar) // UNIT
        lines = []
        for number in tracks:
            notes = score.tracks[number].notes
            lines.append(gapped_line(notes, -(-end_of(notes) // UNIT), units, units))
        if CHORDS in roles:
            asked = wish.placed(more, last.meter.bar, last.end)
            if asked or not score.chords:
                score = replace(score, chords=(*score.chords, *asked))
                lines.append(chord_line(score.chords, units))
            else:
                lines.append(np.concatenate([chord_line(score.chords, end), unknown_line(end, units)]))
        elif wish.chords is not None:
            raise ParameterError("four voices go on without chords; leave out chords")
        key = wish.tonality or key_of_lines(score, tracks)
        return self._told(Plan(score, tracks, roles, tuple(lines), key, last.meter.bar, True, last.end), wish)

    def infilled(self, score: Score, wish: Wish, gap: Gap) -> Piece:
        """The score with the notes that begin in the gap made anew; all others stay as they are, on the grid or not.

        A note that reaches into the gap from before it stays too, and the new ones begin after it.

        Raises:
            ParameterError: bars or tracks that aren't there, neither four voices nor a melody, or what `make` refuses.
        """
        refuse_fixed(wish)
        bars = score.bars() if score.end else []
        if not bars:
            raise ParameterError("there are no notes in it, so there is nothing to fill gaps of")
        if not 1 <= gap.first <= gap.last <= len(bars):
            raise ParameterError(f"bars {gap.first}-{gap.last} aren't there; this score has bars 1 to {len(bars)}")
        tracks, roles = lines_of(score, gap.tracks[0] if len(gap.tracks) == 1 else None)
        wanted = tuple(number - 1 for number in gap.tracks) or tracks
        if not set(wanted) <= set(tracks):
            there = ", ".join(str(number + 1) for number in sorted(tracks))
            raise ParameterError(f"tracks to fill are among {there}, not {', '.join(map(str, gap.tracks))}")
        start, end = bars[gap.first - 1].start, bars[gap.last - 1].end
        units = bars[-1].end // UNIT
        kept, lines = score, []
        for number in tracks:
            notes = score.tracks[number].notes
            if number in wanted:
                notes = notes[(notes["onset"] < start) | (notes["onset"] >= end)]
                kept = kept.with_track(number, replace(score.tracks[number], notes=notes))
            lines.append(gapped_line(notes, start // UNIT, end // UNIT if number in wanted else start // UNIT, units))
        if CHORDS in roles:
            lines.append(chord_line(score.chords, units))
        key = wish.tonality or key_of_lines(score, tracks)
        plan = Plan(kept, tracks, roles, tuple(lines), key, bars[gap.first - 1].meter.bar)
        made = self._told(plan, wish)
        told = {"bars": [gap.first, gap.last], "tracks": [number + 1 for number in wanted]}
        return replace(made, more={**made.more, "gap": told})

    def harmonised(self, score: Score, wish: Wish, track: int | None = None) -> Piece:
        """A melody, its notes as they are, with alto, tenor and bass (as tracks at the end), or with "chords".

        Chords that the score has are replaced by the new ones, and so is the track of block chords. Voices have the
        melody's program where no other is asked for.

        Raises:
            ParameterError: no track is one voice, or what `make` refuses.
        """
        refuse_fixed(wish)
        if wish.chords is not None:
            raise ParameterError("chords are what is looked for; leave them out")
        (number,), _ = lines_of(score, track, melody=True)
        bars = score.bars()
        units, key = bars[-1].end // UNIT, wish.tonality or key_of_lines(score, (number,))
        known = gapped_line(score.tracks[number].notes, units, units, units)
        gap = unknown_line(0, units)
        if wish.voices == "chords":
            bare = replace(score, chords=(), tracks=tuple(one for one in score.tracks if one.name != NAME))
            place = bare.tracks.index(score.tracks[number])
            roles, bar = (MELODY, CHORDS), bars[-1].meter.bar
            return self._told(
                Plan(bare, (place,), roles, (known, gap), key, bar, played=0, program=wish.program(0)), wish
            )
        own = score.tracks[number].program
        parts = tuple(Track(notes_of([]), ROLES[role], wish.program(n, own)) for n, role in enumerate(FOUR[1:]))
        whole = replace(score, tracks=(*score.tracks, *parts))
        tracks = (number, *range(len(score.tracks), len(whole.tracks)))
        return self._told(Plan(whole, tracks, FOUR, (known, gap, gap, gap), key, bars[-1].meter.bar), wish)

    def _told(self, plan: Plan, wish: Wish) -> Piece:
        """The best take of what the plan leaves open."""
        self._check_meters(plan.score.meters)
        shift = shift_to_c(Key(0, *plan.key))
        lines = tuple(moved(line, shift) for line in plan.lines)
        canvas = Canvas(
            Voices(lines, plan.roles, plan.units),
            allowed_symbols(plan, shift, wish),
            plan.bar // UNIT,
            wish.label(self.labels, self.checkpoint.name),
            plan.key[1],
            plan.sounds,
        )
        thirds = THIRDS.get(plan.roles[0], THIRDS[MELODY])

        def make(takes: list[Wish]) -> list[Piece]:
            pieces = []
            for place, take in enumerate(takes):
                push = {"low": 1.0, "high": -1.0}.get(take.density or "", 0.0) * PUSH * place
                random = clip_generator(take.seed, take.index, take.take)
                told = filled(self.net, canvas, Manner(take.temperature, take.top_p, push), random)
                new = tuple(
                    moved(within_gaps(line, gaps), -shift) for line, gaps in zip(told.lines, plan.lines, strict=True)
                )
                pieces.append(self._piece(plan, new, take))
            return pieces

        kept = self.best(
            wish, make, lambda piece: density_error(wish.density, piece.measured["notes_a_quarter"], thirds)
        )
        return replace(kept, more={**kept.more, "key_told": key_name(*plan.key)})

    def _piece(self, plan: Plan, new: Sequence[Line], wish: Wish) -> Piece:
        """The plan's score with new rows as notes and chords."""
        score, fresh = plan.score, []
        for number, line in zip(plan.tracks, new, strict=False):  # the line of chords has no track
            track = score.tracks[number]
            velocity = int(np.median(track.notes["velocity"])) if len(track.notes) else VELOCITY
            notes = notes_of_line(line, velocity=velocity)
            fresh.append(Track(notes))
            score = score.with_track(number, replace(track, notes=np.concatenate([track.notes, notes])))
        if CHORDS in plan.roles:
            score = replace(score, chords=chords_joined(score.chords, chords_of_line(new[-1])))
            if plan.played is not None:
                program = None if plan.played else plan.program
                score = accompanied(score, plan.tracks[0], plan.played, plan.units * UNIT, program=program)
        copies = self.index.report(replace(score, tracks=tuple(fresh))) if self.index is not None else None
        first = next((place for place, track in enumerate(fresh) if len(track.notes)), 0)
        gaps = [int(line[line[:, 2] == UNKNOWN, 1].sum()) * UNIT for line in plan.lines]
        told = measured(score, plan.tracks[0] if len(plan.tracks) == 1 else None, key=wish.tonality)
        if gaps[first]:
            told["notes_a_quarter"] = round(len(fresh[first].notes) * TICKS / gaps[first], 4)
        else:  # nothing of the lines with tracks was open, only chords
            told["notes_a_quarter"] = round(notes_a_quarter(score, plan.tracks[first]), 4)
        told["thin"] = any(is_thin(one.notes, gap) for one, gap in zip(fresh, gaps, strict=False))
        if CHORDS in plan.roles:
            told["off_chords"] = is_off(chord_tone_share(fresh[0].notes, score.chords), gaps[0])
        return Piece(score, wish.to_dict(), told, copies)

    def _check_meters(self, meters: tuple[Meter, ...]) -> None:
        if any(one.onset % UNIT or one.bar % UNIT or one.bar // UNIT > LONGEST_BAR for one in meters):
            told = ", ".join(f"{one.beats}/{one.unit}" for one in meters[:4])
            raise ParameterError(
                f"{self.checkpoint.name!r} can't count {told}: it counts bars of whole triplet sixteenths, up to two "
                "whole notes, such as 2/4, 3/4, 4/4, 2/2, 6/8 or 12/8"
            )

"""melody_maker: new melodies, and more of a tune, by the LSTM over the melody grid."""

from dataclasses import replace

import numpy as np

from audio_gen.errors import ParameterError
from audio_gen.models import checkpoint
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.melody import POSITIONS, MelodyNet
from audio_gen.models.melody_pieces import piece_of, widened
from audio_gen.pipelines.accompaniment import accompanied, key_of_chords, repeated
from audio_gen.pipelines.maker import Maker, density_error
from audio_gen.pipelines.note_copies import NoteIndex
from audio_gen.pipelines.piece import Piece, Wish, chord_tone_share, measured, refuse_fixed, up_to
from audio_gen.pipelines.singing import Frame, Steps, frame_of, sing
from audio_gen.pipelines.thin import is_off, is_thin
from audio_gen.symbolic.encoders.melody import VELOCITY, decode, encode
from audio_gen.symbolic.files import one_voice
from audio_gen.symbolic.score import SIXTEENTH, TICKS, Key, Meter, Score, Tempo, Track, notes_of
from audio_gen.symbolic.theory import estimate_key, key_name

BARS = 8  # where nobody tells
SHORTEST = 4  # sixteenths of a bar; the longest that the network counts is POSITIONS
CONTEXT = 1024  # steps of a primer that are heard, about: 64 bars of 4/4
THIRDS = (0.73, 0.97)  # notes a quarter that part OpenEWLD's 398 training melodies into thirds


class MelodyMaker(Maker):
    """Composes and continues melodies with a checkpoint of family "melody"."""

    def __init__(self, model: Checkpoint, index: NoteIndex | None = None) -> None:
        super().__init__(model, index)
        self.net = checkpoint.build(MelodyNet, model).requires_grad_(False)

    def check(self, wish: Wish) -> None:
        """See `Maker.check`; also metres that it doesn't count, and voices."""
        super().check(wish)
        self._fitting((wish.metre or Meter(0, 4, 4),))
        if wish.voices is not None:
            raise ParameterError(
                f"{self.checkpoint.name!r} sings one melody; leave out --voices, or use --model composer"
            )

    def make(self, wish: Wish) -> Piece:
        """A new melody, and a track of block chords where chords are asked for.

        Where nobody tells, it has 8 bars of 4/4 at 120 bpm. A key that is asked for is kept but for tones of chords
        that are asked for too; without one it is told the key of the chords, or C major, and may leave that. A range
        that it hardly knows is sung octaves away and put back.

        Raises:
            ParameterError: an unknown style, a metre that it doesn't count, or a range that leaves no pitch.
        """
        self.check(wish)
        meter, bars = wish.metre or Meter(0, 4, 4), wish.bars or BARS
        chords = wish.placed(bars, meter.bar)
        key = Key(0, *(wish.tonality or key_of_chords(chords, bars * meter.bar)))
        empty = Score(
            (Track(notes_of([]), "melody", wish.program(0)),), (meter,), (Tempo(0, wish.bpm or 120.0),), (key,), chords
        )
        return self._sung(empty, 0, wish, 0, bars * meter.bar)

    def continued(self, score: Score, wish: Wish, track: int | None = None) -> Piece:
        """The score, all its notes as they are, and then new ones of one voice.

        They begin on the first sixteenth after the last note of that voice, and go on to `wish.bars` bars (8 where
        nobody tells) after the score's last bar, in its metre and tempo. Where it has chords, and none are asked for,
        its own begin anew.

        Raises:
            ParameterError: no track is one voice, or its metre isn't one that this model counts; or an unknown style.
        """
        number = one_voice(score, track)
        refuse_fixed(wish)
        score = up_to(score, score.end)
        last = score.bars()[-1]
        until = last.end + (wish.bars or BARS) * last.meter.bar
        chords = wish.placed(wish.bars or BARS, last.meter.bar, last.end) or repeated(score.chords, last.end, until)
        notes = score.tracks[number].notes
        start = -(-int((notes["onset"] + notes["duration"]).max()) // SIXTEENTH)
        told = replace(score, chords=(*score.chords, *chords))
        return self._sung(told, number, wish, start, until)

    def _sung(self, score: Score, number: int, wish: Wish, start: int, until: int) -> Piece:
        """The best take of what a track may sing from step `start` to tick `until`."""
        frame = self._frame(score, number, wish, start, until)

        def make(takes: list[Wish]) -> list[Piece]:
            rows = sing(self.net, frame, takes)[:, frame.start :]
            return [
                self._piece(score, number, widened(row, frame.piece.shift + 12 * frame.octaves), start, take)
                for row, take in zip(rows, takes, strict=True)
            ]

        kept = self.best(
            wish, make, lambda piece: density_error(wish.density, piece.measured["notes_a_quarter"], THIRDS)
        )
        return replace(kept, more={**kept.more, "key_told": key_name(*(wish.tonality or key_at_end(score, number)))})

    def _frame(self, score: Score, number: int, wish: Wish, start: int, until: int) -> Frame:
        """What is sung to: the last bars of what is there, and what is told of the new ones."""
        meter = self._fitting(score.meters)
        notes = score.tracks[number].notes
        reach = notes_of([(until - SIXTEENTH, SIXTEENTH, 60, 1)])  # a note at its end makes the grid as long
        key = Key(0, *(wish.tonality or key_at_end(score, number)))
        told = replace(score.with_track(number, Track(np.concatenate([notes, reach]))), keys=(key,))
        piece = piece_of(encode(told, number), wish.label(self.labels, self.checkpoint.name))
        bars = np.flatnonzero(piece.position == 0)
        first = int(bars[bars <= max(0, start - CONTEXT)][-1])
        heard = replace(piece.cut(first, len(piece.tokens)), bar=meter.bar // SIXTEENTH)
        return frame_of(heard, start - first, wish)

    def _fitting(self, meters: tuple[Meter, ...]) -> Meter:
        """The last metre, if the network counts it."""
        meter = meters[-1]
        counted = meter.bar % SIXTEENTH == 0 and SHORTEST <= meter.bar // SIXTEENTH <= POSITIONS
        if not counted or any(one.onset % SIXTEENTH for one in meters):
            raise ParameterError(
                f"{self.checkpoint.name!r} can't count {meter.beats}/{meter.unit}: it counts bars of {SHORTEST} to "
                f"{POSITIONS} whole sixteenths, such as 2/4, 3/4, 4/4, 2/2, 6/8, 7/8 or 12/8"
            )
        return meter

    def _piece(self, score: Score, number: int, tokens: Steps, start: int, wish: Wish) -> Piece:
        """The score with tokens as notes of that track from step `start` on."""
        track = score.tracks[number]
        velocity = int(np.median(track.notes["velocity"])) if len(track.notes) else VELOCITY
        notes = decode(tokens, velocity=velocity).notes.copy()
        notes["onset"] += start * SIXTEENTH
        end = (start + len(tokens)) * SIXTEENTH
        whole = score.with_track(number, replace(track, notes=np.concatenate([track.notes, notes])))
        since, program = (score.bars()[-1].end, None) if start else (0, wish.program(1))
        whole = accompanied(whole, number, since, end, program=program)
        copies = self.index.report(replace(score, tracks=(Track(notes),))) if self.index is not None else None
        density = round(len(notes) * TICKS / (end - start * SIXTEENTH), 4)
        told = {**measured(whole, number, key=wish.tonality), "notes_a_quarter": density}
        told["thin"] = is_thin(notes, end - start * SIXTEENTH)
        told["off_chords"] = is_off(chord_tone_share(notes, whole.chords), end - start * SIXTEENTH)
        return Piece(whole, wish.to_dict(), told, copies)


def key_at_end(score: Score, number: int) -> tuple[int, bool]:
    """Tonic and whether minor: the last key that the score tells, or the one estimated from a track."""
    key = score.keys[-1] if score.keys else estimate_key(score.tracks[number].notes)
    return key.tonic, key.minor

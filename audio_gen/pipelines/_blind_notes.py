"""Files of notes → excerpts for a blind test: one form, one synthesizer, whatever wrote them."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from audio_gen.audio import synth
from audio_gen.errors import DecodeError, ParameterError
from audio_gen.pipelines._blind_clips import APART, Candidate, Excerpt, audible
from audio_gen.pipelines._note_part import part, seconds_at, tick_at
from audio_gen.symbolic.files import NOTE_EXTENSIONS, read_notes
from audio_gen.symbolic.midi import midi_bytes
from audio_gen.symbolic.score import TICKS, Score

MOST = 20_000  # notes of an excerpt, which take 2 s to play; what has more is no music that can be judged by ear
RATE = 44100  # Hz

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Band:
    """What plays all excerpts.

    Args:
        soundfont: SF2 or SF3 file.
        program: General MIDI instrument of all tracks but drums, 0 to 127; None: each track's own.
    """

    soundfont: Path
    program: int | None = None

    def played(self, candidate: Candidate, seconds: float) -> tuple[Excerpt, ...]:
        """The middle of each file, from the beginning of a bar; of renditions the same bars.

        Raises:
            DecodeError: a file can't be read, is too short, has no notes there, or isn't a rendition of the first.
        """
        scores = [read_notes(path) for path in candidate.paths]
        if candidate.aligned:
            _refuse_others(candidate.paths, scores)
        shortest = min(range(len(scores)), key=lambda number: scores[number].end)
        shared = _window(scores[shortest], candidate.paths[shortest], seconds) if candidate.aligned else None
        found = []
        for path, score in zip(candidate.paths, scores, strict=True):
            cut = part(score, *(shared or _window(score, path, seconds)))
            found.append(self._excerpt(path, cut, seconds))
        return tuple(found)

    def _excerpt(self, path: Path, score: Score, seconds: float) -> Excerpt:
        if not 0 < score.notes <= MOST:
            raise DecodeError(f"{str(path)!r} has {score.notes} notes in its middle; 1 to {MOST} are played")
        if self.program is not None:
            tracks = (one if one.is_drum else replace(one, program=self.program) for one in score.tracks)
            score = replace(score, tracks=tuple(tracks))
        try:
            data = midi_bytes(score)
        except ParameterError as error:  # of this file; what the synthesizer lacks is everybody's
            raise DecodeError(f"{str(path)!r} can't be played: {error}") from error
        clip = synth.render(data, soundfont=self.soundfont, sample_rate=RATE, seconds=seconds)
        return Excerpt(audible(clip.to(RATE, channels=1), path), score)


def are_notes(paths: Iterable[Path]) -> bool:
    """Whether these files are notes, by their names.

    Raises:
        ParameterError: some are and some aren't.
    """
    kinds = {path.suffix.lower() in NOTE_EXTENSIONS: path for path in paths}
    if len(kinds) > 1:
        raise ParameterError(
            f"{str(kinds[True])!r} holds notes and {str(kinds[False])!r} is a recording, which nobody would confuse; "
            "give notes on both sides, or recordings"
        )
    return True in kinds


def warn_of_instruments(sides: Sequence[Sequence[Excerpt]]) -> None:
    """A warning where no piece of one side has the instruments of a piece of the other: they alone tell all."""
    casts = [{_cast(one.score) for one in side if one.score is not None} for side in sides]
    if casts[0] and casts[1] and not casts[0] & casts[1]:
        told = " and ".join(" or ".join(sorted(cast)[:3]) for cast in casts)
        _log.warning("real and generated notes are told by their instruments: %s; --program makes them one", told)


def _cast(score: Score) -> str:
    names = sorted("drums" if track.is_drum else f"program {track.program}" for track in score.tracks)
    return " + ".join(names)


def _window(score: Score, path: Path, seconds: float) -> tuple[int, int]:
    """Ticks from the bar in which the middle begins."""
    spare = float(seconds_at(score, score.end)) - seconds
    if spare < -APART:
        raise DecodeError(
            f"{str(path)!r} lasts {spare + seconds:.2f} s, and excerpts of {seconds:g} s are cut; "
            "give longer files, or a smaller --seconds"
        )
    middle = tick_at(score, max(0.0, spare / 2))
    start = max((bar.start for bar in score.bars() if bar.start <= middle), default=0)
    return start, tick_at(score, float(seconds_at(score, start)) + seconds)


def _refuse_others(paths: Sequence[Path], scores: Sequence[Score]) -> None:
    first = scores[0]
    for path, score in zip(paths, scores, strict=True):
        same = (score.meters, score.tempi) == (first.meters, first.tempi)
        if not same or abs(score.end - first.end) > 4 * TICKS:
            raise DecodeError(
                f"{str(path)!r} is no rendition of {str(paths[0])!r}: metres and tempi must be the same, and the last "
                "notes end within a whole note of each other; make it from that file"
            )

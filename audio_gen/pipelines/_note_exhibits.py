"""Some new pieces of an evaluation beside the real ones that they were made after: files, a page, and a blind test."""

import csv
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from audio_gen.audio.clip import Clip
from audio_gen.audio.synth import find_soundfont
from audio_gen.errors import ParameterError
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.pipelines._blind_clips import APART
from audio_gen.pipelines._blind_draw import FEWEST
from audio_gen.pipelines._figures import Media
from audio_gen.pipelines._generator_page import KINDS, refuse_full
from audio_gen.pipelines._note_page import Row, Side, page
from audio_gen.pipelines._note_part import LOUDEST, part, seconds_at
from audio_gen.pipelines._roll_picture import roll_png, rows_of
from audio_gen.pipelines._samples import Asked, Made, Progress
from audio_gen.pipelines._tunes import voices
from audio_gen.pipelines.accompaniment import block_chords
from audio_gen.pipelines.blind_test import Plan, make_test
from audio_gen.pipelines.piece import measured
from audio_gen.pipelines.provenance import said_by
from audio_gen.pipelines.render import Finish, render_clip
from audio_gen.symbolic.files import write_notes
from audio_gen.symbolic.render import render_score
from audio_gen.symbolic.score import TICKS, Score, Tempo, Track

PAIRS = 10  # a blind test of 20 questions
BARS = 8  # of a piece, that are seen and heard
BAR = 4 * TICKS  # of 4/4
SHORTEST, LONGEST = 4.0, 12.0  # seconds of a question
TOO_SHORT = 0.2  # share of the pairs that may be left out of the test, so that one silent ending doesn't shorten all
RATE, LUFS = 44100, -16.0  # of all sounds, in Hz; their loudness
_log = logging.getLogger(__name__)


class NoteExhibits:
    """Keeps `PAIRS` of the new pieces that pass by, by chance, each with the real piece that it was made after.

    Args:
        folder: where they go: `index.html`, `clips/real` and `clips/generated` with WAV and MIDI, the test `blind`, and
            `blind.truth.json`.
        seed: of what is kept.

    Raises:
        ParameterError: the folder holds something, or there is no SoundFont to play anything with.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        refuse_full(folder)
        self.folder, self.seed, self._font = folder, seed, find_soundfont()
        self._made: dict[int, Made] = {}  # the first after each real piece

    def watching(self, progress: Progress) -> Progress:
        """The same progress, of which the new pieces are seen."""

        def watched(pieces: Iterable[Any], what: str, count: int) -> Iterator[Any]:
            for piece in progress(pieces, what, count):
                if isinstance(piece, Made):
                    self._made.setdefault(piece.asked.group, piece)
                yield piece

        return watched

    def write(self, model: Checkpoint, source: str) -> None:
        """All of it; a warning where too few pieces have notes for a blind test, or for anything.

        Args:
            model: what made the pieces.
            source: what the real ones are called.
        """
        order = np.random.default_rng(self.seed).permutation(sorted(self._made)).tolist()
        pairs = {number: _pair(self._made[number]) for number in order}
        kept = sorted([number for number, scores in pairs.items() if all(one.notes for one in scores)][:PAIRS])
        if not kept:
            _log.warning("%s: no page, since no new piece has notes", self.folder)
            return
        rows = [self._row(f"{n:02}", self._made[number], pairs[number], model) for n, number in enumerate(kept, 1)]
        lengths = [min(float(seconds_at(one, one.end)) for one in pairs[number]) for number in kept]
        seconds = float(np.quantile(lengths, TOO_SHORT, method="lower").clip(SHORTEST, LONGEST))
        asked = [row for row, length in zip(rows, lengths, strict=True) if length >= seconds - APART]
        if missing := len(rows) - len(asked):
            _log.info(
                "%s: %d of %d pairs are too short for questions of %.1f s", self.folder, missing, len(rows), seconds
            )
        text = page(model, source, BARS, rows, self._blind(asked, seconds))
        (self.folder / "index.html").write_bytes(text.encode("utf-8", "backslashreplace"))
        _log.info("%s: %d new pieces beside real ones", self.folder / "index.html", len(rows))

    def _row(self, stem: str, made: Made, shown: tuple[Score, Score], model: Checkpoint) -> Row:
        wish = made.asked.wish
        seconds = float(seconds_at(shown[0], min(BARS, made.asked.bars) * BAR))
        scale = rows_of(shown)
        sides = []
        for kind, short, score in zip(KINDS, shown, (made.asked.score, made.piece.score), strict=True):
            sound, midi = (f"clips/{kind}/{stem}{ending}" for ending in (".wav", ".mid"))
            made_by = {**said_by(model), "wish": made.piece.wish} if kind == KINDS[1] else {}
            _play(self.folder / sound, short, self._font, made_by)
            write_notes(self.folder / midi, short)
            media = Media(seconds, roll_png(short, seconds, scale), rows=scale.ticks())
            sides.append(Side(sound, midi, media, _measured(score, made.asked)))
        return Row(f"{stem} {wish.style or ''}".strip(), wish.to_dict(), *sides)

    def _blind(self, rows: list[Row], seconds: float) -> str:
        """Make the test; gives what the page says of it."""
        count = 2 * len(rows)
        if count < FEWEST:
            _log.warning("%s: no blind test of %d pieces; %d are the fewest", self.folder, count, FEWEST)
            return ""
        table = self.folder / "clips" / "pairs.csv"
        with table.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerow((*KINDS, "label"))
            for row in rows:
                paths = (side.midi.removeprefix("clips/") for side in (row.real, row.generated))
                csv.writer(file).writerow((*paths, row.asked["style"]))
        plan = Plan(pairs=table, count=count, seconds=seconds, seed=self.seed, soundfont=self._font)
        try:
            done = make_test(plan, self.folder / "blind")
        except ParameterError as error:  # an evaluation of minutes shall not end with this
            _log.warning("%s: no blind test: %s", self.folder, error)
            return ""
        return (
            f'<p>Can you tell them apart? <a href="blind/index.html">A blind test of {done.questions} questions</a> '
            "has the same pieces shuffled; take it before you look further down. Then <code>audio-gen blind score "
            "blind.truth.json answers.json</code> says how well you did.</p>"
        )


def _pair(made: Made) -> tuple[Score, Score]:
    """The beginnings of the real and of the new piece, as they are played."""
    real, new = (_beginning(score, made.asked) for score in (made.asked.score, made.piece.score))
    return real, new


def _beginning(score: Score, asked: Asked) -> Score:
    """Tunes on sixteenths over their chords, drums as they are, at the real piece's tempo."""
    end = min(BARS, asked.bars) * BAR
    lines = _lines(score, asked)
    if lines.chords:
        lines = replace(lines, tracks=(*lines.tracks, block_chords(lines.chords, end)))
    return part(lines, 0, end)


def _lines(score: Score, asked: Asked) -> Score:
    """What of a piece is compared: its drums, its four voices, or its first one."""
    if asked.wish.key is None:
        tracks = tuple(one for one in score.tracks if one.is_drum)
    else:
        chosen = voices(score)[: 4 if asked.wish.voices == "satb" else 1]
        tracks = Score(tuple(_even(score.tracks[number]) for number in chosen)).quantise().score.tracks
    return Score(tracks, tempi=(Tempo(0, asked.score.tempi[0].bpm),), chords=score.chords)


def _even(track: Track) -> Track:
    """Lead sheets and chorales tell neither instrument nor loudness, and each model writes its own."""
    notes = track.notes.copy()
    notes["velocity"] = LOUDEST
    return Track(notes)


def _measured(score: Score, asked: Asked) -> dict[str, Any]:
    """Of all bars that were asked for, the chords' own notes left out."""
    lines = _lines(score, asked)
    whole = replace(part(lines, 0, asked.bars * BAR), chords=lines.chords)
    return measured(whole, key=asked.wish.tonality)


def _play(path: Path, score: Score, font: Path, tags: Mapping[str, Any]) -> None:
    sound = render_score(score, soundfont=font, sample_rate=RATE)
    clip = Clip(sound.samples.mean(0, keepdim=True), RATE)
    render_clip(path, clip, Finish(lufs=LUFS), {**tags, "soundfont": font.name})

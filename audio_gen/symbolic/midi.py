"""MIDI bytes ↔ Score: what a Score holds comes back exactly, and a file that can't serve says why.

Chords stand in the file as markers (`chord:Dm7/A`), which other programs show as text.
"""

from array import array
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from audio_gen.errors import DecodeError, ParameterError
from audio_gen.symbolic import _midi_events as smf
from audio_gen.symbolic._midi_events import Event
from audio_gen.symbolic.chords import chord_code, chord_name, parse_chord
from audio_gen.symbolic.score import NOTE, TICKS, Chord, Key, Meter, Notes, Score, Tempo, Track

DRUMS = 9  # the channel whose pitches are drums, counted from 0
MAX_BYTES = 1 << 24  # of a file: some two million notes
# Of a piece, 2.8 hours at 120 bpm: a delta time of a few bytes can mean months, and models play drums or voices to all
# of it, 5,000 bars in some minutes
MAX_QUARTERS = 20_000
MINUTE = 60e6  # microseconds
SLOWEST = MINUTE / 0xFFFFFF  # bpm: microseconds a quarter have 24 bits
_CHORD = b"chord:"

Part = tuple[int, int]  # channel and program: a chunk holds a track for each


def read_midi(data: bytes, name: str) -> Score:
    """The music in the bytes of a Standard MIDI File.

    Each track chunk becomes one track for each channel and program in it; a chunk without notes counts where it
    chooses one instrument. Other resolutions than 480 ticks a quarter are brought to it, which moves a note by half a
    tick at most (half a millisecond at 120 bpm), and notes without length get one tick. A note that is never released
    ends with its chunk. Tempi are the bpm with the fewest decimals that the file's microseconds stand for. Data bytes
    over 127 count as 127, as players take them; keys that are none, unknown markers, controllers and pitch bends are
    left out.

    Args:
        data: the file's bytes.
        name: what errors call it.

    Raises:
        DecodeError: no such file, damaged, over 16 MiB or 20,000 quarters, of several patterns (type 2), in film
            frames (SMPTE), or with a metre or a tempo that is none.
    """
    if len(data) > MAX_BYTES:
        raise DecodeError(f"{name!r} has {len(data)} bytes; MIDI is read up to {MAX_BYTES}: split it into pieces")
    try:
        chunks = smf.read_chunks(data)
        _check_time(chunks)
        reader = _Reader(chunks.division)
        return reader.score([track for chunk in chunks.tracks for track in reader.take(chunk)])
    except ParameterError as error:
        raise DecodeError(f"{name!r} can't be read as a score: {error}; mend it in a MIDI editor") from error
    except ValueError as error:
        raise DecodeError(f"{name!r} is a damaged MIDI file, or none ({error}); get a whole copy of it") from error


def midi_bytes(score: Score) -> bytes:
    """A Standard MIDI File of type 1 at 480 ticks a quarter: tempi, metres, keys and chords, then a chunk a track.

    Drums are on channel 10; the other tracks take the other channels in turn, so from the 16th on two instruments
    share one, which players can't tell apart, though `read_midi` can. Tempi are rounded to a microsecond a quarter:
    one of up to one decimal comes back exactly.

    Raises:
        ParameterError: a tempo under 3.58 bpm, a piece over 20,000 quarters, or an unknown chord.
    """
    _check_end(max(score.end, *(signs[-1].onset for signs in _signs(score) if signs)))
    slow = [tempo.bpm for tempo in score.tempi if tempo.bpm < SLOWEST]
    if slow:
        raise ParameterError(
            f"MIDI holds no tempo under {SLOWEST:.3f} bpm, such as {slow[0]}; write it as faster notes"
        )
    free = [channel for channel in range(16) if channel != DRUMS]
    melodic = [number for number, track in enumerate(score.tracks) if not track.is_drum]
    channels = {number: free[place % len(free)] for place, number in enumerate(melodic)}
    tracks = [_written(track, channels.get(number, DRUMS)) for number, track in enumerate(score.tracks)]
    return smf.write_chunks(TICKS, [_written_common(score), *tracks])


def _signs(score: Score) -> tuple[tuple[Meter, ...], tuple[Tempo, ...], tuple[Key, ...], tuple[Chord, ...]]:
    return score.meters, score.tempi, score.keys, score.chords


class _Reader:
    """Reads chunk after chunk; gathers what holds for all tracks, in the file's own ticks."""

    def __init__(self, division: int) -> None:
        self.division = division
        self.tempi = {0: 120.0}
        self.meters = {0: (4, 4)}
        self.keys: dict[int, tuple[int, bool]] = {}
        self.chords: dict[int, tuple[int, str, int]] = {}
        self.programs: dict[int, int] = {}  # by channel, from chunks without notes: they set instruments up

    def take(self, chunk: bytes) -> list[Track]:
        """The tracks of a chunk, in the order in which they begin."""
        rows: dict[Part, array[int]] = defaultdict(lambda: array("q"))  # onset, end, pitch, velocity of each note
        sounding: dict[tuple[int, int], deque[tuple[Part, int]]] = defaultdict(deque)
        programs: dict[int, int] = {}
        name, tick = b"", 0
        for tick, status, data in smf.read_events(chunk):
            message, channel = status & 0xF0, status & 15
            if message in (smf.ON, smf.OFF):
                pitch, velocity = min(data[0], 127), min(data[1], 127)
                if message == smf.ON and velocity:
                    part = channel, programs.get(channel, self.programs.get(channel, 0))
                    rows[part].extend((tick, -1, pitch, velocity))
                    sounding[channel, pitch].append((part, len(rows[part]) - 3))
                elif waiting := sounding.get((channel, pitch)):  # the first that began ends first
                    part, place = waiting.popleft()
                    rows[part][place] = tick
            elif message == smf.PROGRAM:
                programs[channel] = min(data[0], 127)
            elif status == smf.META and data[0] == smf.NAME:
                name = name or data[1:]
            elif status == smf.META:
                self._note_down(tick, data[0], data[1:])
        if not rows:
            self.programs |= programs
            if len(programs) == 1:
                rows[next(iter(programs.items()))] = array("q")
        return [self._track(part, found, tick, _text(name)) for part, found in rows.items()]

    def score(self, tracks: list[Track]) -> Score:
        """The tracks and all that was gathered."""
        return Score(
            tuple(tracks),
            tuple(Meter(tick, *meter) for tick, meter in self._in_order(self.meters)),
            tuple(Tempo(tick, bpm) for tick, bpm in self._in_order(self.tempi)),
            tuple(Key(tick, *key) for tick, key in self._in_order(self.keys)),
            tuple(Chord(tick, *chord) for tick, chord in self._in_order(self.chords)),
        )

    def _in_order(self, found: dict[int, Any]) -> Iterable[tuple[int, Any]]:
        moved = {self._tick(tick): value for tick, value in sorted(found.items())}  # of two on one tick, the last
        _check_end(max(moved, default=0))
        return moved.items()

    def _note_down(self, tick: int, kind: int, data: bytes) -> None:
        if kind == smf.TEMPO:
            self.tempi[tick] = _bpm(int.from_bytes(data[:3]))
        elif kind == smf.METER and len(data) > 1:
            self.meters[tick] = data[0], 1 << data[1]
        elif kind == smf.KEY and len(data) > 1 and -7 <= (fifths := (data[0] + 128) % 256 - 128) <= 7:
            self.keys[tick] = (7 * fifths + 9 * (data[1] == 1)) % 12, data[1] == 1
        elif kind == smf.MARKER and data.startswith(_CHORD):
            try:
                self.chords[tick] = parse_chord(_text(data[len(_CHORD) :]))
            except ParameterError:
                return  # somebody else's marker

    def _track(self, part: Part, rows: "array[int]", last: int, name: str) -> Track:
        found = np.frombuffer(rows, np.int64).reshape(-1, 4)
        onset, end = self._tick(found[:, 0]), self._tick(np.where(found[:, 1] < 0, last, found[:, 1]))
        duration = np.maximum(1, end - onset)
        _check_end(int((onset + duration).max(initial=0)))
        notes: Notes = np.empty(len(found), NOTE)
        notes["onset"], notes["duration"], notes["pitch"], notes["velocity"] = onset, duration, found[:, 2], found[:, 3]
        return Track(notes, name, part[1], part[0] == DRUMS)

    def _tick(self, tick: Any) -> Any:
        """The file's ticks → ours, to the nearest."""
        return (2 * tick * TICKS + self.division) // (2 * self.division)


def _check_time(chunks: smf.MidiChunks) -> None:
    if chunks.kind > 1 and len(chunks.tracks) > 1:
        raise ParameterError(f"type {chunks.kind}, {len(chunks.tracks)} patterns apart: save each as a file of its own")
    if chunks.division < 0:
        raise ParameterError("it counts time in film frames (SMPTE), not in ticks a quarter: export it with a tempo")
    if chunks.division == 0:
        raise ParameterError("it has 0 ticks a quarter, where 480 are usual")


def _check_end(tick: int) -> None:
    if tick > MAX_QUARTERS * TICKS:
        raise ParameterError(f"it lasts {tick // TICKS} quarters, where {MAX_QUARTERS} are allowed")


def _bpm(microseconds: int) -> float:
    """The tempo with the fewest decimals that is written so: 428,571 are 140, not 140.00014."""
    exact = MINUTE / microseconds if microseconds else float("inf")
    tries = (round(exact, decimals) for decimals in range(4)) if 1 <= exact <= 1000 else ()
    return next((bpm for bpm in tries if round(MINUTE / bpm) == microseconds), exact)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")  # what programs wrote before


def _meta(tick: int, kind: int, data: bytes) -> Event:
    return tick, smf.META, bytes([kind]) + data


def _written_common(score: Score) -> Iterator[Event]:
    for meter in score.meters:
        yield _meta(meter.onset, smf.METER, bytes([meter.beats, meter.unit.bit_length() - 1, 24, 8]))
    for tempo in score.tempi:
        yield _meta(tempo.onset, smf.TEMPO, round(MINUTE / tempo.bpm).to_bytes(3))
    for key in score.keys:
        fifths = (7 * (key.tonic - 9 * key.minor) + 5) % 12 - 5  # -5 to 6 sharps
        yield _meta(key.onset, smf.KEY, bytes([fifths % 256, key.minor]))
    for chord in score.chords:
        chord_code(chord.root, chord.quality)  # it knows what is allowed
        yield _meta(chord.onset, smf.MARKER, _CHORD + chord_name(*chord[1:]).encode())


def _written(track: Track, channel: int) -> Iterator[Event]:
    if track.name:
        yield _meta(0, smf.NAME, track.name.encode("utf-8", "replace"))
    yield 0, smf.PROGRAM + channel, bytes([track.program])
    notes = track.notes
    for onset, duration, pitch in notes[["onset", "duration", "pitch"]].tolist():  # first: what ends makes room
        yield onset + duration, smf.OFF + channel, bytes([pitch, 64])
    for onset, pitch, velocity in notes[["onset", "pitch", "velocity"]].tolist():
        yield onset, smf.ON + channel, bytes([pitch, velocity])

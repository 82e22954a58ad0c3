"""Controls asked for one at a time, of a maker that does as it is told and of one that plays the same each time."""

from types import SimpleNamespace
from typing import Any

import pytest

from audio_gen.pipelines._obedience import obedience
from audio_gen.pipelines._samples import Asked
from audio_gen.pipelines.maker import Maker
from audio_gen.pipelines.piece import Piece, Wish, notes_a_quarter
from audio_gen.symbolic.score import TICKS, Chord, Meter, Score, Tempo, Track, notes_of
from audio_gen.symbolic.theory import chord_tones

QUARTERS = {"low": 2.0, "mid": 1.2, "high": 0.5}  # of a note; the thirds of melodies are .73 and .97 notes a quarter


class Obedient(Maker):
    """Plays the chord that is asked for, or the tonic, from the lowest pitch that is allowed on."""

    def __init__(self, family: str = "melody") -> None:
        self.checkpoint: Any = SimpleNamespace(family=family)

    def make(self, wish: Wish) -> Piece:
        meter, bars = wish.metre or Meter(0, 4, 4), wish.bars or 8
        chords = wish.placed(bars, meter.bar) or (Chord(0, (wish.tonality or (0, False))[0], "maj", 0),)
        step, end, rows = int(TICKS * QUARTERS.get(wish.density or "mid", 1.2)), bars * meter.bar, []
        for onset in range(0, end, step):
            chord = [one for one in chords if one.onset <= onset][-1]
            tones = chord_tones(chord.root, chord.quality)
            low = (wish.span or (60, 84))[0]
            pitch = next(one for one in range(low, low + 12) if tones[one % 12])
            rows.append((onset, min(step, end - onset), pitch, 80))
        track = Track(notes_of(rows), is_drum=self.checkpoint.family == "drum_rnn")
        score = Score((track,), (meter,), (Tempo(0, wish.bpm or 120.0),), (), chords)
        return Piece(score, wish.to_dict(), {"notes_a_quarter": notes_a_quarter(score, 0)})


class Stubborn(Obedient):
    """Hears nothing of what is asked."""

    def make(self, wish: Wish) -> Piece:
        return super().make(Wish())


def told(maker: Maker, parts: str = "melody") -> dict[str, dict[str, Any]]:
    real = [Asked(0, Obedient().make(Wish(density="high")).score, 8, Wish())]
    return obedience(maker, parts, real, 3, 0, lambda pieces, _, __: pieces)


def test_who_does_as_told_and_who_does_not() -> None:
    exact = {"density low", "density mid", "density high", "bars", "metre", "tempo", "range", "chord_tones"}
    obedient, stubborn = told(Obedient()), told(Stubborn())
    assert obedient.keys() == stubborn.keys() == exact | {"key", "notes_in_key"}
    assert {obedient[name]["asked"]["value"] for name in exact} == {1}
    assert obedient["notes_in_key"]["asked"]["value"] == 1 > obedient["notes_in_key"]["not_asked"]["value"]
    for name, row in stubborn.items():
        assert row["asked"] == row["not_asked"], name
    assert [stubborn[f"density {name}"]["asked"]["value"] for name in QUARTERS] == [0, 1, 0]
    assert obedient["density high"] | {"asked": 0, "not_asked": 0} == {
        "asked": 0,
        "not_asked": 0,
        "chance": 1 / 3,
        "real": {"value": 1, "low": 1, "high": 1},
    }
    assert obedient["chord_tones"]["real"]["value"] == 1
    assert stubborn["chord_tones"]["asked"]["value"] < 0.5


@pytest.mark.parametrize(("family", "parts"), [("drum_rnn", "drums"), ("composer", "satb")])
def test_what_can_be_asked_of_each(family: str, parts: str) -> None:
    found = told(Obedient(family), parts)
    tuned = {"range", "key", "notes_in_key"}
    assert ("chord_tones" in found) is False
    assert found.keys() & tuned == (set() if parts == "drums" else tuned)
    assert found["metre"]["asked"]["value"] == 1 > found["metre"]["not_asked"]["value"]

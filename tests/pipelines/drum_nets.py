"""Tiny drum networks with random weights, and files of notes for them."""

from pathlib import Path

import torch

from audio_gen.models import drum_rnn, drum_vae, humaniser
from audio_gen.symbolic.score import Meter, Score, Tempo, Track, notes_of
from tests import notes
from tests.pipelines import note_layouts

STYLES = ("funk", "rock")
FOUR_FOUR, THREE_FOUR = Meter(0, 4, 4), Meter(0, 3, 4)
SMALL = {"styles": 2, "width": 8}


def rnn(folder: Path, name: str = "drums-rnn") -> Path:
    """A recurrent drum network that hits often."""
    net = note_layouts.seeded(drum_rnn.DrumRnnNet, SMALL)
    torch.nn.init.normal_(net.straight.weight, std=2.0)
    net.straight.bias.data.fill_(-1.0)
    net.lstm.weight_ih_l0.data *= 4
    return notes.saved(folder, name, drum_rnn.FAMILY, net, SMALL, STYLES)


def vae(folder: Path, name: str = "drums-vae") -> Path:
    """A drum autoencoder whose grooves differ."""
    config = {**SMALL, "latent": 4}
    net = note_layouts.seeded(drum_vae.DrumVaeNet, config)
    net.outward[-1].weight.data *= 8
    net.directions.data.normal_()
    return notes.saved(folder, name, drum_vae.FAMILY, net, config, STYLES)


def feeling(folder: Path, name: str = "humanise") -> Path:
    """A humaniser with a will of its own."""
    net = note_layouts.seeded(humaniser.HumaniserNet, SMALL)
    net.players[0].velocity.weight.data *= 4
    net.players[0].velocity.bias.data += 1
    return notes.saved(folder, name, humaniser.FAMILY, net, SMALL, STYLES)


def flat(bars: int = 2, *, velocity: int = 100, meter: Meter = FOUR_FOUR, more: bool = True) -> Score:
    """Kick, snare and hi-hat as a machine plays them, beside a cowbell and, with `more`, a bass on a track before."""
    steps = bars * meter.bar // 120
    rows = [(120 * step, 60, 42, velocity) for step in range(0, steps, 2)]
    rows += [(120 * step, 60, 36 if step % 8 == 0 else 38, velocity) for step in range(0, steps, 4)]
    rows += [(120 * step + 7, 30, 56, 77) for step in range(0, steps, 8)]
    bass = [Track(notes_of([(11, 470, 40, 99), (960, 480, 43, 55)]), "bass", 33)] if more else []
    return Score((*bass, Track(notes_of(rows), "kit", is_drum=True)), (meter,), (Tempo(0, 100.0),))


def tune(bars: int = 3, *, meter: Meter = THREE_FOUR) -> Score:
    """A melody without drums."""
    rows = [(240 * place, 200, 60 + place % 5, 80 + place % 7) for place in range(bars * meter.bar // 240)]
    return Score((Track(notes_of(rows), "melody"),), (meter,), (Tempo(0, 90.0), Tempo(meter.bar, 120.0)))

"""Models and data small enough to be made, trained and used in milliseconds."""

import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import settings
from torch import nn

from audio_gen.audio.synth import find_soundfont
from audio_gen.datasets._arrays import Arrays, Track
from audio_gen.errors import ParameterError
from audio_gen.features.decibel_image import SPEC
from audio_gen.features.mel_spec import MelSpec
from audio_gen.features.notes import NOTE_ROWS
from audio_gen.models import checkpoint
from audio_gen.models.autoencoder import AutoencoderNet
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.classifier import ClassifierNet
from audio_gen.models.discriminators import CRITIC, DiscriminatorNet
from audio_gen.models.generator import GeneratorNet
from audio_gen.models.vocoder import VocoderNet
from audio_gen.symbolic.score import Chord, Key, Meter, Score, Tempo, notes_of
from audio_gen.symbolic.score import Track as Voice
from audio_gen.symbolic.table import to_rows

# the same examples every time, however slow the machine, and no folder of them
settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
settings.load_profile("repeatable")

# a shell starts what runs in its background deaf to interrupts, and so would be the commands that tests interrupt
signal.signal(signal.SIGINT, signal.default_int_handler)

INSTRUMENTS = ("drums", "flute", "organ", "voice")


@dataclass(frozen=True)
class Tiny:
    """Writes tiny checkpoints, with random weights that do listen, into `folder`, where `load` finds them by name."""

    folder: Path

    def classifier(
        self,
        name: str = "genre",
        labels: Sequence[str] = ("blues", "jazz", "rock"),
        *,
        dimensions: int = 0,
        columns: int = 13,
        seed: int = 0,
        more: dict[str, Any] | None = None,
        **changes: Any,
    ) -> Path:
        """A classifier over one-second windows; `more` goes into its config."""
        config = {"classes": len(labels), "dimensions": dimensions, "widths": [8, 8, 8, 8], **(more or {})}
        net = self._random(ClassifierNet(**config), seed)
        picture = "tonal_image" if "tonality" in config else "decibel_image"
        front_end = {"name": picture, "columns": columns, "window_s": columns * 30 / 387}
        return self._save(name, "classifier", config, net, SPEC, labels, front_end, changes)

    def emotion(self, name: str = "emotion", *, more: dict[str, Any] | None = None, **changes: Any) -> Path:
        """A classifier of quadrants with valence and arousal, which hears the tonality too."""
        more = {"tonality": 3, **(more or {})}
        return self.classifier(name, ("Q1", "Q2", "Q3", "Q4"), dimensions=2, seed=1, more=more, **changes)

    def generator(
        self,
        name: str = "music",
        labels: Sequence[str] = ("folk", "techno"),
        *,
        spec: MelSpec | None = None,
        seed: int = 0,
        length: int = 0,
        critic: bool = False,
        **changes: Any,
    ) -> Path:
        """A generator of log-mels about as loud as music; with `length`, of one-shots of so many frames."""
        spec = spec or MelSpec(n_fft=512, hop_length=256, n_mels=32)
        config: dict[str, Any] = {"classes": len(labels), "n_mels": spec.n_mels, "widths": [8, 8]}
        config |= {"embedding": 4, "blocks": 1, "length": length}
        net = self._random(GeneratorNet(**config), seed)
        net.mean.fill_(-4.0)
        if length:
            net.place.data = torch.randn(net.place.shape, generator=torch.Generator().manual_seed(seed))
        if critic:
            judge = self._random(DiscriminatorNet(**config), seed + 1)
            state = {CRITIC + key: value for key, value in judge.state_dict().items()}
            changes = {"state": {**net.state_dict(), **state}, "training": {"settings": {"frames": 32}}, **changes}
        return self._save(name, "generator", config, net, spec, labels, {"name": "log_mel"}, changes)

    def autoencoder(
        self,
        name: str = "vae",
        labels: Sequence[str] = ("folk", "techno"),
        *,
        spec: MelSpec | None = None,
        seed: int = 0,
        **changes: Any,
    ) -> Path:
        """An autoencoder whose classes have sequences of their own."""
        spec = spec or MelSpec(n_fft=512, hop_length=256, n_mels=32)
        config = {"classes": max(1, len(labels)), "n_mels": spec.n_mels, "widths": [8, 8], "latent": 4, "blocks": 1}
        net = self._random(AutoencoderNet(**config), seed)
        net.decoder.mean.fill_(-4.0)
        random = torch.Generator().manual_seed(seed)
        for number in range(len(labels)):
            walks = torch.randn(3, 4, 200, generator=random).cumsum(2).mul(0.1).sub(number)
            net.learn_sequence(number, list(walks))
        return self._save(name, "autoencoder", config, net, spec, labels, {"name": "log_mel"}, changes)

    def vocoder(self, name: str = "neural", *, spec: MelSpec | None = None, **changes: Any) -> Path:
        """A vocoder that changes a little of what Griffin-Lim finds."""
        spec = spec or MelSpec(n_fft=512, hop_length=256, n_mels=32)
        config = {"widths": [8, 16], "blocks": 1, "prior": 2}
        torch.manual_seed(0)
        net = VocoderNet(spec, (8, 16), 1, 2)
        net.factor.weight.data = 0.02 * torch.randn(net.factor.weight.shape)
        return self._save(name, "vocoder", config, net, spec, (), {"name": "log_mel"}, changes)

    def _random(self, net: Any, seed: int) -> Any:
        random = torch.Generator().manual_seed(seed)
        layers = [module for module in net.modules() if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Linear))]
        for layer in layers:
            size = 1.5 / layer.weight[0].numel() ** 0.5
            layer.weight.data = size * torch.randn(layer.weight.shape, generator=random)
        if getattr(net, "tonal", None) is not None:
            net.tonal.weight.data *= 0.2
        for layer in layers:
            if layer.bias is not None:
                layer.bias.data = 0.2 * torch.randn(layer.bias.shape, generator=random)
        return net.eval()

    def _save(
        self,
        name: str,
        family: str,
        config: dict[str, Any],
        net: nn.Module,
        spec: MelSpec,
        labels: Sequence[str],
        front_end: dict[str, Any],
        changes: dict[str, Any],
    ) -> Path:
        fields: dict[str, Any] = {
            "name": name,
            "family": family,
            "config": config,
            "spec": spec,
            "front_end": front_end,
            "labels": tuple(labels),
            "training": {"seed": 1},
            "metrics": {},
            "licence": "CC0-1.0, made by a test",
            "state": net.state_dict(),
        }
        path = self.folder / f"{name}.safetensors"
        Checkpoint(**{**fields, **changes}).save(path)
        return path


@pytest.fixture
def soundfont() -> None:
    """For tests that play notes: they are skipped, saying why, where there is nothing to play them with."""
    try:
        find_soundfont()
    except ParameterError as error:
        pytest.skip(str(error))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """--jobs changes the threads of the whole process; two of them wait for each other on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tiny:
    """Tiny checkpoints by name, and no others."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    monkeypatch.setenv("AUDIO_GEN_CHECKPOINTS", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(checkpoint, "__file__", str(tmp_path / "installed" / "audio_gen" / "models" / "checkpoint.py"))
    return Tiny(folder)


def track(number: int, label: str, split: str, dataset: str = "made", **targets: float) -> Track:
    return Track(f"{dataset}/{split}/{number}", dataset, split, f"group {number}", label, targets)


@pytest.fixture
def pictures() -> Arrays:
    """Four classes, each loud in bands of its own; tracks of one or two pictures."""
    random = np.random.default_rng(0)
    tracks, images, index = [], [], []
    for number in range(36):
        kind = number % 4
        tracks.append(track(number, INSTRUMENTS[kind], "valid" if number >= 24 else "train"))
        for _ in range(1 + number % 2):
            image = random.integers(0, 120, (128, 40))
            image[30 * kind : 30 * kind + 25] += 100
            images.append(image.clip(0, 255).astype(np.uint8))
            index.append(number)
    order = random.permutation(len(images))  # a track's pictures need not lie together
    return Arrays("image", np.stack(images)[order], np.array(index)[order], tuple(tracks), SPEC, INSTRUMENTS, "CC0-1.0")


@pytest.fixture
def emotions() -> Arrays:
    """Two datasets: one that tells quadrants, one that tells valence and arousal; bands say which."""
    random = np.random.default_rng(0)
    tracks, images = [], []
    for number in range(40):
        arousal, valence = (number // 2) % 2 * 2 - 1, number % 2 * 2 - 1
        split = "valid" if number % 20 >= 12 else "train"
        quadrant = {(1, 1): "Q1", (-1, 1): "Q2", (-1, -1): "Q3", (1, -1): "Q4"}[valence, arousal]
        if number < 20:
            tracks.append(track(number, quadrant, split, "quadrants"))
        else:
            noise = random.uniform(-0.3, 0.3, 2)
            told = {"valence": 0.6 * valence + noise[0], "arousal": 0.6 * arousal + noise[1], "valence_sd": 0.2}
            tracks.append(track(number, "", split, "rated", **told))
        image = random.integers(0, 100, (SPEC.n_mels + NOTE_ROWS, 40))
        image[:40] += 60 * (arousal > 0)
        image[60:100] += 60 * (valence > 0)
        images.append(image.astype(np.uint8))
    return Arrays(
        "tonal_image",
        np.stack(images),
        np.arange(40),
        tuple(tracks),
        SPEC,
        ("Q1", "Q2", "Q3", "Q4"),
        "CC BY-NC-SA 4.0",
    )


@pytest.fixture
def waves() -> Arrays:
    """Six tracks of chords that ring on, 1 to 2 s long."""
    spec, random = MelSpec(sample_rate=8000, n_fft=256, hop_length=64, n_mels=16), np.random.default_rng(0)
    parts, tracks = [], []
    for number in range(6):
        time = np.arange(8000 + 1600 * number) / 8000
        chord = sum(np.sin(2 * np.pi * hertz * time) for hertz in random.uniform(200, 3000, 3))
        parts.append((6000 * chord * np.exp(-time) + random.normal(0, 30, len(time))).astype(np.int16))
        tracks.append(track(number, "", "valid" if number > 3 else "train"))
    bounds = np.cumsum([0, *map(len, parts)])
    return Arrays("waveform", np.concatenate(parts), bounds, tuple(tracks), spec, (), "CC0-1.0")


@pytest.fixture
def mels() -> Arrays:
    """Two styles of log-mel, one loud below and one above; lengths differ."""
    random = np.random.default_rng(0)
    spec = MelSpec(n_fft=512, hop_length=256, n_mels=16)
    tracks, parts = [], []
    for number in range(10):
        kind = number % 2
        frames = 0.7 * random.standard_normal((60 + 10 * number, 16)) - 6
        frames[:, 8 * kind : 8 * kind + 8] += 4
        parts.append(frames.astype(np.float16))
        tracks.append(track(number, ("low", "high")[kind], "valid" if number >= 8 else "train"))
    bounds = np.cumsum([0, *map(len, parts)])
    return Arrays("log_mel", np.concatenate(parts), bounds, tuple(tracks), spec, ("high", "low"), "GPL-3.0-or-later")


def score_arrays(scores: Sequence[tuple[str, str, Score]], **targets: float) -> Arrays:
    """Arrays of kind "score" from (split, label, score) each."""
    rows = [to_rows(score) for *_, score in scores]
    tracks = tuple(track(number, label, split, **targets) for number, (split, label, _) in enumerate(scores))
    labels = tuple(sorted({label for _, label, _ in scores}))
    bounds = np.cumsum([0, *map(len, rows)])
    return Arrays("score", np.concatenate(rows), bounds, tracks, MelSpec(), labels, "CC0-1.0")


@pytest.fixture
def grooves() -> Arrays:
    """Two styles of drums, one straight and one late and soft; 4/4, and one piece in 3/4."""
    made = []
    for number in range(14):
        random, late = np.random.default_rng(number), 30 * (number % 2)
        cells = [(0, 36), (4, 38), (8, 36), (12, 38), *((step, 42) for step in range(0, 16, 2))]
        notes = [
            (1920 * bar + 120 * step + late, 60, pitch, int(random.integers(30, 60)) + 60 * (1 - number % 2))
            for bar in range(6)
            for step, pitch in cells
            if random.random() < 0.9
        ]
        meter = Meter(0, 3, 4) if number == 6 else Meter(0, 4, 4)
        score = Score((Voice(notes_of(notes), "drums", is_drum=True),), (meter,), (Tempo(0, 90.0 + 5 * number),))
        made.append(("valid" if number >= 10 else "train", ("rock", "jazz")[number % 2], score))
    return score_arrays(made)


@pytest.fixture
def tunes() -> Arrays:
    """Melodies over chords that go up and down scales, in several keys, and two chorales."""
    made = []
    for number in range(12):
        random, tonic = np.random.default_rng(number), 5 * number % 12
        steps = np.cumsum(random.integers(-1, 2, 40)).clip(-7, 7)
        pitches = 60 + tonic + 12 * (steps // 7) + np.array([0, 2, 4, 5, 7, 9, 11])[steps % 7]
        notes = [(480 * place, 480 if place % 4 else 360, int(pitch), 90) for place, pitch in enumerate(pitches)]
        chords = tuple(Chord(1920 * bar, (tonic + 5 * (bar % 2)) % 12, "maj", 0) for bar in range(10))
        parts = [Voice(notes_of(notes), "melody")]
        if number % 6 == 5:
            lower = [[(onset, length, pitch - by, 90) for onset, length, pitch, _ in notes] for by in (5, 12, 24)]
            parts += [Voice(notes_of(voice)) for voice in lower]
        score = Score(tuple(parts), keys=(Key(0, tonic, False),), chords=chords if len(parts) == 1 else ())
        made.append(("valid" if number >= 8 else "train", ("Pop", "Jazz")[number % 2], score))
    return score_arrays(made)


def played_by_rule(number: int) -> Score:
    """What a pianist who keeps to rules makes of a tune over held basses: what is written, and what is played of it.

    Downbeats are loud, basses legato and the tune detached, which begins before them; each fourth bar is high and slow.
    """
    random, written, played = np.random.default_rng(number), [], []
    for step in range(64):
        onset, bar = 240 * step, step // 8
        tune = (onset, 240, (84 if bar % 4 == 3 else 68) + int(random.integers(-6, 7)), 64)
        basses = [(onset, 960, 36 + int(random.integers(0, 12)), 64)] if step % 4 == 0 else []
        written += [tune, *basses]
        loud = (95 if step % 8 == 0 else 60) + int(random.integers(-4, 5))
        played.append((max(0, onset + 4 * (bar % 2) - 24), 120, tune[2], loud))
        played += [(start, 1100, pitch, loud - 15) for start, _, pitch, _ in basses]
    bpm = 80.0 + 5 * (number % 8)
    tempi = tuple(Tempo(1920 * bar, bpm * (0.8 if bar % 4 == 3 else 1.0)) for bar in range(8))
    return Score((Voice(notes_of(written)), Voice(notes_of(played))), tempi=tempi)


@pytest.fixture
def pianists() -> Arrays:
    """Scores with what a pianist who keeps to rules made of each."""
    made = [("valid" if number >= 8 else "train", "Bach", played_by_rule(number)) for number in range(12)]
    return score_arrays(made, paired=1.0)


@pytest.fixture
def tiny_settings() -> Callable[[str], list[str]]:
    """`--set` texts that make a recipe small enough for a test."""
    small_vocoder = [
        "batch=2",
        "frames=24",
        "widths=8,16",
        "blocks=1",
        "prior=1",
        "channels=2",
        "rate=0.003",
        "ema=0.9",
    ]
    small = {
        "classifier": ["batch=8", "columns=16", "widths=8,8,8,8", "warmup=1", "rate=0.01", "ema=0.9"],
        "emotion": ["batch=16", "columns=16", "widths=8,8,8,8", "warmup=1", "rate=0.01", "ema=0.9"],
        "distil": ["batch=8", "columns=16", "widths=8,8,8,8", "warmup=1", "rate=0.01", "ema=0.9"],
        "vocoder": small_vocoder,
        "gan": ["batch=8", "frames=32", "widths=8,8", "rate=0.003", "ema=0.9"],
        "drums_rnn": ["batch=4", "length=48", "width=16", "rate=0.01", "warmup=1", "ema=0.9"],
        "humanise": ["batch=4", "length=48", "width=16", "rate=0.01", "warmup=1", "ema=0.9"],
        "drums_vae": ["batch=8", "width=16", "latent=4", "rate=0.01", "warmup=1", "ema=0.9", "free=2", "rising=4"],
        "drums_gan": ["batch=4", "critics=1", "first=1", "warmup=1", "ema=0.9"],
        "melody": ["batch=4", "length=64", "width=16", "rate=0.01", "warmup=1", "ema=0.9"],
        "melody_rl": ["prompts=4", "samples=4", "length=4", "rate=0.004", "warmup=1", "ema=0.9"],
        "composer": ["batch=4", "rows=64", "width=16", "heads=2", "layers=1", "rate=0.01", "warmup=1", "ema=0.9"],
        "performance": ["batch=4", "length=64", "width=16", "rate=0.01", "warmup=1", "ema=0.9"],
        "vae": ["batch=8", "frames=32", "widths=8,8", "latent=4", "rate=0.01", "warmup=1", "ema=0.9"],
    }
    return lambda recipe: small[recipe]

"""What a judge and one or several listeners hear in clips; the sounds themselves are not kept."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from audio_gen.audio.clip import Clip
from audio_gen.pipelines._generator_clips import Sound
from audio_gen.pipelines.classify import Classifier
from audio_gen.pipelines.hearing import verdict_of

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Embedding = Callable[[Clip], npt.ArrayLike]


@dataclass(frozen=True, eq=False)
class Heard:
    """`N` clips.

    Args:
        labels: `[N]`, their class, -1 of none.
        tracks: `[N]`, what they are parts of.
        probs: `[N, K]`, what the judge says.
        embeddings: `[N, D]` by listener.
        plain: of real music, the embeddings without vocoder.
    """

    labels: Whole
    tracks: npt.NDArray[np.str_]
    probs: Floats
    embeddings: Mapping[str, Floats]
    plain: Mapping[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)


def embedding_of(model: Classifier) -> Embedding:
    """The classifier's embedding, of length 1."""
    return lambda clip: verdict_of(model, clip).embedding.tolist()


@dataclass(frozen=True, eq=False)
class Ears:
    """A judge of classes and listeners by name.

    Args:
        labels: the classes in the order of the figures; the judge knows them all, in any order.
        judge: tells classes.
        listeners: give embeddings.
    """

    labels: tuple[str, ...]
    judge: Classifier
    listeners: Mapping[str, Embedding]

    def hear(self, sounds: Iterable[Sound]) -> Heard | None:
        """All of them, one at a time; None where there is none."""
        order = [self.judge.labels.index(label) for label in self.labels]
        labels, tracks, probs = [], [], []
        heard: dict[str, list[npt.ArrayLike]] = {name: [] for name in self.listeners}
        plain: dict[str, list[npt.ArrayLike]] = {name: [] for name in self.listeners}
        for sound in sounds:
            labels.append(self.labels.index(sound.label) if sound.label else -1)
            tracks.append(sound.track)
            probs.append(verdict_of(self.judge, sound.clip).probs[order].tolist())
            for name, embed in self.listeners.items():
                heard[name].append(embed(sound.clip))
                if sound.plain is not None:
                    plain[name].append(embed(sound.plain))
        if not labels:
            return None
        embeddings, without = ({name: np.array(rows) for name, rows in some.items()} for some in (heard, plain))
        return Heard(np.array(labels), np.array(tracks), np.array(probs), embeddings, without)

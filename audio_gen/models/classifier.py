"""The classifier network: residual blocks, global average pooling, linear heads.

With linear heads behind the pooling, maps of what an answer rests on cost nothing: see `models.activation`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from audio_gen.errors import ParameterError
from audio_gen.features.decibel_image import relative, wrap
from audio_gen.features.notes import NOTE_ROWS
from audio_gen.models.tonality import Tonality

FAMILY = "classifier"
QUADRANTS = ("Q1", "Q2", "Q3", "Q4")  # of valence and arousal: +V +A, -V +A, -V -A, +V -A


class Prediction(NamedTuple):
    """What the network says of a batch of windows.

    Args:
        logits: `[B, classes]`, before the softmax.
        values: `[B, 2 * dimensions]`: a mean for each dimension, then a log variance for each.
        embedding: `[B, D]`: the pooled features.
        terms: `[B, terms]`: the logit of each word's share, before the sigmoid.
    """

    logits: torch.Tensor
    values: torch.Tensor
    embedding: torch.Tensor
    terms: torch.Tensor


def joined(predictions: Sequence[Prediction]) -> Prediction:
    """Several batches of windows as one."""
    return Prediction(*map(torch.cat, zip(*predictions, strict=True)))


class ResidualBlock(nn.Module):
    """`[B, C, M, N] -> [B, C', M / stride, N / stride]`: two 3 x 3 convolutions beside a shortcut."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels_out)
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(stride, ceil_mode=True) if stride > 1 else nn.Identity(),
            nn.Conv2d(channels_in, channels_out, 1, bias=False),
            nn.BatchNorm2d(channels_out),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class ClassifierNet(nn.Module):
    """`[B, n_mels, N]` relative decibels → Prediction. `temperature` is what `combine` divides by.

    With key profiles the pictures are tonal, `[B, n_mels + 108, N]`: the profiles hear the notes, the blocks the mel
    bands.

    Args:
        classes: number of classes.
        dimensions: number of regressed dimensions (valence and arousal are two), each with a variance.
        widths: channels of the residual blocks; each halves time and frequency.
        dropout: before the heads.
        quadrants: whether the classes are the quadrants Q1 to Q4 of the dimensions valence and arousal: then, outside
            training, the dimensions' Gaussians give the logits, so that label and signs never contradict each other.
        terms: names of further words; each gets the logit of its share of listeners (Emotify's GEMS terms, say).
        tonality: number of key profiles whose best match every head hears too; 0 is none.

    Raises:
        ParameterError: no class, widths below 2, a term twice or without a name, or quadrants without four classes and
            two dimensions.
    """

    temperature: torch.Tensor

    def __init__(
        self,
        classes: int,
        dimensions: int = 0,
        widths: tuple[int, ...] = (48, 96, 128, 192),
        dropout: float = 0.3,
        quadrants: bool = False,
        terms: Sequence[str] = (),
        tonality: int = 0,
    ) -> None:
        super().__init__()
        if quadrants and (classes, dimensions) != (4, 2):
            raise ParameterError(f"quadrants are 4 classes of 2 dimensions, not {classes} of {dimensions}")
        if classes < 1 or not widths or min(widths) < 2:
            raise ParameterError(f"a classifier needs a class or more and widths from 2 on, not {classes} and {widths}")
        if isinstance(terms, str) or not all(terms) or len(set(terms)) < len(terms):
            raise ParameterError(f"terms must be names, each once, not {terms!r}")
        self.quadrants = quadrants
        self.term_names = tuple(terms)
        stem = widths[0] // 2
        self.stem = nn.Sequential(nn.Conv2d(1, stem, 5, (2, 1), 2, bias=False), nn.BatchNorm2d(stem), nn.ReLU())
        pairs = zip((stem, *widths), widths, strict=False)
        self.blocks = nn.Sequential(*(ResidualBlock(narrow, wide, 2) for narrow, wide in pairs))
        self.dropout = nn.Dropout(dropout)
        self.classes = nn.Linear(widths[-1], classes)
        self.values = nn.Linear(widths[-1], 2 * dimensions) if dimensions else None
        self.terms = nn.Linear(widths[-1], len(terms)) if terms else None
        self.sizes = (classes, 2 * dimensions, len(terms))
        self.tonality = Tonality(tonality) if tonality else None
        self.tonal = nn.Linear(tonality, sum(self.sizes), bias=False) if tonality else None
        if self.tonal is not None:
            nn.init.zeros_(self.tonal.weight)  # it speaks up as it learns
        self.register_buffer("temperature", torch.ones(()))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # convolutions take half as long on a CPU

    @property
    def stride(self) -> tuple[int, int]:
        """Mel bands and columns of the picture from one cell of the feature maps to the next."""
        return 2 << len(self.blocks), 1 << len(self.blocks)

    def features(self, image: torch.Tensor) -> torch.Tensor:
        """`[B, rows, N] -> [B, D, n_mels / 32, N / 16]`: what the heads average over."""
        mel = image if self.tonality is None else image[:, :-NOTE_ROWS]
        maps: torch.Tensor = self.blocks(self.stem((mel / 40 + 1).unsqueeze(1)))
        return maps

    def forward(self, image: torch.Tensor) -> Prediction:
        return self.answer(self.features(image), self.keys(image))

    def keys(self, image: torch.Tensor) -> torch.Tensor:
        """`[B, rows, N] -> [B, profiles]`: what the heads hear of the tonality; of no columns where they don't."""
        return image.new_zeros(image.shape[0], 0) if self.tonality is None else self.tonality(image[:, -NOTE_ROWS:])

    def answer(self, maps: torch.Tensor, keys: torch.Tensor) -> Prediction:
        """`[B, D, m, n]` from `features`, `[B, profiles]` from `keys` → what the heads say of them."""
        embedding = maps.mean((-2, -1))
        pooled = self.dropout(embedding)
        logits = self.classes(pooled)
        values = pooled[:, :0] if self.values is None else self.values(pooled)
        terms = pooled[:, :0] if self.terms is None else self.terms(pooled)
        if self.tonal is not None:
            parts = self.tonal(keys).split(self.sizes, -1)
            logits, values, terms = (one + part for one, part in zip((logits, values, terms), parts, strict=True))
        if self.quadrants and not self.training:
            logits = quadrant_log_probs(values.float())  # no log Φ in bfloat16
        return Prediction(logits, values, embedding, terms)


def quadrant_log_probs(values: torch.Tensor) -> torch.Tensor:
    """`[B, 4]` means, then log variances, of valence and arousal → `[B, 4]` for Q1 (+V +A), Q2 (-V +A), Q3, Q4 (+V -A).

    The probability that a Gaussian lies above 0 is Φ(mean / deviation); the two dimensions count as independent.
    """
    means, log_variances = values.chunk(2, -1)
    above = means / torch.exp(log_variances / 2)
    (valence, arousal), (no_valence, no_arousal) = (torch.special.log_ndtr(side).unbind(-1) for side in (above, -above))
    return torch.stack([valence + arousal, no_valence + arousal, no_valence + no_arousal, valence + no_arousal], -1)


def windows(image: torch.Tensor, columns: int) -> torch.Tensor:
    """`[rows, N] -> [K, rows, columns]`: windows at half a window's hop, the last one ending with the picture.

    Each is relative to its own loudest point, as it would be if it were heard alone; a short picture is wrapped.
    """
    length = image.shape[1]
    if length < columns:
        image, length = wrap(image, columns), columns
    starts = list(range(0, length - columns + 1, max(1, columns // 2)))
    if starts[-1] + columns < length:
        starts.append(length - columns)
    return relative(torch.stack([image[:, start : start + columns] for start in starts]))


class Verdict(NamedTuple):
    """What the windows of one track say together.

    Args:
        probs: `[classes]`, after the temperature.
        values: `[dimensions]` and `deviations [dimensions]`: mean and standard deviation of each regressed dimension.
        embedding: `[D]`, of length 1.
        terms: `[terms]`: the share of each word, 0 to 1.
    """

    probs: torch.Tensor
    values: torch.Tensor
    deviations: torch.Tensor
    embedding: torch.Tensor
    terms: torch.Tensor


def combine(prediction: Prediction, net: ClassifierNet) -> Verdict:
    """Average a track's windows: log-probabilities, then the temperature; a mixture of Gaussians for the dimensions.

    Quadrants follow from the averaged dimensions; terms are averaged as shares.
    """
    means, log_variances = prediction.values.chunk(2, -1)
    values = means.mean(0)
    variances = log_variances.exp().mean(0) + (means - values).square().mean(0)
    if net.quadrants:
        log_probs = quadrant_log_probs(torch.cat([values, variances.log()]))
    else:
        log_probs = F.log_softmax(prediction.logits, -1).mean(0)
    probs = torch.softmax(log_probs / net.temperature, -1)
    embedding = F.normalize(prediction.embedding.mean(0), dim=0)
    return Verdict(probs, values, variances.sqrt(), embedding, torch.sigmoid(prediction.terms).mean(0))

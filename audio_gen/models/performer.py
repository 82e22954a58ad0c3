"""The performer: a piano score → how a pianist would play each note of it.

A recurrent network in both directions over the notes of a score, as the first layers of VirtuosoNet are (D. Jeong et
al., ISMIR 2019). What it tells are the four numbers a note of partitura's performance codec (C. Cancino-Chacón et al.,
"Partitura: a Python package for symbolic music processing", MEC 2022), each in a form of our own:

    velocity      in (0, 1), 127ths
    timing        quarters that the note begins after its place between the beats, as they are played
    articulation  log2 of the played duration over the written one
    tempo         log2 of the length of a quarter over its mean in the piece; one number an onset
"""

import torch
import torch.nn.functional as F
from torch import nn

from audio_gen.errors import ParameterError
from audio_gen.models.performer_pieces import FACTS, PerformerBatch

FAMILY = "performer"
MANNERS = ("velocity", "timing", "articulation", "tempo")
VELOCITY, TIMING, ARTICULATION, TEMPO = range(len(MANNERS))


class PerformerNet(nn.Module):
    """See the module.

    Buffers: mean and scale of each manner, `[4]` each, as learnt from; `spread`, how far from the answers what was
    played lies, in scales, as the standard deviation of a Gaussian with the same mean absolute error.

    Args:
        width: of each direction of each layer.
        layers: of the network.
        scores: whether it has learnt from scores; else it knows velocity alone, and asks for no written facts.
        dropout: of inputs of each layer, while it learns.
    """

    mean: torch.Tensor
    scale: torch.Tensor
    spread: torch.Tensor

    def __init__(self, width: int = 128, layers: int = 2, *, scores: bool = True, dropout: float = 0.0) -> None:
        super().__init__()
        if min(width, layers) < 1:
            raise ParameterError(f"width and layers start at 1, not {width}, {layers}")
        self.scores, self.dropout = scores, dropout
        self.pitch = nn.Embedding(128, 32)
        self.facts = nn.Linear(FACTS, width)
        self.gru = nn.GRU(
            width + 32, width, layers, batch_first=True, bidirectional=True, dropout=dropout if layers > 1 else 0.0
        )
        self.answer = nn.Linear(2 * width, len(MANNERS))
        self.register_buffer("mean", torch.zeros(len(MANNERS)))
        self.register_buffer("scale", torch.ones(len(MANNERS)))
        self.register_buffer("spread", torch.zeros(len(MANNERS)))

    def forward(self, batch: PerformerBatch) -> torch.Tensor:
        """`[B, N, 4]`: the manners of each note, in scales from their mean; beyond a piece's end it means nothing."""
        seen = torch.cat([torch.relu(self.facts(batch.facts)), self.pitch(batch.pitch)], -1)
        answer = self.answer(F.dropout(self._read(seen, batch.size), self.dropout, self.training))
        tempo = over_onsets(answer[..., TEMPO], batch)
        return torch.cat([answer[..., :TEMPO], tempo[..., None]], -1)

    def _read(self, seen: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
        """The network's output, in which no piece feels how much longer others are."""
        longest = seen.shape[1]
        if bool((size == longest).all()):  # 2.7 times as fast as packed on a CPU, for 16 x 256 notes
            out: torch.Tensor = self.gru(seen)[0]
            return out
        packed = nn.utils.rnn.pack_padded_sequence(seen, size.cpu(), batch_first=True, enforce_sorted=False)
        return nn.utils.rnn.pad_packed_sequence(self.gru(packed)[0], batch_first=True, total_length=longest)[0]

    def told(self, answer: torch.Tensor) -> torch.Tensor:
        """Answers in the units of the manners."""
        return answer * self.scale + self.mean


def over_onsets(values: torch.Tensor, batch: PerformerBatch) -> torch.Tensor:
    """`[B, N]`: of each note the mean over those that begin with it."""
    there = batch.there.to(values.dtype)
    total = torch.zeros_like(values).scatter_add(1, batch.onset, values * there)
    count = torch.zeros_like(values).scatter_add(1, batch.onset, there)
    return (total / count.clamp_min(1)).gather(1, batch.onset)

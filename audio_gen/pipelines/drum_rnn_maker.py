"""drum_rnn_maker: drums by the recurrent network, one sixteenth after the other."""

from collections.abc import Sequence

import numpy as np
import torch

from audio_gen.models import checkpoint
from audio_gen.models.drum_pieces import batch_of, piece_of
from audio_gen.models.drum_rnn import DrumRnnNet, nats
from audio_gen.pipelines._drum_place import Place
from audio_gen.pipelines._drum_steps import Taste, dice, played
from audio_gen.pipelines.drum_maker import DrumMaker
from audio_gen.pipelines.generate import clip_generator
from audio_gen.pipelines.note_copies import NoteIndex
from audio_gen.pipelines.piece import Wish
from audio_gen.symbolic.encoders.drums import Grid
from audio_gen.symbolic.score import Score

LEAN = {"low": -0.5, "mid": 0.0, "high": 0.5}  # logits


class DrumRnnMaker(DrumMaker):
    """Draws one sixteenth after the other (`_drum_steps`), in any metre; what was played before is known to it."""

    def __init__(self, model: checkpoint.Checkpoint, index: NoteIndex | None = None) -> None:
        super().__init__(model, index)
        self.net: DrumRnnNet = checkpoint.build(DrumRnnNet, model).requires_grad_(False)

    def grids(self, place: Place, takes: Sequence[Wish]) -> list[Grid]:
        wish, plan = takes[0], self.plan(place, takes[0])
        luck = dice([clip_generator(take.seed, take.index, take.take) for take in takes], place.steps)
        taste = Taste(wish.temperature, wish.top_p, LEAN.get(wish.density or "mid", 0.0))
        must = int(np.flatnonzero(plan.position == 0)[-1]) if place.end >= place.score.end else -1
        found = played(self.net, plan, luck, taste, before=torch.from_numpy(place.before), must=must)
        return list(found.numpy())

    def unlikely(self, score: Score, number: int, style: int) -> float:
        """By how much its hits cost more, or less, nats a step than those of real music that the network didn't see."""
        typical = self.checkpoint.training.get("valid", {}).get("hits")
        if not typical:
            return 0.0
        batch = batch_of([piece_of(score, style, track=number)])
        return abs(float(nats(self.net(batch), batch.grid).hits.mean()) / float(typical) - 1)

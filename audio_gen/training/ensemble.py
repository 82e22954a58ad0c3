"""Several trained classifiers as one teacher of labels, on the pictures that the pupil sees.

G. Hinton et al., Distilling the Knowledge in a Neural Network, 2015; L. Beyer et al., Knowledge distillation: A good
teacher is patient and consistent, CVPR 2022.
"""

from collections.abc import Sequence

import torch

from audio_gen.errors import ParameterError
from audio_gen.models import checkpoint
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.models.classifier import FAMILY, ClassifierNet, Prediction, quadrant_log_probs


class Ensemble:
    """The mean of what several networks say.

    Args:
        members: classifiers of the same labels and front end.
        labels: of the pupil.

    Raises:
        ParameterError: a member isn't a classifier of these labels, or they hear through different front ends.
    """

    def __init__(self, members: Sequence[Checkpoint], labels: tuple[str, ...]) -> None:
        for member in members:
            if member.family != FAMILY or member.labels != labels:
                raise ParameterError(
                    f"{member.name!r} ({member.family}: {', '.join(member.labels)}) can't teach {', '.join(labels)}"
                )
        if len({str(sorted(member.front_end.items())) for member in members}) != 1:
            raise ParameterError(f"one front end for all: {', '.join(member.name for member in members)} differ")
        self.nets = [checkpoint.build(ClassifierNet, member).requires_grad_(False) for member in members]

    @torch.no_grad()
    def __call__(self, pictures: torch.Tensor) -> Prediction:
        """`[B, n_mels, columns]` → logits of the mean probabilities, mean values, terms; no embedding."""
        told = [net.to(pictures.device)(pictures) for net in self.nets]
        values = torch.stack([one.values for one in told]).mean(0).float()
        if self.nets[0].quadrants:
            logits = quadrant_log_probs(values)
        else:
            logits = torch.stack([torch.softmax(one.logits.float(), -1) for one in told]).mean(0).log()
        terms = torch.logit(torch.stack([torch.sigmoid(one.terms.float()) for one in told]).mean(0), eps=1e-4)
        return Prediction(logits, values, pictures.new_zeros(len(pictures), 0), terms)

"""One process or several that learn together, as Lightning Fabric starts them."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import distributed

from audio_gen.errors import AudioGenError, ParameterError


class LostProcessError(AudioGenError):
    """Another process of the training ended before its time; what was saved is kept."""


def fabric_for(device: str, devices: int, nodes: int, precision: str) -> Fabric:
    """Fabric for so many GPUs, or processes on the CPU, on each of so many machines; not yet launched.

    Raises:
        ParameterError: an unknown device or precision, or one device for several processes.
    """
    kind, _, number = device.partition(":")
    if kind not in ("auto", "cpu", "cuda"):
        raise ParameterError(f"device must be auto, cpu, cuda or cuda:N, not {device!r}")
    several = devices * nodes > 1
    if number and several:
        raise ParameterError(f"device {device!r} is one device; for {devices * nodes} of them give {kind!r}")
    for name in ("distributed", "rank_zero"):  # they greet
        logging.getLogger(f"lightning_fabric.utilities.{name}").setLevel(logging.WARNING)
    try:
        return Fabric(
            accelerator=kind,
            devices=[int(number)] if number else devices,
            num_nodes=nodes,
            # some recipes call parts of a network, and not all of them at each step; and buffers that are sent around
            # between two parts would spoil the gradients of the first
            strategy=DDPStrategy(find_unused_parameters=True, broadcast_buffers=False) if several else "auto",
            precision=precision,  # type: ignore[arg-type]
        )
    except ValueError as error:  # it lists what is allowed
        raise ParameterError(f"precision {precision!r} on {device!r}: {error}") from error


def leads() -> bool:
    """Whether this is the first, or only, process of a training: the one that writes and speaks."""
    return not (distributed.is_available() and distributed.is_initialized()) or distributed.get_rank() == 0


def mean(figures: dict[str, float], fabric: Fabric) -> dict[str, float]:
    """Figures over all processes, which have to come here at the same step; where one diverges, all of them know."""
    if fabric.world_size == 1:
        return figures
    values = torch.tensor(list(figures.values()), dtype=torch.float64, device=fabric.device)
    return dict(zip(figures, torch.as_tensor(fabric.all_reduce(values)).tolist(), strict=True))


@contextmanager
def together(name: str, fabric: Fabric) -> Iterator[None]:
    """Inside, the end of another process is told as such, rather than as an error of the network between them.

    Raises:
        LostProcessError: it has ended.
    """
    try:
        yield
    except RuntimeError as error:
        if fabric.world_size == 1 or not (isinstance(error, distributed.DistError) or "gloo" in str(error)):
            raise
        raise LostProcessError(
            f"{name!r}: another of its {fabric.world_size} processes has ended "
            f"({' '.join(str(error).split())[:200]}); the same command goes on from what was saved last"
        ) from error

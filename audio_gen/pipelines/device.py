"""Where to compute: what the user writes after --device, as a torch device."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from audio_gen.errors import ParameterError
from audio_gen.pipelines.batch import usable_cores

_log = logging.getLogger(__name__)


def pick_device(text: str = "auto") -> torch.device:
    """The device for "auto", "cpu", "cuda" or "cuda:N"; without CUDA it is the CPU, and a message says so.

    Raises:
        ParameterError: another spelling, or a number beyond the devices there are.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", text):
        raise ParameterError(f"device must be auto, cpu, cuda or cuda:N, not {text!r}")
    if text == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        level = logging.INFO if text == "auto" else logging.WARNING
        _log.log(level, "no CUDA device here, so %s falls back to the CPU", text)
        return torch.device("cpu")
    device = torch.device("cuda" if text == "auto" else text)
    count = torch.cuda.device_count()
    if device.index is not None and device.index >= count:
        raise ParameterError(f"device {text!r} is not there; there are cuda:0 to cuda:{count - 1}")
    return device


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, torch computes in one thread: sums come out the same however many cores there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def share_cores(jobs: int) -> None:
    """Divide the cores: torch uses in each of `jobs` threads only its share of them."""
    torch.set_num_threads(max(1, usable_cores() // jobs))

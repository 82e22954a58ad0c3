"""Random windows of prepared pictures for training, and verdicts over whole tracks for validation."""

from collections.abc import Sequence

import numpy as np
import torch

from audio_gen.datasets._arrays import Arrays
from audio_gen.features.decibel_image import from_uint8, relative
from audio_gen.models.classifier import ClassifierNet, Prediction, Verdict, combine, joined, windows


class Images:
    """The pictures of some tracks.

    Args:
        arrays: pictures.
        tracks: numbers of the tracks to take.
        columns: width of a window.
    """

    def __init__(self, arrays: Arrays, tracks: Sequence[int], columns: int) -> None:
        self.mel = torch.from_numpy(arrays.mel)
        self.columns = columns
        order = np.argsort(arrays.index, kind="stable")
        bounds = np.searchsorted(arrays.index[order], np.arange(len(arrays.tracks) + 1))
        self.rows = {track: order[bounds[track] : bounds[track + 1]] for track in tracks}

    def draw(self, tracks: Sequence[int], stretch: float = 0.0) -> torch.Tensor:
        """One random window of each track, `[len(tracks), rows, columns]` in relative decibels.

        `stretch` plays it up to that share faster or slower.
        """
        chosen = [self.rows[track] for track in tracks]
        return self.draw_rows([int(rows[int(torch.randint(len(rows), ()))]) for rows in chosen], stretch)

    def draw_rows(self, rows: Sequence[int], stretch: float = 0.0) -> torch.Tensor:
        """One random window of each picture, as `draw`."""
        return self.draw_placed(rows, stretch)[0]

    def draw_placed(self, rows: Sequence[int], stretch: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
        """One random window of each picture, and where it begins and ends there: `[len(rows), 2]`, 1 is the end."""
        found, places = [], []
        for row in rows:
            image = self.mel[row]
            rate = 1 + stretch * (2 * float(torch.rand(())) - 1)
            span = min(image.shape[1], round(self.columns * rate))
            start = int(torch.randint(image.shape[1] - span + 1, ()))
            place = start + (torch.arange(self.columns) * span / self.columns).long()
            found.append(image[:, place])
            places.append((start / image.shape[1], (start + span) / image.shape[1]))
        return relative(from_uint8(torch.stack(found))), torch.tensor(places)

    @torch.no_grad()
    def predict(self, net: ClassifierNet, track: int, device: torch.device) -> Prediction:
        """What the network says of all windows of one track."""
        return joined([self.picture(net, int(row), device) for row in self.rows[track]])

    @torch.no_grad()
    def picture(self, net: ClassifierNet, row: int, device: torch.device) -> Prediction:
        """What the network says of all windows of one picture."""
        return net(windows(from_uint8(self.mel[row]), self.columns).to(device))  # type: ignore[no-any-return]

    def verdict(self, net: ClassifierNet, track: int, device: torch.device) -> Verdict:
        """The windows of one track together."""
        return combine(self.predict(net, track, device), net)

"""The real-or-not test: can a small classifier tell made windows from real ones that it hasn't learnt from?"""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from audio_gen.errors import ParameterError
from audio_gen.metrics.interval import ratio_interval
from audio_gen.models.real_or_not import RealOrNotNet
from audio_gen.pipelines.batch import stop_here_if_asked
from audio_gen.pipelines.device import one_thread

FOLDS = 5
STEPS, BATCH, RATE, DECAY = 120, 64, 3e-3, 1e-2  # steps of learning, and windows of each
Windows = npt.NDArray[np.float32]  # [N, T, F]
Groups = npt.NDArray[np.int64]  # [N]


def real_or_not(
    real: Windows, made: Windows, real_groups: Groups, made_groups: Groups, *, seed: int = 0
) -> dict[str, float | None]:
    """Accuracy of a classifier on folds that it didn't learn from, with its interval over groups: .5 is ideal.

    As many of either are taken as the fewer are. What has one group (a piece, and what was made after its pattern) is
    in one fold, so that the classifier can't know a piece by its theme.

    Args:
        real: `[N, T, F]`, T a multiple of 4.
        made: `[M, T, F]`.
        real_groups: `[N]`.
        made_groups: `[M]`.
        seed: of folds, weights and order.

    Raises:
        ParameterError: fewer than two groups.
    """
    random = np.random.default_rng(seed)
    size = min(len(real), len(made))
    kept = [np.sort(random.permutation(len(rows))[:size]) for rows in (real, made)]
    windows = torch.from_numpy(np.concatenate([real[kept[0]], made[kept[1]]]).astype(np.float32))
    truth = np.repeat([0.0, 1.0], size)
    groups = np.concatenate([real_groups[kept[0]], made_groups[kept[1]]])
    names = random.permutation(np.unique(groups))
    if len(names) < 2:
        raise ParameterError(f"a real-or-not test needs windows of two pieces or more, not of {len(names)}")
    right = np.zeros(len(windows))
    for number, part in enumerate(np.array_split(names, min(FOLDS, len(names)))):
        held = np.isin(groups, part)
        told = classify(windows, truth, ~held, seed=seed + number)
        right[held] = (told[held] > 0) == (truth[held] > 0.5)
    sums = np.array([[right[groups == name].sum(), (groups == name).sum()] for name in np.unique(groups)])
    return ratio_interval(*sums.T).to_dict()


def classify(
    windows: torch.Tensor, truth: npt.NDArray[Any], learnt: npt.NDArray[np.bool_], *, seed: int = 0
) -> npt.NDArray[np.float32]:
    """Logits `[N]` of all windows, of a network that has learnt from some of them.

    One class may be rare among those (folds hold groups, not windows), so both weigh the same.
    """
    known, wanted = windows[torch.from_numpy(learnt)], torch.from_numpy(truth[learnt]).float()
    share = wanted.mean().clamp(0.01, 0.99)
    weights = torch.where(wanted > 0.5, 0.5 / share, 0.5 / (1 - share))
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = RealOrNotNet(windows.shape[2])
        adam = torch.optim.AdamW(net.parameters(), RATE, weight_decay=DECAY)
        for _ in range(STEPS):
            stop_here_if_asked()
            rows = torch.randint(len(known), (BATCH,))
            loss = F.binary_cross_entropy_with_logits(net(known[rows]), wanted[rows], weights[rows])
            adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
        with torch.no_grad():
            told: npt.NDArray[np.float32] = net.eval()(windows).numpy()
    return told


def halves(groups: Groups, *, seed: int = 0) -> npt.NDArray[np.bool_]:
    """`[N]`: windows of a random half of the groups, for the test of real against real."""
    names = np.random.default_rng(seed).permutation(np.unique(groups))
    chosen: npt.NDArray[np.bool_] = np.isin(groups, names[: len(names) // 2])
    return chosen


def against_all(
    real: Windows, groups: Groups, sets: dict[str, tuple[Windows, Groups]], *, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """The test of each set of made windows, and of one half of the real ones against the other."""
    half = halves(groups, seed=seed)
    rows = {
        **{name: (real, windows, groups, kinds) for name, (windows, kinds) in sets.items()},
        "real_real": (real[half], real[~half], groups[half], groups[~half]),
    }
    found: dict[str, dict[str, Any]] = {}
    for name, (one, other, ours, theirs) in rows.items():
        if min(len(one), len(other)) > 1:
            accuracy = real_or_not(one, other, ours, theirs, seed=seed)
            found[name] = {"accuracy": accuracy, "windows": 2 * min(len(one), len(other))}
    return found

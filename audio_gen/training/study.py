"""The trials of a search as they lie in its SQLite file."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audio_gen.errors import DatasetError
from audio_gen.training.fit import NoScoreError

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

STORE = "search.sqlite"
REASON = "reason"  # why a trial failed by itself


@contextmanager
def opened(home: Path, same: dict[str, Any]) -> Iterator["Study"]:
    """The search that lies in `home`, a new one where there is none; `same` is what a search is gone on with by."""
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    home.mkdir(parents=True, exist_ok=True)
    path = home / STORE
    try:
        storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    except (SQLAlchemyError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DatasetError(f"{path} can't be gone on with ({reason}); start anew with --overwrite") from error
    try:
        study = optuna.create_study(storage=storage, study_name="search", direction="maximize", load_if_exists=True)
        asked = json.loads(json.dumps(same))
        for key, value in study.user_attrs.get("same", asked).items():
            if asked.get(key) != value:
                raise DatasetError(
                    f"{home} holds another search, of {key} {value}, not {asked.get(key)}; give --overwrite or another"
                    " --name"
                )
        study.set_user_attr("same", asked)
        yield study
    finally:
        storage.remove_session()
        storage.engine.dispose()


def give_up_killed(study: "Study") -> None:
    """Trials that ran when the search was killed count as failed, and are done again with what they had chosen."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        if REASON not in trial.user_attrs:
            study.enqueue_trial(trial.params)


def finished(study: "Study") -> list["FrozenTrial"]:
    """Trials with a score, and those that failed by themselves."""
    from optuna.trial import TrialState

    ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.FAIL))
    return [trial for trial in ended if trial.state == TrialState.COMPLETE or REASON in trial.user_attrs]


def best_of(study: "Study") -> "FrozenTrial":
    """The trial of the highest score, the first of equals."""
    scored = [trial for trial in finished(study) if trial.value is not None]
    if not scored:
        reasons = [trial.user_attrs[REASON] for trial in finished(study)]
        raise NoScoreError(f"none of {len(reasons)} trials gave a score; the last: {reasons[-1]}")
    return max(scored, key=lambda trial: trial.value or 0.0)

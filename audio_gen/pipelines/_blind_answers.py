"""Truth and answers of a blind test: JSON files → one sheet of numbers."""

import json
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import numpy.typing as npt

from audio_gen.errors import ParameterError

KINDS = {"tell": ("real", "generated"), "ab": ("y", "x")}  # 0 and 1; of "ab": where the first --generated is
Whole = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Sheet:
    """A test with all its answers: `L` listeners, `N` clips.

    Args:
        kind: "tell" or "ab".
        truth: `[N]`, 1 where the clip was generated ("tell") or the first rendition is X ("ab"), else 0.
        labels: of the clips; "" where nothing tells.
        names: of the listeners.
        said: `[L, N]`, 1 or 0 as in `truth`, -1 where there is no answer.
        quality: `[L, N]`, 1 to 5, NaN where there is none.
        rivals: of "ab": what the two renditions are called.
    """

    kind: str
    truth: Whole
    labels: tuple[str, ...]
    names: tuple[str, ...]
    said: Whole
    quality: Floats
    rivals: tuple[str, str] = ("the first", "the second")

    def part(self, rows: Any = slice(None), clips: Any = slice(None)) -> "Sheet":
        """Some listeners, some clips."""
        labels, names = np.array(self.labels)[clips].tolist(), np.array(self.names)[rows].tolist()
        said, quality = (values[rows][:, clips] for values in (self.said, self.quality))
        return Sheet(self.kind, self.truth[clips], tuple(labels), tuple(names), said, quality, self.rivals)


def read_sheet(truth: Path, answers: Sequence[Path]) -> Sheet:
    """The truth and the answers to it; a warning names who left something open.

    Raises:
        ParameterError: a file is missing, damaged, of another test, or given twice.
    """
    told = _read(truth, "the truth")
    if "answers" in told:
        raise ParameterError(
            f"{str(truth)!r} holds a listener's answers, not the truth, which comes first: give the .truth.json that "
            "`audio-gen blind make` wrote, then the answers"
        )
    kind = str(told.get("kind"))
    try:
        places = {str(clip["clip"]): at for at, clip in enumerate(told["clips"])}
        right = np.array([KINDS[kind].index(clip["truth"]) for clip in told["clips"]])
        labels = tuple(str(clip.get("label", "")) for clip in told["clips"])
        rivals = [PurePath(str(name)).name for name in told.get("generated", [])]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ParameterError(
            f"{str(truth)!r} is not the truth of a blind test ({error!r}); give the .truth.json that "
            "`audio-gen blind make` wrote"
        ) from error
    sheets = [_read(path, "the answers") for path in answers]
    saved = [json.dumps(sheet, sort_keys=True) for sheet in sheets]
    said = np.full((len(sheets), len(places)), -1)
    quality = np.full((len(sheets), len(places)), np.nan)
    for row, (path, sheet) in enumerate(zip(answers, sheets, strict=True)):
        if sheet.get("test") != told.get("test"):
            raise ParameterError(
                f"{str(path)!r} answers test {sheet.get('test')!r}, and {str(truth)!r} is the truth of "
                f"{told.get('test')!r}; give answers and truth of one test"
            )
        if saved[row] in saved[:row]:
            first = answers[saved.index(saved[row])]
            raise ParameterError(f"{str(path)!r} and {str(first)!r} are the same answers; give each listener once")
        _fill(path, sheet, kind, places, said[row], quality[row])
        if missing := int((said[row] < 0).sum()):
            _log.warning("%r leaves %d of %d clips open; the rest counts", str(path), missing, len(places))
    names = _names(answers, sheets)
    pair = (rivals[0], rivals[1]) if len(rivals) == 2 and rivals[0] != rivals[1] else ("the first", "the second")
    return Sheet(kind, right, labels, names, said, quality, pair)


def _fill(path: Path, sheet: dict[str, Any], kind: str, places: dict[str, int], said: Whole, quality: Floats) -> None:
    """Put one listener's answers into their rows; what is left out stays open."""
    done = set()
    answer: Any
    for answer in sheet["answers"] if isinstance(sheet.get("answers"), list) else [None]:
        try:
            place, told, rating = places[answer["clip"]], answer.get("told"), answer.get("quality")
            if place in done or rating not in (None, 1, 2, 3, 4, 5):
                raise ValueError(answer)
            said[place] = -1 if told is None else KINDS[kind].index(told)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ParameterError(
                f"{str(path)!r} holds what the page doesn't save: {answer!r}; allowed are the clips of the test, once "
                f"each, told {' or '.join(KINDS[kind])} and quality 1 to 5. Give the file as the listener saved it"
            ) from error
        done.add(place)
        quality[place] = np.nan if rating is None else rating


def _read(path: Path, what: str) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or f"it is no JSON: {error}"
        raise ParameterError(f"can't read {what} {str(path)!r}: {reason}") from error
    if not isinstance(found, dict):
        raise ParameterError(f"{str(path)!r} isn't {what} of a blind test; give a file that make, or the page, wrote")
    return found


def _names(answers: Sequence[Path], sheets: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """What listeners call themselves, or their files; each name once."""
    names = ["".join(char for char in str(sheet.get("listener", "")) if char.isprintable())[:40] for sheet in sheets]
    names = [name.strip() or path.stem for name, path in zip(names, answers, strict=True)]
    often = Counter(names)
    return tuple(name if often[name] == 1 else f"{name} ({number})" for number, name in enumerate(names, 1))

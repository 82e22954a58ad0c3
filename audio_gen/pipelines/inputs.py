"""Which files a command works on: arguments → sources, and where the output of each goes."""

import logging
import os
import stat
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from audio_gen.errors import ParameterError

_log = logging.getLogger(__name__)

Identity = tuple[int, int] | str  # (device, inode), or the path where there is none


@dataclass(frozen=True, slots=True)
class Source:
    """One input file."""

    path: Path  # what to open
    name: str  # what records call it: the argument as given and the way below it, as printable text
    relative: Path  # where it lies below the common folder of all arguments; the output tree mirrors it

    def __hash__(self) -> int:
        return hash(self.name)  # a path takes apart what it hashes, and keeps the parts


def find_audio(
    paths: Sequence[str | Path],
    files_from: str | Path | None = None,
    *,
    extensions: Collection[str] | None = None,
    exclude: Path | None = None,
) -> list[Source]:
    """The files that the arguments stand for: in the order of the arguments, sorted inside each folder.

    Folders are searched to the bottom, links followed, dotfiles passed over; each real file comes once, under
    its own name rather than a link's. A file that is named as an argument is taken whatever its suffix.

    Args:
        paths: files and folders.
        files_from: a file with one more path a line (or NUL-separated), "-" for standard input.
        extensions: lower-case suffixes to look for inside folders; None is every audio format we read.
        exclude: a folder to pass over inside folders: where the outputs go.

    Raises:
        ParameterError: a path that isn't there (all of them are named), no path, no audio found.
    """
    arguments = [os.fspath(path) for path in paths] + ([] if files_from is None else _read_list(files_from))
    if not arguments:
        raise ParameterError("nothing to work on: name at least one file or folder")
    modes = _modes(arguments)
    if extensions is None:
        from audio_gen.audio.decode import AUDIO_EXTENSIONS  # late: it brings torch, and wrong paths shall fail fast

        extensions = AUDIO_EXTENSIONS
    common = _common_folder(arguments, modes)
    seen: set[Identity] = set()
    if exclude is not None and exclude.is_dir():
        seen.add(_identity(os.fspath(exclude)))
    sources: list[Source] = []
    for argument, mode in zip(arguments, modes, strict=True):
        below = os.path.relpath(argument, common)
        if stat.S_ISDIR(mode):
            found = [(name, Path(below, tail)) for name, tail in _scan(argument, tuple(extensions), seen)]
        else:
            found = [(name, Path(below)) for name in _unseen([argument], seen)]
        sources += [Source(Path(name), _printable(name), relative) for name, relative in found]
    if not sources:
        raise ParameterError(f"no audio found in {_some(arguments)}; looked for {', '.join(sorted(extensions))}")
    return sources


def output_paths(sources: Sequence[Source], folder: Path, suffix: str) -> list[Path]:
    """`folder/relative` with `suffix` in place of its own; where two would meet, both keep their full name before it.

    Raises:
        ParameterError: an output would fall on one of the sources.
    """
    plain = [os.path.join(folder, os.path.splitext(source.relative)[0] + suffix) for source in sources]
    full = [os.path.join(folder, f"{source.relative}{suffix}") for source in sources]
    while True:
        count = Counter(plain)
        chosen = [path if count[path] == 1 else other for path, other in zip(plain, full, strict=True)]
        if chosen == plain:
            break
        plain = chosen
    twice = [path for path, times in count.items() if times > 1]
    if twice:
        raise ParameterError(f"two inputs would be written to {_some(twice)}; name them in two runs")
    own = _inputs_among(plain, sources)
    if own:
        raise ParameterError(f"the output would replace an input: {_some(own)}; choose another folder with -o")
    return [Path(path) for path in plain]


def _inputs_among(outputs: Sequence[str], sources: Sequence[Source]) -> list[str]:
    there = [path for path in outputs if os.path.lexists(path)]
    inputs = {_identity(os.fspath(source.path)): source.path for source in sources} if there else {}
    return [  # a hard link is another path, and may be replaced
        path
        for path in there
        if (twin := inputs.get(_identity(path))) and os.path.realpath(path) == os.path.realpath(twin)
    ]


def _printable(name: str) -> str:
    """The name as text that any format can hold: bytes that are no UTF-8 are escaped with a backslash."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "backslashreplace")


def _read_list(files_from: str | Path) -> list[str]:
    try:
        data = sys.stdin.buffer.read() if str(files_from) == "-" else Path(files_from).read_bytes()
    except OSError as error:
        raise ParameterError(f"can't read the list of files {str(files_from)!r}: {error.strerror}") from error
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\0" if b"\0" in data else b"\n")
    return [os.fsdecode(line.removesuffix(b"\r")) for line in lines if line.strip()]


def _modes(arguments: Sequence[str]) -> list[int]:
    modes, missing = [], []
    for argument in arguments:
        try:
            modes.append(os.stat(argument).st_mode)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            reason = getattr(error, "strerror", None) or str(error)
            missing.append(argument if isinstance(error, FileNotFoundError) else f"{argument} ({reason})")
    if missing:
        raise ParameterError(f"no such file or folder: {_some(missing)}")
    return modes


def _common_folder(arguments: Sequence[str], modes: Sequence[int]) -> str:
    folders = [
        os.path.abspath(argument if stat.S_ISDIR(mode) else os.path.dirname(argument))
        for argument, mode in zip(arguments, modes, strict=True)
    ]
    return os.path.commonpath(folders)


def _scan(top: str, extensions: tuple[str, ...], seen: set[Identity]) -> list[tuple[str, str]]:
    """Paths of the files below `top`, each also from there on, sorted by folder and name.

    Links come last, so that real names win.
    """
    files: list[str] = []
    links: list[str] = []
    folders = [top]
    seen.add(_identity(top))
    while folders or links:
        if not folders:
            link = links.pop(0)
            if os.path.isdir(link):
                folders += _unseen([link], seen)
            elif os.path.isfile(link) or not os.path.exists(link):  # a dead one becomes a record that says so
                files += _unseen([link], seen)
            continue
        for entry in _entries(folders.pop()):
            if entry.name.startswith("."):
                continue
            wanted = entry.name.lower().endswith(extensions)
            if entry.is_symlink():
                links += [entry.path] if wanted or os.path.isdir(entry.path) else []
            elif entry.is_dir():
                folders += _unseen([entry.path], seen)
            elif wanted and entry.is_file():
                files += _unseen([entry.path], seen)
    start = len(os.path.join(top, ""))
    return sorted(((path, path[start:]) for path in files), key=lambda found: found[1].split(os.sep))


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        _log.warning("passed over the folder %r: %s", folder, error.strerror)
        return []


def _unseen(paths: Iterable[str], seen: set[Identity]) -> list[str]:
    fresh = []
    for path in paths:
        identity = _identity(path)
        if identity not in seen:
            seen.add(identity)
            fresh.append(path)
    return fresh


def _identity(path: str) -> Identity:
    try:
        status = os.stat(path)
    except OSError:  # a link to nothing, or to itself
        return os.path.abspath(path)
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)


def _some(names: Sequence[str], limit: int = 10) -> str:
    shown = ", ".join(repr(name) for name in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"

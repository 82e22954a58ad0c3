"""Archives of datasets: fetched with resume, checked, unpacked whole or not at all."""

import hashlib
import http.client
import logging
import os
import re
import shutil
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from pathlib import Path

from audio_gen.errors import DatasetError

TIMEOUT = 60.0  # seconds without a byte
_BLOCK = 1 << 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Archive:
    """A zip file of a dataset.

    Args:
        url: its address.
        gives: what lies in the dataset's folder once it is unpacked, so that nothing is fetched twice.
        checksum: "sha1:0123…", as its makers state it; None where they state none (a zip holds a CRC of each file).
    """

    url: str
    gives: str
    checksum: str | None = None


def get(archives: Sequence[Archive], folder: Path) -> None:
    """Fetch and unpack into `folder` those archives whose content isn't there, and drop them then.

    Raises:
        DatasetError: can't be fetched or unpacked.
    """
    for archive in archives:
        if (folder / archive.gives).exists():
            _log.info("%s is there already", folder / archive.gives)
            continue
        path = folder / archive.url.rsplit("/", 1)[-1]
        _log.info("fetching %s", archive.url)
        fetch(archive.url, path, archive.checksum)
        unpack(path, folder)
        path.unlink()


def fetch(url: str, path: Path, checksum: str | None = None) -> None:
    """Download `url` to `path`, which appears only when whole and checked; goes on where an earlier run was cut off.

    Raises:
        DatasetError: no answer, a refusal, a connection cut off (what came is kept), or a wrong checksum.
    """
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        total = _receive(url, part)
    except urllib.error.HTTPError as error:
        error.close()
        raise DatasetError(f"can't fetch {url}: the server answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise DatasetError(f"can't fetch {url}: {reason}; what has come is kept, run it again to go on") from error
    size = part.stat().st_size
    if total is not None and size < total:
        raise DatasetError(f"{url} was cut off after {size} of {total} bytes; they are kept, run it again to go on")
    found = _digest(part, checksum)
    if found != checksum:
        part.unlink()
        raise DatasetError(f"{url} came damaged: {found}, not {checksum}; it is dropped, run it again")
    os.replace(part, path)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip file into `folder`, through a hidden neighbour: its folders appear whole or not at all.

    Raises:
        DatasetError: no whole zip file (it is dropped, so that the next run fetches it again), or files in its way.
    """
    inner = folder / f".{archive.stem}.unpacking"
    shutil.rmtree(inner, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as file:
            file.extractall(inner)  # keeps names inside `inner`, whatever they say
        found = [path for path in sorted(inner.iterdir()) if path.name != "__MACOSX"]
        for path in found:
            if (folder / path.name).exists():
                raise DatasetError(f"{folder / path.name} is in the way of what {archive} holds; move or remove it")
        for path in found:
            os.replace(path, folder / path.name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        archive.unlink()
        raise DatasetError(f"{archive} is no whole zip file ({error}); it is dropped, run it again") from error
    finally:
        shutil.rmtree(inner, ignore_errors=True)


def _receive(url: str, part: Path) -> int | None:
    """Append to `part` what it lacks; gives the size of the whole where the server tells it."""
    have = part.stat().st_size if part.is_file() else 0
    headers = {"User-Agent": "audio-gen", **({"Range": f"bytes={have}-"} if have else {})}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - addresses of data sheets only
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
            start, total = _extent(answer, have)
            _copy(answer, part, start, total)
            return total
    except urllib.error.HTTPError as error:
        if error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not have:
            raise
        with error:
            total = _range(error.headers)[1]
    if total == have:
        return total  # nothing was left to send
    part.unlink()  # longer than the file is now: begin anew
    return _receive(url, part)


def _extent(answer: http.client.HTTPResponse, have: int) -> tuple[int, int | None]:
    """Where the bytes that come begin in the file, and how long the whole file is."""
    if answer.status != HTTPStatus.PARTIAL_CONTENT:
        return 0, answer.length
    start, total = _range(answer.headers)
    if start != have:
        raise http.client.HTTPException(f"asked for the bytes from {have} on, got those from {start}")
    return have, total


def _range(headers: Message) -> tuple[int | None, int | None]:
    """Start and total of a Content-Range, such as `bytes 100-199/200` or `bytes */200`; None for what it leaves out."""
    match = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(?:(\d+)|\*)", headers.get("Content-Range", ""))
    start, total = match.groups() if match else (None, None)
    return (None if start is None else int(start), None if total is None else int(total))


def _copy(answer: http.client.HTTPResponse, part: Path, start: int, total: int | None) -> None:
    from tqdm import tqdm

    quiet = None if _log.isEnabledFor(logging.INFO) else True  # None: a bar on a terminal only
    with (
        part.open("ab" if start else "wb") as file,
        tqdm(total=total, initial=start, unit="B", unit_scale=True, disable=quiet) as bar,
    ):
        while block := answer.read(_BLOCK):
            file.write(block)
            bar.update(len(block))


def _digest(path: Path, checksum: str | None) -> str | None:
    """The checksum of `path` in the form of `checksum`."""
    if checksum is None:
        return None
    algorithm = checksum.split(":")[0]
    with path.open("rb") as file:
        return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"

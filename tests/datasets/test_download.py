"""Archives fetched from a server of the test's own."""

import hashlib
import io
import logging
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from audio_gen.datasets import _download
from audio_gen.datasets._download import Archive, fetch, get, unpack
from audio_gen.errors import DatasetError

CONTENT = bytes(range(256)) * 40
SHA1 = f"sha1:{hashlib.sha1(CONTENT).hexdigest()}"


@dataclass
class Site:
    """What the server serves, how it behaves, and which ranges it was asked for."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    cut_after: int | None = None
    asked: list[str | None] = field(default_factory=list)


def handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            site.asked.append(wanted)
            content = site.files.get(self.path[1:])
            if content is None:
                return self.send_error(404)
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and site.ranges else 0
            if start >= len(content):
                return self.answer(416, b"", 0, f"bytes */{len(content)}")
            extent = f"bytes {start}-{len(content) - 1}/{len(content)}" if start else None
            body = content[start:]
            return self.answer(206 if start else 200, body[: site.cut_after], len(body), extent)

        def answer(self, status: int, body: bytes, length: int, extent: str | None) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            if extent:
                self.send_header("Content-Range", extent)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    return Handler


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    site = Site(files={"a.bin": CONTENT})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(site)) as server:
        site.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield site
        server.shutdown()
        thread.join()


def test_a_file_comes_whole_checked_and_leaves_nothing_beside_it(site: Site, tmp_path: Path) -> None:
    fetch(f"{site.address}/a.bin", tmp_path / "deep" / "a.bin", SHA1)
    assert (tmp_path / "deep/a.bin").read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.bin"]
    fetch(f"{site.address}/a.bin", tmp_path / "deep" / "a.bin", SHA1)
    assert site.asked == [None]  # not asked for again


def test_a_connection_cut_off_is_said_and_taken_up_again(site: Site, tmp_path: Path) -> None:
    site.cut_after = 1000
    for count in (1000, 2000):
        with pytest.raises(DatasetError, match=f"cut off after {count} of {len(CONTENT)} bytes.*run it again"):
            fetch(f"{site.address}/a.bin", tmp_path / "a.bin", SHA1)
        assert not (tmp_path / "a.bin").exists()
    site.cut_after = None
    fetch(f"{site.address}/a.bin", tmp_path / "a.bin", SHA1)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert site.asked == [None, "bytes=1000-", "bytes=2000-"]


def test_a_server_without_ranges_starts_anew(site: Site, tmp_path: Path) -> None:
    site.ranges = False
    (tmp_path / ".a.bin.part").write_bytes(b"x" * 700)
    fetch(f"{site.address}/a.bin", tmp_path / "a.bin", SHA1)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_part_that_was_whole_already_is_kept(site: Site, tmp_path: Path) -> None:
    (tmp_path / ".a.bin.part").write_bytes(CONTENT)
    fetch(f"{site.address}/a.bin", tmp_path / "a.bin", SHA1)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert site.asked == [f"bytes={len(CONTENT)}-"]


def test_a_part_longer_than_the_file_is_dropped(site: Site, tmp_path: Path) -> None:
    (tmp_path / ".a.bin.part").write_bytes(CONTENT + b"more")
    fetch(f"{site.address}/a.bin", tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing(site: Site, tmp_path: Path) -> None:
    site.files["a.bin"] = b"another" + CONTENT
    with pytest.raises(DatasetError, match=f"came damaged: sha1:.*, not {SHA1}"):
        fetch(f"{site.address}/a.bin", tmp_path / "a.bin", SHA1)
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_and_a_dead_server_are_named(site: Site, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"b\.bin: the server answers 404 Not Found"):
        fetch(f"{site.address}/b.bin", tmp_path / "b.bin")
    with pytest.raises(DatasetError, match=r"can't fetch http://127\.0\.0\.1:9/a\.bin: .*run it again"):
        fetch("http://127.0.0.1:9/a.bin", tmp_path / "a.bin")


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_archives_are_unpacked_once_and_dropped(
    method: int, site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site.files["set.zip"] = zipped(
        {"set/a.csv": b"1", "set/deep/b": b"2", "__MACOSX/._a": b"", "note.txt": b""}, method
    )
    archives = [Archive(f"{site.address}/set.zip", "set/a.csv")]
    get(archives, tmp_path / "home")
    there = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert there == ["home/note.txt", "home/set/a.csv", "home/set/deep/b"]
    with caplog.at_level(logging.INFO, "audio_gen"):
        get(archives, tmp_path / "home")
    assert "is there already" in caplog.text
    assert len(site.asked) == 1


def test_a_damaged_zip_is_dropped_so_that_it_comes_again(site: Site, tmp_path: Path) -> None:
    whole = zipped({"set/a.csv": b"1" * 5000, "set/b.csv": b"2"}, zipfile.ZIP_STORED)
    site.files["set.zip"] = whole.replace(b"1" * 100, b"1" * 99 + b"0", 1)  # CRC
    archives = [Archive(f"{site.address}/set.zip", "set")]
    with pytest.raises(DatasetError, match=r"set\.zip is no whole zip file .*run it again"):
        get(archives, tmp_path)
    assert list(tmp_path.iterdir()) == []
    site.files["set.zip"] = whole
    get(archives, tmp_path)
    assert (tmp_path / "set/b.csv").read_bytes() == b"2"


def test_what_is_in_the_way_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set/mine").write_text("mine")
    (tmp_path / "set.zip").write_bytes(zipped({"a": b"1", "set/theirs": b"1"}))
    with pytest.raises(DatasetError, match="set is in the way"):
        unpack(tmp_path / "set.zip", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set", "set.zip"]
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["mine"]


def test_names_that_lead_out_of_the_folder_stay_inside(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/evil.zip").write_bytes(zipped({"../../out": b"", "/abs": b"", "set/a": b""}))
    unpack(tmp_path / "home/evil.zip", tmp_path / "home")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_addresses_of_the_data_sheets_are_zip_files_with_known_checksums() -> None:
    from audio_gen.datasets import deam, fma

    for archive in (*deam.ARCHIVES, *fma.ARCHIVES):
        assert archive.url.startswith("https://")
        assert archive.url.endswith(".zip")
        if archive.checksum:
            algorithm, digest = archive.checksum.split(":")
            assert len(digest) == 2 * hashlib.new(algorithm).digest_size
    assert _download.TIMEOUT > 0

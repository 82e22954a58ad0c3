"""From files to the GPU: decoded ahead by threads, sent from pinned memory beside the kernels, handed out in order."""

import queue
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

import torch

from audio_gen.audio.decode import BLOCK, open_audio
from audio_gen.features.log_mel import FULL_SCALE


def blocks_of(path: str | Path, sample_rate: int, seconds: float = BLOCK) -> Iterator[torch.Tensor]:
    """`[1, t]` of one file, mono at `sample_rate`: float32, or int16 (full scale is 32768) where that loses nothing.

    That is, where the file has 16-bit samples of one channel at that rate: half the bytes for the bus.

    Raises:
        DecodeError: as `AudioSource.mono`.
    """
    with open_audio(path) as audio:
        whole = audio.channels == 1 and audio.sample_rate == sample_rate and _has_16_bits(path)
        for block in audio.mono(sample_rate, seconds):
            yield (block * FULL_SCALE).to(torch.int16) if whole else block


def _has_16_bits(path: str | Path) -> bool:
    import soundfile

    try:
        with open(path, "rb") as file, soundfile.SoundFile(file.fileno(), closefd=False) as sound:
            return bool(sound.subtype == "PCM_16")
    except soundfile.SoundFileError:  # it is for another decoder
        return False


def feed(
    sources: Iterable[Iterable[torch.Tensor]], device: torch.device, *, threads: int = 2, ahead: int = 2
) -> Generator[Iterator[torch.Tensor], None, None]:
    """For each source, in order, an iterator over its blocks, on the device; a CPU gets them as they are.

    A block is ready for what the current stream of the device does next. What a source raises comes out where its next
    block would, and ends that source only. A source that is left half read is closed.

    Args:
        sources: blocks of a file, say, as `blocks_of` gives them; each is read in a thread of its own.
        device: where the blocks shall be.
        threads: sources that are read at once.
        ahead: blocks of each that may wait.
    """
    bus = _Bus(device, 2 * threads) if device.type == "cuda" else None
    lanes: deque[_Lane] = deque()
    rest = iter(sources)
    try:
        while True:
            while len(lanes) < threads and (source := next(rest, None)) is not None:
                lanes.append(_Lane(source, bus, ahead))
            if not lanes:
                return
            yield lanes[0].blocks()
            lanes.popleft().close()
    finally:
        for lane in lanes:
            lane.close()


class _Sent:
    """A block on its way to the device."""

    def __init__(self, block: torch.Tensor, event: torch.cuda.Event | None = None) -> None:
        self._block, self._event = block, event

    def arrived(self) -> torch.Tensor:
        """The block, for the current stream, which waits for it; the caller doesn't."""
        if self._event is not None:
            stream = torch.cuda.current_stream(self._block.device)
            stream.wait_event(self._event)
            self._block.record_stream(stream)  # else its memory were free for the next block before the kernel is done
        return self._block


class _Lane:
    """One source, read by a thread."""

    def __init__(self, source: Iterable[torch.Tensor], bus: "_Bus | None", ahead: int) -> None:
        self._source, self._bus = source, bus
        self._room = threading.Semaphore(ahead)
        self._ready: queue.SimpleQueue[_Sent | Exception | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._read, name="feed", daemon=True)
        self._thread.start()

    def blocks(self) -> Iterator[torch.Tensor]:
        while (item := self._ready.get()) is not None:
            if isinstance(item, Exception):
                raise item
            self._room.release()
            yield item.arrived()

    def close(self) -> None:
        self._closed = True
        self._room.release()
        self._thread.join()

    def _read(self) -> None:
        try:
            iterator = iter(self._source)
            while self._has_room() and (block := next(iterator, None)) is not None:
                self._ready.put(_Sent(block) if self._bus is None else self._bus.send(block))
            if hasattr(iterator, "close"):  # a generator: its file is closed here and now
                iterator.close()
        except Exception as error:  # noqa: BLE001 - any kind; it is raised again where the block is asked for
            self._ready.put(error)
        self._ready.put(None)

    def _has_room(self) -> bool:
        self._room.acquire()
        return not self._closed


class _Bus:
    """Copies to a GPU on a stream of their own, through a few pinned buffers that take turns.

    From memory that isn't pinned a copy is made twice, and the GPU waits for it.
    """

    def __init__(self, device: torch.device, buffers: int) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._free: queue.SimpleQueue[_Buffer] = queue.SimpleQueue()
        for _ in range(buffers):
            self._free.put(_Buffer())

    def send(self, block: torch.Tensor) -> _Sent:
        """Starts the copy; called in any thread."""
        buffer = self._free.get()
        try:
            pinned = buffer.filled(block)
            with torch.cuda.stream(self._stream):
                sent = pinned.to(self._device, non_blocking=True)
                left = torch.cuda.Event()  # type: ignore[no-untyped-call]
                left.record(self._stream)
            buffer.left = left
        finally:
            self._free.put(buffer)
        return _Sent(sent, left)


class _Buffer:
    """Pinned memory that grows to the largest block."""

    def __init__(self) -> None:
        self._bytes = torch.empty(0, dtype=torch.uint8)
        self.left: torch.cuda.Event | None = None  # when what it was last filled with has been copied

    def filled(self, block: torch.Tensor) -> torch.Tensor:
        if self.left is not None:
            self.left.synchronize()
        size = block.numel() * block.element_size()
        if len(self._bytes) < size:
            self._bytes = torch.empty(size, dtype=torch.uint8, pin_memory=True)
        return self._bytes[:size].view(block.dtype).view(block.shape).copy_(block)

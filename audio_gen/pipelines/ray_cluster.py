"""Ray, quiet: a cluster of its own on this machine, or one that runs already."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from audio_gen.errors import AudioGenError, ParameterError
from audio_gen.pipelines.batch import usable_cores


class ClusterError(AudioGenError):
    """The cluster can't do the work; the message says what became of it."""


def check_ray() -> None:
    """Whether Ray is installed.

    Raises:
        ParameterError: it isn't.
    """
    try:
        import ray.data  # noqa: F401
    except ImportError as error:
        raise ParameterError('--engine ray needs Ray: pip install "audio-gen[ray]"') from error


@contextmanager
def connected(address: str | None = None) -> Iterator[None]:
    """Inside, this process is part of a cluster, and Ray is quiet; a cluster that was started here ends with the block.

    Raises:
        ParameterError: Ray isn't installed, or there is no cluster at that address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when a cluster starts
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # the rest is in the logs of its session
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # what Ray will do some day; else it warns
    check_ray()
    import ray
    import ray._private.worker

    if ray.is_initialized():
        yield
        return
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    ray._private.worker._worker_logs_enabled = False  # else raylets speak on standard output, where our records go
    here = {"num_cpus": usable_cores(), "include_dashboard": False} if address is None else {}
    try:
        _knock(address or "local")
        with _hushed():
            ray.init(address or "local", log_to_driver=False, logging_level=logging.CRITICAL, **here)
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise ParameterError(
            f"Ray at {address or 'this machine'}: {' '.join(str(error).split())}; to a cluster that asks for a token "
            "go with RAY_AUTH_MODE=token in the environment"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Whether anybody listens at HOST:PORT: Ray would try for minutes.

    Raises:
        OSError: nobody does.
    """
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


@contextmanager
def _hushed() -> Iterator[None]:
    """Inside, nothing goes to standard error, not even from libraries in C++: they greet."""
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)

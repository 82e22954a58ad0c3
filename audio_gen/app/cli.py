"""The command `audio-gen`: finds the commands by listing the folder, runs one, turns errors into exit codes."""

import argparse
import gc
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from audio_gen import __version__, registry
from audio_gen.errors import AudioGenError, CheckpointError, DatasetError, ParameterError

COMMANDS = "audio_gen.app.commands"

EXIT_CODES = """\
exit codes:
  0  all fine
  1  some files failed
  2  wrong usage, a path that isn't there, no audio found
  3  a model is missing or doesn't fit
  4  all files failed
  130  interrupted; what was done is kept
"""


def program() -> NoReturn:
    """`main` as a process of its own.

    What torch brings stays to the end and is never garbage: to search it takes half a second at start and exit.
    """
    gc.set_threshold(100_000, 50, 50)
    code = main()
    gc.freeze()
    sys.exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code and never raises for what a user can cause."""
    try:
        arguments = build_parser().parse_args(argv)
    except SystemExit as end:  # argparse: 0 after --help and --version, 2 after an error
        return _flush(end.code if isinstance(end.code, int) else 2)
    with _messages(quiet=bool(getattr(arguments, "quiet", False))):
        try:
            code: int = registry.pick(COMMANDS, arguments.command).run(arguments)
        except KeyboardInterrupt:
            _say("interrupted; what was done is kept")
            return _flush(130)
        except BrokenPipeError:
            return _closed_pipe()
        except (AudioGenError, OSError, ModuleNotFoundError) as error:
            code = _explain(error)
        return _flush(code)


def build_parser() -> argparse.ArgumentParser:
    """The parser with all commands in it; imports the command files, none of which imports anything heavy."""
    parser = _Parser(
        prog="audio-gen",
        description="Music in, labels and new music out.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"audio-gen {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_CommandParser)
    for name in registry.names(COMMANDS):
        command = registry.pick(COMMANDS, name)
        sub = commands.add_parser(name, help=command.HELP, description=command.HELP, allow_abbrev=False)
        command.add_arguments(sub)
    return parser


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        _say(f"error: {message} ({self.prog} --help tells more)")
        sys.exit(2)


class _CommandParser(_Parser):
    """A command's parser: paths and options may come in any order (`features a -o out b`)."""

    _inside = False

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        if self._inside or self._subparsers is not None:  # the parsers of its subcommands allow any order themselves
            return super().parse_known_args(args, namespace)
        self._inside = True  # parse_known_intermixed_args calls parse_known_args
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._inside = False


@contextmanager
def _messages(*, quiet: bool) -> Iterator[None]:
    """Inside the block, what audio_gen logs goes to standard error: notes too, unless quiet."""
    log, handler = logging.getLogger("audio_gen"), _StderrHandler()
    log.addHandler(handler)
    log.setLevel(logging.WARNING if quiet else logging.INFO)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(logging.NOTSET)
        log.propagate = True


class _StderrHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _say(record.getMessage())


def _say(message: str) -> None:
    """One line on standard error; a terminal's progress bar is pushed down, not torn."""
    line = "\\n".join(f"audio-gen: {message}".splitlines())
    text = line.encode("utf-8", "backslashreplace").decode() + "\n"
    sys.stderr.write("\r\x1b[K" + text if sys.stderr.isatty() else text)


def _explain(error: Exception) -> int:
    if isinstance(error, OSError):
        place = f": {error.filename!r}" if error.filename is not None else ""
        _say(f"error: {error.strerror or error}{place}")
        return 1
    if isinstance(error, ModuleNotFoundError):
        if (error.name or "audio_gen").startswith("audio_gen"):
            raise error
        _say(f"error: this needs the Python package {error.name!r}, which is not installed: pip install {error.name}")
        return 1
    _say(f"error: {error}")
    if isinstance(error, (ParameterError, DatasetError)):
        return 2
    return 3 if isinstance(error, CheckpointError) else 1


def _flush(code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _closed_pipe()
    return code


def _closed_pipe() -> int:
    """Who read our output has heard enough: a quiet end."""
    from audio_gen.pipelines.records import drop_stdout

    drop_stdout()
    return 0

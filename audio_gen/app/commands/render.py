"""`audio-gen render`: files of notes → WAV, played by a SoundFont."""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from audio_gen.app import options
from audio_gen.app.running import finish, refuse_existing, run_files, run_sources
from audio_gen.errors import ParameterError
from audio_gen.pipelines.batch import Counts
from audio_gen.pipelines.inputs import Source, find_audio
from audio_gen.pipelines.records import Record, RecordWriter

if TYPE_CHECKING:
    from audio_gen.pipelines.render import Finish

HELP = "play MIDI, ABC or MusicXML with a SoundFont into WAV files"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_inputs(parser, what=".mid, .abc or MusicXML files, and folders to search to the bottom")
    options.add_folder_output(parser, what="the tree of the inputs is mirrored; for one file also OUT.wav")
    parser.add_argument(
        "--soundfont", metavar="F", help="SF2 or SF3 file; default $AUDIO_GEN_SOUNDFONT or the system's"
    )
    parser.add_argument("--sample-rate", type=options.at_least(1), default=44100, metavar="HZ", help="default 44100")
    parser.add_argument(
        "--lufs", type=float, metavar="L", help="bring each to this loudness, e.g. -16 (never over -1 dB true peak)"
    )
    parser.add_argument(
        "--fade", type=float, nargs=2, default=(0.0, 0.0), metavar=("IN", "OUT"), help="fade in and out, in seconds"
    )
    parser.add_argument("--subtype", metavar="S", help="PCM_16 (default), PCM_24 or FLOAT")
    options.add_batch(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    from audio_gen.app.clips import finish_of
    from audio_gen.symbolic.files import NOTE_EXTENSIONS

    sound = finish_of(arguments)
    if arguments.output.lower().endswith(".wav") and not Path(arguments.output).is_dir():
        return _run_one(arguments, sound)
    return run_files(arguments, ".wav", lambda: _prepared(arguments, sound), extensions=NOTE_EXTENSIONS)


def _prepared(arguments: argparse.Namespace, sound: "Finish") -> Callable[[Source, Path], Record]:
    from audio_gen.audio.synth import find_soundfont
    from audio_gen.pipelines.render_notes import Instruments, render_file

    instruments = Instruments(find_soundfont(arguments.soundfont), arguments.sample_rate)
    return partial(render_file, instruments=instruments, finish=sound)


def _run_one(arguments: argparse.Namespace, sound: "Finish") -> int:
    """One file of notes to the WAV that is named after -o."""
    from audio_gen.symbolic.files import NOTE_EXTENSIONS

    output = Path(arguments.output)
    sources = find_audio(arguments.paths, arguments.files_from, extensions=NOTE_EXTENSIONS)
    if len(sources) > 1:
        raise ParameterError(f"-o {str(output)!r} is one file, and there are {len(sources)} inputs; name a folder")
    if arguments.format == "parquet":
        raise ParameterError(f"--format parquet goes into a folder; name one with -o, not {str(output)!r}")
    if output.exists() and output.samefile(sources[0].path):
        raise ParameterError(f"the output would replace its input {str(output)!r}; name another file with -o")
    there = [output] if output.exists() else []
    refuse_existing(arguments, there)
    if there and arguments.skip_existing:
        return finish(Counts(0), skipped=1)
    work = _prepared(arguments, sound)
    with RecordWriter(arguments.format, goes_on=True) as writer:
        return finish(run_sources(arguments, sources, lambda source: work(source, output), writer.write), skipped=0)

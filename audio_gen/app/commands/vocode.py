"""`audio-gen vocode`: log-mel .npy files → audio; audio files → their copies through mel and back."""

import argparse
from functools import partial

from audio_gen.app import options
from audio_gen.app.running import run_files

HELP = "turn log-mels (.npy) into audio, or audio into its copy through mel and back"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_inputs(parser, what=".npy log-mels or audio files, and folders to search to the bottom")
    options.add_folder_output(parser)
    options.add_vocoder(parser)
    options.add_device(parser, batch_size=1)
    options.add_batch(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    from audio_gen.audio.decode import AUDIO_EXTENSIONS

    def prepare():  # type: ignore[no-untyped-def]
        from audio_gen.pipelines.device import pick_device
        from audio_gen.pipelines.vocode import vocode_file
        from audio_gen.pipelines.vocoder import Vocoder

        vocoder = Vocoder.load(arguments.vocoder, device=pick_device(arguments.device))
        return partial(vocode_file, vocoder=vocoder, subtype=arguments.subtype)

    return run_files(arguments, ".wav", prepare, extensions={*AUDIO_EXTENSIONS, ".npy"})

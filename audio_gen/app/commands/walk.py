"""`audio-gen walk`: seeds → one clip that goes smoothly from each to the next."""

import argparse
from pathlib import Path

from audio_gen.app import clips, options

HELP = "make one clip that goes smoothly from seed to seed, and from label to label"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--model", required=True, metavar="NAME", help="a generator by name or path")
    parser.add_argument("--seeds", type=_whole, required=True, metavar="A,B,...", help="two or more, in this order")
    parser.add_argument("--label", nargs="+", default=[], metavar="L", help="one for all, or one for each seed")
    parser.add_argument("--seconds", type=float, default=30.0, metavar="S", help="length of the whole; default 30")
    parser.add_argument("--variety", type=float, default=1.0, metavar="0..1", help="as of generate; default 1")
    clips.add_finish(parser)
    options.add_folder_output(parser, what="the file is named from model and seeds")
    options.add_device(parser)
    options.add_existing(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    from audio_gen.pipelines.device import pick_device
    from audio_gen.pipelines.generate import Generator
    from audio_gen.pipelines.provenance import tags
    from audio_gen.pipelines.walk import walk

    finish = clips.finish_of(arguments)
    generator = Generator.load(arguments.model, device=pick_device(arguments.device))
    vocoder = generator.vocoder(arguments.vocoder)
    for label in arguments.label:
        generator.check_label(label)
    item = walk(
        generator, arguments.seeds, labels=arguments.label, seconds=arguments.seconds, variety=arguments.variety
    )
    labels = [clips.plain(label) for label in dict.fromkeys(arguments.label)]
    stem = "_".join([generator.checkpoint.name, "walk", *labels, "-".join(map(str, arguments.seeds))])[:100]
    path = Path(arguments.output, f"{stem}.wav")
    records = clips.writer_for(arguments, path, tags(generator, vocoder, item.wish, finish))
    if records is not None:
        with records as writer:
            writer.write(clips.deliver(path, item, generator, vocoder, finish, kind="walk"))
    return 0


def _whole(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"must be whole numbers with commas between, not {text!r}") from error

"""--continue and --inpaint of `audio-gen generate`: new music after, or inside, somebody's recording."""

import argparse
import logging
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audio_gen.app import clips
from audio_gen.errors import ParameterError
from audio_gen.pipelines.records import success

if TYPE_CHECKING:
    import torch

    from audio_gen.audio.clip import Clip
    from audio_gen.pipelines.extend import Extended

MOST_MINUTES = 60  # of a recording
_log = logging.getLogger(__name__)


def add_extending(parser: argparse.ArgumentParser) -> None:
    """--continue, --inpaint, --start and --end."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--continue", dest="continue_file", type=Path, metavar="FILE", help="go on after this recording, for --seconds"
    )
    group.add_argument("--inpaint", type=Path, metavar="FILE", help="make this recording anew from --start to --end")
    parser.add_argument("--start", type=float, metavar="A", help="of --inpaint, in seconds")
    parser.add_argument("--end", type=float, metavar="B", help="of --inpaint, in seconds")


def extend(arguments: argparse.Namespace) -> int:
    """Run `generate` with one of the two; gives the exit code."""
    from audio_gen.audio.encode import save_blocks
    from audio_gen.pipelines.generate import Generator
    from audio_gen.pipelines.provenance import digest, tags

    source: Path = arguments.continue_file or arguments.inpaint
    _check(arguments)
    maker = clips.load_maker(arguments.model, arguments.device)
    if not isinstance(maker, Generator):
        raise ParameterError(f"--continue and --inpaint take a generator, not the autoencoder {arguments.model!r}")
    vocoder, finish = maker.vocoder(arguments.vocoder), clips.finish_of(arguments)
    label, seed = (arguments.label or [maker.labels[0]])[0], arguments.seed[0]
    maker.check_label(label)
    what = "continued" if arguments.continue_file else "inpainted"
    path = Path(arguments.output, f"{source.stem}_{what}_{clips.plain(label)}_seed{seed}.wav")
    clip = _recording(source)
    wish = {
        "label": label,
        "seed": seed,
        "source": {"sha256": digest(source), "seconds": clip.duration},
        what: {"seconds": arguments.seconds, "start": arguments.start, "end": arguments.end},
    }
    said = tags(maker, vocoder, wish, finish)
    records = clips.writer_for(arguments, path, said)
    if records is None:
        return 0
    found = _extended(arguments, maker, vocoder, clip, label, seed)
    _tell_form(arguments, source.name, clip, vocoder.spec.sample_rate)
    samples, rate = found.clip.samples, found.clip.sample_rate
    save_blocks(
        path,
        [samples],
        rate,
        length=samples.shape[1],
        channels=len(samples),
        subtype=arguments.subtype or _exact(clip.samples),
        tags=said,
    )
    seams = [{key: round(value, 3) for key, value in asdict(seam).items()} for seam in found.seams]
    for seam in found.seams:
        _log.info(
            "seam at %.2f s: the sound changes by %.1f dB there; elsewhere by %.1f dB usually, %.1f dB at most",
            *(seam.at_s, seam.change_db, seam.usual_db, seam.largest_db),
        )
    whole = {**said, "seams": seams, "distance": round(found.distance, 4)}
    clips.write_sidecar(path, whole)
    with records as writer:
        writer.write(success(str(path), {"generate": whole}, duration_s=found.clip.duration, sample_rate=rate))
    return 0


def _exact(samples: "torch.Tensor") -> str:
    """The smallest subtype that holds the recording as it is: of an MP3 or OGG it is FLOAT."""
    for subtype, bits in (("PCM_16", 15), ("PCM_24", 23)):
        steps = samples * 2.0**bits
        if bool((steps == steps.round()).all()) and float(samples.min()) >= -1 and float(samples.max()) < 1:
            return subtype
    return "FLOAT"


def _check(arguments: argparse.Namespace) -> None:
    several = len(arguments.label or [""]) > 1 or len(arguments.seed) > 1 or arguments.count > 1
    other = [
        name
        for name, given in (
            ("--loop", arguments.loop),
            ("--like", arguments.like),
            ("--best-of", arguments.best_of),
            ("--judge", arguments.judge),
            ("--lufs", arguments.lufs is not None),
            ("--fade", any(arguments.fade)),
            ("--tree", arguments.tree),
            ("--check-copies", arguments.check_copies),
            ("--bpm", arguments.bpm is not None),
            ("--bars", arguments.bars is not None),
            ("--variety", arguments.variety != 1),
        )
        if given
    ]
    if several or other:
        given = ", ".join(other) or "several labels, seeds or clips"
        raise ParameterError(
            f"--continue and --inpaint make one file with one label and seed, and leave the recording as it is; they "
            f"don't go with {given}"
        )
    gap = [number for number in (arguments.start, arguments.end) if number is not None]
    if arguments.inpaint is not None and (len(gap) < 2 or arguments.seconds is not None):
        raise ParameterError("--inpaint FILE goes with --start A and --end B (seconds), not with --seconds")
    if arguments.continue_file is not None and (gap or arguments.seconds is None):
        raise ParameterError("--continue FILE goes with --seconds S, the length of what is added")


def _recording(source: Path) -> "Clip":
    from audio_gen.audio.decode import load

    if not source.is_file():
        raise ParameterError(f"no such file: {str(source)!r}; give a recording")
    clip = load(source)
    if clip.duration > 60 * MOST_MINUTES:
        raise ParameterError(f"{str(source)!r} is longer than {MOST_MINUTES} minutes; cut it")
    return clip


def _tell_form(arguments: argparse.Namespace, name: str, clip: "Clip", rate: int) -> None:
    """What the user may not expect of the file."""
    if clip.channels > 1 or clip.sample_rate != rate:
        _log.info(
            "%s stays at %d Hz, %d channel(s); what is new is one channel of %d Hz, brought to each one's level",
            *(name, clip.sample_rate, clip.channels, rate),
        )
    exact = _exact(clip.samples)
    if arguments.subtype and arguments.subtype.upper() != exact and exact != "PCM_16":
        _log.warning("%s needs %s to stay as it is; %s changes it", name, exact, arguments.subtype.upper())


def _extended(
    arguments: argparse.Namespace, maker: Any, vocoder: Any, clip: "Clip", label: str, seed: int
) -> "Extended":
    from audio_gen.pipelines.extend import continued, inpainted

    if arguments.continue_file:
        return continued(maker, vocoder, clip, arguments.seconds, label=label, seed=seed)
    return inpainted(maker, vocoder, clip, arguments.start, arguments.end, label=label, seed=seed)

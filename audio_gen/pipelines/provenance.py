"""provenance: what a generated file says of itself, and how it is made again from that."""

import hashlib
import logging
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from audio_gen.audio.encode import read_tags
from audio_gen.errors import CheckpointError, ParameterError
from audio_gen.models.checkpoint import Checkpoint
from audio_gen.pipelines.autoencoder import Autoencoder
from audio_gen.pipelines.generate import Generated, Generator, Wish
from audio_gen.pipelines.render import Finish
from audio_gen.pipelines.vocoder import Vocoder
from audio_gen.pipelines.walk import walk

_log = logging.getLogger(__name__)


def tags(maker: Generator | Autoencoder, vocoder: Vocoder, wish: dict[str, Any], finish: Finish) -> dict[str, Any]:
    """What a file says of itself: no time, path or batch size, so equal seeds give equal bytes.

    Args:
        maker: what made the log-mel.
        vocoder: what made it sound.
        wish: what was asked for (`Generated.wish`).
        finish: how it was brought into its file.
    """
    return {
        **said_by(maker.checkpoint),
        "label": wish["label"],
        **{key: wish[key] for key in ("seed", "index") if key in wish},
        "wish": {key: list(value) if isinstance(value, tuple) else value for key, value in wish.items()},
        "vocoder": vocoder.name,
        **({"vocoder_sha256": vocoder.sha256, "vocoder_licence": vocoder.licence} if vocoder.sha256 else {}),
        "finish": asdict(finish),
    }


def said_by(model: Checkpoint) -> dict[str, Any]:
    """What all that a model makes says of it."""
    from audio_gen import __version__

    return {
        "software": f"audio_gen {__version__}",
        "generated_by": "machine",
        "model": model.name,
        "sha256": model.sha256,
        "licence": model.licence,
        "trained_on": list(model.training.get("credits", [])),
    }


def asked_of(path: Path) -> dict[str, Any]:
    """The tags of a file of ours that can be made again.

    Raises:
        ParameterError: none, or too few of them.
        DecodeError: the file can't be read.
    """
    found = read_tags(path)
    wish = found.get("wish")
    if not isinstance(wish, dict) or not all(isinstance(found.get(key), str) for key in ("model", "sha256", "vocoder")):
        raise ParameterError(f"{str(path)!r} doesn't tell how it was made; give a file that `generate` or `walk` wrote")
    return found


def remade(maker: Generator | Autoencoder, vocoder: Vocoder, found: dict[str, Any]) -> tuple[Generated, Finish]:
    """The clip that tags of `asked_of` tell of, and how it is brought into its file.

    Raises:
        CheckpointError: the models aren't the same as then.
        ParameterError: a file with somebody's recording in it, which alone can't be made again, or tags that make no
            sense.
    """
    from audio_gen import __version__

    for what, then, now in (
        (f"model {maker.checkpoint.name!r}", found["sha256"], maker.checkpoint.sha256),
        (f"vocoder {vocoder.name!r}", found.get("vocoder_sha256", ""), vocoder.sha256),
    ):
        if then != now:
            raise CheckpointError(
                f"{what} has changed: the file was made with {str(then)[:12] or 'none'}…, here is "
                f"{now[:12] or 'none'}…; put the former checkpoint into AUDIO_GEN_CHECKPOINTS or name its path"
            )
    if found.get("software") != f"audio_gen {__version__}":
        _log.warning("made with %s, this is audio_gen %s: bytes may differ", found.get("software"), __version__)
    wish = found["wish"]
    if "source" in wish:
        raise ParameterError("this file holds somebody's recording; to make it again, give it with its first options")
    try:
        finish = Finish(**found.get("finish", {}))
        if "seeds" in wish:
            if not isinstance(maker, Generator):
                raise TypeError("a walk needs a generator")
            labels = str(wish["label"]).split(" > ")
            made = walk(maker, wish["seeds"], labels=labels, seconds=wish["seconds"], variety=wish["variety"])
        else:
            known = {field.name for field in fields(Wish)} & set(wish)
            given: dict[str, Any] = {
                key: tuple(wish[key]) if isinstance(wish[key], list) else wish[key] for key in known
            }
            made = maker.make(Wish(**given))
    except (TypeError, KeyError, AttributeError) as error:
        raise ParameterError(f"the file's own account of how it was made makes no sense ({error})") from error
    return made, finish


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Writing a piece of notes with what it says of itself: STEM.mid, STEM.json and, played, STEM.wav."""

import argparse
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audio_gen.app import clips
from audio_gen.pipelines.records import Record, plain, success

if TYPE_CHECKING:
    from audio_gen.audio.clip import Clip
    from audio_gen.models.checkpoint import Checkpoint
    from audio_gen.pipelines.piece import Piece
    from audio_gen.pipelines.render import Finish
    from audio_gen.pipelines.render_notes import Instruments
    from audio_gen.symbolic.score import Score

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Player:
    """What --render plays a piece with."""

    instruments: "Instruments"
    finish: "Finish"


def player_of(arguments: argparse.Namespace) -> Player | None:
    """What --render and its options ask for; None without it.

    Raises:
        ParameterError: no SoundFont, or a loudness that makes no sense.
    """
    if not arguments.render:
        return None
    from audio_gen.audio.synth import find_soundfont
    from audio_gen.pipelines.render_notes import Instruments

    finish = clips.finish_of(arguments)
    return Player(Instruments(find_soundfont(arguments.soundfont)), finish)


def said_of(model: "Checkpoint", wish: Mapping[str, Any], player: Player | None) -> dict[str, Any]:
    """What a piece says of itself before it is made: no time, path or number of jobs, so the same bytes each time."""
    from dataclasses import asdict

    from audio_gen.pipelines.provenance import said_by

    said = {**said_by(model), "seed": wish["seed"], "wish": dict(wish)}
    if player is None:
        return said
    return {**said, "soundfont": player.instruments.soundfont.name, "finish": asdict(player.finish)}


def deliver(
    path: Path,
    piece: "Piece",
    model: "Checkpoint",
    *,
    kind: str,
    player: Player | None = None,
    source: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Record:
    """Write one piece: STEM.wav where there is a player, STEM.json and, last, `path`, so that where it is, all is.

    Args:
        path: the .mid file.
        piece: what goes there.
        model: what made it.
        kind: the command, under which the record has its result.
        player: of --render.
        source: what is told of the file that it was made from.
        name: what the record calls it; None is its path.
    """
    from audio_gen.pipelines.piece import seconds_of
    from audio_gen.symbolic.files import write_notes

    whole = said_of(model, piece.wish, player)
    if source is not None:
        whole["source"] = dict(source)
    whole |= {"measured": piece.measured, "copies": piece.copies, **piece.more}
    path.parent.mkdir(parents=True, exist_ok=True)
    if player is not None:
        whole["rendered"] = _rendered(path.with_suffix(".wav"), piece.score, player, whole)
    whole = plain(whole)
    clips.write_sidecar(path, whole)
    write_notes(path, piece.score)
    if piece.measured.get("thin"):
        _log.warning(
            "%s: fewer notes or pitches than in 99 of 100 real tunes as long, in all takes; try another --seed, more "
            "chords or a higher --temperature",
            path.name,
        )
    if piece.measured.get("off_chords"):
        _log.warning(
            "%s: fewer tones of its chords than in 99 of 100 real tunes as long, in all takes; try another --seed or a "
            "--key",
            path.name,
        )
    if remark := piece.more.get("remark"):
        _log.info("%s: %s", path.name, remark)
    rate = player.instruments.sample_rate if player is not None else None
    return success(
        name or str(path), {kind: {"output": str(path), **whole}}, duration_s=seconds_of(piece.score), sample_rate=rate
    )


def _rendered(path: Path, score: "Score", player: Player, said: Mapping[str, Any]) -> dict[str, Any]:
    from audio_gen.symbolic.render import render_score

    clip = render_score(score, soundfont=player.instruments.soundfont, sample_rate=player.instruments.sample_rate)
    tags = plain({key: value for key, value in said.items() if key not in ("measured", "copies")})
    return write_sound(path, clip, player.finish, tags)


def write_sound(path: Path, clip: "Clip", finish: "Finish", tags: dict[str, Any]) -> dict[str, Any]:
    """Write a clip; gives loudness, peak and gain, as JSON has them. It says where the peak keeps it from --lufs."""
    from audio_gen.pipelines.render import render_clip, tell_of_peak

    measured = render_clip(path, clip, finish, tags)
    tell_of_peak(path, measured, finish)
    return measured.to_dict()


def origin(path: Path) -> dict[str, str]:
    """What is told of a file that a piece was made from."""
    from audio_gen.pipelines.provenance import digest

    return {"name": path.name, "sha256": digest(path)}

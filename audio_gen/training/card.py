"""The first model card of a checkpoint: what is known the moment it is trained."""

from typing import Any

from audio_gen.models.checkpoint import Checkpoint


def first_card(made: Checkpoint) -> str:
    """Markdown: family, labels, data, figures on valid, licence, command. What it is weak at is for people to add."""
    training = made.training
    origin = training.get("init")
    started = f", started from {origin['name']} (sha256 {origin['sha256'][:12]}…)" if origin else ""
    lines = [
        f"# {made.name}",
        "",
        f"- **Family**: `{made.family}`; labels: {', '.join(made.labels)}.",
        f"- **Trained on**: {training.get('data', 'not told')}{started}; {training.get('steps')} steps, "
        f"seed {training.get('seed')}; step {training.get('best_step')} was kept.",
        f"- **Licence**: {made.licence}",
        f"- **Settings**: {_named(training.get('settings', {}))}",
        *_search(training.get("search")),
        "",
        "Figures on the validation split that chose the step (`audio-gen evaluate` gives intervals):",
        _named(training.get("valid", {})),
        "",
        "```",
        str(training.get("command", "")),
        "```",
        "",
    ]
    return "\n".join(lines)


def _search(search: dict[str, Any] | None) -> list[str]:
    if search is None:
        return []
    return [
        f"- **Search**: trial {search['trial']} of {search['trials']}, chosen by its score on valid, which flatters it "
        f"there: {_named(search['settings'])}"
    ]


def _named(values: dict[str, Any]) -> str:
    return ", ".join(
        f"{key} {format(value, '.4g') if isinstance(value, float) else value}" for key, value in values.items()
    )

"""`audio-gen info`: checkpoints with licence and metrics, devices, versions."""

import argparse
import json
from collections.abc import Mapping
from typing import Any

HELP = "list the checkpoints with licence and metrics, the devices and the versions"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="the same and more, as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; gives the exit code."""
    from audio_gen.pipelines import inventory
    from audio_gen.pipelines.records import plain, write_stdout

    found = {
        "versions": inventory.versions(),
        "devices": inventory.devices(),
        "checkpoints": inventory.checkpoints(),
    }
    text = json.dumps(plain(found), indent=2, allow_nan=False) if arguments.json else _text(found)
    write_stdout(text.encode("utf-8", "backslashreplace") + b"\n")
    return 0


def _text(found: Mapping[str, Any]) -> str:
    versions = [f"{name} {version or 'not installed'}" for name, version in found["versions"].items()]
    models = [line for item in found["checkpoints"] for line in _checkpoint(item)] or ["  none"]
    heads = [f"versions: {', '.join(versions)}", f"devices: {', '.join(found['devices'])}", "checkpoints:"]
    return "\n".join([*heads, *models])


def _checkpoint(item: Mapping[str, Any]) -> list[str]:
    if "error" in item:
        return [f"  {item['name']}: can't be used: {item['error']}"]
    measured = [f"    on {data}: {_figures(found)}" for data, found in item["metrics"].items()]
    return [
        f"  {item['name']}: {item['family']}, {item['parameters'] / 1e6:.1f} M parameters",
        f"    licence: {item['licence']}",
        *(measured or ["    metrics: none stored"]),
        f"    labels: {', '.join(item['labels']) or 'none'}",
        f"    file: {item['path']}",
    ]


def _figures(found: Any) -> str:
    """What was measured on one dataset: the figures, and of the details those that have an interval."""
    if not isinstance(found, Mapping):
        return _number(found)
    details = found.get("details", {})
    inner = details if isinstance(details, Mapping) else {}
    named = [*found.items(), *((key, value) for key, value in inner.items() if isinstance(value, Mapping))]
    # of a generator what is held against targets, of a vocoder its own row
    targets, rows = inner.get("targets", {}), inner.get("vocoding", {})
    named += [(key, row["found"]) for key, row in targets.items() if isinstance(row, Mapping) and "found" in row]
    named += list(rows.get(inner.get("model"), {}).items()) if isinstance(rows, Mapping) else []
    return ", ".join(f"{name} {_number(value)}" for name, value in named if _number(value))


def _number(value: Any) -> str:
    """`0.712` or `0.712 [0.65, 0.77]`; empty for what is neither a number nor one with its interval."""
    if isinstance(value, Mapping) and isinstance(value.get("value"), (int, float)):
        interval = f" [{value['low']:.3g}, {value['high']:.3g}]" if {"low", "high"} <= set(value) else ""
        return f"{value['value']:.3g}{interval}"
    return f"{value:.3g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else ""

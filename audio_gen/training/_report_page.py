"""The report of a training as one HTML page: pure functions from its figures to text. What users named is escaped."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any

MISTAKES = 100  # listed for each split; the JSON has them all
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"  # nothing is fetched and no script runs
_INTERVALS = "In brackets: 95 % intervals (bootstrap over tracks). They are wide where tracks are few."
_VALID = "These tracks were not trained on, but chose the step that was kept: the figures flatter a little."
_TEST = "These tracks were not looked at before the training had ended."


def page(report: Mapping[str, Any]) -> str:
    """The whole page as HTML text.

    Args:
        report: from `class_report`.
    """
    css = resources.files("audio_gen.training").joinpath("report.css").read_text("utf-8")
    title = escape(f"{report['name']}: how well it tells its classes")
    sections = [
        *(_measured(split, figures, report["labels"]) for split, figures in report["figures"].items()),
        _section("The data", _data(report)),
        _section("How the training went", _curves(report)),
        _section("How it was made", _made(report)),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{css}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        f"{''.join(sections)}</main>\n</body>\n</html>\n"
    )


def _section(heading: str, body: str) -> str:
    return f"<section>\n<h2>{heading}</h2>\n{body}</section>\n"


def _measured(split: str, figures: Mapping[str, Any], labels: Sequence[str]) -> str:
    facts = [
        ("accuracy", figures["accuracy"]),
        ("macro F1", figures["macro_f1"]),
        ("calibration error", figures["ece"]),
    ]
    tiles = "".join(
        f"<li><b>{_value(figure)}</b> {name} <small>{_range(figure)}</small></li>" for name, figure in facts
    )
    body = (
        f'<p>{_VALID if split == "valid" else _TEST} {_INTERVALS}</p>\n<ul class="tiles">{tiles}</ul>\n'
        f'<div class="columns"><div>{_confusion(figures["confusion"], labels)}</div>'
        f"<div>{_classes(figures, labels)}</div></div>\n{_mistakes(figures['predictions'])}"
    )
    return _section(f"On {figures['tracks']} {split} tracks", body)


def _confusion(counts: Sequence[Sequence[int]], labels: Sequence[str]) -> str:
    head = "".join(f'<th scope="col">{escape(label)}</th>' for label in labels)
    rows = []
    for label, row in zip(labels, counts, strict=True):
        total = max(1, sum(row))
        cells = "".join(f'<td style="--p:{100 * count / total:.0f}%">{count}</td>' for count in row)
        rows.append(f'<tr><th scope="row">{escape(label)}</th>{cells}</tr>')
    return (
        '<h3>Confusion matrix</h3>\n<div class="scroll"><table class="confusion">'
        "<caption>Rows: what a track is. Columns: what was told. Stronger colour: a larger share of the row.</caption>"
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _classes(figures: Mapping[str, Any], labels: Sequence[str]) -> str:
    rows = [
        [label, sum(row), f"{_value(figures['f1'][label])} {_range(figures['f1'][label])}"]
        for label, row in zip(labels, figures["confusion"], strict=True)
    ]
    return f"<h3>F1 of each class</h3>\n{_table(['class', 'tracks', 'F1'], rows)}"


def _mistakes(predictions: Sequence[Mapping[str, Any]]) -> str:
    wrong = sorted((p for p in predictions if p["true"] != p["told"]), key=lambda p: -p["prob"])
    if not wrong:
        return "<p>No mistake.</p>\n"
    rows = [[p["id"], p["true"], p["told"], f"{p['prob']:.2f}"] for p in wrong[:MISTAKES]]
    more = f"<p>{len(wrong) - MISTAKES} more are in the JSON.</p>" if len(wrong) > MISTAKES else ""
    table = _table(["track", "is", "told", "with probability"], rows)
    return f"<details><summary>{len(wrong)} mistakes, the surest first</summary>{table}{more}</details>\n"


def _data(report: Mapping[str, Any]) -> str:
    splits = list(report["tracks"])
    rows = [[label, *(report["tracks"][split][label] for split in splits)] for label in report["labels"]]
    rows.append(["all", *(sum(report["tracks"][split].values()) for split in splits)])
    rows.append(["groups (no group is in two splits)", *(report["groups"][split] for split in splits)])
    notes = "".join(f"<li>{escape(note)}</li>" for note in report["notes"])
    return _table(["class", *splits], rows) + (f"<ul>{notes}</ul>" if notes else "")


def _curves(report: Mapping[str, Any]) -> str:
    training, curve = report["training"], report["curve"]
    ended, planned, best = report["ended"], training.get("steps"), training.get("best_step")
    early = f" It ended early, at step {ended}: there was no better score." if ended != planned else ""
    text = f"<p>{planned} steps were planned; the weights of step {best} were kept.{early}</p>\n"
    drawn = [
        _plot("macro F1 and accuracy on valid", curve, ["macro_f1", "accuracy"], 1.0),
        _plot("training loss", curve, ["train_loss"], None),
    ]
    return f'{text}<div class="columns">{"".join(drawn)}</div>\n'


def _plot(title: str, curve: Sequence[Mapping[str, Any]], keys: Sequence[str], top: float | None) -> str:
    lines = [[(point["step"], point[key]) for point in curve if point.get(key) is not None] for key in keys]
    values = [value for line in lines for _, value in line]
    if not values:
        return ""
    last, high = max(point["step"] for point in curve), max(values) if top is None else top
    drawn = "".join(_line(line, last, high or 1.0, style) for style, line in zip(("one", "two"), lines, strict=False))
    final = ", ".join(f"{key} {line[-1][1]:.3g}" for key, line in zip(keys, lines, strict=True) if line)
    legend = "".join(
        f'<li class="{style}">{escape(key)}</li>' for style, key in zip(("one", "two"), keys, strict=False)
    )
    return (
        f'<figure><figcaption>{title}</figcaption><svg viewBox="0 0 100 50" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(title)}: at the end {escape(final)}">{drawn}</svg>'
        f'<p class="axis"><span>step 0</span><span>top of the box: {high:.3g}</span><span>{last:.0f}</span></p>'
        f'<ul class="legend">{legend}</ul></figure>'
    )


def _line(line: Iterable[tuple[float, float]], last: float, high: float, style: str) -> str:
    points = " ".join(f"{100 * step / last:.2f},{50 - 48 * value / high:.2f}" for step, value in line)
    return f'<polyline class="{style}" points="{points}"/>'


def _made(report: Mapping[str, Any]) -> str:
    training = report["training"]
    init = training.get("init")
    facts = {
        "recipe": training.get("recipe"),
        "data": training.get("data"),
        "started from": f"{init['name']} (sha256 {init['sha256'][:12]}…)" if init else "random weights",
        "seed": training.get("seed"),
        "licence of the weights": report["licence"],
        **training.get("settings", {}),
    }
    rows = "".join(f"<dt>{escape(str(key))}</dt><dd>{escape(_text(value))}</dd>" for key, value in facts.items())
    command = training.get("command")
    return f"<dl>{rows}</dl>\n" + (f"<pre>{escape(str(command))}</pre>\n" if command else "")


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(_text(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>\n'


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _value(figure: Mapping[str, float | None]) -> str:
    return "undefined" if figure["value"] is None else f"{figure['value']:.3f}"


def _range(figure: Mapping[str, float | None]) -> str:
    low, high = figure["low"], figure["high"]
    return "" if low is None or high is None else f"[{low:.3f}, {high:.3f}]"

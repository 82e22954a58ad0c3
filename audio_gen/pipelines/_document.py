"""The frame of every page that we write: head, header, main part and footer, as HTML text that fetches nothing."""

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from importlib import resources


def document(
    title: str, header: str, main: str, footer: str, *, media: str, styles: Sequence[str] = (), script: str = ""
) -> str:
    """The whole document.

    Args:
        title: text, which is escaped.
        header: HTML after the title in the header.
        main: HTML.
        footer: HTML.
        media: whence sounds may come, in the words of a Content-Security-Policy; pictures stand in the page itself.
        styles: files of this package beside `report.css`.
        script: the file of this package that alone may run; "" is none.
    """
    files = resources.files("audio_gen.pipelines")
    css = "".join(files.joinpath(name).read_text("utf-8") for name in ("report.css", *styles))
    # nothing is fetched and no other script runs, whatever a file name says
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src {media}"
    run = ""
    if script:
        code = files.joinpath(script).read_text("utf-8")
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        policy, run = f"{policy}; script-src 'sha256-{digest}'", f"<script>{code}</script>\n"
    heading = escape(title)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{heading}</title>\n<style>\n{css}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{heading}</h1>\n{header}\n</header>\n<main>\n{main}</main>\n"
        f'<footer><p class="soft">{footer}</p></footer>\n{run}</body>\n</html>\n'
    )

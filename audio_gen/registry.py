"""Plugs found by listing a folder: one public module a plug, no list to keep in step.

A module whose name starts with an underscore is a helper, not a plug.
"""

import importlib
import pkgutil
from types import ModuleType

from audio_gen.errors import ParameterError


def names(package: str) -> list[str]:
    """Names of the plugs in `package` (a dotted name below audio_gen), sorted; imports none of them."""
    found = pkgutil.iter_modules(importlib.import_module(package).__path__)
    return sorted(module.name for module in found if not module.name.startswith("_"))


def pick(package: str, name: str) -> ModuleType:
    """Import the plug `name` of `package`.

    Raises:
        ParameterError: no such plug; the message lists those there are.
    """
    allowed = names(package)
    if name not in allowed:
        kind = package.rsplit(".", 1)[-1]
        raise ParameterError(f"{name!r} is not one of the {kind}; there are: {', '.join(allowed)}")
    return importlib.import_module(f"{package}.{name}")

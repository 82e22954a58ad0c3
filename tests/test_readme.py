"""README.md says what was measured."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("name", ["features", "folder"])
def test_tables_are_those_of_the_benchmarks(name: str) -> None:
    spec = importlib.util.spec_from_file_location("readme", ROOT / "scripts" / "benchmarks" / "readme.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"<!-- {name} -->\n| " in text
    assert module.filled(text) == text

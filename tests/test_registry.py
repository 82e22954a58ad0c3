import sys
from pathlib import Path

import pytest

from audio_gen import registry
from audio_gen.errors import ParameterError


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package of plugs on the import path."""
    home = tmp_path / "plugs_of_a_test" / "fruits"
    home.mkdir(parents=True)
    for name in ("", "fruits/"):
        (tmp_path / "plugs_of_a_test" / name / "__init__.py").write_text("")
    (home / "pear.py").write_text("TASTE = 'sweet'\n")
    (home / "apple.py").write_text("TASTE = 'sour'\n")
    (home / "_peel.py").write_text("raise RuntimeError('a helper is no plug')\n")
    (home / "notes.txt").write_text("no module")
    monkeypatch.syspath_prepend(tmp_path)
    return "plugs_of_a_test.fruits"


def test_plugs_are_found_by_listing_the_folder(package: str) -> None:
    assert registry.names(package) == ["apple", "pear"]
    assert f"{package}.pear" not in sys.modules  # listing imports none
    assert registry.pick(package, "pear").TASTE == "sweet"


@pytest.mark.parametrize("name", ["plum", "_peel", "", "pear.TASTE", "../pear", "os"])
def test_an_unknown_plug_lists_the_known_ones(package: str, name: str) -> None:
    with pytest.raises(ParameterError, match="not one of the fruits; there are: apple, pear"):
        registry.pick(package, name)


@pytest.mark.parametrize("package", ["audio_gen.datasets", "audio_gen.training.recipes", "audio_gen.app.commands"])
def test_every_plug_can_be_imported_and_tells_what_it_is(package: str) -> None:
    for name in registry.names(package):
        assert registry.pick(package, name).__doc__

from dataclasses import dataclass

import pytest

from audio_gen.errors import ParameterError
from audio_gen.training.settings import override


@dataclass(frozen=True)
class Settings:
    steps: int = 10
    rate: float = 1e-3
    widths: tuple[int, ...] = (8, 16)
    level: float = -45.0
    loud: bool = False
    kind: str = "plain"


def test_values_get_their_types() -> None:
    changed = override(
        Settings(), ["steps=3", "rate=2e-4", "widths=4,4,2", "level=-3", "loud=true", "kind=odd=even", "steps=5"]
    )
    assert changed == Settings(5, 2e-4, (4, 4, 2), -3.0, True, "odd=even")
    assert type(changed.level) is float
    assert override(Settings(), []) == Settings()
    assert override(Settings(), ["widths=7"]).widths == (7,)
    assert override(Settings(loud=True), ["loud=0"]).loud is False


@pytest.mark.parametrize("text", ["step=3", "steps", "=3", "", "Steps=3", "--steps=3"])
def test_an_unknown_key_lists_the_known_ones(text: str) -> None:
    with pytest.raises(ParameterError) as caught:
        override(Settings(), [text])
    allowed = "steps=10, rate=0.001, widths=8,16, level=-45.0, loud=False, kind=plain"
    assert str(caught.value) == f"--set {text!r}: give key=value with one of: {allowed}"


@pytest.mark.parametrize(
    ("text", "like"),
    [
        ("steps=many", "10"),
        ("steps=1.5", "10"),
        ("steps=", "10"),
        ("steps=0", "10"),
        ("steps=-4", "10"),
        ("rate=fast", "0.001"),
        ("rate=nan", "0.001"),
        ("rate=inf", "0.001"),
        ("widths=", "8,16"),
        ("widths=8,,8", "8,16"),
        ("widths=8,0", "8,16"),
        ("widths=(8,8)", "8,16"),
        ("loud=maybe", "False"),
    ],
)
def test_a_wrong_value_shows_a_right_one(text: str, like: str) -> None:
    with pytest.raises(ParameterError) as caught:
        override(Settings(), [text])
    assert str(caught.value).startswith(f"--set {text!r}: the value must look like {like}")

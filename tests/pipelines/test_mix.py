import pytest

from audio_gen.errors import ParameterError
from audio_gen.pipelines.mix import shares

LABELS = ("folk", "metal", "drum:bass", "a,b")


def test_one_label_or_several_with_weights() -> None:
    assert shares("folk", LABELS) == {"folk": 1.0}
    assert shares("folk:3,metal:1", LABELS) == {"folk": 0.75, "metal": 0.25}
    assert shares(" folk , metal:1 ", LABELS) == {"folk": 0.5, "metal": 0.5}


def test_labels_that_look_like_mixtures_are_labels() -> None:
    assert shares("drum:bass", LABELS) == {"drum:bass": 1.0}
    assert shares("a,b", LABELS) == {"a,b": 1.0}
    assert shares("drum:bass:1,folk:1", LABELS) == {"drum:bass": 0.5, "folk": 0.5}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("polka", "'polka' is unknown; there are: folk"),
        ("folk:0.5,polka:0.5", "'polka' is unknown"),
        ("folk:0", "weight above 0"),
        ("folk:-1", "weight above 0"),
        ("folk:nan", "weight above 0"),
        ("folk:inf", "weight above 0"),
        ("folk:much", "weight above 0"),
        ("folk:1,folk:2", "once"),
        ("", "'' is unknown"),
        ("folk,", "'' is unknown"),
    ],
)
def test_what_makes_no_sense_is_told(text: str, told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        shares(text, LABELS)

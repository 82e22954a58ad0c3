"""The split for data that come without one."""

import numpy as np
import pytest

from audio_gen.datasets._stratify import Member, stratified_split


def members(*sizes: int, label: str = "a") -> list[Member]:
    """`sizes[g]` items of group g."""
    return [Member(f"{label}{g}/{i}", f"{label}{g}", label) for g, size in enumerate(sizes) for i in range(size)]


@pytest.mark.parametrize("count", [2, 3, 5, 10, 57])
def test_each_class_is_in_both_parts_in_about_the_right_share(count: int) -> None:
    parts = stratified_split(members(*[1] * count, label="a") + members(*[1] * count, label="b"))
    for label in "ab":
        valid = sum(part == "valid" for id_, part in parts.items() if id_.startswith(label))
        assert valid == max(1, round(0.2 * count))


def test_order_of_the_items_does_not_matter() -> None:
    items = members(*[2] * 12)
    shuffled = [items[i] for i in np.random.default_rng(0).permutation(len(items))]
    assert stratified_split(items) == stratified_split(shuffled)


def test_a_large_group_goes_to_train() -> None:
    parts = stratified_split(members(98, 1, 1))
    assert {part for id_, part in parts.items() if id_.startswith("a0/")} == {"train"}
    assert "valid" in parts.values()


def test_groups_across_classes_stay_whole() -> None:
    items = [Member(f"{label}{i}", f"artist {i}", label) for label in "abc" for i in range(10)]
    parts = stratified_split(items)
    assert all(len({parts[f"{label}{i}"] for label in "abc"}) == 1 for i in range(10))
    assert sum(part == "valid" for part in parts.values()) == 6


def test_a_class_of_one_group_is_in_one_part() -> None:
    assert set(stratified_split(members(5)).values()) == {"train"}

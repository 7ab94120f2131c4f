import pytest
from rich.text import Text

from rig.monitor.terminal.fitting import GAPS, fit


def form(name, count):
    return lambda: [Text(f"{name}{k}") for k in range(count)]


BLOCKS = {
    "a": [form("a", 1)],
    "b": [form("b", 5), form("B", 2), list],
    "c": [form("c", 3), list],
}
GIVEN_UP = ("b", GAPS, "c", "b")


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (11, "a0 . b0 b1 b2 b3 b4 . c0 c1 c2"),
        (10, "a0 . B0 B1 . c0 c1 c2"),
        (8, "a0 . B0 B1 . c0 c1 c2"),
        (7, "a0 B0 B1 c0 c1 c2"),
        (5, "a0 B0 B1"),
        (2, "a0"),
        (0, ""),
    ],
)
def test_what_does_not_fit_is_given_up_in_order(rows, lines):
    found = fit(BLOCKS, GIVEN_UP, rows)
    assert " ".join(line.plain or "." for line in found) == lines


def test_an_empty_block_takes_no_line():
    blocks = {"a": [form("a", 1)], "none": [list], "b": [form("b", 1)]}
    assert [line.plain for line in fit(blocks, (), 9)] == ["a0", "", "b0"]


def test_only_what_is_needed_is_made():
    def never():
        pytest.fail("made")

    assert fit({"a": [form("a", 1), never]}, ("a",), 5)

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.config.polygon import fault_of_polygon


@given(
    n=st.integers(3, 12),
    radii=st.lists(st.floats(1, 100), min_size=12, max_size=12),
    turn=st.floats(0, 6),
)
def test_a_star_round_its_middle_is_sound_from_either_side(n, radii, turn):
    corners = [
        (r * math.cos(turn + k * math.tau / n), r * math.sin(turn + k * math.tau / n))
        for k, r in zip(range(n), radii, strict=False)
    ]
    assert fault_of_polygon(corners) == ""
    assert fault_of_polygon(corners[::-1]) == ""


@pytest.mark.parametrize(
    ("corners", "words"),
    [
        ([(10, 10), (20, 20), (30, 30)], "all on one line"),
        ([(0, 0), (0, 0), (5, 5)], "all on one line"),
        (
            [(0, 0), (100, 100), (100, 0), (0, 100)],
            "(0, 0)–(100, 100) and (100, 0)–(0, 100)",
        ),
    ],
)
def test_what_has_no_inside_is_refused(corners, words):
    assert words in fault_of_polygon(corners)

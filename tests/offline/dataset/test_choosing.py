from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from offline.dataset.choosing import Candidate, Choice, in_turns


def candidates(criterion, *times_s, view="left"):
    return [
        Candidate(view, int(100 * t), t, criterion, 1.0 / (k + 1))
        for k, t in enumerate(times_s)
    ]


def test_criteria_take_turns_and_each_gives_its_best_first():
    proposed = {
        "appearance": candidates("appearance", 1, 2, 3),
        "jumps": candidates("jumps", 10, 20),
    }
    taken = list(in_turns(proposed, Choice(0.5)))
    assert [c.at_s for c in taken] == [1, 10, 2, 20, 3]


def test_what_lies_beside_a_chosen_frame_is_passed_over():
    choice = Choice(0.5)
    proposed = {
        "appearance": candidates("appearance", 1, 1.2),
        "jumps": candidates("jumps", 1.4, 1.6),
    }
    assert [c.at_s for c in in_turns(proposed, choice)] == [1, 1.6]
    assert not choice.take(candidates("jumps", 1.55)[0])


def test_other_views_are_apart_of_themselves():
    choice = Choice(0.5)
    assert choice.take(candidates("jumps", 1)[0])
    assert choice.take(candidates("jumps", 1, view="right")[0])


def test_nothing_near_a_frame_that_is_labelled():
    choice = Choice(0.5)
    choice.exclude("left", 2.0)
    assert [c.at_s for c in in_turns({"jumps": candidates("jumps", 2.1, 3)}, choice)]
    assert [c.at_s for c in choice.chosen] == [3]


@given(
    st.lists(st.lists(st.floats(0, 100), max_size=20), max_size=3),
    st.floats(0, 5),
)
def test_no_two_are_closer_than_asked_and_none_that_fits_is_left(times_s, apart_s):
    names = ("appearance", "likelihood", "jumps")
    proposed = {n: candidates(n, *t) for n, t in zip(names, times_s, strict=False)}
    choice = Choice(apart_s)
    taken = list(in_turns(proposed, choice))
    assert taken == choice.chosen
    at = sorted(c.at_s for c in taken)
    assert all(b - a >= apart_s for a, b in pairwise(at))
    for found in proposed.values():
        for candidate in found:
            near = any(abs(candidate.at_s - c.at_s) < apart_s for c in taken)
            assert near or candidate in taken

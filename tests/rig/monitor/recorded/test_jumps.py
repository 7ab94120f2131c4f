from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.monitor.feed import Mark
from rig.monitor.recorded.jumps import (
    Jump,
    Jumps,
    LowLikelihood,
    holes_in,
    jump_of_mark,
    listed_gaps,
    unlisted,
)
from rig.recording.ledger import Ledger, Missing, StreamLedger


@pytest.fixture
def jumps():
    jumps = Jumps()
    jumps.add(
        [
            Jump(3.0, "fire", "c", "fired", "reach"),
            Jump(1.0, "fire", "a", "fired", "take_off"),
            Jump(2.0, "fire", "b", "sham", "take_off"),
            Jump(2.5, "gap", "g", "cameras/left", end_s=2.6),
        ]
    )
    return jumps


def test_the_next_and_the_one_before_are_never_the_one_that_one_stands_on(jumps):
    seen, at_s = [], 0.0
    while (jump := jumps.next_after("fire", at_s)) is not None:
        seen.append(jump.text)
        at_s = jump.at_s
    assert seen == ["a", "b", "c"]
    seen = []
    while (jump := jumps.before("fire", at_s)) is not None:
        seen.append(jump.text)
        at_s = jump.at_s
    assert seen == ["b", "a"]
    assert jumps.next_after("note", 0.0) is None


def test_fires_can_be_asked_for_by_outcome_and_by_rule(jumps):
    assert jumps.next_after("fire", 0.0, what="sham").text == "b"
    assert jumps.next_after("fire", 0.0, rule="reach").text == "c"
    assert jumps.before("fire", 3.0, what="fired").text == "a"
    assert [jump.text for jump in jumps.of("fire", rule="take_off")] == ["a", "b"]


def test_all_of_it_can_be_written_down(jumps):
    found = jumps.to_dict()
    assert list(found) == ["fire", "gap", "low", "note", "event"]
    assert found["gap"][0]["end_s"] == 2.6


def _likelihoods(values):
    return np.repeat(np.asarray(values, np.float32)[:, None], 3, axis=1)


def test_a_stretch_of_low_likelihood_has_its_begin_its_end_and_its_lowest():
    low = LowLikelihood("left", limit=0.5, at_least=3)
    values = [0.9, 0.2, 0.3, 0.9, 0.4, 0.1, 0.4, 0.4, 0.8]
    found = low.take(np.arange(9.0), _likelihoods(values))
    assert [(jump.at_s, jump.end_s) for jump in found] == [(4.0, 7.0)]
    assert found[0].text == "left: 4 poses below 0.5, mean likelihood down to 0.10"
    assert not low.finish()


def test_the_mean_over_the_body_parts_counts_and_a_missing_one_is_none():
    low = LowLikelihood("left", limit=0.5, at_least=1)
    poses = np.array([[0.9, 0.0], [1.0, 0.1], [np.nan, 0.9]])
    assert [jump.at_s for jump in low.take(np.arange(3.0), poses)] == [0.0]
    assert [jump.at_s for jump in low.finish()] == [2.0]


@given(
    values=st.lists(st.sampled_from([0.1, 0.9]), max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=5),
    at_least=st.integers(1, 4),
)
def test_in_pieces_the_same_stretches_are_found(values, cuts, at_least):
    times, likely = np.arange(float(len(values))), _likelihoods(values)
    whole = LowLikelihood("left", 0.5, at_least)
    expected = whole.take(times, likely) + whole.finish()
    pieces, found = LowLikelihood("left", 0.5, at_least), []
    edges = [0, *sorted(cuts), len(values)]
    for start, stop in pairwise(edges):
        found += pieces.take(times[start:stop], likely[start:stop])
    assert found + pieces.finish() == expected
    lengths = "".join("x" if value < 0.5 else " " for value in values).split()
    assert len(expected) == sum(len(run) >= at_least for run in lengths)


def test_holes_are_where_numbers_jump_forward():
    numbers = np.array([10, 20, 40, 50, 0, 10])  # the device began anew
    holes = holes_in("signals/daq/emg", numbers, np.full(6, 10), np.arange(6.0))
    assert [(hole.at_s, hole.end_s) for hole in holes] == [(1.0, 2.0)]
    assert holes[0].text == "signals/daq/emg: 10 missing from 30"


def test_a_hole_that_the_ledger_lists_is_one_gap():
    stream = StreamLedger(
        published=9,
        recorded=7,
        lost=2,
        missing=[
            Missing("transport", 4, 2, "the cable", at_s=1.0, duration_ms=20.0),
            Missing("transport", 9, 1, "nobody knows"),
        ],
    )
    ledger = Ledger(
        verdict="WARN",
        reason="",
        closes=True,
        ended="",
        streams={"cameras/left": stream},
    )
    listed = listed_gaps(ledger)
    assert [(gap.at_s, gap.end_s) for gap in listed] == [(1.0, 1.02)]
    assert "the cable" in listed[0].text
    holes = [
        Jump(1.0, "gap", "told", "cameras/left", end_s=1.02),
        Jump(5.0, "gap", "later", "cameras/left", end_s=5.02),
        Jump(1.0, "gap", "another", "cameras/right", end_s=1.02),
    ]
    assert [hole.text for hole in unlisted(holes, listed)] == ["later", "another"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("fired", "fire"),
        ("sham", "fire"),
        ("decided", "fire"),
        ("pulse", "fire"),
        ("note", "note"),
        ("event", "event"),
        ("suppressed", None),
        ("disarmed", None),
    ],
)
def test_what_was_held_back_is_not_jumped_to(kind, expected):
    jump = jump_of_mark(Mark(1.0, kind, "words", "take_off"))
    assert (jump and jump.kind) == expected

"""Pixels and frames, and the sums of fires: what must hold of any."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offline.parity.pixels import gaps
from offline.parity.result import CAUSES
from offline.parity.stages import STAGES, Decided
from offline.parity.triggers import Limits, judge


@given(st.lists(st.booleans(), max_size=40))
def test_gaps_are_what_was_not_seen(seen):
    seen = np.array(seen, bool)
    runs = gaps(seen)
    gone = [k for first, stop in runs for k in range(first, stop)]
    assert gone == np.flatnonzero(~seen).tolist()
    assert all(stop > first for first, stop in runs)
    assert all(a[1] < b[0] for a, b in pairwise(runs))


class Blank:
    """Evidence of nothing: the cause is the stage."""

    def cause(self, stage, at, held):
        return {"seen": "skipped", "timed": "age", "live": "pose"}.get(
            stage, "other"
        ), ""

    def widest(self, at):
        return None

    def seconds(self, at_ns):
        return at_ns / 1e9


fires = st.lists(
    st.tuples(
        st.integers(0, 300), st.sampled_from(["fired", "sham", "suppressed_age"])
    ),
    max_size=8,
)


@given(st.tuples(*[fires] * len(STAGES)), st.integers(1, 40), st.integers(1, 40))
def test_every_fire_is_accounted_for(stages, within, shift):
    given_ = {
        name: [
            Decided(at, at, SimpleNamespace(rule="r", outcome=outcome))
            for at, outcome in sorted(each)
        ]
        for name, each in zip(STAGES, stages, strict=True)
    }
    figures, differences = judge("r", given_, Blank(), Limits(within, shift))
    assert figures.found + figures.shifted + figures.missed == figures.ideal
    assert figures.found + figures.shifted + figures.false == figures.live
    assert len(differences) == figures.shifted + figures.missed + figures.false
    assert sum(figures.causes.values()) == len(differences)
    assert {each.cause for each in differences} <= set(CAUSES)
    if len({tuple(sorted(each)) for each in stages}) == 1:
        assert not differences
    for each in differences:
        if each.kind == "shifted":
            assert shift < abs(each.shift_ms * 1e6) <= within


def test_only_likely_places_are_compared(session_of, compared, tasks):
    folder = session_of(
        tasks.take_off(),
        moved=dict.fromkeys(range(10), (3, 4, 0)) | {20: (400, 0, -0.9)},
    )
    camera, _ = compared(folder)
    hip = next(each for each in camera.pixels if each.bodypart == "hip")
    whole = camera.pixels[0]
    assert whole.bodypart == "all"
    assert hip.max_px == pytest.approx(5, abs=1e-3)
    assert hip.offline_only == 1
    assert hip.count == camera.coverage.seen - 1
    assert whole.count == camera.coverage.seen * 10 - 1
    assert whole.p90_px == 0

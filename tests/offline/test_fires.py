"""Each fire and each event belong together at most once, and only when near."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from offline.fires import matched

times = st.lists(st.integers(0, 300), max_size=20)


@given(times, times, st.integers(0, 40))
def test_pairs(fires, events, within):
    found = matched(fires, events, within)
    assert len(set(found.fires)) == len(found.fires) == len(found.events)
    assert len(set(found.events)) == len(found.events)
    away = np.abs(np.take(fires, found.fires) - np.take(events, found.events))
    assert (away <= within).all()
    assert sorted([*found.fires, *found.false]) == list(range(len(fires)))
    assert sorted([*found.events, *found.missed]) == list(range(len(events)))
    # what is left over has nobody near who is left over, too
    for fire in found.false:
        for event in found.missed:
            assert abs(fires[fire] - events[event]) > within


@given(times, st.integers(1, 40))
def test_what_is_just_late_is_found_whole(events, late):
    apart = sorted(set(events))
    events = [event * 100 for event in apart]
    found = matched([event + late for event in events], events, 49)
    assert not len(found.false)
    assert not len(found.missed)
    assert found.fires.tolist() == found.events.tolist()

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.budget import CALM_NS, BudgetWatch, exceeds
from rig.config.latency import StageLimit

MS, S = 1_000_000, 1_000_000_000
LIMIT = StageLimit("network", "p99", 8.0)
FIGURES = st.sampled_from(["p50", "p95", "p99", "max"])
PERCENT = {"p50": 50, "p95": 95, "p99": 99, "max": 100}


def ms(*values):
    return np.sort(np.array(values, np.float64) * MS).astype(np.int64)


@given(FIGURES, st.lists(st.integers(0, 20), min_size=100, max_size=600))
def test_of_many_times_a_limit_is_broken_when_the_percentile_is(figure, values):
    found = np.percentile(values, PERCENT[figure], method="inverted_cdf")
    for limit in (found, found - 0.5):
        broken = exceeds(ms(*values), StageLimit("network", figure, limit))
        assert broken == (found > limit)


@given(FIGURES, st.integers(1, 99))
def test_of_few_times_one_may_be_late_unless_it_is_the_longest_that_counts(figure, n):
    limit = StageLimit("network", figure, 8.0)
    assert exceeds(ms(*[5] * (n - 1), 9), limit) == (figure == "max")
    assert not exceeds(ms(*[5] * n), limit)
    if n > 2:
        assert exceeds(ms(*[9] * n), limit)


def test_no_time_breaks_no_limit():
    assert not exceeds(ms(), LIMIT)


def watched(looks, **options):
    """Look once a second at good and bad windows; return when it was over."""
    watch = BudgetWatch([LIMIT], **options)
    found = []
    for k, bad in enumerate(looks):
        watch.look({"network": ms(*[9 if bad else 5] * 200)}, k * S)
        found.append(bool(watch.over))
    return found


@given(st.lists(st.booleans(), max_size=60))
def test_a_breach_begins_at_once_and_ends_after_a_while_of_calm(looks):
    found = watched(looks)
    calm_s = CALM_NS // S
    for k, over in enumerate(found):
        # kept since the look after the last bad one, for as long as calm lasts
        assert over == any(looks[max(0, k - calm_s) : k + 1])


@given(st.lists(st.booleans(), max_size=80))
def test_however_it_hovers_breaches_are_few(looks):
    found = watched(looks)
    begun = sum(b and not a for a, b in zip([False, *found], found, strict=False))
    assert begun <= 1 + len(looks) // (CALM_NS // S + 1)


def test_says_each_limit_and_whether_it_is_broken():
    limits = [LIMIT, StageLimit("total", "max", 20.0)]
    watch = BudgetWatch(limits)
    watch.look({"network": ms(*[9] * 200), "total": ms(12, 19)}, 0)
    assert watch.figures() == {
        "budget_network_p99_ms": 8.0,
        "over_network_p99_ms": 1.0,
        "budget_total_max_ms": 20.0,
        "over_total_max_ms": 0.0,
    }
    assert watch.over == [LIMIT]


def test_a_stage_that_has_stopped_calms_down():
    watch = BudgetWatch([LIMIT])
    watch.look({"network": ms(*[9] * 200)}, 0)
    for k in range(1, 8):
        watch.look({}, k * S)
    assert not watch.over


@pytest.mark.parametrize("limits", [(), [LIMIT]])
def test_without_a_look_nothing_is_broken(limits):
    assert not BudgetWatch(limits).over

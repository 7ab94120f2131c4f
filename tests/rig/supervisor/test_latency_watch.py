from rig.recording.remarks import OVER_BUDGET, WITHIN_BUDGET
from rig.supervisor.latency_watch import LatencyWatch

S = 10**9


def metrics(value, over, key="network_p99_ms", limit=8.0):
    return {key: value, f"budget_{key}": limit, f"over_{key}": float(over)}


def test_is_said_once_when_it_begins_and_once_when_it_is_over():
    watch = LatencyWatch()
    beats = [(5.0, 0), (9.0, 1), (12.34, 1), (10.0, 1), (7.0, 0), (6.0, 0)]
    told = [watch.changes(metrics(*beat), k * S) for k, beat in enumerate(beats)]
    assert [len(changes) for changes in told] == [0, 1, 0, 0, 1, 0]
    assert told[1] == [(OVER_BUDGET, "network p99 9.0 ms, budget 8 ms")]
    assert told[4] == [
        (WITHIN_BUDGET, "network p99 within 8 ms again after 3 s, worst 12.3 ms")
    ]


def test_a_second_breach_is_told_anew():
    watch = LatencyWatch()
    over = [bool(watch.changes(metrics(9, k % 2), k)) for k in range(6)]
    assert over == [False, True, True, True, True, True]


def test_figures_do_not_mind_one_another():
    watch = LatencyWatch()
    both = metrics(9, 1) | metrics(30, 1, "total_max_ms", 20)
    assert [detail for _, detail in watch.changes(both, 0)] == [
        "network p99 9.0 ms, budget 8 ms",
        "total max 30.0 ms, budget 20 ms",
    ]
    one = metrics(9, 0) | metrics(30, 1, "total_max_ms", 20)
    assert [state for state, _ in watch.changes(one, 0)] == [WITHIN_BUDGET]


def test_a_node_that_has_not_beaten_yet_or_has_no_budget_says_nothing():
    assert LatencyWatch().changes({}, 0) == []
    assert LatencyWatch().changes({"network_p99_ms": 9.0}, 0) == []

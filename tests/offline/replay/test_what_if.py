"""Fires against fires: what is counted, and what became of each."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from offline.fires import FIRES
from offline.replay.what_if import what_if
from rig.messages import BY_HAND, Decision

MS = 1_000_000
START_NS = 7_000 * MS


DECISION = Decision(
    host_ns=0,
    decision_id=0,
    rule="r",
    camera="left",
    frame_id=0,
    pose_seq=0,
    outcome="fired",
    cause="",
    exposure_ns=0,
    age_ns=0,
    max_age_ns=0,
    latency_ns=0,
    value=0.0,
    threshold=0.0,
    likelihood=1.0,
    sham_draw=0.0,
    armed=1,
    line="laser",
    pulse_width_us=500,
    pulse_count=1,
    pulse_period_us=0,
)


def make(*pairs, rule="r"):
    """Decisions at some times (ms after the start), each with an outcome."""
    return [
        msgspec.structs.replace(
            DECISION, host_ns=START_NS + at_ms * MS, rule=rule, outcome=outcome
        )
        for at_ms, outcome in pairs
    ]


def asked(recorded, replayed, within_ms=100, rules=(("r",), ("r",))):
    return what_if(
        recorded, replayed, rules, within_ns=within_ms * MS, started_ns=START_NS
    )


def test_each_fate():
    recorded = make(
        (100, "fired"), (1000, "sham"), (2000, "disarmed"), (3000, "fired"),
        (4000, "suppressed_age"),
    )  # fmt: skip
    replayed = make(
        (100, "sham"), (980, "fired"), (2035, "fired"), (3010, "suppressed_refractory"),
        (4000, "fired"), (5000, "fired"),
    )  # fmt: skip
    (rule,), fires = asked(recorded, replayed)
    assert (rule.recorded, rule.replayed, rule.kept) == (4, 5, 3)
    assert (rule.gained, rule.lost, rule.only) == (2, 1, None)
    assert (rule.earlier.count, rule.earlier.median_ms, rule.earlier.worst_ms) == (
        1,
        20,
        20,
    )
    assert (rule.later.count, rule.later.worst_ms) == (1, 35)
    assert rule.suppressed_recorded == {"age": 1}
    assert rule.suppressed_replayed == {"refractory": 1}
    told = [(fire.at_s, fire.became, fire.held_back_by) for fire in fires]
    assert told == [
        (0.1, "kept", None),
        (1.0, "earlier", None),
        (2.0, "later", None),
        (3.0, "lost", "refractory"),
        (4.0, "gained", "age"),
        (5.0, "gained", None),
    ]
    assert (fires[0].recorded, fires[0].replayed) == ("fired", "sham")
    assert (fires[3].recorded, fires[3].replayed) == ("fired", None)


def test_the_nearest_are_the_same_fire_and_each_only_once():
    (rule,), fires = asked(
        make((100, "fired"), (180, "fired")), make((170, "fired"), (260, "fired"))
    )
    assert [(fire.became, fire.shift_ms) for fire in fires] == [
        ("lost", None),
        ("earlier", -10),
        ("gained", None),
    ]
    assert rule.kept == 1


def test_rules_of_one_task_only_and_pulses_by_hand():
    recorded = [*make((1, "fired")), *make((5, "fired"), rule=BY_HAND)]
    replayed = make((1, "fired"), rule="new")
    rules, fires = asked(recorded, replayed, rules=(("r",), ("new", "never")))
    only = {rule.rule: (rule.only, rule.gained, rule.lost) for rule in rules}
    assert only == {
        "new": ("replayed", 1, 0),
        "never": ("replayed", 0, 0),
        "r": ("recorded", 0, 1),
    }
    assert {fire.rule for fire in fires} == {"r", "new"}


outcomes = st.sampled_from([*FIRES, "suppressed_age", "suppressed_refractory"])
many = st.lists(st.tuples(st.integers(0, 3000), outcomes), max_size=30).map(sorted)


@given(recorded=many, replayed=many, within_ms=st.integers(1, 500))
def test_every_fire_is_counted_once(recorded, replayed, within_ms):
    (rule,), fires = asked(make(*recorded), make(*replayed), within_ms)
    then, now = (
        sum(outcome in FIRES for _, outcome in each) for each in (recorded, replayed)
    )
    assert (rule.recorded, rule.replayed) == (then, now)
    assert rule.kept + rule.lost == then
    assert rule.kept + rule.gained == now
    assert len(fires) == rule.kept + rule.gained + rule.lost
    shifts = [fire.shift_ms for fire in fires if fire.shift_ms is not None]
    assert all(abs(shift) <= within_ms for shift in shifts)
    assert sum(rule.suppressed_recorded.values()) == len(recorded) - then


@given(decisions=many)
def test_against_itself_all_is_kept(decisions):
    (rule,), fires = asked(make(*decisions), make(*decisions))
    assert (rule.gained, rule.lost, rule.earlier, rule.later) == (0, 0, None, None)
    assert all(fire.became == "kept" for fire in fires)

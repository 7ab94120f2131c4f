"""What became of the decisions, counted from a session's rows."""

import numpy as np
import pytest

from rig.messages import Acknowledgement, Decision, row_dtype
from rig.recording.outcomes import RuleOutcomes, outcomes_of, settled


class Rows:
    """As much of a recording as is asked."""

    def __init__(self, **streams):
        self.streams = streams

    def rows(self, name):
        return self.streams[name]


def decisions(*told):
    rows = np.zeros(len(told), row_dtype(Decision))
    rows["decision_id"] = np.arange(len(told))
    rows["rule"], rows["outcome"] = zip(*told, strict=True)
    return rows


def answers(**told):
    rows = np.zeros(len(told), row_dtype(Acknowledgement))
    rows["decision_id"] = [int(name[1:]) for name in told]
    rows["status"] = list(told.values())
    return rows


@pytest.fixture
def recording():
    return Rows(
        decisions=decisions(
            ("up", "fired"),
            ("up", "sham"),
            ("down", "fired"),
            ("up", "fired"),
            ("up", "suppressed_age"),
            ("up", "fired"),
        ),
        acknowledgements=answers(_0="done", _2="refused_key", _3="late", _5="done"),
    )


def test_each_rule_has_its_counts(recording):
    found = outcomes_of(recording)
    assert found == {
        "down": RuleOutcomes({"fired": 1}, {"refused_key": 1}),
        "up": RuleOutcomes(
            {"fired": 3, "sham": 1, "suppressed_age": 1}, {"done": 2, "late": 1}
        ),
    }
    words = "3 fired (2 done, 1 late), 1 sham, 1 suppressed_age"
    assert found["up"].text == words


def test_a_rig_without_actuator_has_decisions_all_the_same(recording):
    found = outcomes_of(Rows(decisions=recording.rows("decisions")))
    assert found["up"].text == "3 fired, 1 sham, 1 suppressed_age"


def test_a_task_without_rules_has_none():
    assert outcomes_of(Rows()) == {}


def test_a_command_that_was_answered_late_is_counted_once(recording):
    rows = recording.rows("acknowledgements")
    overdue = rows[[0, 1]]
    overdue["status"] = b"timeout"
    given_up = Rows(
        decisions=recording.rows("decisions"),
        acknowledgements=np.concatenate([overdue, rows]),
    )
    found = outcomes_of(given_up)
    assert found["up"].answered == {"done": 1, "done_late": 1, "late": 1}
    assert found["down"].answered == {"refused_key": 1}


def test_what_was_never_answered_stays_a_timeout():
    rows = answers(_0="done", _2="timeout")
    assert settled(rows).tolist() == rows.tolist()
    assert len(settled(rows[:0])) == 0

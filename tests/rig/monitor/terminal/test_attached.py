from types import SimpleNamespace

import pytest

from rig.errors import StreamError
from rig.monitor.health import Level
from rig.monitor.terminal.attached import Attached


class Link:
    """A session that is being made ready, or ends."""

    def __init__(self, **state):
        usual = {"status": None, "gone": False, "verdict": None, "trouble": ""}
        self.state = {**usual, "silent_s": 0.0, **state}
        self.closed = False

    def __getattr__(self, name):
        return self.state[name]

    def poll(self):
        pass

    def info(self):
        raise StreamError("gone with its streams")

    def specs(self):
        raise StreamError("gone with its streams")

    def close(self):
        self.closed = True


@pytest.mark.parametrize(
    ("state", "level", "over"),
    [
        ({}, Level.GOOD, False),
        (
            {"status": SimpleNamespace(phase="opening devices", reason="")},
            Level.GOOD,
            False,
        ),
        ({"silent_s": 5.0}, Level.WATCH, False),
        ({"trouble": "nothing is heard from there"}, Level.BAD, False),
        ({"gone": True}, Level.BAD, True),
        ({"verdict": "PASS"}, Level.GOOD, True),
        ({"verdict": "FAIL", "gone": True}, Level.BAD, True),
    ],
)
def test_before_there_is_anything_to_read(state, level, over):
    attached = Attached(Link(**state))
    attached.poll()
    assert attached.health.level is level
    assert attached.over == over


def test_a_session_that_ends_while_it_is_reached_is_no_fault():
    status = SimpleNamespace(phase="recording", reason="")
    attached = Attached(Link(status=status, gone=True))
    attached.poll()
    assert attached.health.headline.startswith("session: the supervisor has ended")


def test_the_link_is_let_go():
    link = Link()
    Attached(link).close()
    assert link.closed

from types import SimpleNamespace

import pytest

from rig.commands.line_input import LineInput
from rig.commands.monitor_keys import MonitorKeys
from rig.monitor.live.link import Answer


class Link:
    """Remembers what is asked for."""

    def __init__(self, *, can_ask=True):
        self.can_ask = can_ask
        self.clock = SimpleNamespace(now=lambda: 1234)
        self.asked = []

    def ask(self, request, **arguments):
        self.asked.append((request, arguments))


@pytest.fixture
def link():
    return Link()


@pytest.fixture
def keys(link):
    return MonitorKeys(link)


@pytest.mark.parametrize(
    ("pressed", "asked"),
    [
        ("a", [("arm", {})]),
        ("d", [("disarm", {})]),
        ("07", [("note", {"key": k, "at_ns": 1234}) for k in "07"]),
        ("n paw slips \n", [("note", {"text": "paw slips", "at_ns": 1234})]),
        ("nsad\ra", [("note", {"text": "sad", "at_ns": 1234}), ("arm", {})]),
        ("nab\x7fc\n", [("note", {"text": "ac", "at_ns": 1234})]),
        ("nab\x1b", []),
        ("n  \n", []),
        ("sy", [("stop", {})]),
        ("sn", []),
        ("ss", []),
        ("xyz!", []),
    ],
)
def test_keys_become_requests(link, keys, pressed, asked):
    keys.press(pressed)
    assert link.asked == asked
    assert not keys.quit


def test_a_key_that_answers_a_question_does_nothing_else(link, keys):
    keys.press("sa")
    assert link.asked == []
    keys.press("a")
    assert link.asked == [("arm", {})]


def test_q_looks_no_more_but_not_inside_a_note(keys):
    keys.press("nq")
    assert not keys.quit
    assert "note: q" in keys.footer.plain
    keys.press("\x1bq")
    assert keys.quit


def test_another_machine_may_only_look():
    link = Link(can_ask=False)
    keys = MonitorKeys(link)
    keys.press("ad1nsy")
    assert link.asked == []
    assert "may only look" in keys.footer.plain
    keys.press("q")
    assert keys.quit


def test_what_comes_of_a_request_is_told(keys):
    keys.press("a")
    assert keys.footer.plain.endswith("arm…")
    keys.hear([Answer("arm", ok=True, result={})], session_s=61.5)
    assert keys.footer.plain.endswith("01:01.5 armed")
    keys.hear([Answer("stop", ok=False, result={}, error="not now")], session_s=62)
    assert keys.footer.plain.endswith("stop refused: not now")


def test_the_question_whether_to_stop_is_seen(keys):
    keys.press("s")
    assert "stop the session? y stops it" in keys.footer.plain


def test_a_line_takes_any_letter():
    line = LineInput()
    states = [line.feed(key) for key in "Größe µ\t!"]
    assert set(states) == {"goes on"}
    assert line.text == "Größe µ!"
    assert line.feed("\n") == "done"

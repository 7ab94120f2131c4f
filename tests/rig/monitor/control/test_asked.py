from rig.monitor.control.asked import RequestLog
from rig.monitor.live.link import Answer

LATE_NS = 10_000_000_000


def _outcomes(log):
    return [(asked.words, asked.outcome, asked.why) for asked in log.lines]


def test_answers_go_to_the_oldest_request_of_their_kind():
    log = RequestLog()
    for k, request in enumerate(["note", "arm", "note"]):
        log.sent(request, f"{request} {k}", k)
    log.take([Answer("note", True, {})])
    log.take([Answer("note", False, {}, "an empty one"), Answer("arm", True, {})])
    assert _outcomes(log) == [
        ("note 0", "done", ""),
        ("arm 1", "done", ""),
        ("note 2", "refused", "an empty one"),
    ]


def test_an_answer_that_nobody_waits_for_changes_nothing():
    log = RequestLog()
    log.sent("arm", "arm", 0)
    log.take([Answer("disarm", True, {})])
    assert _outcomes(log) == [("arm", "sent", "")]
    assert log.waits_for("arm")
    assert not log.waits_for("disarm")


def test_a_late_answer_still_counts():
    log = RequestLog()
    log.sent("arm", "arm", 0)
    log.turn(1)
    assert log.lines[0].outcome == "sent"
    log.turn(LATE_NS)
    assert log.lines[0].outcome == "silent"
    log.take([Answer("arm", True, {})])
    assert log.was_done("arm")


def test_what_was_not_answered_when_the_session_ends_is_lost():
    log = RequestLog()
    log.sent("stop", "stop", 0)
    log.sent("note", "note", 0)
    log.take([Answer("stop", True, {})])
    log.end("the session has ended")
    assert _outcomes(log) == [
        ("stop", "done", ""),
        ("note", "lost", "the session has ended"),
    ]


def test_a_pulse_that_was_decided_on_and_held_back_was_not_done():
    log = RequestLog()
    for outcome in ("fired", "disarmed", "suppressed_rate"):
        log.sent("pulse", outcome, 0)
        log.take([Answer("pulse", True, {"decision_id": 1, "outcome": outcome})])
    assert _outcomes(log) == [
        ("fired", "done", ""),
        ("disarmed", "refused", "the loop is disarmed: arm it first"),
        ("suppressed_rate", "refused", "suppressed rate"),
    ]

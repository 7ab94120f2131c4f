from __future__ import annotations

import msgspec
import pytest

from rig.config.rig import LedgerLimits
from rig.messages import Loss
from rig.recording.balance import Numbers, SessionCount, StreamCount, build_ledger
from rig.recording.gaps import Gap
from rig.recording.ledger import Equation, Ledger, Timeouts

LIMITS = LedgerLimits()
CUT = "session ended without stop"


def camera(published=1000, recorded=1000, **fields):
    return StreamCount("frames", "left", published, recorded, **fields)


def loss(count=1, stage="transport", cause="jumped", stream="cameras/left", first=5):
    return Loss(
        host_ns=1, stream=stream, stage=stage, first_id=first, count=count, cause=cause
    )


def ledger_of(*losses, **fields):
    streams = fields.pop("streams", None) or {"cameras/left": camera()}
    return build_ledger(SessionCount(streams=streams, losses=losses, **fields), LIMITS)


def test_passes_when_everything_is_there():
    ledger = ledger_of()
    assert (ledger.verdict, ledger.closes) == ("PASS", True)
    assert ledger.streams["cameras/left"].equations[0].text == (
        "1000 published = 1000 recorded + 0 lost to recorder"
    )


@pytest.mark.parametrize(
    ("lost", "of", "verdict"),
    [(0, 1000, "PASS"), (1, 10_000, "WARN"), (9, 10_000, "WARN"), (10, 10_000, "FAIL")],
)
def test_warns_of_little_and_fails_for_more(lost, of, verdict):
    ledger = ledger_of(
        *([loss(lost, "recorder", "overwritten")] if lost else []),
        streams={"cameras/left": camera(of, of - lost)},
    )
    assert ledger.closes
    assert ledger.verdict == verdict
    assert ledger.streams["cameras/left"].lost == lost
    assert ledger.streams["cameras/left"].lost_fraction == lost / of


def test_limits_come_from_the_rig_file():
    count = SessionCount(
        streams={"cameras/left": camera(100, 90)}, losses=[loss(10, "recorder")]
    )
    lenient = LedgerLimits(warn_lost_fraction=0.1, fail_lost_fraction=0.2)
    assert build_ledger(count, lenient).verdict == "PASS"


@pytest.mark.parametrize("recorded", [999, 1001])
def test_fails_when_it_does_not_close(recorded):
    ledger = ledger_of(streams={"cameras/left": camera(1000, recorded)})
    assert (ledger.verdict, ledger.closes) == ("FAIL", False)
    assert "1000 published ≠" in ledger.reason


def test_lists_each_missing_one_with_its_cause_neighbours_as_one():
    ledger = ledger_of(
        loss(2, "recorder", "overwritten", first=10),
        loss(3, "recorder", "overwritten", first=12),
        loss(1, "transport", "jumped", first=77),
        streams={
            "cameras/left": camera(
                1000, 995, counters={"missing_ids": 1}, numbers=Numbers(1001, 995, 5)
            )
        },
    )
    stream = ledger.streams["cameras/left"]
    found = [(m.stage, m.first_id, m.count, m.cause) for m in stream.missing]
    assert found == [
        ("recorder", 10, 5, "overwritten"),
        ("transport", 77, 1, "jumped"),
    ]
    assert ledger.closes
    assert stream.lost == 6


def test_triggers_are_frames_or_accounted_for():
    counters = {"failed_grabs": 1, "missing_ids": 2, "triggers_ignored": 3}
    losses = [loss(1), loss(2), loss(3, "device", "no frame came")]

    def closed(emitted):
        streams = {
            "cameras/left": camera(94, 94, counters=counters),
            "events/daq": StreamCount("events", "daq", 110, 110, triggers=emitted),
        }
        triggers = {"cameras/left": "events/daq"}
        return ledger_of(*losses, streams=streams, triggers=triggers)

    assert closed(100).closes
    assert not closed(101).closes
    assert not closed(99).closes
    assert closed(100).streams["cameras/left"].lost == 6
    assert closed(100).verdict == "FAIL"  # 6 of 100


def test_a_wired_camera_also_hears_triggers_whose_events_were_lost():
    def closed(lost, triggers=98):
        streams = {
            "cameras/left": camera(100, 100),
            "events/daq": StreamCount(
                "events",
                "daq",
                triggers,
                triggers,
                counters={"missing_events": lost},
                triggers=triggers,
            ),
        }
        losses = [loss(lost, stream="events/daq")] if lost else []
        return ledger_of(
            *losses, streams=streams, triggers={"cameras/left": "events/daq"}
        ).closes

    assert closed(2)
    assert closed(7)  # five of them were not triggers
    assert not closed(1)
    assert not closed(0)
    assert not closed(2, triggers=101)


def test_what_was_counted_must_be_listed():
    streams = {"cameras/left": camera(counters={"missing_ids": 1})}
    assert not ledger_of(streams=streams).closes
    assert ledger_of(loss(1), streams=streams).closes


def test_a_hole_in_the_numbers_must_be_counted():
    def closed(counters, *losses):
        stream = camera(counters=counters, numbers=Numbers(1003, 1000, 0))
        return ledger_of(*losses, streams={"cameras/left": stream}).closes

    assert closed({"missing_ids": 2, "failed_grabs": 1}, loss(3))
    assert closed({"missing_ids": 5}, loss(5))  # two after the last one recorded
    assert not closed({"missing_ids": 2}, loss(2))
    assert not closed({"triggers_ignored": 3}, loss(3))


def test_blocks_that_the_recorder_lost_are_lost_samples():
    stream = StreamCount("samples", "daq", 100, 99, per_row=20)
    name = "signals/daq/emg"
    ledger = ledger_of(loss(1, "recorder", stream=name), streams={name: stream})
    assert ledger.streams[name].lost == 20
    assert ledger.streams[name].lost_fraction == 0.01


def test_frames_are_inferred_skipped_or_lost():
    def ledger(inferred, died=(), skipped=600):
        streams = {
            "cameras/left": camera(),
            "poses/left": StreamCount(
                "poses",
                "inference",
                inferred,
                inferred,
                counters={"skipped": skipped, "lost": 1},
            ),
        }
        return ledger_of(streams=streams, died=dict(died))

    assert ledger(399).verdict == "PASS"
    assert not ledger(398).closes
    dead = ledger(300, {"inference": "killed"})
    assert dead.closes
    assert dead.verdict == "PASS"  # nothing of the recording is missing
    assert dead.streams["cameras/left"].missing[0].count == 99
    assert not ledger(401, {"inference": "killed"}).closes


def test_fired_decisions_are_answered():
    assert ledger_of(fired=[1, 2], acknowledged=[2, 1]).closes
    ledger = ledger_of(fired=[1, 2, 3], acknowledged=[1])
    assert not ledger.closes
    assert ledger.unanswered == [2, 3]
    assert ledger_of(fired=[1, 2], acknowledged=[1], ended=CUT).closes
    assert not ledger_of(fired=[1], acknowledged=[1, 7]).closes
    assert ledger_of(fired=[1], acknowledged=None).closes


def test_what_was_not_answered_in_time_is_said_and_changes_no_verdict():
    assert ledger_of().timeouts is None
    streams = {"losses/daq": StreamCount("losses", "daq", 0, 0)}
    told = ledger_of(streams=streams, timed_out=3, answered_late=1)
    assert told.verdict == "PASS"
    assert told.timeouts.text == (
        "3 timed out commands = 1 answered late + 2 unanswered"
    )
    counters = {"late_answers": 2}
    streams = {"losses/daq": StreamCount("losses", "daq", 0, 0, counters=counters)}
    told = ledger_of(streams=streams, timed_out=3, answered_late=1)
    assert told.timeouts == Timeouts(3, answered_late=1, late_answers=2)
    assert told.timeouts.text.endswith(
        "; 2 late answers, 1 not on record: of the unanswered, so many may have been "
        "carried out"
    )
    assert Ledger.from_json(told.to_json()) == told


def test_a_camera_that_died_is_the_cause_of_what_it_did_not_take():
    streams = {
        "cameras/left": camera(50, 50, counters={"missing_ids": 0}),
        "events/daq": StreamCount("events", "daq", 100, 100, triggers=100),
    }
    ledger = ledger_of(
        streams=streams,
        triggers={"cameras/left": "events/daq"},
        died={"left": "killed"},
    )
    assert ledger.closes
    assert ledger.verdict == "FAIL"
    missing = ledger.streams["cameras/left"].missing
    assert [(m.count, m.cause) for m in missing] == [(50, "killed")]


def test_a_recorder_that_died_is_the_cause_of_what_it_did_not_record():
    streams = {"cameras/left": camera(1000, 900)}
    ledger = ledger_of(streams=streams, died={"recorder": "no space left"})
    assert ledger.closes
    assert ledger.verdict == "FAIL"
    missing = ledger.streams["cameras/left"].missing
    assert [(m.first_id, m.count) for m in missing] == [(900, 100)]


def test_a_remark_is_a_warning_and_is_said():
    remark = "recorder died (signal 9) and was restarted after 0.8 s; nothing lost"
    ledger = ledger_of(remarks=[remark])
    assert (ledger.verdict, ledger.closes) == ("WARN", True)
    assert ledger.remarks == [remark]
    assert ledger.reason.endswith(f"none lost; {remark}")
    assert Ledger.from_json(ledger.to_json()) == ledger


def test_a_remark_makes_nothing_better():
    lost = ledger_of(
        loss(100, "recorder"),
        streams={"cameras/left": camera(1000, 900)},
        remarks=["stopped early"],
    )
    assert lost.verdict == "FAIL"
    assert lost.reason.endswith("the limit is 0.1 %; stopped early")
    assert ledger_of(streams={"cameras/left": camera(9, 8)}, remarks=["x"]).verdict == (
        "FAIL"
    )


def test_a_ledger_of_before_has_no_remarks():
    ledger = ledger_of()
    data = ledger.to_dict()
    del data["remarks"]
    assert Ledger.from_json(msgspec.json.encode(data).decode()) == ledger


def test_a_loss_is_placed_by_the_rows_around_it():
    stream = camera(
        1000,
        995,
        rate_hz=100,
        gaps=[Gap(10, 5, 0.09, 0.15), Gap(1000, None, 9.99, None)],
        number_gaps=[Gap(70, 1, 0.7, 0.72), Gap(1001, None, 9.99, None)],
        counters={"missing_ids": 1},
    )
    ledger = ledger_of(
        loss(5, "recorder", "overwritten", first=10),
        loss(1, "transport", "jumped", first=70),
        streams={"cameras/left": stream},
    )
    missing = ledger.streams["cameras/left"].missing
    assert [(m.stage, m.at_s, m.duration_ms) for m in missing] == [
        ("recorder", 0.09, 60.0),
        ("transport", 0.7, 20.0),
    ]


def test_what_is_numbered_by_its_trigger_is_placed_by_when_it_was_told():
    """A trigger's number says nothing of a frame's: there are more triggers."""
    stream = camera(
        734,
        734,
        rate_hz=100,
        number_gaps=[Gap(300, 2, 4.0, 4.03), Gap(736, None, 15.312, None)],
        counters={"triggers_ignored": 24, "missing_ids": 2},
    )
    told = [
        (785, 6, "device", 12.98),  # beyond the last frame
        (1014, 15, "device", 15.24),
        (60, 2, "device", 1.5),  # among the frames that are there
        (300, 1, "device", 6.0),  # in a hole that it has nothing to do with
        (300, 2, "transport", 4.2),  # a frame's own number
    ]
    losses = [
        Loss(
            host_ns=round((2 + at_s) * 1e9),
            stream="cameras/left",
            stage=stage,
            first_id=first,
            count=count,
            cause="no frame came",
        )
        for first, count, stage, at_s in told
    ]
    ledger = ledger_of(
        *losses,
        streams={
            "cameras/left": stream,
            "events/daq": StreamCount("events", "daq", 760, 760, triggers=760),
        },
        triggers={"cameras/left": "events/daq"},
        started_host_ns=2 * 10**9,
    )
    assert ledger.closes
    missing = ledger.streams["cameras/left"].missing
    assert [m.at_s for m in missing] == [12.98, 15.24, 1.5, 6.0, 4.0]
    assert [m.duration_ms for m in missing] == [60, 150, 20, 10, 30]
    assert missing[0].where.endswith("12.980 s after the start, 60 ms")


def test_a_hole_that_was_told_of_has_its_own_time():
    """A camera that was unplugged is told of when it is back."""
    stream = camera(
        100,
        100,
        number_gaps=[Gap(50, 200, 0.5, 2.5)],
        counters={"missing_ids": 200},
        numbers=Numbers(300, 100, 0),
    )
    ledger = ledger_of(
        Loss(
            host_ns=round(2.6e9),
            stream="cameras/left",
            stage="device",
            first_id=50,
            count=200,
            cause="unplugged",
        ),
        streams={"cameras/left": stream},
        triggers={"cameras/left": "events/daq"},
        started_host_ns=0,
    )
    [missing] = ledger.streams["cameras/left"].missing
    assert (missing.at_s, missing.duration_ms) == (0.5, 2000)


def test_what_a_dead_recorder_left_is_as_long_as_the_rate_says():
    stream = camera(1000, 900, rate_hz=100, gaps=[Gap(900, None, 8.99, None)])
    ledger = ledger_of(streams={"cameras/left": stream}, died={"recorder": "killed"})
    [missing] = ledger.streams["cameras/left"].missing
    assert (missing.at_s, missing.duration_ms) == (8.99, 1000.0)


def test_survives_json_and_stays_small():
    streams = {}
    for k in range(10):
        streams |= {
            f"cameras/cam{k}": camera(numbers=Numbers(1000, 1000, 0)),
            f"clocks/cam{k}": StreamCount("clocks", "left", 100, 100),
            f"losses/cam{k}": StreamCount("losses", "left", 0, 0),
        }
    ledger = ledger_of(streams=streams)
    assert len(ledger.to_json()) < 10_000
    assert Ledger.from_json(ledger.to_json()) == ledger
    assert ledger.to_dict()["verdict"] == "PASS"


def test_an_equation_says_itself():
    equation = Equation.of("published", 3, recorded=1, lost_to_recorder=1)
    assert equation.text == "3 published ≠ 1 recorded + 1 lost to recorder"
    assert equation.unexplained == 1

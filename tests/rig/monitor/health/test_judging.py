import pytest

from rig.config.rig import LedgerLimits
from rig.messages import StreamStatus
from rig.monitor.health.judging import (
    clock_lights,
    disk_light,
    inference_lights,
    latency_lights,
    loop_light,
    node_lights,
    stream_lights,
)
from rig.monitor.health.lights import Level
from rig.supervisor.status import NodeFigures, Status, StreamFigures

GOOD, WATCH, BAD = Level
CAMERA = {"name": "cameras/left", "kind": "frames", "nominal_hz": 100.0, "slots": 400}


def stream(**changes):
    usual = {
        **CAMERA,
        "published": 10_000,
        "rate_hz": 99.8,
        "lost": 0,
        "unrecorded": 0,
        "waiting": 4,
        "age_s": 0.01,
    }
    return StreamFigures(**{**usual, **changes})


def node(name="left", state="running", heard_s=0.2, detail="", **metrics):
    return NodeFigures(name, state, heard_s, metrics, detail)


def at(nodes=(), streams=(), *, phase="recording", elapsed_s=60.0, **more):
    return Status(phase, "m1_s", elapsed_s, nodes, streams, **more)


def of_stream(status, limits=None, lost_when=None):
    [light] = stream_lights(status, limits or LedgerLimits(), lost_when or {})
    return light


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        pytest.param({}, GOOD, "", id="all is well"),
        pytest.param({"rate_hz": 91.0}, GOOD, "", id="a little slow"),
        pytest.param({"rate_hz": 80.0}, WATCH, "80.0 Hz instead of 100", id="too slow"),
        pytest.param({"rate_hz": 40.0}, BAD, "40.0 Hz instead of 100", id="far slow"),
        pytest.param({"age_s": 1.2}, BAD, "nothing has come for 1.2 s", id="stopped"),
        pytest.param({"age_s": None}, BAD, "nothing has come for 60 s", id="never"),
        pytest.param(
            {"nominal_hz": None, "age_s": 50.0, "rate_hz": 0.0}, GOOD, "", id="no rate"
        ),
        pytest.param(
            {"nominal_hz": 5.0, "rate_hz": 5.0, "age_s": 3.0}, GOOD, "", id="seldom"
        ),
        pytest.param({"lost": 1}, WATCH, "1 lost (0.01 %)", id="one lost"),
        pytest.param({"unrecorded": 11}, BAD, "11 lost (0.11 %)", id="many unrecorded"),
        pytest.param(
            {"waiting": 220}, WATCH, "55 % of its ring waits for", id="ring half full"
        ),
        pytest.param(
            {"waiting": 390}, BAD, "98 % of its ring waits for", id="ring nearly full"
        ),
        pytest.param(
            {"age_s": 2.0, "lost": 500},
            BAD,
            "nothing has come for 2.0 s; 500 lost (4.8 %)",
            id="what is now comes before what was lost",
        ),
    ],
)
def test_a_stream(changes, level, words):
    light = of_stream(at(streams=[stream(**changes)]))
    assert (light.level, light.subject) == (level, "cameras/left")
    assert light.reason.startswith(words)
    assert bool(light.reason) == bool(words)


def test_the_figures_of_a_stream():
    light = of_stream(at(streams=[stream(lost=2, unrecorded=1)]))
    assert light.cells == ("99.8 / 100 Hz", "10 ms", "3", "1 %")


def test_a_loss_says_when_and_why():
    when = {"cameras/left": ", last at 00:12.3: failed grab"}
    light = of_stream(at(streams=[stream(lost=3)]), lost_when=when)
    assert light.reason == "3 lost (0.03 %), last at 00:12.3: failed grab"


def test_a_loss_that_is_over_is_past_and_one_that_goes_on_is_not():
    assert of_stream(at(streams=[stream(lost=3)])).past
    assert not of_stream(at(streams=[stream(lost=3, rate_hz=50.0)])).past


@pytest.mark.parametrize("elapsed_s", [0.5, 2.9])
def test_a_rate_is_not_judged_before_it_is_known(elapsed_s):
    status = at(streams=[stream(rate_hz=3.0, age_s=None)], elapsed_s=elapsed_s)
    assert of_stream(status).level is GOOD


@pytest.mark.parametrize("phase", ["starting", "stopping", "closing the ledger"])
def test_only_a_recording_has_a_rate_to_keep(phase):
    assert of_stream(at(streams=[stream(rate_hz=0.0)], phase=phase)).level is GOOD


def test_a_loss_is_judged_as_the_ledger_will():
    limits = LedgerLimits(warn_lost_fraction=0.0, fail_lost_fraction=0.001)
    for lost, verdict in ((0, GOOD), (9, WATCH), (10, BAD)):
        light = of_stream(at(streams=[stream(published=10_000 - lost, lost=lost)]))
        assert light.level is verdict, (lost, limits)
    lenient = LedgerLimits(warn_lost_fraction=0.01, fail_lost_fraction=0.1)
    light = of_stream(at(streams=[stream(lost=10)]), lenient)
    assert light.level is GOOD
    assert light.reason == "10 lost (0.1 %)", "it is told though it is allowed"


def test_of_a_blind_stream_only_losses_are_told_and_no_share():
    blind = stream(
        name="acknowledgements",
        kind="acknowledgements",
        published=0,
        rate_hz=0.0,
        age_s=None,
        waiting=0,
        nominal_hz=None,
        blind=True,
    )
    assert of_stream(at(streams=[blind])).cells == ("blind", "", "0", "0 %")
    lossy = stream(name="acknowledgements", kind="acknowledgements", blind=True, lost=1)
    light = of_stream(at(streams=[lossy]))
    assert (light.level, light.reason) == (WATCH, "1 lost")


def test_streams_that_no_glance_is_for_have_no_light():
    others = [stream(name="clocks/daq", kind="clocks", rate_hz=0.0)]
    others.append(stream(name="losses/left", kind="losses"))
    assert not list(stream_lights(at(streams=others), LedgerLimits(), {}))


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        pytest.param({}, GOOD, "", id="runs"),
        pytest.param({"plugged_in": 1.0}, GOOD, "", id="plugged in"),
        pytest.param(
            {"state": "failed", "detail": "signal 9"}, BAD, "died: signal 9", id="dead"
        ),
        pytest.param(
            {"plugged_in": 0.0}, BAD, "unplugged: plug it in again", id="unplugged"
        ),
        pytest.param({"heard_s": 2.0}, WATCH, "silent for 2 s", id="late"),
        pytest.param({"heard_s": 4.0}, BAD, "silent for 4 s", id="silent"),
        pytest.param(
            {"state": "starting"},
            BAD,
            "died, and is being started again",
            id="on its way back",
        ),
        pytest.param(
            {"state": "stopped"}, WATCH, "stopped, and the session goes on", id="left"
        ),
        pytest.param({"finished": 1.0}, WATCH, "its film has ended", id="film over"),
    ],
)
def test_a_node(changes, level, words):
    [light] = node_lights(at([node(**changes)]))
    assert (light.level, light.subject) == (level, "left")
    assert light.reason.startswith(words)
    assert bool(light.reason) == bool(words)


@pytest.mark.parametrize("state", ["starting", "open", "ready", "stopping", "stopped"])
def test_a_node_that_is_not_meant_to_run_yet_or_any_more_is_well(state):
    for phase in ("opening devices", "stopping"):
        [light] = node_lights(at([node(state=state)], phase=phase))
        assert light.level is GOOD


ARMED = {"armed": 1.0, "permitted": 1.0}


@pytest.mark.parametrize(
    ("metrics", "planned", "level", "words"),
    [
        pytest.param(ARMED, True, GOOD, "", id="armed"),
        pytest.param(ARMED | {"key_on": 1.0}, True, GOOD, "", id="key on"),
        pytest.param(ARMED | {"armed": 0.0}, True, WATCH, "disarmed: ", id="disarmed"),
        pytest.param(
            ARMED | {"armed": 0.0}, False, GOOD, "", id="disarmed as the task says"
        ),
        pytest.param(
            ARMED | {"key_on": 0.0}, True, WATCH, "the key is off", id="key off"
        ),
        pytest.param(
            ARMED | {"permitted": 0.0}, True, BAD, "the board holds its", id="held"
        ),
        pytest.param(
            ARMED | {"too_old": 3.0}, True, WATCH, "3 fires were held back", id="old"
        ),
        pytest.param(
            ARMED | {"permitted": 0.0, "too_old": 3.0},
            True,
            BAD,
            "the board holds its",
            id="held, and old before",
        ),
    ],
)
def test_the_loop(metrics, planned, level, words):
    status = at([node("inference", decided=7.0, **metrics)])
    light = loop_light(status, armed_by_plan=planned)
    assert light.level is level
    assert light.reason.startswith(words)
    assert "7 decided" in light.cells[0]


def test_without_an_actuator_or_a_recording_there_is_no_loop():
    assert loop_light(at([node(armed=1.0)]), armed_by_plan=True) is None
    starting = at([node(**ARMED)], phase="starting")
    assert loop_light(starting, armed_by_plan=True) is None


def pose_node(**more):
    figures = {
        f"{stage}_{figure}_ms": value
        for stage in ("network", "pose")
        for figure, value in (("p50", 4.0), ("p95", 6.0), ("p99", 9.0), ("max", 20.0))
    }
    return node("inference", **figures, **more)


def test_a_stage_over_its_budget_says_by_how_much():
    budget = {"budget_pose_p99_ms": 8.0, "over_pose_p99_ms": 1.0}
    kept = {"budget_network_p50_ms": 5.0, "over_network_p50_ms": 0.0}
    network, pose = latency_lights([pose_node(**budget, **kept)])
    assert (network.level, network.reason) == (GOOD, "")
    assert network.cells == ("4.00 ms", "6.00 ms", "9.00 ms", "p50 5")
    assert (pose.subject, pose.level) == ("exposure to pose", WATCH)
    assert pose.reason == "p99 9.0 ms, budget 8 ms"


def test_before_the_first_pose_there_is_no_latency():
    assert not list(latency_lights([node()]))


def test_what_the_network_looked_at():
    looked = {
        "cameras/left": StreamStatus(taken=90, skipped=10),
        "cameras/right": StreamStatus(taken=50, skipped=3, lost=2),
    }
    left, right = inference_lights(at(looked=looked))
    assert (left.level, left.cells) == (GOOD, ("90", "10", "0"))
    assert right.level is WATCH
    assert right.reason.startswith("2 overwritten")


@pytest.mark.parametrize(
    ("sd_us", "elapsed_s", "level", "cells"),
    [
        (45.2, 60, GOOD, ("±45.2 µs", "+12.3 ppm")),
        (900.0, 60, WATCH, ("±900.0 µs", "+12.3 ppm")),
        (900.0, 1, GOOD, ("±900.0 µs", "+12.3 ppm")),
        (0.0, 60, GOOD, ("", "")),
    ],
)
def test_a_clock(sd_us, elapsed_s, level, cells):
    board = node("daq", clock_sd_us=sd_us, clock_skew_ppm=12.3)
    [light] = clock_lights(at([board], elapsed_s=elapsed_s))
    assert (light.level, light.cells) == (level, cells)


@pytest.mark.parametrize(
    ("metrics", "level", "room", "words"),
    [
        ({"minutes_left": 138.4}, GOOD, "138 min", ""),
        ({"minutes_left": 1400.0}, GOOD, "23 h", ""),
        ({"minutes_left": 9.2}, WATCH, "9 min", "room for 9 min only"),
        ({"minutes_left": 1.5}, BAD, "90 s", "room for 90 s only"),
        ({"minutes_left": 3.0, "disk_full": 1.0}, BAD, "3 min", "the disk is full"),
        ({}, GOOD, "", ""),
    ],
)
def test_the_disk(metrics, level, room, words):
    light = disk_light(at([node("recorder", disk_mb_per_s=61.25, **metrics)]))
    assert (light.level, light.cells) == (level, ("61.2 MB/s", room))
    assert light.reason.startswith(words)


def test_before_the_recorder_says_anything_there_is_no_disk():
    assert disk_light(at([node("recorder")])) is None
    assert disk_light(at([])) is None


@pytest.mark.parametrize(
    ("minutes_left", "remaining_s", "level", "words"),
    [
        (3.0, 60.0, GOOD, ""),
        (1.1, 60.0, BAD, "room for 66 s only: free the disk, 60 s are to come"),
        (30.0, 3600.0, WATCH, "room for 30 min only: free the disk, 60 min are to"),
    ],
)
def test_the_disk_is_held_against_the_planned_end(
    minutes_left, remaining_s, level, words
):
    recorder = node("recorder", disk_mb_per_s=60.0, minutes_left=minutes_left)
    light = disk_light(at([recorder], remaining_s=remaining_s))
    assert light.level is level
    assert light.reason.startswith(words)
    assert bool(light.reason) == bool(words)

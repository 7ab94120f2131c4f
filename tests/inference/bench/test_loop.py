"""Plumbing only: figures of runs as short as these mean nothing."""

import json

import numpy as np
import pytest

from inference.bench.loop import loop
from inference.bench.looping import figures, soak
from inference.bench.looping.run import Asked, Times, run
from inference.bench.looping.work import Way
from rig.errors import SpringhareError

US = 1000


@pytest.fixture(autouse=True)
def memory(shm):
    yield shm
    assert list(shm.iterdir()) == [], "no stream is left behind"


def asked(**changes):
    return Asked(
        **{
            "seconds": 0.3,
            "rate_hz": 100.0,
            "shape": (48, 64),
            "network_ms": 0.5,
            **changes,
        }
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "changes"),
    [
        (Way(), {"load": 1, "plain": True, "model": "bundled:mouse"}),
        (Way(notices="zmq", hygiene="no_gc"), {}),
        (Way(frames="zmq"), {}),
        (Way(frames="bare"), {}),
    ],
    ids=["ring", "notice", "zmq", "bare"],
)
def test_each_frame_is_followed_to_its_decision(way, changes):
    times = run(way, asked(**changes))
    n = len(times.decided_ns)
    assert 0 < n <= 30
    assert n + times.skipped == 30
    assert len(times.late_ns) == 30
    assert (times.reached_ns > 0).all()
    assert (times.reached_ns < times.decided_ns).all()
    assert (times.decided_ns < times.heard_ns).all()
    assert (times.decided_ns < times.done_ns).all()
    assert (np.diff(times.started_ns) > 0).all()


@pytest.mark.slow
def test_a_node_that_cannot_open_says_why():
    with pytest.raises(SpringhareError, match="no-such-model"):
        run(Way(), asked(model="no-such-model"))


@pytest.fixture
def fake(monkeypatch):
    """No processes: each way has the times that it is given (us); 100 frames."""
    ran = []

    def run(way, asked):
        ran.append(way)
        us = {"zmq": 500, "ring": 200, "bare": 100}[way.frames] + 100 * (
            way.notices == "zmq"
        )
        each = np.full(100, us * US)
        started = np.arange(100) * round(asked.seconds * 1e7)
        return Times(started, each // 2, each, each * 2, each * 3, each, 3, 42.0)

    monkeypatch.setattr(figures, "run", run)
    monkeypatch.setattr(soak, "run", run)
    monkeypatch.setattr(figures.os, "getloadavg", lambda: (0.5, 0.5, 0.5))
    return ran


def test_ways_take_turns_and_are_compared(fake):
    told = []
    plan = figures.Plan(asked(), rounds=2, habits=("fifo",))
    found = figures.measure(plan, told.append)
    turns = "ring ring zmq bare ring  ring zmq bare ring ring"
    assert [way.frames for way in fake] == turns.split()
    assert told[5] == "round 2: notices by ZeroMQ", "another one begins"
    ways, ratios = found["ways"], found["ratios"]
    assert ways["springhare"]["decided"]["p50_us"] == 200
    assert ways["springhare"]["decided"]["rounds_p99_us"] == [200, 200]
    assert ways["frames by ZeroMQ"]["heard"]["p99_us"] == 1000
    assert ways["with fifo"]["frames"] == 200
    assert ways["with fifo"]["skipped"] == 6
    assert ratios["frames by ZeroMQ"]["decided_p50"] == 0.4
    assert ratios["notices by ZeroMQ"]["decided_p99"] == pytest.approx(2 / 3, abs=1e-3)
    assert ratios["the least there is"]["decided_p50"] == 2
    assert ratios["with fifo"]["heard_p50"] == 1
    assert found["rules_us"]["p50_us"] > 0
    targets = {target["name"]: target for target in found["targets"]}
    assert targets["frame to decision p99, us"]["met"]
    assert targets["frame to decision / full frames over ZeroMQ"]["wanted"] == 0.5


def test_under_load_only_the_ratio_counts(fake):
    found = figures.measure(figures.Plan(asked(load=1), rounds=1))
    assert [target["wanted"] for target in found["targets"]] == [20, 0.6]


def test_minute_by_minute(fake):
    found = soak.soak(asked(seconds=120))
    assert [minute["frames"] for minute in found["minutes"]] == [50, 50]
    assert found["minutes"][1]["p99_us"] == 200
    assert found["targets"][0]["met"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "From a frame of 640x480 to its decision"),
        (["--hygiene", "--size=64x48", "--rounds=1"], "with pinned"),
        (["--minutes=2"], "p99 of the last minute / of the first: 1, wanted 1.1"),
    ],
)
def test_as_json_and_as_a_table(fake, capsys, options, words):
    status = loop([*options, "--json"], standalone_mode=False)
    found = json.loads(capsys.readouterr().out)
    assert status == (not all(target["met"] for target in found["targets"]))
    loop(options, standalone_mode=False)
    assert words in capsys.readouterr().out

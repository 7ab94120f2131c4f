import dataclasses

import pytest

from rig.messages import StreamStatus
from rig.monitor.health.judgement import Terms
from rig.monitor.health.watcher import OwnWatcher
from rig.supervisor.status import NodeFigures, Status, StreamFigures

STAGES = ("camera", "wait", "network", "decide", "pose")
RECORDER = {"cpu_percent": 3.0, "disk_mb_per_s": 49.2, "minutes_left": 138.4}


def _stream(name, kind, rate_hz, nominal_hz=None, **changes):
    usual = {"published": 9000, "lost": 0, "unrecorded": 0, "waiting": 1, "age_s": 0.01}
    figures = {**usual, "kind": kind, "slots": 400, **changes}
    return StreamFigures(name, rate_hz=rate_hz, nominal_hz=nominal_hz, **figures)


@pytest.fixture
def status():
    """Make a session at a glance, all good; what is named is otherwise."""

    def make(*, nodes=None, streams=(), cameras=2, **changes):
        times = {
            f"{stage}_{figure}_ms": ms
            for stage in STAGES
            for figure, ms in (("p50", 4), ("p95", 6), ("p99", 9.5), ("max", 20))
        }
        inference = {"armed": 1.0, "decided": 7.0, **times}
        board = {"permitted": 1.0, "clock_sd_us": 45.2, "clock_skew_ppm": 12.3}
        metrics = {"recorder": RECORDER, "inference": inference, "daq": board}
        for name, more in (nodes or {}).items():
            metrics[name] = {**metrics.get(name, {}), **more}
        names = ("left", "right", "top", "under")[:cameras]
        usual = {
            "phase": "recording",
            "session_id": "m1_2026-11-22_06-57-17_jump",
            "elapsed_s": 65.0,
            "session_s": 70.25,
            "nodes": [
                NodeFigures(name, "running", 0.2, m) for name, m in metrics.items()
            ],
            "streams": [
                *(_stream(f"cameras/{n}", "frames", 99.7, 100.0) for n in names),
                _stream("poses/left", "poses", 99.1),
                _stream("signals/daq/emg", "samples", 200.1, 200.0),
                _stream("events/daq", "events", 50.0),
                _stream("decisions", "decisions", 0.5, age_s=3.2),
                _stream("clocks/daq", "clocks", 10.0, 10.0),
                *(_stream(**stream) for stream in streams),
            ],
            "looked": {"cameras/left": StreamStatus(taken=339, skipped=45)},
        }
        return Status(**{**usual, **changes})

    return make


@pytest.fixture
def spoilt():
    """Change a stream or a node of a status."""

    def change(status, name, **changes):
        def spoil(figures):
            return (
                dataclasses.replace(figures, **changes)
                if figures.name == name
                else figures
            )

        return dataclasses.replace(
            status,
            nodes=[spoil(node) for node in status.nodes],
            streams=[spoil(stream) for stream in status.streams],
        )

    return change


@pytest.fixture
def health():
    """Judge a status as the supervisor's own process does."""

    def judge(status):
        watcher = OwnWatcher(Terms())
        watcher.look(status)
        return watcher.health

    return judge

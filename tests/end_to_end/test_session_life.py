"""A session's life from outside: one that stops in order, and ones that do not."""

import json
import signal

import h5py
import pytest

from rig.recording.reader import Recording

pytestmark = pytest.mark.slow


def _folders(place):
    return sorted((place / "data").glob("*/*"))


def _recorded(place, stream):
    """Number of committed rows of a stream in the newest session, as of now."""
    folders = [f for f in _folders(place) if (f / "session.h5").exists()]
    if not folders:
        return 0
    with Recording.open(folders[-1]) as recording:
        return recording.count(stream)


def test_ends_by_itself_and_passes(springhare, boards_only, tmp_path):
    result = springhare.result("run", *boards_only, "--simulate", "--seconds=2")
    assert result["verdict"] == "PASS"
    assert result["reason"] == "2 s are over"
    assert springhare.running() == []
    assert list(springhare.shm.glob("*/")) == []
    sidecar = json.loads((_folders(tmp_path)[0] / "session.json").read_text("utf-8"))
    assert sidecar["state"] == "complete"
    assert sidecar["verdict"] == "PASS"


def test_one_interrupt_stops_in_order(springhare, boards_only, tmp_path, until):
    process = springhare.start("run", *boards_only, "--simulate", "--json")
    until(lambda: _recorded(tmp_path, "signals/daq/emg") > 20, "recorded EMG")
    process.send_signal(signal.SIGINT)
    done = springhare.finish(process)
    result = json.loads(done.stdout)
    assert result["verdict"] == "PASS"
    assert result["reason"] == "SIGINT received"
    assert done.returncode == 0
    assert springhare.running() == []


def test_a_killed_supervisor_leaves_nothing_running_and_loses_nothing_recorded(
    springhare, boards_only, tmp_path, until
):
    process = springhare.start("run", *boards_only, "--simulate")
    until(lambda: _recorded(tmp_path, "signals/daq/emg") > 50, "recorded EMG")
    process.kill()
    process.wait()
    until(lambda: not springhare.running(), "the nodes to end with the supervisor")
    folder = _folders(tmp_path)[0]
    with h5py.File(folder / "session.h5") as file:
        before = (file["signals/daq/emg/index"]["host_ns"] != 0).sum()
    assert before > 50

    springhare.result("run", *boards_only, "--simulate", "--seconds=1")

    assert list(springhare.shm.glob("*/")) == []
    with Recording.open(folder) as recording:
        assert recording.info.state == "salvaged"
        assert recording.count("signals/daq/emg") >= before
        assert recording.ledger is not None


@pytest.mark.parametrize(
    ("victim", "on_death", "goes_on"),
    [("scope", "stop", False), ("scope", "continue", True)],
)
def test_a_killed_node_is_reported(
    springhare, boards_only, tmp_path, victim, on_death, goes_on
):
    rig = tmp_path / "rig.yaml"
    rig.write_text(
        rig.read_text("utf-8").replace(
            "port: /dev/ttyACM1", f"port: /dev/ttyACM1\n    on_death: {on_death}"
        ),
        "utf-8",
    )
    (tmp_path / "faults.yaml").write_text(
        "format: springhare-faults/1\n"
        f"faults: [{{device: {victim}, at_s: 1.0, fault: kill}}]\n",
        "utf-8",
    )
    result = springhare.result(
        "run", *boards_only, "--simulate", "--seconds=4", "--faults=faults.yaml"
    )
    ledger = result["ledger"]
    assert ledger["closes"], ledger["reason"]
    assert victim in ledger["died"]
    ended_early = not result["reason"].startswith("4 s")
    assert ended_early is not goes_on
    with Recording.open(_folders(tmp_path)[-1]) as recording:
        notes = recording.rows("node_events")
        died = notes[notes["state"] == b"died"]
    assert died["node"].tolist() == [victim.encode()]
    assert springhare.running() == []


def test_a_second_session_on_the_same_rig_is_refused(
    springhare, boards_only, tmp_path, until
):
    first = springhare.start("run", *boards_only, "--simulate", "--json")
    until(lambda: _recorded(tmp_path, "events/daq") > 0, "the first session to record")
    second = springhare("run", *boards_only, "--simulate", "--seconds=1")
    assert second.returncode == 2
    assert "is recording with it" in second.stderr
    assert "Traceback" not in second.stderr
    first.send_signal(signal.SIGTERM)
    assert json.loads(springhare.finish(first).stdout)["verdict"] == "PASS"


def test_a_missing_device_is_told_and_nothing_is_left(
    springhare, boards_only, tmp_path
):
    done = springhare("run", *boards_only, "--seconds=1")
    assert done.returncode == 2
    assert "/dev/ttyACM0" in done.stderr
    assert "/dev/ttyACM1" in done.stderr
    assert "Traceback" not in done.stderr
    assert springhare.running() == []
    assert list(springhare.shm.glob("*/")) == []


def test_a_dry_run_opens_everything_and_records_nothing(
    springhare, boards_only, tmp_path
):
    found = springhare.result("run", *boards_only, "--simulate", "--dry-run")
    streams = {spec["name"] for node in found["streams"].values() for spec in node}
    assert {"signals/daq/emg", "events/scope"} <= streams
    assert all(check["ok"] for check in found["checks"])
    assert _folders(tmp_path) == []


def test_what_a_stalled_recorder_missed_is_in_the_ring(
    springhare, boards_only, tmp_path
):
    (tmp_path / "faults.yaml").write_text(
        "format: springhare-faults/1\n"
        "faults: [{device: recorder, at_s: 0.5, fault: stall, seconds: 2}]\n",
        "utf-8",
    )
    result = springhare.result(
        "run", *boards_only, "--simulate", "--seconds=4", "--faults=faults.yaml"
    )
    assert result["verdict"] == "PASS"

"""The recorder killed, stalled, hung, without room: what is lost, and what is said."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest

from rig.recording.ledger import AWAY, HELD_UP
from rig.recording.reader import Recording

pytestmark = pytest.mark.slow

RATE_HZ = 50
STAGE = "recorder"
RIG = """\
format: springhare-rig/1
name: struck
data_root: {place}/data
segment_seconds: {segment_seconds}
devices:
  left:
    kind: basler
    serial: "24000001"
    width_px: 320
    height_px: 240
    exposure_us: 1000
    trigger: {{mode: hardware, source: daq}}
  daq:
    kind: harp
    port: /dev/ttyACM0
    emg: {{rate_hz: 2000, channels: [GL, TA, VL, BF, GL2, TA2, VL2, BF2]}}
    camera_trigger: {{rate_hz: 50}}
ledger: {{fail_lost_fraction: 1}}
"""


class Struck:
    """A small rig, and a script of what strikes it."""

    def __init__(self, springhare, place):
        self.springhare, self.place = springhare, place

    def arguments(self, *faults, segment_seconds=60.0, data=None, minutes=1.0):
        rig = RIG.format(place=data or self.place, segment_seconds=segment_seconds)
        (self.place / "rig.yaml").write_text(rig, "utf-8")
        (self.place / "task.yaml").write_text(
            "format: springhare-task/1\nname: none\n", "utf-8"
        )
        (self.place / "session.yaml").write_text(
            f"format: springhare-session-plan/1\nsubject: m1\n"
            f"planned_minutes: {minutes}\n",
            "utf-8",
        )
        script = ", ".join(faults)
        (self.place / "faults.yaml").write_text(
            f"format: springhare-faults/1\nfaults: [{script}]\n", "utf-8"
        )
        return (
            "--rig=rig.yaml",
            "--task=task.yaml",
            "--session=session.yaml",
            "--faults=faults.yaml",
            "--simulate",
        )

    def run(self, seconds, *faults, **more):
        arguments = self.arguments(*faults, **more)
        return self.springhare.result("run", *arguments, f"--seconds={seconds}")

    def check(self, result):
        """Ask ``springhare check``, which must say the same; return what it says."""
        found = self.springhare.result("check", result["folder"])
        assert found["verdict"] == result["verdict"], found["reason"]
        assert found["findings"] == []
        assert found["ledger"]["remarks"] == result["ledger"]["remarks"]
        return found


@pytest.fixture
def struck(springhare, tmp_path):
    return Struck(springhare, tmp_path)


def recorder_losses(ledger):
    return {
        name: missing
        for name, stream in ledger["streams"].items()
        if (missing := [m for m in stream.get("missing", []) if m["stage"] == STAGE])
    }


def events(folder, node):
    with Recording.open(Path(folder)) as recording:
        rows = recording.rows("node_events")
    return rows[rows["node"] == node.encode()]["state"].tolist()


def frames_are_contiguous(folder):
    with h5py.File(Path(folder) / "session.h5") as file:
        seqs = file["cameras/left/index"]["seq"]
        assert file["cameras/left/frames"].shape[0] == len(seqs)
    return (np.diff(seqs) == 1).all() and seqs[0] == 0


def test_a_killed_recorder_is_back_within_the_rings_and_nothing_is_lost(struck):
    result = struck.run(
        9,
        "{device: recorder, at_s: 1.5, fault: kill}",
        "{device: recorder, at_s: 6, fault: kill}",
    )
    ledger = result["ledger"]
    assert ledger["closes"], ledger["reason"]
    assert (result["verdict"], result["reason"]) == ("WARN", "9 s are over")
    assert recorder_losses(ledger) == {}
    assert ledger["died"] == {}
    assert len(ledger["remarks"]) == 2
    for remark in ledger["remarks"]:
        assert remark.startswith("recorder died (signal 9) and was restarted after ")
        assert remark.endswith("; nothing lost")
        assert remark in ledger["reason"]
    once = [b"fault", b"died", b"restarted"]
    assert events(result["folder"], "recorder") == [b"running", *once, *once]
    assert frames_are_contiguous(result["folder"])
    struck.check(result)


def test_a_recorder_that_stalls_beyond_the_ring_says_what_was_lost_when_and_why(
    struck,
):
    result = struck.run(11, "{device: recorder, at_s: 2, fault: stall, seconds: 7}")
    ledger = result["ledger"]
    assert ledger["closes"], ledger["reason"]
    losses = recorder_losses(ledger)
    assert set(losses) == {"cameras/left"}, "the signals' ring is deeper"
    [missing] = losses["cameras/left"]
    assert missing["cause"].startswith(HELD_UP)
    assert 2 * RATE_HZ < missing["count"] < 5 * RATE_HZ
    # the time between the frames around it, on a loaded machine
    expected_ms = 1000 * (missing["count"] + 1) / RATE_HZ
    assert missing["duration_ms"] == pytest.approx(expected_ms, rel=0.3)
    with Recording.open(Path(result["folder"])) as recording:
        rows, info = recording.rows("cameras/left"), recording.info
    before = rows[rows["seq"] == missing["first_id"] - 1]["host_ns"].item()
    assert missing["at_s"] == pytest.approx((before - info.started_host_ns) / 1e9)
    assert ledger["remarks"] == []
    struck.check(result)


def test_a_recorder_that_hangs_is_killed_and_replaced(struck):
    result = struck.run(17, "{device: recorder, at_s: 1, fault: stall, seconds: 60}")
    ledger = result["ledger"]
    assert ledger["closes"], ledger["reason"]
    states = events(result["folder"], "recorder")
    assert states == [b"running", b"fault", b"hung", b"died", b"restarted"]
    [missing] = recorder_losses(ledger)["cameras/left"]
    assert missing["cause"] == AWAY
    [remark] = ledger["remarks"]
    assert f"{missing['count']} of cameras/left" in remark
    assert "silent for 10 s, killed" in remark
    assert ledger["died"] == {}
    struck.check(result)


def test_a_recorder_that_dies_again_and_again_ends_the_session_in_order(struck):
    kills = [f"{{device: recorder, at_s: {s}, fault: kill}}" for s in (1, 6, 11, 16)]
    result = struck.run(40, *kills)
    ledger = result["ledger"]
    assert ledger["closes"], ledger["reason"]
    assert result["reason"] == "recorder died: signal 9"
    assert ledger["died"] == {"recorder": "signal 9"}
    assert len(ledger["remarks"]) == 3
    assert recorder_losses(ledger) == {}  # the rest was still in the rings
    assert frames_are_contiguous(result["folder"])
    struck.check(result)


@pytest.fixture
def small_disk(tmp_path):
    """Make a file system of so many MB and mount it."""
    place, image = tmp_path / "disk", tmp_path / "disk.img"
    place.mkdir()
    mounted = []

    def make(megabytes):
        if os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
            pytest.skip("only root can mount a small disk, with mkfs.ext4")
        with image.open("wb") as file:
            file.truncate(megabytes * 1_000_000)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
        done = subprocess.run(
            ["mount", "-o", "loop", image, place], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip(f"no loop device here: {done.stderr.decode().strip()}")
        mounted.append(place)
        return place

    yield make
    for path in mounted:
        subprocess.run(["umount", path], check=True)


def ended_for_want_of_room(result, words):
    ledger = result["ledger"]
    assert ledger["closes"], ledger["reason"]
    assert (result["verdict"], result["reason"]) == ("WARN", words)
    assert ledger["remarks"] == [f"stopped early: {words}"]
    assert f"stopped early: {words}" in ledger["reason"]
    assert recorder_losses(ledger) == {}
    assert events(result["folder"], "supervisor") == [b"stopped_early", b"stopped"]
    assert frames_are_contiguous(result["folder"])


def test_a_disk_that_runs_full_ends_the_session_before_the_last_byte(
    small_disk, struck
):
    place = small_disk(240)
    result = struck.run(120, segment_seconds=2, data=place, minutes=0.02)
    words = result["reason"]
    assert words.startswith("the disk is nearly full: room for ")
    ended_for_want_of_room(result, words)
    assert b"warning" in events(result["folder"], "recorder")
    assert shutil.disk_usage(place).free > 0
    struck.check(result)


def fill_while_it_runs(place, struck, until, segment_seconds):
    """Start a session, wait for a second of frames, and take the rest of the disk."""
    arguments = struck.arguments(
        segment_seconds=segment_seconds, data=place, minutes=0.02
    )
    process = struck.springhare.start("run", *arguments, "--json")

    def recorded():
        found = list(place.glob("data/m1/*/session.h5"))
        if not found:
            return False
        with Recording.open(found[0]) as recording:
            return recording.count("cameras/left") > RATE_HZ

    def filled():
        """The session may lay out a segment at the same moment."""
        with (place / "somebody_else").open("wb") as file:
            try:
                room = shutil.disk_usage(place).free - 1_000_000
                os.posix_fallocate(file.fileno(), 0, room)
            except OSError:
                return False
        return True

    until(recorded, "a second of frames")
    until(filled, "a full disk")
    return process


def test_a_disk_that_somebody_else_fills_ends_the_session_between_two_segments(
    small_disk, struck, until
):
    place = small_disk(700)
    process = fill_while_it_runs(place, struck, until, segment_seconds=40)
    done = struck.springhare.finish(process)
    result = json.loads(done.stdout)
    ended_for_want_of_room(
        result, "the disk is nearly full: there is no room for the next segment"
    )
    assert done.returncode == 0
    struck.check(result)


def test_a_disk_that_is_full_at_once_ends_the_session_and_its_cause_is_said(
    small_disk, struck, until
):
    """With segments of two seconds there is no time for an end in order."""
    place = small_disk(300)
    process = fill_while_it_runs(place, struck, until, segment_seconds=2)
    result = json.loads(struck.springhare.finish(process).stdout)
    ledger = result["ledger"]
    assert ledger["closes"], ledger["reason"]
    assert result["verdict"] in {"WARN", "FAIL"}
    assert frames_are_contiguous(result["folder"])
    assert b"restarted" not in events(result["folder"], "recorder")
    for missing in recorder_losses(ledger).values():
        assert all("No space left" in item["cause"] for item in missing)
    struck.check(result)

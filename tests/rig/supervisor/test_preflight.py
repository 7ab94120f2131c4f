from __future__ import annotations

import shutil
from types import SimpleNamespace

import pytest

from rig.bus import shared_memory
from rig.config.examples import examples_folder
from rig.config.loading import load_rig
from rig.config.session import SessionConfig
from rig.errors import ConfigError, PreflightError
from rig.recording.layout import StreamLayout
from rig.supervisor.disk_plan import bytes_per_second, plan_disk
from rig.supervisor.preflight import preflight, require


@pytest.fixture
def demo():
    """Two cameras of 640 x 480 px at 100 Hz, muscles and forces."""
    rig = load_rig(examples_folder() / "rig" / "demo.yaml")
    return rig.model_copy(update={"segment_seconds": 60.0})


def planned(minutes):
    return SessionConfig.model_validate(
        {
            "format": "springhare-session-plan/1",
            "subject": "m1",
            "planned_minutes": minutes,
        }
    )


@pytest.fixture
def disk_check(demo, tmp_path, monkeypatch):
    def check(free, minutes=10, **changes):
        monkeypatch.setattr(
            shutil, "disk_usage", lambda _: SimpleNamespace(free=int(free))
        )
        rig = demo.model_copy(update=changes)
        checks = preflight(rig, planned(minutes), tmp_path, tmp_path / "s")
        return next(check for check in checks if check.name == "disk space")

    return check


def test_counts_every_byte_that_is_recorded(demo):
    frames = 2 * 100 * (640 * 480 + 64)
    blocks = 200 * (2 * 10 * 8 + 64) + 100 * (2 * 10 * 6 + 64)
    assert bytes_per_second(demo) == frames + blocks


@pytest.mark.parametrize(
    ("seconds", "segments"),
    [(1, 1), (14, 1), (16, 2), (44, 2), (74, 2), (76, 3), (600, 11)],
)
def test_a_segment_is_laid_out_from_half_of_the_one_before(demo, seconds, segments):
    """With the 15 s that are kept for a stop before the last byte."""
    plan = plan_disk(demo)
    wanted = plan.wanted_bytes(seconds)
    assert wanted == segments * plan.segment_bytes + plan.fixed_bytes
    filled = plan.bytes_per_s * seconds
    assert filled <= wanted
    assert wanted - filled <= plan.ahead_bytes + 15 * plan.bytes_per_s


def test_what_is_laid_out_is_what_the_writer_lays_out(demo, monkeypatch):
    laid_out = []
    of = StreamLayout.of

    def spy(spec, seconds):
        layout = of(spec, seconds)
        laid_out.append((spec.kind, sum(d.nbytes for d in layout.datasets)))
        return layout

    monkeypatch.setattr(StreamLayout, "of", spy)
    plan = plan_disk(demo)
    frames = [size for kind, size in laid_out if kind == "frames"]
    assert sum(frames) == plan.camera_bytes
    assert plan.camera_bytes >= 2 * 60 * 100 * 640 * 480
    timed = [size for kind, size in laid_out if kind in {"frames", "samples"}]
    assert sum(timed) == plan.segment_bytes


def test_enough_is_enough_and_says_how_much(disk_check, demo):
    plan = plan_disk(demo)
    wanted = plan.wanted_bytes(600)
    assert not disk_check(wanted).ok
    check = disk_check(wanted + 1)
    assert check.ok
    assert "10 min at 61.5 MB/s" in check.detail
    assert "laid out ahead" in check.detail
    minutes = int(check.detail.split("room for ")[1].split(" min")[0])
    assert minutes in {9, 10}


def test_too_long_a_session_is_not_for_segments_to_mend(disk_check):
    check = disk_check(20e9, minutes=60)
    assert not check.ok
    assert "lower planned_minutes" in check.remedy
    assert "segment_seconds" not in check.remedy


def test_too_long_segments_are_told_with_their_remedy(disk_check):
    check = disk_check(20e9, minutes=0.5, segment_seconds=600)
    assert not check.ok
    assert "lower segment_seconds in the rig file (now 600)" in check.remedy
    assert disk_check(20e9, minutes=0.5).ok


def test_rings_too_shallow_to_bridge_a_stall_are_refused(tmp_path):
    text = (examples_folder() / "rig" / "demo.yaml").read_text("utf-8")
    path = tmp_path / "rig.yaml"
    first = "    kind: basler\n"
    path.write_text(text.replace(first, f"{first}    ring_seconds: 3\n", 1), "utf-8")
    with pytest.raises(ConfigError, match=r"ring_seconds: expected at least 4\.0"):
        load_rig(path)


def test_every_fault_is_told_at_once(demo, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1))
    monkeypatch.setattr(shared_memory, "free_bytes", lambda: 1)
    (tmp_path / "s").mkdir()
    checks = preflight(demo, planned(1), tmp_path, tmp_path / "s")
    with pytest.raises(PreflightError) as caught:
        require(checks)
    for name in ("output folder", "disk space", "shared memory"):
        assert name in str(caught.value)

"""Stamps of exposures against the events of their triggers."""

import msgspec
import numpy as np
import pytest

from rig.messages import StreamSpec
from rig.recording.count import ledger_from_recording
from rig.recording.reader import Recording
from rig.recording.sidecar import Configs
from rig.recording.stamps import late_stamps
from rig.recording.writer import SessionWriter

PERIOD_NS, HALF_NS, OFFSET_NS = 10_000_000, 1_000_000, 5_000_000_000
FRAMES = 60


@pytest.fixture
def session(tmp_path, info, specs, rows_of, payload_of):
    """Write a session whose exposures are stamped too late; returns its recording."""
    opened = []

    def made(late_ns, mode="hardware", frames=FRAMES, drift=0, restart=False):
        left = {"exposure_us": 2 * HALF_NS / 1e3}
        left["trigger"] = {"mode": mode, "source": "daq"}
        rig = {"devices": {"left": left, "daq": {}}}
        told = msgspec.structs.replace(info, configs=Configs(rig=rig))
        camera, events = specs["cameras/left"], specs["events/daq"]
        clocks = StreamSpec(name="clocks/daq", kind="clocks", node="daq")
        seqs = np.arange(frames)
        # every other event is another line's
        asked = rows_of(events, np.arange(2 * frames))
        asked["device_ns"] = 1_000_000 + asked["seq"] * PERIOD_NS // 2
        clock = rows_of(clocks, np.arange(7))
        clock["device_ns"] = np.linspace(0, frames * PERIOD_NS, 7)
        clock["offset_ns"] = OFFSET_NS + drift * clock["device_ns"] // 1000
        if restart:
            clock["device_ns"][4:] -= 3 * PERIOD_NS * frames // 5
        rows = rows_of(camera, seqs)
        rows["trigger_seq"] = np.where(seqs % 10 == 9, -1, 2 * seqs)
        device_ns = asked["device_ns"][2 * seqs]
        true_ns = device_ns + OFFSET_NS + drift * device_ns // 1000 + HALF_NS
        rows["exposure_ns"] = true_ns + late_ns
        folder = tmp_path / f"s{len(opened)}"
        with SessionWriter.create(
            folder, told, [camera, events, clocks], 0.3
        ) as writer:
            writer.append_block(camera.name, rows, payload_of(camera, seqs))
            writer.append_block(events.name, asked)
            writer.append_block(clocks.name, clock)
        opened.append(Recording.open(folder))
        return opened[-1]

    yield made
    for recording in opened:
        recording.close()


def test_stamps_that_are_a_period_late_are_told(session):
    recording = session(734_400_000)
    remark = (
        "cameras/left: exposures are stamped 734 ms after their triggers (median; "
        "period 10 ms): ages and latencies are too small by as much"
    )
    assert late_stamps(recording) == [remark]
    ledger = ledger_from_recording(recording)
    assert remark in ledger.remarks
    assert ledger.verdict == "WARN"


@pytest.mark.parametrize(
    ("late_ns", "others", "told"),
    [
        (0, {}, 0),
        (PERIOD_NS - 100_000, {}, 0),
        (PERIOD_NS + 100_000, {}, 1),
        (PERIOD_NS + 100_000, {"drift": 1}, 1),
        (PERIOD_NS - 100_000, {"drift": 1}, 0),
        (10 * PERIOD_NS, {"mode": "software"}, 0),  # it is exposed so late
        (10 * PERIOD_NS, {"frames": 20}, 0),  # too few
        (10 * PERIOD_NS, {"restart": True}, 0),  # which time is meant?
    ],
)
def test_what_is_no_fault_is_not_told(session, late_ns, others, told):
    assert len(late_stamps(session(late_ns, **others))) == told

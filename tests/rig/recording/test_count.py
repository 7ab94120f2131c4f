from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.config.rig import LedgerLimits
from rig.messages import (
    Block,
    Event,
    Frame,
    Loss,
    NodeEvent,
    StreamSpec,
    row_dtype,
    to_row,
)
from rig.recording.balance import Numbers, build_ledger
from rig.recording.count import (
    count_recording,
    ledger_from_recording,
    numbers_of,
    with_writers,
)
from rig.recording.finish import finish_session
from rig.recording.inspection import inspect_recording
from rig.recording.reader import Recording
from rig.recording.remarks import DIED, RESTARTED
from rig.recording.writer import SessionWriter


def rows(record, field, numbers, seqs, counts=None):
    found = np.zeros(len(numbers), row_dtype(record))
    found[field], found["seq"] = numbers, seqs
    if counts is not None:
        found["count"] = counts
    return found


def test_holes_are_told_apart_by_who_made_them():
    frames = rows(Frame, "frame_id", [10, 11, 14, 17], [0, 1, 2, 4])
    # 12 and 13 never came; of 15 and 16 one never came and one was not recorded
    assert numbers_of(frames, "frames", 1) == Numbers(8, 4, 1)
    blocks = rows(Block, "device_sample", [0, 10, 30], [0, 1, 2], [10, 5, 10])
    assert numbers_of(blocks, "samples", 10) == Numbers(40, 25, 0)
    assert numbers_of(rows(Event, "device_seq", [3, 2], [0, 1]), "events", 1) is None
    assert numbers_of(frames, "poses", 1) is None
    assert numbers_of(frames[:0], "frames", 1) is None


@given(
    st.lists(
        st.sampled_from(["kept", "kept", "device", "recorder"]), min_size=1
    ).filter(lambda fates: "kept" in fates)
)
def test_every_number_is_present_or_a_hole(fates):
    numbers = [k for k, fate in enumerate(fates) if fate == "kept"]
    published = [k for k, fate in enumerate(fates) if fate != "device"]
    seqs = [published.index(k) for k in numbers]
    found = numbers_of(rows(Frame, "frame_id", numbers, seqs), "frames", 1)
    inner = fates[numbers[0] : numbers[-1] + 1]
    assert found == Numbers(len(inner), len(numbers), inner.count("recorder"))


@pytest.fixture
def recording(tmp_path, info, specs, rows_of, payload_of):
    """A camera of which the recorder lost 5 in the middle and 3 at the end."""
    with SessionWriter.create(tmp_path / "s", info, specs.values(), 0.3) as writer:
        spec = specs["cameras/left"]
        for seqs in (np.arange(20), np.arange(25, 80)):
            writer.append_block(spec.name, rows_of(spec, seqs), payload_of(spec, seqs))
        losses = np.zeros(2, specs["losses/recorder"].row)
        for k, (first, count) in enumerate([(20, 5), (80, 3)]):
            losses[k] = to_row(
                Loss(
                    seq=k,
                    host_ns=1,
                    stream=spec.name,
                    stage="recorder",
                    first_id=first,
                    count=count,
                    cause="overwritten",
                )
            )
        writer.append_block("losses/recorder", losses)
    with Recording.open(tmp_path / "s") as recording:
        yield recording


def test_a_recording_tells_its_own_ledger(recording):
    ledger = ledger_from_recording(recording)
    stream = ledger.streams["cameras/left"]
    assert (stream.published, stream.recorded, stream.lost) == (83, 75, 8)
    assert ledger.closes
    assert ledger.verdict == "FAIL"
    assert [e.name for e in stream.equations] == ["published", "numbered_by_the_device"]
    assert len(stream.missing) == 2


def test_the_writers_know_more_than_the_rows(recording):
    heads = {"cameras/left": 90}
    count = with_writers(count_recording(recording), heads, {})
    ledger = build_ledger(count, LedgerLimits())
    assert not ledger.closes
    assert ledger.streams["cameras/left"].equations[0].unexplained == 7


def test_a_loss_is_placed_in_time(recording):
    """Rows of the test are 10 ns apart, the first 999 µs after the start."""
    first, last = ledger_from_recording(recording).streams["cameras/left"].missing
    assert first.at_s == pytest.approx(999.19e-6, abs=1e-6)
    assert first.duration_ms == 0.0  # 60 ns
    assert (last.first_id, last.duration_ms) == (80, 30.0)  # by 100 Hz


@pytest.fixture
def restarted(tmp_path, info, specs, rows_of, payload_of):
    """A session whose recorder died and came back, and that was then closed."""
    folder = tmp_path / "s"
    own = StreamSpec(name="node_events", kind="node_events", node="supervisor")
    events = [
        NodeEvent(seq=0, host_ns=10, node="recorder", state=DIED, detail="signal 9"),
        NodeEvent(seq=1, host_ns=20, node="recorder", state=RESTARTED, detail="died"),
    ]
    rows = np.array([to_row(event) for event in events], own.row)
    every = [specs["cameras/left"], own]
    with SessionWriter.create(folder, info, every, 0.3) as writer:
        spec, seqs = specs["cameras/left"], np.arange(30)
        writer.append_block(spec.name, rows_of(spec, seqs), payload_of(spec, seqs))
        writer.append_block(own.name, rows)
    return folder


def test_remarks_are_read_from_the_rows(restarted):
    with Recording.open(restarted) as recording:
        ledger = ledger_from_recording(recording)
    assert (ledger.verdict, ledger.died) == ("WARN", {})
    assert ledger.remarks == ["recorder died; nothing lost"]


def test_remarks_that_only_the_old_ledger_has_are_kept(restarted):
    with Recording.open(restarted) as recording:
        count = count_recording(recording)
    count = replace(count, remarks=[*count.remarks, "it was cold"])
    ledger = build_ledger(count, LedgerLimits())
    finish_session(restarted, ledger)
    with Recording.open(restarted) as recording:
        assert ledger_from_recording(recording) == ledger
        inspection = inspect_recording(recording)
    assert ledger.remarks == ["recorder died; nothing lost", "it was cold"]
    assert (inspection.verdict, inspection.findings) == ("WARN", [])
    assert inspection.reason == ledger.reason

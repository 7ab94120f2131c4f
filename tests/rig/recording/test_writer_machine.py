"""Any order of blocks, ends, crashes and looks: what is read is what was written."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from rig.recording.count import ledger_from_recording
from rig.recording.finish import finish_session
from rig.recording.reader import Recording
from rig.recording.writer import SessionWriter

STREAMS = ("cameras/left", "signals/daq/emg", "poses/left", "events/daq")


class Session(RuleBasedStateMachine):
    """One session; the fixture below gives it its streams."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp()) / "s"
        self.writer = SessionWriter.create(
            self.folder, self.info, self.specs.values(), 0.3
        )
        self.seqs = {name: [] for name in STREAMS}
        self.samples = []

    @precondition(lambda self: self.writer)
    @rule(
        name=st.sampled_from(STREAMS),
        size=st.integers(1, 150),
        skipped=st.sampled_from([0, 0, 0, 5]),
        overtaken=st.sampled_from([0, 0, 0, 1, 7]),
        data=st.data(),
    )
    def append(self, name, size, skipped, overtaken, data):
        spec = self.specs[name]
        first = (self.seqs[name][-1] + 1 if self.seqs[name] else 0) + skipped
        seqs = np.arange(first, first + size)
        rows, payload = self.rows_of(spec, seqs), self.payload_of(spec, seqs)
        if spec.kind == "samples" and data.draw(st.booleans()):
            rows["count"][data.draw(st.integers(0, size - 1))] = data.draw(
                st.integers(0, 10)
            )
        whole = max(0, size - overtaken)
        kept = self.writer.append_block(name, rows, payload, lambda: whole)
        assert kept == whole
        self.seqs[name] += seqs[overtaken:].tolist()
        if spec.kind == "samples":
            for row, block in zip(rows[overtaken:], payload[overtaken:], strict=True):
                self.samples += block[: row["count"]].tolist()

    @precondition(lambda self: self.writer)
    @rule()
    def sync(self):
        self.writer.sync()

    @precondition(lambda self: self.writer)
    @rule()
    def close(self):
        self.writer.close()
        self.writer = None

    @precondition(lambda self: not self.writer)
    @rule()
    def reopen(self):
        self.writer = SessionWriter.reopen(self.folder)
        for name, seqs in self.seqs.items():
            assert self.writer.count(name) == len(seqs)

    @precondition(lambda self: not self.writer)
    @rule()
    def finish(self):
        with Recording.open(self.folder) as recording:
            ledger = ledger_from_recording(recording)
        finish_session(self.folder, ledger)
        with Recording.open(self.folder) as recording:
            for name, seqs in self.seqs.items():
                assert len(recording.raw_rows(name)) == len(seqs)

    @invariant()
    def reads_what_was_written(self):
        with Recording.open(self.folder) as recording:
            for name, seqs in self.seqs.items():
                assert recording.rows(name)["seq"].tolist() == seqs
                assert recording.count(name) == len(seqs)
                if self.specs[name].kind in {"frames", "poses"}:
                    wanted = self.payload_of(self.specs[name], seqs)
                    assert np.array_equal(recording.payload(name), wanted)
            found = recording.payload("signals/daq/emg")
            assert found.tolist() == self.samples

    def teardown(self):
        if self.writer:
            self.writer.close()
        shutil.rmtree(self.folder.parent)


@pytest.fixture
def machine(info, specs, rows_of, payload_of):
    given = {
        "info": info,
        "specs": specs,
        "rows_of": staticmethod(rows_of),
        "payload_of": staticmethod(payload_of),
    }
    return type("GivenSession", (Session,), given)


@pytest.mark.slow
def test_reads_what_was_written_in_any_order(machine):
    run_state_machine_as_test(
        machine, settings=settings(max_examples=10, stateful_step_count=12)
    )

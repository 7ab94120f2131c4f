"""A whole session passes; each kind of damage is found and named."""

from __future__ import annotations

import os

import h5py
import msgspec
import numpy as np
import pytest

from rig.config.rig import LedgerLimits
from rig.messages import Acknowledgement, Decision, Loss, NodeEvent, StreamSpec, to_row
from rig.recording.balance import build_ledger
from rig.recording.count import count_recording, with_writers
from rig.recording.finish import finish_session
from rig.recording.inspection import inspect_recording
from rig.recording.ledger import Timeouts
from rig.recording.notes import Note
from rig.recording.reader import Recording
from rig.recording.sidecar import Configs
from rig.recording.writer import SessionWriter

DECISION = Decision(
    host_ns=1,
    decision_id=0,
    rule="jump",
    camera="left",
    frame_id=1,
    pose_seq=0,
    outcome="fired",
    cause="",
    exposure_ns=1,
    age_ns=1,
    max_age_ns=2,
    latency_ns=0,
    value=1.0,
    threshold=0.5,
    likelihood=1.0,
    sham_draw=0.9,
    armed=1,
    line="laser",
    pulse_width_us=1000,
    pulse_count=1,
    pulse_period_us=0,
)
ANSWER = Acknowledgement(
    host_ns=1,
    decision_id=0,
    sent_ns=1,
    edge_device_ns=1,
    edge_host_ns=1,
    line="laser",
    status="done",
    age_ns=1,
)


def table(spec, records):
    rows = np.zeros(len(records), spec.row)
    for k, record in enumerate(records):
        rows[k] = to_row(msgspec.structs.replace(record, seq=k))
    return rows


class Session:
    """Everything that a session holds, to be spoilt before it is written."""

    def __init__(self, folder, info, specs, rows_of, payload_of):
        self.folder = folder
        self.info = info
        more = ("decisions", "acknowledgements")
        self.specs = specs | {
            name: StreamSpec(name=name, kind=name, node="n") for name in more
        }
        self.rows = {n: rows_of(s, np.arange(150)) for n, s in specs.items()}
        self.payload = {n: payload_of(s, np.arange(150)) for n, s in specs.items()}
        self.losses = []
        self.decisions = [
            msgspec.structs.replace(DECISION, decision_id=k, pose_seq=k)
            for k in range(3)
        ]
        self.answers = [
            msgspec.structs.replace(ANSWER, decision_id=k) for k in range(3)
        ]
        self.heads = {}
        self.counters = {"poses/left": {"skipped": 0, "lost": 0}}

    def add_events(self, events):
        """Add a stream of the session's own events."""
        name = "node_events"
        self.specs[name] = StreamSpec(name=name, kind=name, node="supervisor")
        self.rows[name] = table(self.specs[name], events)
        self.payload[name] = None

    def keep(self, name, wanted):
        """Keep only some rows of a stream."""
        self.rows[name] = self.rows[name][wanted]
        if self.payload[name] is not None:
            self.payload[name] = self.payload[name][wanted]

    def lose(self, stream, first, count, stage="recorder"):
        self.losses.append(
            Loss(
                host_ns=1,
                stream=stream,
                stage=stage,
                first_id=first,
                count=count,
                cause="overwritten",
            )
        )

    def write(self):
        tables = {
            "decisions": self.decisions,
            "acknowledgements": self.answers,
            "losses/recorder": self.losses,
        }
        for name, records in tables.items():
            self.rows[name] = table(self.specs[name], records)
            self.payload[name] = None
        with SessionWriter.create(
            self.folder, self.info, self.specs.values(), 0.3
        ) as writer:
            for name, rows in self.rows.items():
                if len(rows):
                    writer.append_block(name, rows, self.payload[name])

    def close(self):
        with Recording.open(self.folder) as recording:
            count = with_writers(count_recording(recording), self.heads, self.counters)
        finish_session(self.folder, build_ledger(count, LedgerLimits()))

    def inspect(self, *, quick=False):
        with Recording.open(self.folder) as recording:
            return inspect_recording(recording, quick=quick)

    def findings(self):
        """Write, close and inspect; return what was found, by stream."""
        self.write()
        self.close()
        return [(f.severity, f.stream, f.text) for f in self.inspect().findings]


@pytest.fixture
def session(tmp_path, info, specs, rows_of, payload_of):
    return Session(tmp_path / "s", info, specs, rows_of, payload_of)


def test_a_whole_session_passes(session):
    assert session.findings() == []
    inspection = session.inspect()
    assert (inspection.verdict, inspection.state) == ("PASS", "complete")
    assert inspection.streams["cameras/left"].rows == 150
    assert inspection.streams["cameras/left"].segments == 3
    assert inspection.streams["cameras/left"].verified == 150
    assert session.inspect(quick=True).streams["cameras/left"].verified == 32
    assert "none lost" in inspection.reason
    assert b'"verdict":"PASS"' in msgspec.json.encode(inspection)


def test_a_command_that_was_answered_after_its_time_is_one_and_delivered(session):
    given_up = {"status": "timeout", "edge_device_ns": -1, "edge_host_ns": -1}
    session.answers.insert(0, msgspec.structs.replace(session.answers[0], **given_up))
    session.answers[-1] = msgspec.structs.replace(session.answers[-1], **given_up)
    session.counters["losses/recorder"] = {"late_answers": 1}
    assert session.findings() == []
    inspection = session.inspect()
    assert inspection.verdict == "PASS"
    assert inspection.ledger.commands.text == "3 fired decisions = 3 acknowledged"
    assert inspection.ledger.timeouts == Timeouts(2, answered_late=1, late_answers=1)
    assert inspection.outcomes["jump"].answered == {
        "done": 1,
        "done_late": 1,
        "timeout": 1,
    }
    assert inspection.ledger.latency["left"]["total"].count == 2


def event(host_ns, state="running", node="daq"):
    return NodeEvent(host_ns=host_ns, node=node, state=state, detail="µ")


def test_a_note_stands_at_when_it_was_begun_and_is_told(session):
    at = [1000 + 10**9 * k for k in (2, 5, 9)]
    events = [event(at[0]), event(at[2]), event(at[1], "note 3", "experimenter")]
    session.add_events([*events, event(at[2])])
    assert session.findings() == []
    assert session.inspect().notes == [Note(5.0, "µ", "3")]


def test_other_events_do_not_run_backwards(session):
    noted = event(1500, "note", "experimenter")
    session.add_events([event(1000), event(2000), noted, event(1900)])
    [(severity, stream, text)] = session.findings()
    assert (severity, stream) == ("FAIL", "node_events")
    assert text == "host_ns runs backwards at row 3"


def test_one_that_was_not_closed_fails(session):
    session.write()
    inspection = session.inspect()
    assert inspection.verdict == "FAIL"
    assert "not closed" in inspection.reason


def test_lost_and_listed_is_the_ledgers_affair(session):
    wanted = np.delete(np.arange(150), [*range(30, 33)])
    session.keep("events/daq", wanted)
    session.lose("events/daq", 30, 3)
    assert session.findings() == []
    assert session.inspect().verdict == "FAIL"  # 2 %
    assert "events/daq lost 3 (2 %)" in session.inspect().reason


def test_lost_and_listed_elsewhere_is_found(session):
    session.keep("events/daq", np.delete(np.arange(150), [*range(30, 33)]))
    session.lose("events/daq", 80, 3)
    [(severity, stream, text)] = session.findings()
    assert (severity, stream) == ("FAIL", "events/daq")
    assert text.startswith("seq 30 to 32 are missing")


@pytest.mark.parametrize(
    ("spoil", "stream", "text"),
    [
        (
            lambda s: s.rows["events/daq"]["host_ns"].__setitem__(70, 5),
            "events/daq",
            "host_ns runs backwards at row 70",
        ),
        (
            lambda s: s.rows["cameras/left"]["frame_id"].__setitem__(70, 5),
            "cameras/left",
            "frame_id runs backwards at row 70",
        ),
        (
            lambda s: s.rows["poses/left"]["frame_seq"].__setitem__(7, 999),
            "poses/left",
            "refers to cameras/left 999, which is not there",
        ),
        (
            lambda s: s.decisions.append(DECISION),
            "decisions",
            "two decisions have one decision_id",
        ),
        (
            lambda s: s.decisions.__setitem__(
                0, msgspec.structs.replace(DECISION, pose_seq=500)
            ),
            "decisions",
            "refers to poses/left 500, which is not there",
        ),
        (
            lambda s: s.answers.__setitem__(
                0, msgspec.structs.replace(ANSWER, decision_id=77)
            ),
            "acknowledgements",
            "answers decision 77, which was not fired",
        ),
    ],
    ids=["host time", "frame id", "pose", "twice decided", "decision", "answer"],
)
def test_what_does_not_hold_together_is_found(session, spoil, stream, text):
    spoil(session)
    assert ("FAIL", stream, text) in session.findings()
    assert session.inspect().verdict == "FAIL"


def test_a_frame_names_a_trigger_that_is_there(session):
    rig = {"devices": {"left": {"trigger": {"mode": "software", "source": "daq"}}}}
    session.info = msgspec.structs.replace(session.info, configs=Configs(rig=rig))
    session.rows["cameras/left"]["trigger_seq"] = np.arange(150) - 1  # one unknown
    session.rows["cameras/left"]["trigger_seq"][9] = 150
    assert session.findings() == [
        ("FAIL", "cameras/left", "refers to events/daq 150, which is not there")
    ]


def test_poses_without_a_models_hash_fail(session, specs):
    spec = specs["poses/left"]
    plain = msgspec.structs.replace(spec, attributes={"bodyparts": ["a"]})
    session.specs["poses/left"] = plain
    [(severity, stream, text)] = session.findings()
    assert (severity, stream) == ("FAIL", "poses/left")
    assert "hash of the model" in text


def test_a_device_clock_that_began_anew_is_told(session):
    stamps = session.rows["events/daq"]["device_ns"]
    stamps[:] = 10_000_000 * np.arange(150)
    stamps[[20, 21]] = stamps[[21, 20]]  # two lines, told in another order
    stamps[70:] -= 600_000_000
    assert session.findings() == [
        ("WARN", "events/daq", "the device's clock began anew at row 70")
    ]
    assert session.inspect().verdict == "WARN"


def test_frame_numbers_may_begin_anew_with_a_camera_that_was_unplugged(session):
    session.rows["cameras/left"]["frame_id"][70:] -= 70
    session.counters["cameras/left"] = {"disconnections": 1}
    assert [f[0] for f in session.findings()] == ["WARN"]


def test_a_decision_that_nobody_answered_does_not_close(session):
    session.answers.pop()
    assert session.findings() == []
    inspection = session.inspect()
    assert inspection.verdict == "FAIL"
    assert inspection.ledger.unanswered == [2]


def test_what_the_rings_had_and_the_file_lacks_does_not_close(session):
    session.heads["events/daq"] = 160
    [(severity, stream, text)] = session.findings()
    assert (severity, stream) == ("FAIL", "events/daq")
    assert "seq 150 to 159" in text
    assert not session.inspect().ledger.closes


def test_rows_that_changed_after_the_end_are_found(session):
    session.write()
    session.close()
    path = session.folder / "segments" / "events+daq-0.h5"
    with h5py.File(path, "r") as file:
        offset = file["index"].id.get_offset()
    with path.open("r+b") as file:
        size = session.specs["events/daq"].row.itemsize
        file.seek(offset + 20 * size)
        file.write(bytes(size))
    inspection = session.inspect()
    assert inspection.verdict == "FAIL"
    assert any("a hole among the rows, at 20" in f.text for f in inspection.findings)
    assert any("does not agree" in f.text for f in inspection.findings)


@pytest.mark.parametrize(
    ("stream", "dataset", "entry"),
    [
        ("cameras/left", "payload", 20),
        ("cameras/left", "index", 63),
        ("signals/daq/emg", "payload", 10 * 20),
        ("poses/left", "payload", 20),
        ("events/daq", "index", 20),
    ],
)
def test_a_bit_that_turned_is_found(session, stream, dataset, entry):
    session.write()
    session.close()
    path = session.folder / "segments" / f"{stream.replace('/', '+')}-0.h5"
    with h5py.File(path, "r") as file:
        found = file[dataset]
        at = found.id.get_offset() + entry * found[0].nbytes
        row = entry // 10 if stream.startswith("signals") else entry
    with path.open("r+b") as file:
        file.seek(at + 12)  # within an index row, behind the marks
        byte = file.read(1)[0]
        file.seek(at + 12)
        file.write(bytes([byte ^ 0x10]))
    inspection = session.inspect()
    assert inspection.verdict == "FAIL"
    [text] = [f.text for f in inspection.findings if "checksum" in f.text]
    assert text.endswith(f": {row}")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_segment_that_is_gone_is_found(session, number):
    session.write()
    session.close()
    (session.folder / "segments" / f"cameras+left-{number}.h5").unlink()
    inspection = session.inspect()
    assert inspection.verdict == "FAIL"
    assert any(f.stream == "cameras/left" for f in inspection.findings)


@pytest.mark.parametrize("damage", ["cut", "empty", "scrambled"])
def test_a_segment_that_is_damaged_is_found(session, damage):
    session.write()
    session.close()
    path = session.folder / "segments" / "cameras+left-1.h5"
    if damage == "scrambled":
        with path.open("r+b") as file:
            file.write(os.urandom(4096))
    else:
        os.truncate(path, 0 if damage == "empty" else 8000)
    inspection = session.inspect()
    assert inspection.verdict == "FAIL"
    [finding] = inspection.findings
    assert finding.text.startswith("cameras+left-1.h5")


def test_a_sidecar_that_says_otherwise_is_told(session):
    session.write()
    session.close()
    sidecar = session.folder / "session.json"
    text = sidecar.read_text("utf-8").replace('"verdict": "PASS"', '"verdict": "FAIL"')
    sidecar.write_text(text, encoding="utf-8")
    assert session.inspect().verdict == "WARN"

"""The judge of killed sessions, judged: sound ones pass, falsified ones are caught."""

import json
import shutil
import signal
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from rig import cli
from rig.bench import survival
from rig.bench.survival import processes
from rig.bench.survival.evidence import Witness, committed_rows
from rig.bench.survival.examination import KINDS, Fault, Remains, examine
from rig.bench.survival.experiment import affected_by, write_experiment
from rig.bench.survival.play import Outcome
from rig.bench.survival.run import summary
from rig.bench.survival.trial import PHASES, VICTIMS, draw
from rig.bus.directory import StreamDirectory
from rig.config.loading import load_experiment
from rig.config.rig import LedgerLimits
from rig.messages import Block, Event, Frame, PayloadSpec, StreamSpec
from rig.recorder import close_recording
from rig.recorder.emptying import own_spec

ROWS = 100
KILL_NS = 2_000_000_000
SPECS = (
    StreamSpec(
        name="cameras/left",
        kind="frames",
        node="left",
        payload=PayloadSpec("|u1", (12, 16)),
        rate_hz=50,
        slots=200,
    ),
    StreamSpec(
        name="signals/daq/emg",
        kind="samples",
        node="daq",
        payload=PayloadSpec("<i2", (10, 4)),
        rate_hz=50,
        slots=200,
    ),
    StreamSpec(name="events/laser", kind="events", node="laser", slots=200),
)


def publish(writer, k):
    """The k-th element of a stream; each stream ends 4 s after it began."""
    host_ns = 40_000_000 * (k + 1)
    noise = np.random.default_rng(k)
    match writer.spec.kind:
        case "frames":
            row = Frame(host_ns=host_ns, frame_id=7 + k, device_ns=k, exposure_ns=k)
            writer.append(row, noise.integers(0, 255, (12, 16), np.uint8))
        case "samples":
            # every third block is not full
            counts = [10 if j % 3 else 6 for j in range(k + 1)]
            row = Block(
                host_ns=host_ns,
                first_sample=-1,
                count=counts[-1],
                device_ns=k,
                device_sample=sum(counts[:-1]),
            )
            writer.append(row, noise.integers(-9, 9, (10, 4)).astype(np.int16))
        case _:
            row = Event(host_ns=host_ns, device_ns=k, device_seq=k, line="in", edge=1)
            writer.append(row)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """What is left of a session after a trial with nothing to be said against it."""
    folder = tmp_path_factory.mktemp("sound") / "session"
    folder.mkdir()
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="sh-", dir="/dev/shm") as memory,
    ):
        patch.setenv("SPRINGHARE_SHM", memory)
        streams = StreamDirectory.create("s", folder)
        streams.create_ring(own_spec())
        for spec in SPECS:
            streams.create_ring(spec)
            writer = streams.writer(spec.name)
            for k in range(ROWS):
                publish(writer, k)
            writer.close()
        witness = Witness(Path(memory))
        witness.look()
        close_recording(folder, streams, LedgerLimits())
        published = witness.published()
    before = committed_rows(folder / "session.h5")
    trial = replace(draw(0, 1), victim="all", phase="steady")
    return Remains(trial, folder, KILL_NS, 2 * KILL_NS, before, published)


@pytest.fixture
def remains(recorded, tmp_path):
    """The same, to be falsified."""
    folder = tmp_path / "session"
    shutil.copytree(recorded.folder, folder)
    return replace(recorded, folder=folder)


def kinds(remains):
    return Counter(fault.kind for fault in examine(remains))


def texts(remains):
    return [fault.text for fault in examine(remains)]


def segment(remains, name, k=0):
    folder = remains.folder / "segments"
    return h5py.File(folder / f"{name.replace('/', '+')}-{k}.h5", "r+")


def uncommit(remains, name, rows):
    """Take the commit mark from rows of a stream."""
    with segment(remains, name) as file:
        table = file["index"][:]
        table["host_ns"][rows] = 0
        file["index"][...] = table


# -- evidence


def test_what_is_seen_is_what_was_published(remains):
    for spec in SPECS:
        found, there = remains.before[spec.name], remains.published[spec.name]
        assert len(found.rows) == len(there.rows) == ROWS
        assert found.payload == there.payload
    emg = remains.published["signals/daq/emg"]
    assert [len(entry) for entry in emg.payload[:4]] == [48, 80, 80, 48]
    assert set(remains.published["events/laser"].payload) == {b""}


def test_a_ring_that_went_around_says_how_much_nobody_saw(memory, tmp_path):
    streams = StreamDirectory.create("s", tmp_path)
    streams.create_ring(
        StreamSpec(name="events/laser", kind="events", node="x", slots=8)
    )
    writer = streams.writer("events/laser")
    witness = Witness(memory)
    witness.look()
    for k in range(20):
        publish(writer, k)
    writer.close()
    streams.remove()
    table = witness.published()["events/laser"]
    assert (table.missing, table.rows["seq"].tolist()) == (12, list(range(12, 20)))
    assert witness.heads() == {"events/laser": 20}


def test_only_rows_before_the_first_uncommitted_one_count(remains):
    uncommit(remains, "events/laser", slice(40, 41))
    now = committed_rows(remains.folder / "session.h5")
    assert len(now["events/laser"].rows) == 40
    uncommit(remains, "events/laser", slice(None))
    now = committed_rows(remains.folder / "session.h5")
    assert len(now["events/laser"].rows) == 0


# -- examination


def test_nothing_is_wrong_with_a_sound_session(remains):
    assert texts(remains) == []


def test_a_committed_row_that_is_gone_is_lost(remains):
    uncommit(remains, "cameras/left", slice(ROWS - 1, None))
    found = kinds(remains)
    assert found["lost"] == 1
    assert found["unrecorded"] == 1
    [lost] = [fault for fault in examine(remains) if fault.kind == "lost"]
    assert (lost.count, lost.text[:12]) == (1, "cameras/left")


@pytest.mark.parametrize("seen", ["before", "published"])
def test_one_pixel_is_enough(remains, seen):
    """Known from what was committed, or only from the ring."""
    other = {"before": "published", "published": "before"}[seen]
    with segment(remains, "cameras/left") as file:
        file["payload"][41, 11, 15] ^= 1
    faults = list(examine(replace(remains, **{other: {}})))
    [lost] = [fault for fault in faults if fault.kind == "lost"]
    assert (lost.count, "cameras/left" in lost.text) == (1, True)
    assert any(fault.text.startswith("check: ") for fault in faults)


@pytest.mark.parametrize("field", ["device_ns", "line", "edge"])
def test_every_field_of_a_row_counts(remains, field):
    with segment(remains, "events/laser") as file:
        rows = file["index"][:]
        rows[field][12] = b"out" if field == "line" else 3
        file["index"][...] = rows
    assert kinds(remains)["lost"] == 2  # against the kill, and against the ring


def test_samples_that_belong_to_another_block_are_lost(remains):
    with segment(remains, "signals/daq/emg") as file:
        rows = file["index"][:]
        rows["first_sample"][50] += 1
        file["index"][...] = rows
    found = kinds(remains)
    assert found["lost"] == 2
    assert found["gap"] == 1


def test_another_nodes_data_that_ends_is_a_gap(remains):
    """Even where nobody saw the ring, and nothing of it was committed before."""
    left = replace(remains.trial, victim="left")
    uncommit(remains, "signals/daq/emg", slice(20, None))
    blind = replace(remains, trial=left, before={}, published={})
    assert "signals/daq/emg: ended with left" in texts(blind)
    daq = replace(blind, trial=replace(left, victim="daq"))
    assert not [text for text in texts(daq) if "ended with" in text]
    at_once = replace(blind, goes_until_ns=KILL_NS + 5)
    assert not [text for text in texts(at_once) if "ended with" in text]


def test_rows_that_only_the_ring_has_are_unrecorded(remains):
    uncommit(remains, "signals/daq/emg", slice(60, None))
    faults = {fault.kind: fault for fault in examine(replace(remains, before={}))}
    assert faults["unrecorded"].count == 40
    assert "lost" not in faults


def test_a_hole_in_a_devices_numbers_is_a_gap(remains):
    with segment(remains, "cameras/left") as file:
        rows = file["index"][:]
        rows["frame_id"][50:] += 1
        file["index"][...] = rows
    assert any("numbers have 1 holes" in text for text in texts(remains))


def test_an_examination_of_what_nobody_saw_is_none(remains):
    blind = texts(replace(remains, published={}))
    assert "cameras/left: recorded, and nobody saw it published" in blind


def test_a_session_that_is_gone_or_broken_is_told(remains):
    path = remains.folder / "session.h5"
    path.write_bytes(path.read_bytes()[:1000])
    assert kinds(remains) == {"unopenable": 1}
    path.unlink()
    [gone] = examine(remains)
    assert (gone.kind, gone.count) == ("unrecorded", 3 * ROWS)
    assert list(examine(replace(remains, before={}, published={}))) == []


def test_a_session_that_nobody_closed_is_told(remains):
    with h5py.File(remains.folder / "session.h5", "r+") as file:
        del file["ledger"].attrs["json"]
    assert "it was not closed: it has no ledger" in texts(remains)


def test_a_ledger_that_says_otherwise_is_told(remains):
    with h5py.File(remains.folder / "session.h5", "r+") as file:
        ledger = json.loads(file["ledger"].attrs["json"])
        ledger["streams"]["cameras/left"]["published"] += 1
        file["ledger"].attrs["json"] = json.dumps(ledger)
    assert "cameras/left: 100 published, the ledger says 101" in texts(remains)


def test_a_death_that_nobody_tells_is_told(remains):
    killed = replace(remains, trial=replace(remains.trial, victim="laser"))
    assert any("nobody says that laser died" in text for text in texts(killed))


# -- trials


def test_victims_and_phases_take_turns():
    n = len(VICTIMS) * len(PHASES)
    trials = [draw(k, 3) for k in range(2 * n)]
    cells = Counter((trial.victim, trial.phase) for trial in trials)
    assert set(cells.values()) == {2}
    assert len(cells) == n
    assert len({trial.share for trial in trials}) == 2 * n
    assert [draw(k, 3) for k in range(2 * n)] == trials
    assert draw(0, 4) != draw(0, 3)
    some = [draw(k, 3, ("all",)) for k in range(8)]
    assert {trial.victim for trial in some} == {"all"}
    assert {trial.phase for trial in some} == set(PHASES)


@pytest.mark.parametrize("inference", [False, True])
def test_the_experiment_can_be_loaded(tmp_path, inference):
    trial = replace(draw(0, 1), inference=inference, goes_on=True)
    options = write_experiment(trial, tmp_path)
    files = [Path(option.partition("=")[2]) for option in options]
    planned = load_experiment(*files)
    nodes = {*planned.rig.devices, "recorder", "supervisor", "boards", "all"}
    assert set(VICTIMS) == {*nodes, "inference"}
    assert (planned.task.inference is not None) == inference
    assert planned.session.seed == trial.seed
    assert affected_by("recorder") == ("recorder",)
    assert "left" in affected_by("boards")


def test_only_the_sessions_own_processes_are_its_own(tmp_path):
    assert processes.processes_of(tmp_path) == {}
    assert not processes.strike(2**22 + 1)


# -- what it adds up to


def outcomes():
    fault = Fault("lost", "cameras/left: 9 rows were committed, 7 are kept", 2)
    sound = Outcome(draw(0, 1), struck=True, committed=5, waiting=4, waiting_worst=3)
    yield replace(sound, salvage_ms=20.0)
    yield replace(
        sound, trial=draw(1, 1), faults=(fault,), folder="/x/trial-1", never=1
    )
    yield replace(sound, trial=draw(2, 1), struck=False)


def test_a_summary_adds_up():
    found = summary(list(outcomes()))
    together = found["together"]
    assert (together["trials"], together["kills"], together["faulty"]) == (3, 2, 1)
    assert together["faults"] == {**dict.fromkeys(KINDS, 0), "lost": 2}
    assert together["rows_in_ring_only_worst"] == 3
    assert together["never_recorded_worst"] == 1
    assert together["salvage_ms_median"] == 20
    kills = sum(
        phase["kills"]
        for victim in found["by_victim"].values()
        for phase in victim["phases"].values()
    )
    assert kills == 2


@pytest.fixture
def played(monkeypatch):
    """The command, with trials that were played before."""

    def measure(plan, _, told):
        each = list(outcomes())[: plan.kills]
        for outcome in each:
            told(outcome)
        return {
            "environment": {
                "cores": 2,
                "load_average_before": [0],
                "load_average_after": [0],
                "kernel": "6",
            },
            "summary": summary(each),
            "trials": [
                {
                    "trial": {"number": outcome.trial.number},
                    "faults": [{"text": fault.text} for fault in outcome.faults],
                    "folder": outcome.folder,
                }
                for outcome in each
            ],
            "seconds": 60.0,
        }

    monkeypatch.setattr(survival, "measure", measure)


def test_a_fault_is_told_and_is_the_exit_status(played, tmp_path, capsys):
    words = ["bench", "survival", "--out", str(tmp_path)]
    assert cli.main([*words, "--kills", "1"]) == 0
    assert "PASS: 1 kills, 0 with a fault" in capsys.readouterr().out
    assert cli.main(words) == 1
    out, err = capsys.readouterr()
    assert "FAIL: 2 kills, 1 with a fault" in out
    assert "(1 FAIL)" in out
    assert "1 victims had ended before they could be killed" in out
    assert "kept in /x/trial-1; to repeat it: the same command with --only 1" in err
    assert cli.main([*words, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["summary"]["together"]["faulty"] == 1
    assert list(tmp_path.iterdir()) == [], "nothing is left where nothing is kept"


def test_an_unknown_victim_is_refused(capsys):
    assert cli.main(["bench", "survival", "--victims", "all,rigth"]) == 2
    assert "got rigth" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

"""``springhare recover``, as a person and as a program sees it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import h5py
import msgspec
import numpy as np
import psutil
import pytest

from rig import cli
from rig.bus.directory import StreamDirectory, abandoned
from rig.cli import main
from rig.messages import Event, Frame, PayloadSpec, StreamSpec
from rig.recorder.emptying import own_spec
from rig.recording import writer as writer_module
from rig.recording.inspection import inspect_recording
from rig.recording.reader import Recording
from rig.recording.sidecar import SessionInfo, describe_host
from rig.recording.writer import SessionWriter

SHAPE, STEP_NS, NOBODY = (12, 16), 10_000_000, 65534
CAMERA = StreamSpec(
    name="cameras/left",
    kind="frames",
    node="left",
    payload=PayloadSpec("|u1", SHAPE),
    rate_hz=100,
    slots=200,
)
EVENTS = StreamSpec(name="events/daq", kind="events", node="daq", slots=200)
SPECS = (CAMERA, EVENTS, own_spec())
INFO = SessionInfo(
    session_id="m1_2026-01-02_10-00-00_jump",
    subject="m1",
    task="jump",
    started_utc="2026-01-02T10:00:00+00:00",
    started_host_ns=1,
    host=describe_host(),
)


class Killed:
    """A session all of whose processes were killed; its rings are in memory still."""

    def __init__(self, folder):
        self.folder = folder
        folder.parent.mkdir(parents=True)
        self.streams = StreamDirectory.create("s", folder)
        for spec in SPECS:
            self.streams.create_ring(spec)
        self._rings = {s.name: self.streams.writer(s.name) for s in (CAMERA, EVENTS)}

    def publish(self, n):
        """Publish frames and events that nobody records."""
        for _ in range(n):
            k = self._rings[CAMERA.name].seq
            host_ns = 1 + k * STEP_NS
            frame = Frame(host_ns=host_ns, frame_id=k, device_ns=k, exposure_ns=k)
            pixels = np.full(SHAPE, k % 251, np.uint8)
            self._rings[CAMERA.name].append(frame, pixels)
            event = Event(host_ns=host_ns, device_ns=k, device_seq=k, line="a", edge=1)
            self._rings[EVENTS.name].append(event)

    def record(self, n):
        """Publish and record; what a recorder has in the files is left there."""
        self.publish(n)
        seqs = np.arange(n)
        live = self.folder.with_name("live")
        with SessionWriter.create(live, INFO, SPECS, 0.3) as writer:
            for name in (CAMERA.name, EVENTS.name):
                found = self.streams.reader(name, 0).read(n)
                payload = None if name == EVENTS.name else pixels_of(seqs)
                writer.append_block(name, found.rows.copy(), payload)
            shutil.copytree(live, self.folder)
        shutil.rmtree(live)

    def die(self):
        """Leave the rings as those of a process that is gone."""
        for ring in self._rings.values():
            ring.close()
        owner = msgspec.structs.replace(self.streams.owner, started=1)
        (self.streams.path / "owner.json").write_bytes(msgspec.json.encode(owner))


def pixels_of(seqs):
    return np.broadcast_to((seqs % 251)[:, None, None], (len(seqs), *SHAPE)).astype(
        np.uint8
    )


@pytest.fixture
def killed(memory, tmp_path, monkeypatch):
    """A session of which 100 rows of each stream are in files, 40 in memory only."""
    monkeypatch.setattr(writer_module, "RESERVE_BYTES", 65536)
    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, lambda _fd: None)
    made = Killed(tmp_path / "m1" / "2026-01-02_10-00-00_jump")
    made.record(100)
    made.publish(40)
    made.die()
    return made


@pytest.fixture
def recover(killed, capsys):
    """Run the command; return its status and what it printed."""

    def recover(*options, session=killed.folder):
        status = main(["recover", *options, str(session)])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return recover


def require(folder, rows):
    """Read a session with plain h5py: so many frames, and each as it was."""
    with h5py.File(folder / "session.h5") as file:
        seqs = np.arange(rows)
        assert file["cameras/left/index"]["seq"].tolist() == seqs.tolist()
        assert np.array_equal(file["cameras/left/frames"][:], pixels_of(seqs))
        assert file["events/daq"]["seq"].tolist() == seqs.tolist()
    with Recording.open(folder) as recording:
        found = inspect_recording(recording)
    assert [f for f in found.findings if f.severity == "FAIL"] == []


def contents(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_what_is_in_memory_is_recorded_first(killed, recover):
    growing = (killed.folder / "session.h5").read_bytes()
    status, out, _ = recover()
    assert status == 0
    require(killed.folder, 140)
    assert abandoned() == []
    assert out.startswith("Nothing that was recorded is lost.\n")
    assert "80 rows of 2 streams, which were in memory only" in out
    assert "; the old one is kept as session.before-recovery.h5" in out
    assert (killed.folder / "session.before-recovery.h5").read_bytes() == growing
    [row] = [line for line in out.splitlines() if line.startswith("cameras/left")]
    assert row.split()[1:4] == ["140", "40", "0"]
    status, out, _ = recover()
    assert (status, "nothing was changed" in out) == (0, True)


def test_a_session_all_of_which_is_in_files_is_closed_and_the_old_file_kept(
    killed, recover, tmp_path
):
    killed.streams.remove()
    other = Killed(tmp_path / "m2" / "2026-01-02_11-00-00_jump")
    other.record(50)
    other.die()
    growing = (other.folder / "session.h5").read_bytes()
    status, out, err = recover(session=other.folder)
    assert (status, err, abandoned()) == (0, "", [])
    assert "Done: session.h5 written anew; the old one is kept as session.before" in out
    assert (other.folder / "session.before-recovery.h5").read_bytes() == growing
    require(other.folder, 50)
    status, out, _ = recover(session=other.folder)
    assert "The session is clean: nothing was changed." in out
    assert not (other.folder / "session.before-recovery-2.h5").exists()


def test_a_dry_run_changes_nothing_and_tells_what_would_be_done(killed, recover):
    before, rings = contents(killed.folder), contents(killed.streams.path)
    status, out, _ = recover("--dry-run")
    assert status == 0
    assert contents(killed.folder) == before
    assert contents(killed.streams.path) == rings
    assert "Done" not in out
    assert out.splitlines()[-1].startswith("WARN: 80 rows of 2 streams are in memory")
    assert "Would be done: 80 rows of 2 streams, which are in memory only" in out
    [row] = [line for line in out.splitlines() if line.startswith("cameras/left")]
    assert row.split()[1:4] == ["100", "40", "0"]
    assert len(abandoned()) == 1
    require_salvaged(killed, recover)


def require_salvaged(killed, recover):
    status, _, _ = recover()
    assert status == 0
    require(killed.folder, 140)


def test_says_everything_to_a_program(killed, recover):
    status, out, _ = recover("--json", "--dry-run")
    told = json.loads(out)
    assert (status, told["dry_run"], told["changed"]) == (0, True, True)
    assert told["streams"]["cameras/left"]["in_memory"] == 40
    status, out, _ = recover("--json")
    found = json.loads(out)
    assert (status, found["dry_run"], found["changed"]) == (0, False, True)
    left = found["streams"]["cameras/left"]
    assert (left["rows"], left["salvaged"], left["in_memory"]) == (140, 40, 0)
    assert (left["cut"], left["lost"], left["lost_ms"]) == (0, 0, None)
    assert (found["restarted"], found["folder"]) == (False, str(killed.folder))


@pytest.mark.parametrize(
    "gone",
    [
        ["session.h5", "session.json"],
        pytest.param(["session.h5"], marks=pytest.mark.slow),
        pytest.param(["session.json"], marks=pytest.mark.slow),
    ],
)
def test_salvages_into_a_session_that_lacks_its_files(killed, recover, gone):
    for name in gone:
        (killed.folder / name).unlink()
    require_salvaged(killed, recover)


def test_the_session_file_can_be_given_too(killed, recover):
    status, _, _ = recover(session=killed.folder / "session.h5")
    assert status == 0
    require(killed.folder, 140)


def test_a_failure_ends_with_1_and_says_which_frames_are_lost(killed, recover):
    killed.streams.remove()
    (killed.folder / "segments" / "cameras+left-0.h5").unlink()
    status, out, _ = recover()
    assert status == 1
    assert out.startswith("Lost: 100 frames (1,000 ms) of cameras/left")
    assert "\nFAIL: " in out


def test_what_cannot_be_recorded_stays_in_memory(killed, recover, monkeypatch):
    pwrite = os.pwrite

    def full(fd, data, offset):
        if "segments" in str(Path(f"/proc/self/fd/{fd}").readlink()):
            raise OSError(28, os.strerror(28))
        return pwrite(fd, data, offset)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        status, out, _ = recover()
    assert status == 1
    assert "could not be recorded, and stays there" in out
    assert "No space left" in out
    assert out.splitlines()[-1].startswith(
        "FAIL: 80 rows of 2 streams are in memory only: "
    )
    assert len(abandoned()) == 1
    require_salvaged(killed, recover)


def test_a_session_that_is_being_recorded_is_refused(killed, recover):
    owner = killed.streams.owner
    alive = psutil.Process()
    from rig.system import process_started

    owner = msgspec.structs.replace(owner, started=process_started(alive.pid))
    (killed.streams.path / "owner.json").write_bytes(msgspec.json.encode(owner))
    before = contents(killed.folder)
    for options in ((), ("--dry-run",)):
        status, _, err = recover(*options)
        assert status == 2
        assert "being recorded" in err
        assert "Ctrl-C" in err
    assert contents(killed.folder) == before


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "got no folder"),
        (lambda path: path.mkdir(), "got none: give a session's folder"),
        (lambda path: path.write_bytes(b"x"), "got a file: give a session's folder"),
    ],
    ids=["nothing there", "an empty folder", "a file"],
)
def test_what_is_no_session_ends_with_2(recover, tmp_path, make, words):
    make(tmp_path / "s")
    status, out, err = recover(session=tmp_path / "s")
    assert (status, out) == (2, "")
    assert words in err
    assert "Traceback" not in err


def test_a_folder_of_sessions_names_the_last(killed, recover):
    status, _, err = recover(session=killed.folder.parent)
    assert status == 2
    assert f"such as {killed.folder}\n" in err


@contextmanager
def nobody():
    """Be a user who owns nothing."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        places = (sysconfig.get_path("purelib"), Path(cli.__file__).parent)
        if not all(os.access(p, os.R_OK, effective_ids=True) for p in places):
            pytest.skip("needs a Python that is not root's alone")
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("mode", [0o000, 0o555], ids=["unreadable", "read only"])
def test_a_folder_that_is_not_ours_is_said_in_words(killed, recover, mode):
    killed.streams.remove()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "s"
        shutil.copytree(killed.folder, folder)
        for path in (Path(place), folder, folder / "segments"):
            path.chmod(0o755)
        recover(session=folder.with_name("none"))  # all is imported while it may be
        recover("--dry-run", session=folder)
        folder.chmod(mode)
        try:
            with nobody():
                status, out, err = recover(session=folder)
        finally:
            folder.chmod(0o755)
        assert (status, out) == (2, "")
        assert "Permission denied" in err
        assert "Traceback" not in err
        status, _, _ = recover(session=folder)
        assert status == 0


def test_the_help_states_what_a_power_cut_may_take(capsys):
    main(["recover", "--help"])
    words = " ".join(capsys.readouterr().out.split())
    assert "more than about a second before" in words
    assert "the time between two syncs of the disk, and the time that these take" in (
        words
    )


class Demo:
    """A whole simulated experiment in processes of its own, to be killed."""

    def __init__(self, place, memory):
        self.memory = memory
        self.env = {**os.environ, "SPRINGHARE_SHM": str(memory)}
        self.place = place
        arguments = ["demo", "--headless", "--cameras=1", "--fps=50", "--seconds=120"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rig.cli", *arguments, f"--out={place}"],
            env=self.env,
            cwd=place,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def mine(self):
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("SPRINGHARE_SHM") == str(self.memory):
                    found.append(process)
            except psutil.Error:
                continue
        return [p for p in found if p.pid != os.getpid()]

    def session(self):
        return next(iter(self.place.rglob("session.h5")), None)

    def recorded(self):
        path = self.session()
        if path is None:
            return 0
        with Recording.open(path) as recording:
            return min(recording.count(s.name) for s in self.cameras(recording))

    @staticmethod
    def cameras(recording):
        return [s for s in recording.streams.values() if s.kind == "frames"]

    def kill(self):
        """Kill the recorder, let the rings fill for a moment, then kill the rest."""
        for process in self.mine():
            if "--kind=recorder" in process.cmdline():
                process.send_signal(signal.SIGKILL)
        [streams] = [
            StreamDirectory(note.parent) for note in self.memory.glob("*/owner.json")
        ]
        [name] = [n for n in streams.names() if n.startswith("cameras/")]
        ring, before = streams.ring(name), self.recorded()
        until(lambda: ring.head > before + 5)
        self.end()
        return ring.head

    def end(self):
        for process in self.mine():
            process.send_signal(signal.SIGKILL)
        self.process.wait()
        until(lambda: not self.mine())


def until(condition, most_s=90.0):
    deadline, pause = time.monotonic() + most_s, threading.Event()
    while not (value := condition()):
        assert time.monotonic() < deadline
        pause.wait(0.02)
    return value


@pytest.fixture
def demo(memory, tmp_path):
    made = Demo(tmp_path, memory)
    yield made
    made.end()


@pytest.mark.slow
def test_an_experiment_that_was_killed_is_recovered_to_its_last_frame(demo, tmp_path):
    until(lambda: demo.recorded() > 60)
    head = demo.kill()
    folder = demo.session().parent
    command = [sys.executable, "-m", "rig.cli", "recover"]

    def run(*options, of=folder):
        return subprocess.run(
            [*command, *options, str(of)],
            env=demo.env,
            capture_output=True,
            text=True,
            check=False,
        )

    before = contents(folder)
    told = run("--dry-run", "--json")
    assert told.returncode == 0, told.stderr
    assert contents(folder) == before
    done = run("--json")
    report = json.loads(done.stdout)
    # a machine that stood still lost the camera a frame: told, and none of ours
    stalled = "the ledger closes; cameras/left lost" in report["reason"]
    assert done.returncode == stalled, done.stderr
    [left] = [s for n, s in report["streams"].items() if n.startswith("cameras/")]
    assert (left["rows"], left["cut"]) == (head, 0)
    assert left["lost"] == 0 or stalled
    assert left["salvaged"] > 5
    assert report["headline"] == "Nothing that was recorded is lost"
    assert report["ended"] == "session ended without stop"
    with Recording.open(folder) as recording:
        found = inspect_recording(recording)
        assert [f for f in found.findings if f.severity == "FAIL"] == []
        assert found.ledger.closes
    again = run()
    assert (again.returncode, "nothing was changed" in again.stdout) == (stalled, True)
    assert run(of=tmp_path / "nothing").returncode == 2

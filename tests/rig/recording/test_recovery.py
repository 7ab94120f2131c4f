"""Wrecks of every kind, made of real recordings: what is shown is what was recorded."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path

import h5py
import msgspec
import numpy as np
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from rig.errors import BusyError, SessionError, VersionError
from rig.messages import Loss, to_row
from rig.recording import inspection
from rig.recording import writer as writer_module
from rig.recording.count import ledger_from_recording
from rig.recording.finish import finish_session
from rig.recording.inspection import inspect_recording
from rig.recording.layout import FOLDED
from rig.recording.ledger import CUT_OFF, STOPPED, Ledger
from rig.recording.reader import Recording
from rig.recording.recovery import recover_session
from rig.recording.sidecar import describe_host, read_sidecar
from rig.recording.writer import SessionWriter

STREAMS = ("cameras/left", "signals/daq/emg", "poses/left", "events/daq")
PER_SEGMENT = 64
STEP_NS = 10_000_000
KEPT_NAME = "session.before-recovery.h5"


class Bench:
    """Makes recordings of known content, and tells what they must show."""

    def __init__(self, info, specs, rows_of, payload_of):
        self.info = info
        self.specs = {  # a rate makes for small segments
            name: msgspec.structs.replace(spec, rate_hz=100)
            for name, spec in specs.items()
        }
        self._rows_of, self.payload_of = rows_of, payload_of
        self.step_ns = STEP_NS

    def rows_of(self, name, seqs):
        rows = self._rows_of(self.specs[name], seqs)
        rows["host_ns"] = 1_000 + self.step_ns * np.asarray(seqs)
        return rows

    def append(self, writer, name, seqs):
        spec = self.specs[name]
        payload = self.payload_of(spec, seqs)
        writer.append_block(name, self.rows_of(name, seqs), payload)

    def create(self, folder, info=None, segment_seconds=0.3):
        return SessionWriter.create(
            folder, info or self.info, self.specs.values(), segment_seconds
        )

    def killed(self, folder, rows=200, info=None):
        """Return a session as `kill -9` leaves it: the copy of one that is open."""
        live = folder.with_name(f"{folder.name}-live")
        with self.create(live, info) as writer:
            for name in STREAMS:
                self.append(writer, name, np.arange(rows))
            shutil.copytree(live, folder)
        shutil.rmtree(live)
        return folder

    def finish(self, folder, state="complete"):
        for hidden in (folder / "segments").glob(".*"):
            hidden.unlink()
        with Recording.open(folder) as recording:
            ledger = ledger_from_recording(recording)
        finish_session(folder, ledger, state)

    def require(self, folder, rows):
        """Read a session with plain h5py: so many rows, and each as it was."""
        with h5py.File(folder / "session.h5") as file:
            assert "json" in file["ledger"].attrs
            for name in STREAMS:
                seqs = np.arange(rows.get(name, 0) if isinstance(rows, dict) else rows)
                spec = self.specs[name]
                table = file[name if spec.payload is None else f"{name}/index"]
                assert table["seq"].tolist() == seqs.tolist(), name
                wanted = self.rows_of(name, seqs)
                if spec.kind == "samples":
                    wanted["first_sample"] = 10 * seqs
                if len(seqs):
                    assert (table[:] == wanted).all(), name
                if spec.payload is not None and len(seqs):
                    place = {"frames": "frames", "samples": "samples"}
                    data = file[f"{name}/{place.get(spec.kind, 'keypoints')}"]
                    assert np.array_equal(
                        data[:].reshape(len(seqs), *spec.payload.shape),
                        self.payload_of(spec, seqs),
                    ), name


@pytest.fixture(scope="module", autouse=True)
def _quick():
    """No power fails here (`test_power_loss`): nobody waits for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer_module, "RESERVE_BYTES", 65536)
        patch.setattr(inspection, "_SAMPLED", 4)
        patch.setattr(os, "fsync", lambda _fd: None)
        patch.setattr(os, "fdatasync", lambda _fd: None)
        yield


@pytest.fixture
def bench(info, specs, rows_of, payload_of):
    return Bench(info, specs, rows_of, payload_of)


@pytest.fixture
def killed(bench, tmp_path):
    return bench.killed(tmp_path / "m1" / "2026-01-02_10-00-00_jump")


def contents(folder, pattern="*"):
    """Return each file's digest, by name; those of `segments/` are its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob(pattern))
        if path.is_file()
    }


def segments(folder):
    return contents(folder / "segments", "[!.]*")


def inspected(folder):
    with Recording.open(folder) as recording:
        return inspect_recording(recording)


def failures(folder):
    return [f for f in inspected(folder).findings if f.severity == "FAIL"]


def recovered(folder, **how):
    """Recover a session; ask what every recovery must keep to."""
    before, held = contents(folder), segments(folder)
    told = recover_session(folder, dry_run=True, **how)
    assert contents(folder) == before
    report = recover_session(folder, **how)
    after = segments(folder)
    assert {name: after[name] for name in held} == held
    assert [path for path in folder.rglob(".*") if path.is_file()] == []
    assert (told.verdict, told.ended) == (report.verdict, report.ended)
    assert told.streams == report.streams
    state = contents(folder)
    again = recover_session(folder, **how)
    assert contents(folder) == state
    assert (again.changed, again.done) == (False, [])
    assert (again.verdict, again.ended) == (report.verdict, report.ended)
    rows = {name: (s.rows, s.cut, s.lost_ms) for name, s in report.streams.items()}
    assert rows == {n: (s.rows, s.cut, s.lost_ms) for n, s in again.streams.items()}
    with Recording.open(folder) as recording:
        assert ledger_from_recording(recording) == Ledger.from_json(recording.ledger)
        assert recording.info.verdict == Ledger.from_json(recording.ledger).verdict
    return report


def segment(folder, stream, number):
    return folder / "segments" / f"{stream.replace('/', '+')}-{number}.h5"


def place_of(path, dataset, entry):
    """Return where an entry of a segment lies in its file, in bytes."""
    with h5py.File(path) as file:
        found = file[dataset]
        size = found.dtype.itemsize * int(np.prod(found.shape[1:]))
        return found.id.get_offset() + entry * size


def overwrite(path, dataset, entry, data=b"\xa5\x5a"):
    with path.open("r+b") as file:
        file.seek(place_of(path, dataset, entry))
        file.write(data)


def unmark(path, first, count):
    """Blank some rows, as a page that never reached the disk does."""
    with h5py.File(path) as file:
        size = file["index"].dtype.itemsize
    overwrite(path, "index", first, bytes(size * count))


def truncated(folder):
    os.truncate(folder / "session.h5", (folder / "session.h5").stat().st_size // 2)


def garbage(name):
    return lambda folder: (folder / name).write_bytes(b"\x89HDF\r\n\x1a\n garbage {")


def hide_last(folder):
    segment(folder, "cameras/left", 3).rename(
        segment(folder, "cameras/left", 3).with_name(".cameras+left-3.h5")
    )


def nothing(_folder):
    pass


def without(*names):
    def remove(folder):
        for name in names:
            (folder / name).unlink()

    return remove


HARMLESS = {
    "killed": nothing,
    "no session file": without("session.h5"),
    "a session file that was cut": truncated,
    "a session file of nothing": lambda folder: os.truncate(folder / "session.h5", 0),
    "a session file of garbage": garbage("session.h5"),
    "no sidecar": without("session.json"),
    "a sidecar of garbage": garbage("session.json"),
    "neither": without("session.h5", "session.json"),
    "a half-written session file": garbage(".session.h5"),
}


SLOW = {
    "a session file of nothing",
    "a session file of garbage",
    "a half-written session file",
    "no sidecar",
}


@pytest.mark.parametrize(
    "wreck",
    [
        pytest.param(wreck, id=name, marks=pytest.mark.slow if name in SLOW else ())
        for name, wreck in HARMLESS.items()
    ],
)
def test_what_was_committed_is_shown_whatever_became_of_the_other_files(
    bench, killed, wreck
):
    wreck(killed)
    had = {p.name: p.read_bytes() for p in killed.glob("session.*")}
    report = recovered(killed)
    bench.require(killed, 200)
    assert report.headline == "Nothing that was recorded is lost"
    assert (report.verdict, report.ended) == ("WARN", CUT_OFF), report.reason
    assert failures(killed) == []
    assert {s.rows for n, s in report.streams.items() if n in STREAMS} == {200}
    assert {(s.cut, s.left_out, s.lost) for s in report.streams.values()} == {(0, 0, 0)}
    info = read_sidecar(killed)
    assert (info.state, info.subject, info.task) == ("salvaged", "m1", "jump")
    if "session.h5" in had:
        assert (killed / KEPT_NAME).read_bytes() == had["session.h5"]
    if wreck is HARMLESS["a sidecar of garbage"]:
        kept = killed / "session.before-recovery.json"
        assert kept.read_bytes() == had["session.json"]
        assert any("session.json was damaged" in text for text in report.findings)


def test_a_segment_that_lost_its_name_has_it_again(bench, killed):
    hide_last(killed)
    told = recover_session(killed, dry_run=True)
    assert segment(killed, "cameras/left", 2).exists()
    assert not segment(killed, "cameras/left", 3).exists()
    report = recover_session(killed)
    bench.require(killed, 200)
    assert report.done[0].startswith("cameras+left-3.h5 has its name again")
    assert told.streams == report.streams
    assert told.done == report.done
    assert not recover_session(killed).changed


def test_an_empty_segment_made_ahead_is_no_row_and_is_removed(bench, killed):
    made_ahead = killed / "segments" / ".cameras+left-4.h5"
    shutil.copy(segment(killed, "cameras/left", 3), made_ahead)
    unmark(made_ahead, 0, PER_SEGMENT)
    report = recovered(killed)
    assert any("only a running recording needs" in step for step in report.done)
    bench.require(killed, 200)


@pytest.mark.parametrize(
    ("how", "session_file"),
    [
        ("missing", "growing"),
        ("missing", "finished"),
        ("cut off", "none"),
        *(
            pytest.param(how, session_file, marks=pytest.mark.slow)
            for how, session_file in (
                ("missing", "none"),
                ("cut off", "growing"),
                ("cut off", "finished"),
                ("garbage", "growing"),
                ("garbage", "none"),
            )
        ),
    ],
)
def test_a_stream_ends_before_a_segment_that_is_gone_and_says_what_is_behind(
    bench, killed, how, session_file
):
    if session_file == "finished":
        bench.finish(killed)
    elif session_file == "none":
        (killed / "session.h5").unlink()
    path = segment(killed, "cameras/left", 1)
    match how:
        case "missing":
            path.unlink()
        case "cut off":
            os.truncate(path, path.stat().st_size // 2)
        case _:
            path.write_bytes(b"garbage")
    report = recovered(killed)
    bench.require(killed, dict.fromkeys(STREAMS, 200) | {"cameras/left": PER_SEGMENT})
    assert report.verdict == "FAIL"
    left = report.streams["cameras/left"]
    # frames of 10 ms; 64 are shown, 64 were in the file that is gone, 72 behind it
    assert (left.rows, left.cut, left.cut_ms) == (64, 136, 1360.0)
    assert (left.lost, left.lost_ms, left.left_out) == (136, 1360.0, 72)
    assert left.ends_before_ms == 1360.0
    assert report.headline.startswith("Lost: 136 frames (1,360 ms) of cameras/left")
    found = [finding.text for finding in failures(killed)]
    if (how, session_file) == ("missing", "finished") or how != "missing":
        [text] = found
        assert text.startswith("ends at row 64: cameras+left-1.h5 ")
        assert "cameras+left-2.h5" in text
    else:  # a power cut, too, may take a name of the last minute
        assert found == []
        assert "not on the disk when the recording was cut off" in report.headline


def test_frames_that_only_their_poses_tell_of_are_listed_as_lost(bench, killed):
    segment(killed, "cameras/left", 3).unlink()
    report = recovered(killed)
    bench.require(killed, dict.fromkeys(STREAMS, 200) | {"cameras/left": 192})
    # nothing says that there was one more, but the poses name the frames they are of
    left = report.streams["cameras/left"]
    assert (left.rows, left.cut, left.ends_before_ms) == (192, 0, 80.0)
    assert (left.lost, left.lost_ms) == (8, 80.0)


def test_what_may_still_be_in_memory_is_not_called_lost(bench, tmp_path):
    live, folder = tmp_path / "live", tmp_path / "s"
    with bench.create(live) as writer:
        bench.append(writer, "cameras/left", np.arange(190))
        bench.append(writer, "poses/left", np.arange(200))  # of frames up to 199
        shutil.copytree(live, folder)
    told = recover_session(folder, dry_run=True, memory_waits=True)
    assert (told.streams["cameras/left"].lost, told.findings) == (0, [])
    report = recovered(folder)
    left = report.streams["cameras/left"]
    assert (left.lost, left.lost_ms, left.cut) == (10, 100.0, 0)
    [missing] = inspected(folder).ledger.streams["cameras/left"].missing
    assert missing.cause == "in memory when the recording was cut off"


def test_rows_behind_a_blank_in_the_unsynced_end_are_not_shown(bench, killed):
    unmark(segment(killed, "cameras/left", 3), 1, 4)  # 193 to 196, of 200
    report = recovered(killed)
    bench.require(killed, dict.fromkeys(STREAMS, 200) | {"cameras/left": 193})
    left = report.streams["cameras/left"]
    assert (left.cut, left.cut_ms, left.left_out) == (7, 70.0, 3)
    assert (left.lost, left.lost_ms, left.ends_before_ms) == (7, 70.0, 70.0)
    assert failures(killed) == []
    assert "not on the disk" in report.headline


@pytest.mark.parametrize(
    ("stream", "dataset", "entry", "row"),
    [
        ("cameras/left", "payload", 5, 192 + 5),
        ("signals/daq/emg", "payload", 57, 192 + 5),
        pytest.param("cameras/left", "checksum", 5, 197, marks=pytest.mark.slow),
        pytest.param("cameras/left", "index", 5, 197, marks=pytest.mark.slow),
    ],
)
def test_an_unsynced_end_is_cut_at_the_first_checksum_that_disagrees(
    bench, killed, stream, dataset, entry, row
):
    overwrite(segment(killed, stream, 3), dataset, entry)
    report = recovered(killed)
    bench.require(killed, dict.fromkeys(STREAMS, 200) | {stream: row})
    found = report.streams[stream]
    assert (found.rows, found.cut, found.cut_ms) == (row, 200 - row, 10 * (200 - row))
    assert (found.left_out, found.wrong) == (200 - row, [])
    ledger = inspected(killed).ledger.streams[stream]
    assert sum(missing.count for missing in ledger.missing) == 200 - row
    assert ledger.missing[0].duration_ms == 10 * (200 - row)
    assert failures(killed) == []


@pytest.fixture
def long_ago(bench, tmp_path):
    """A session of 100 s, so that its begin was synced long before it was killed."""
    bench.step_ns = 200_000_000
    return bench.killed(tmp_path / "long", 500)


def test_what_is_spoilt_far_from_the_end_is_found_when_asked_and_never_altered(
    bench, long_ago
):
    path = segment(long_ago, "cameras/left", 1)
    overwrite(path, "payload", 6)
    overwrite(path, "payload", 9)
    report = recovered(long_ago)
    assert (report.verdict, report.streams["cameras/left"].wrong) == ("WARN", [])
    assert report.streams["cameras/left"].compared < 500
    found = recovered(long_ago, everything=True)
    left = found.streams["cameras/left"]
    assert (found.verdict, left.wrong) == ("FAIL", [70, 73])
    assert (left.rows, left.cut, left.compared) == (500, 0, 500)
    assert any("checksum): 70, 73" in text for text in found.findings)
    assert {f.stream for f in failures(long_ago)} == {"cameras/left"}
    with Recording.open(long_ago) as recording:
        assert recording.count("cameras/left") == 500


def test_only_the_end_is_compared_unless_asked(long_ago):
    report = recovered(long_ago)
    # the last minute, of 100 s
    assert report.streams["cameras/left"].compared == 301


def test_blank_rows_far_from_the_end_are_damage(bench, long_ago):
    unmark(segment(long_ago, "cameras/left", 2), 3, 2)
    report = recovered(long_ago)
    assert report.verdict == "FAIL"
    assert report.streams["cameras/left"].rows == 131
    assert report.streams["cameras/left"].left_out == 500 - 131 - 2
    assert any("has blank rows" in f.text for f in failures(long_ago))


def test_a_finished_session_is_clean_and_nothing_is_touched(bench, killed):
    bench.finish(killed)
    before = contents(killed)
    report = recover_session(killed)
    assert (report.changed, report.verdict, report.ended) == (False, "PASS", STOPPED)
    assert contents(killed) == before


def test_a_session_that_was_cut_off_while_it_was_finished_is_finished(bench, killed):
    sidecar = (killed / "session.json").read_bytes()
    bench.finish(killed)
    (killed / "session.json").write_bytes(sidecar)  # still says: recording
    report = recovered(killed)
    assert report.done == ["session.json written anew: complete"]
    assert (read_sidecar(killed).state, report.verdict) == ("complete", "PASS")
    bench.require(killed, 200)


def test_a_finished_session_whose_session_file_is_gone_comes_back_whole(bench, killed):
    bench.finish(killed)
    (killed / "session.h5").unlink()
    recovered(killed)
    bench.require(killed, 200)
    assert failures(killed) == []


def test_the_file_that_was_there_first_is_never_overwritten(bench, killed):
    first = (killed / "session.h5").read_bytes()
    recover_session(killed)
    assert (killed / KEPT_NAME).read_bytes() == first
    second = b"a wreck of its own"
    (killed / "session.h5").write_bytes(second)
    report = recover_session(killed)
    assert (killed / KEPT_NAME).read_bytes() == first
    kept = killed / "session.before-recovery-2.h5"
    assert kept.read_bytes() == second
    assert any(kept.name in step for step in report.done)
    bench.require(killed, 200)


def test_a_recovery_that_was_itself_cut_off_is_gone_on_with(bench, killed, monkeypatch):
    first = (killed / "session.h5").read_bytes()

    def refuse(*_):
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr("rig.recording.disk.publish", refuse)
        with pytest.raises(SessionError, match="No space left"):
            recover_session(killed)
    recovered(killed)
    assert (killed / KEPT_NAME).read_bytes() == first
    assert not (killed / "session.before-recovery-2.h5").exists()
    bench.require(killed, 200)


def test_a_session_that_is_being_recorded_is_left_alone(bench, tmp_path):
    with bench.create(tmp_path / "s") as writer:
        bench.append(writer, "cameras/left", np.arange(20))
        before = contents(tmp_path, "[!.]*")  # hidden: the recorder makes these ahead
        for how in ({}, {"dry_run": True}):
            with pytest.raises(BusyError, match="stop it first"):
                recover_session(tmp_path / "s", **how)
        assert contents(tmp_path, "[!.]*") == before


def test_a_folded_session_is_only_looked_at(bench, killed):
    bench.finish(killed)
    with (
        Recording.open(killed) as recording,
        h5py.File(killed / "folded.h5", "w") as out,
        h5py.File(killed / "session.h5") as file,
    ):
        out.attrs.update(file.attrs)
        out.attrs["storage"] = FOLDED
        out.create_group("ledger").attrs.update(file["ledger"].attrs)
        for layout in recording.layouts.values():
            for part in layout.datasets:
                path = part.session_path
                data = file[path][:] if len(file[path]) else []
                made = out.create_dataset(
                    path, (len(data), *part.entry_shape), part.dtype
                )
                if len(data):
                    made[:] = data
                made.attrs.update(file[path].attrs)
    (killed / "folded.h5").replace(killed / "session.h5")
    shutil.rmtree(killed / "segments")
    before = contents(killed)
    for how in ({}, {"dry_run": True}, {"everything": True}):
        report = recover_session(killed, **how)
        assert (report.verdict, report.changed) == ("PASS", False)
        assert "folded" in report.findings[0]
        assert report.streams["cameras/left"].rows == 200
    assert contents(killed) == before


def test_losses_that_were_listed_stay_listed_and_are_not_told_twice(bench, tmp_path):
    live = tmp_path / "live"
    with bench.create(live) as writer:
        bench.append(writer, "cameras/left", np.arange(50))
        bench.append(writer, "cameras/left", np.arange(60, 100))
        loss = Loss(
            host_ns=1,
            stream="cameras/left",
            stage="recorder",
            first_id=50,
            count=10,
            cause="the disk stood still",
        )
        spec = bench.specs["losses/recorder"]
        writer.append_block("losses/recorder", np.array([to_row(loss)], spec.row))
        shutil.copytree(live, tmp_path / "s")
    report = recovered(tmp_path / "s")
    left = report.streams["cameras/left"]
    assert (left.rows, left.cut, left.lost, left.lost_ms) == (90, 0, 10, 110.0)
    missing = inspected(tmp_path / "s").ledger.streams["cameras/left"].missing
    assert [(m.first_id, m.count, m.cause) for m in missing] == [
        (50, 10, "the disk stood still")
    ]


def test_says_whether_the_computer_was_restarted_since(bench, tmp_path):
    here = describe_host()
    ended = {}
    for boot in (here.boot_id, "another", None):
        host = msgspec.structs.replace(here, boot_id=boot)
        info = msgspec.structs.replace(bench.info, host=host)
        folder = bench.killed(tmp_path / f"{boot}", 20, info)
        report = recover_session(folder)
        ended[report.restarted] = report.ended
    assert ended == {
        False: CUT_OFF,
        True: "the computer stopped before the session did",
        None: CUT_OFF,
    }


def test_another_version_is_refused_and_left_alone(bench, killed):
    with h5py.File(killed / "session.h5", "r+") as file:
        file.attrs["format_version"] = 2
    before = contents(killed)
    with pytest.raises(VersionError, match="version 1, got 2"):
        recover_session(killed)
    assert contents(killed) == before


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "got no folder"),
        (lambda path: path.mkdir(), "got none"),
        (lambda path: path.write_bytes(b""), "got a file"),
        (lambda path: (path / "segments").mkdir(parents=True), "never began"),
    ],
    ids=["nothing there", "an empty folder", "a file", "never began"],
)
def test_what_is_no_session_is_said_in_words(tmp_path, make, words):
    make(tmp_path / "s")
    with pytest.raises(SessionError, match=words):
        recover_session(tmp_path / "s")


def test_a_stream_that_nobody_can_name_is_told_and_left(bench, killed):
    (killed / "session.h5").unlink()
    stray = killed / "segments" / "cameras+right-0.h5"
    stray.write_bytes(b"garbage")
    report = recovered(killed)
    bench.require(killed, 200)
    assert any("cameras+right-0.h5" in finding for finding in report.findings)
    assert stray.read_bytes() == b"garbage"


def await_segments(writer):
    """Wait until each stream has a segment that was made whole."""
    deadline = time.monotonic() + 30
    while not all(writer.room_bytes(name) > 0 for name in STREAMS):
        assert time.monotonic() < deadline
        os.sched_yield()


@pytest.mark.parametrize(
    ("start", "examples"),
    [(0, 2), *(pytest.param(k, 15, marks=pytest.mark.slow) for k in range(1, 5))],
)
def test_what_was_committed_is_what_is_shown_at_any_instant(bench, start, examples):
    """Blocks of any length in any order, cut off anywhere: the copy of that instant."""
    blocks = st.tuples(st.sampled_from(STREAMS), st.integers(1, 150))

    @seed(start)
    @settings(max_examples=examples)
    @given(
        blocks=st.lists(blocks, max_size=12),
        gone=st.sets(st.sampled_from(["session.h5", "session.json"])),
    )
    def check(blocks, gone):
        with tempfile.TemporaryDirectory() as place:
            live, wreck = Path(place) / "live", Path(place) / "wreck"
            committed = dict.fromkeys(STREAMS, 0)
            with bench.create(live) as writer:
                for name, size in blocks:
                    first = committed[name]
                    bench.append(writer, name, np.arange(first, first + size))
                    committed[name] += size
                if "session.h5" in gone:  # of a stream without rows only these tell
                    await_segments(writer)
                shutil.copytree(live, wreck)
            for name in gone:
                (wreck / name).unlink()
            if not blocks and "session.h5" in gone:
                with pytest.raises(SessionError, match="never began"):
                    recover_session(wreck)
                return
            recovered(wreck)
            bench.require(wreck, committed)
            assert failures(wreck) == []

    check()

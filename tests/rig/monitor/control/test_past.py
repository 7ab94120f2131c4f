import os
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest

from rig.bus.directory import StreamDirectory
from rig.messages import StreamSpec
from rig.monitor.control.past import past_sessions
from rig.recording.finish import finish_session
from rig.recording.hdf5 import write_session_file
from rig.recording.ledger import Ledger, StreamLedger
from rig.recording.sidecar import SessionInfo, write_sidecar
from rig.recording.writer import SessionWriter

STARTED = datetime(2026, 3, 4, 7, 0, tzinfo=UTC)


@pytest.fixture
def make(tmp_path):
    """Write a session that has ended, or one that has not."""

    def make(day=1, subject="m1", verdict="PASS", lost=0, state="complete", task="t"):
        name = f"2026-03-{day:02}_07-00-00_{task}"
        folder = tmp_path / subject / name
        folder.mkdir(parents=True)
        started = STARTED.replace(day=day)
        info = SessionInfo(
            session_id=f"{subject}_{name}",
            subject=subject,
            task=task,
            started_utc=started.isoformat(),
            started_host_ns=10,
            state=state,
        )
        ledger = None
        if state != "recording":
            finished = started + timedelta(minutes=12)
            info = msgspec.structs.replace(
                info, verdict=verdict, finished_utc=finished.isoformat()
            )
            ledger = Ledger(
                verdict=verdict,
                reason=f"lost {lost}",
                closes=True,
                ended="stopped in order",
                streams={
                    "events/daq": StreamLedger(
                        published=9, recorded=9 - lost, lost=lost
                    )
                },
            ).to_json()
        write_session_file(folder / "session.h5", info.attributes, [], ledger=ledger)
        write_sidecar(folder, info)
        return folder

    return make


def test_the_newest_come_first_whoever_they_are_of(tmp_path, make):
    folders = [make(day, subject) for day, subject in ((3, "a"), (1, "b"), (2, "c"))]
    found = past_sessions([tmp_path], most=2)
    assert [session.folder for session in found] == [folders[0], folders[2]]


def test_one_that_has_ended_is_told_with_its_verdict(tmp_path, make):
    folder = make(4, "m7", "FAIL", lost=3, task="reach")
    [session] = past_sessions([tmp_path])
    assert session.folder == folder
    assert (session.subject, session.task, session.state) == ("m7", "reach", "complete")
    assert session.started == STARTED.replace(day=4)
    assert session.length_s == 12 * 60
    assert (session.verdict, session.lost, session.reason) == ("FAIL", 3, "lost 3")


def test_one_that_was_cut_off_says_how_to_mend_it(tmp_path, make):
    folder = make(state="recording")
    [session] = past_sessions([tmp_path])
    assert session.state == "cut off"
    assert session.verdict is None
    assert f"springhare recover {folder}" in session.reason


def test_one_that_is_being_recorded_is_not_taken_for_one_cut_off(
    tmp_path, make, memory
):
    StreamDirectory.create("s", make(state="recording"))
    [session] = past_sessions([tmp_path])
    assert session.state == "recording"
    assert session.length_s is None


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("session.json", b"{", "Expected a session's description in"),
        ("session.json", b'{"format_version": 9}', "Expected a session"),
        ("session.h5", b"junk", "a file that HDF5 refuses"),
        ("session.h5", None, "got no session.h5"),
    ],
)
def test_a_damaged_one_is_listed_with_the_reason(tmp_path, make, file, content, reason):
    make(1)
    folder = make(2)
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content)
    damaged, sound = past_sessions([tmp_path])
    assert damaged.state == "damaged"
    assert reason in damaged.reason
    assert damaged.subject == "m1"
    assert sound.verdict == "PASS"


def test_one_without_its_description_is_read_from_the_session_itself(tmp_path, make):
    (make(subject="m9") / "session.json").unlink()
    [session] = past_sessions([tmp_path])
    assert (session.subject, session.verdict) == ("m9", "PASS")


def test_one_that_never_began_says_so(tmp_path):
    (tmp_path / "m1" / "2026-03-01_07-00-00_t" / "log").mkdir(parents=True)
    [session] = past_sessions([tmp_path])
    assert session.state == "damaged"
    assert "nothing was recorded" in session.reason


def test_what_is_no_session_is_passed_over(tmp_path):
    (tmp_path / "start-logs").mkdir()
    (tmp_path / "start-logs" / "a.log").touch()
    (tmp_path / "m1" / "derived").mkdir(parents=True)
    (tmp_path / "file").touch()
    assert past_sessions([tmp_path, tmp_path / "gone"]) == []


def test_a_folder_with_a_name_of_its_own_has_the_date_of_its_file(tmp_path, make):
    older, newer = make(1), make(2)
    renamed = older.rename(older.with_name("best"))
    os.utime(renamed, (0, STARTED.replace(day=9).timestamp()))
    found = past_sessions([tmp_path, tmp_path])
    assert [session.folder for session in found] == [renamed, newer]


def test_one_that_was_salvaged_is_as_long_as_its_rows(tmp_path):
    folder = tmp_path / "m1" / "2026-03-01_07-00-00_t"
    spec = StreamSpec(name="events/daq", kind="events", node="daq")
    info = SessionInfo(
        session_id="s",
        subject="m1",
        task="t",
        started_utc=STARTED.isoformat(),
        started_host_ns=1_000_000_000,
    )
    rows = np.zeros(3, spec.row)
    rows["seq"] = range(3)
    rows["host_ns"] = [2_000_000_000, 5_000_000_000, 91_000_000_000]
    with SessionWriter.create(folder, info, [spec]) as writer:
        writer.append_block("events/daq", rows)
    ledger = Ledger(
        verdict="WARN", reason="cut off", closes=True, ended="cut", streams={}
    )
    finish_session(folder, ledger, "salvaged")
    [session] = past_sessions([tmp_path])
    assert (session.state, session.verdict, session.lost) == ("salvaged", "WARN", 0)
    assert session.length_s == 90

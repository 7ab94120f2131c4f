import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rig.monitor.control.launch import Choice, begin, rehearse, understand
from rig.recording.reader import Recording

LONGEST_S = 120

RIG = """\
format: springhare-rig/1
name: boards
data_root: {root}
devices:
  daq:
    kind: harp
    port: /dev/ttyACM0
    emg: {{rate_hz: 2000, channels: [GL, TA]}}
    actuator: {{lines: {{laser: {{pin: 1, max_width_us: 50000, max_rate_hz: 40}}}}}}
"""


@pytest.fixture
def choose(tmp_path):
    """Write the files of a small experiment without cameras."""

    def choose(minutes=1, **choice):
        texts = {
            "rig": RIG.format(root=tmp_path / "data"),
            "task": "format: springhare-task/1\nname: none\n",
            "session": "format: springhare-session-plan/1\nsubject: m1\n"
            f"planned_minutes: {minutes}\n",
        }
        for name, text in texts.items():
            (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
        return Choice(*(tmp_path / f"{name}.yaml" for name in texts), **choice)

    return choose


@pytest.fixture
def wait():
    """Poll until something is there."""

    def wait(poll):
        deadline, pause = time.monotonic() + LONGEST_S, threading.Event()
        while (found := poll()) is None:
            assert time.monotonic() < deadline
            pause.wait(0.05)
        return found

    return wait


def _printed(**changes):
    check = {"name": "disk", "ok": True, "detail": "90 GB", "remedy": "free it"}
    return json.dumps({"checks": [check], "streams": {}, "folder": "/d"} | changes)


def test_what_a_rehearsal_prints_is_understood():
    emg = {
        "name": "signals/daq/emg",
        "kind": "samples",
        "rate_hz": 200.0,
        "payload": {"dtype": "<i2", "shape": [10, 8]},
        "version": 3,
    }
    events = {"name": "events/daq", "kind": "events", "rate_hz": None}
    found = understand(0, _printed(streams={"daq": [emg, events]}), "noise on stderr")
    assert found.ready
    assert not found.warns
    assert found.folder == "/d"
    assert [(check.name, check.ok) for check in found.checks] == [("disk", True)]
    assert found.streams == {"daq": ["signals/daq/emg 2000 Hz", "events/daq"]}


def test_a_check_that_failed_comes_with_the_error():
    failed = {"name": "disk", "ok": False, "detail": "full", "remedy": "free it"}
    found = understand(2, json.dumps({"checks": [failed], "error": "disk: full"}), "")
    assert (found.ready, found.warns, found.error) == (False, True, "disk: full")


@pytest.mark.parametrize(
    ("status", "out", "err", "error"),
    [
        (
            2,
            "",
            "a line\nspringhare: daq: no board\nscope: none",
            "daq: no board\nscope",
        ),
        (2, "", "Usage: …\n\nError: Invalid value for '--rig'", "Error: Invalid value"),
        (1, "", "Traceback …\n  File …\nKeyError: 'x'\n", "KeyError: 'x'"),
        (2, _printed(), "springhare: daq: no board", "daq: no board"),
        (-9, "", "", "it ended without a word (signal 9)"),
        (3, "", "", "it ended without a word (exit status 3)"),
        (0, "not JSON", "", "not JSON"),
    ],
)
def test_what_cannot_be_run_says_why_in_its_own_words(status, out, err, error):
    found = understand(status, out, err)
    assert not found.ready
    assert error in found.error


@pytest.mark.slow
def test_a_rehearsal_opens_the_boards_and_records_nothing(choose, wait, memory):
    choice = choose(simulate=True)
    found = wait(rehearse(choice).poll)
    assert found.error == ""
    assert {check.name for check in found.checks} >= {"disk space", "shared memory"}
    assert "signals/daq/emg 2000 Hz" in found.streams["daq"]
    assert not Path(found.folder).exists()


@pytest.mark.slow
def test_a_rehearsal_without_its_boards_says_so(choose, wait, memory):
    found = wait(rehearse(choose()).poll)
    assert not found.ready
    assert "daq" in found.error


@pytest.mark.slow
def test_a_rehearsal_on_a_disk_that_is_too_small_shows_each_check(choose, wait, memory):
    found = wait(rehearse(choose(minutes=1e9, simulate=True)).poll)
    assert not found.ready
    failed = [check for check in found.checks if not check.ok]
    assert [check.name for check in failed] == ["disk space"]
    assert failed[0].remedy
    assert len(found.checks) > 1


@pytest.mark.slow
def test_a_rehearsal_that_is_cancelled_leaves_nothing(choose, wait, memory, tmp_path):
    rehearsal = rehearse(choose(simulate=True))
    wait(lambda: next(memory.glob("*/owner.json"), None))
    rehearsal.cancel()
    assert not wait(rehearsal.poll).ready
    assert list(memory.glob("*/owner.json")) == []
    assert list((tmp_path / "data").glob("m1/*")) == []


@pytest.mark.slow
def test_a_session_that_cannot_begin_says_why(choose, wait, memory, tmp_path):
    begun = begin(choose(), tmp_path / "data")
    ended = wait(begun.poll)
    assert not ended.recorded
    assert "daq" in ended.words
    assert begun.streams() is None
    assert begun.log.is_relative_to(tmp_path / "data")


@pytest.mark.slow
def test_the_log_goes_elsewhere_where_the_data_root_takes_none(
    choose, wait, memory, tmp_path
):
    (tmp_path / "data").write_text("in the way", encoding="utf-8")
    begun = begin(choose(), tmp_path / "data")
    words = wait(begun.poll).words
    begun.log.unlink()
    assert "output folder" in words


def _recorded(data_root):
    """Tell whether EMG is being recorded."""
    folders = [path.parent for path in data_root.glob("m1/*/session.h5")]
    if not folders:
        return False
    with Recording.open(folders[0]) as recording:
        return recording.count("signals/daq/emg") > 20


BEGINNER = """
import sys
from pathlib import Path
from rig.monitor.control.launch import Choice, begin
begun = begin(Choice(*map(Path, sys.argv[1:4]), simulate=True), Path(sys.argv[4]))
print(begun.pid, flush=True)
input()
"""


@pytest.mark.slow
def test_a_session_outlives_its_beginner_and_its_terminal(
    choose, wait, memory, tmp_path
):
    """Its whole process group is killed, as a terminal does that is closed."""
    choice = choose()
    files = map(str, (choice.rig, choice.task, choice.plan, tmp_path / "data"))
    beginner = subprocess.Popen(
        [sys.executable, "-c", BEGINNER, *files],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    pid = int(beginner.stdout.readline())
    wait(lambda: _recorded(tmp_path / "data") or None)
    os.killpg(beginner.pid, signal.SIGHUP)
    os.killpg(beginner.pid, signal.SIGKILL)
    beginner.communicate()
    os.kill(pid, signal.SIGINT)
    sidecar = next((tmp_path / "data").glob("m1/*/session.json"))
    state = wait(
        lambda: (
            found
            if (found := json.loads(sidecar.read_text("utf-8")))["verdict"]
            else None
        )
    )
    assert (state["state"], state["verdict"]) == ("complete", "PASS")
    wait(lambda: None if list(memory.glob("*/owner.json")) else True)

"""A monitor in a terminal, on sessions that run, break and end."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rig.recording.notes import notes_of
from rig.recording.reader import Recording

pytestmark = pytest.mark.slow

IN_A_TERMINAL = [sys.executable, "-c", "import pty, sys; pty.spawn(sys.argv[1:])"]


@pytest.fixture
def in_a_terminal(springhare):
    """Start a command in a terminal of its own, with a hand at its keys."""
    started = []

    def start(*arguments):
        process = subprocess.Popen(
            [*IN_A_TERMINAL, sys.executable, "-m", "rig.cli", *arguments],
            cwd=springhare.place,
            env={**springhare.env, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def look(springhare):
    """Look at the session once; None while there is none."""

    def look():
        done = springhare("monitor", "--json")
        assert "Traceback" not in done.stderr, done.stderr
        return (json.loads(done.stdout), done.returncode) if done.stdout else None

    return look


@pytest.fixture
def watching(springhare, until):
    """Start a monitor; it has found the session when this returns."""

    def start():
        monitor = springhare.start("monitor", "--terminal")
        until(lambda: "recording" in monitor.stderr.readline(), "a line of it")
        return monitor

    return start


def recording(look):
    """Look, until the session records."""

    def recorded():
        found = look()
        status = found and found[0]["status"]
        return found if status and status["elapsed_s"] > 3 else None

    return recorded


def test_a_good_session_is_good_from_its_beginning_to_its_verdict(
    springhare, boards_only, look, watching, until
):
    early = springhare.start("monitor", "--terminal")
    assert "no session is running" in early.stderr.readline()
    session = springhare.start("run", *boards_only, "--simulate", "--json")
    found, status = until(recording(look), "a session that records")
    assert (status, found["level"]) == (0, "good"), found["headline"]
    assert found["headline"].startswith("all good: recording, ")
    late = watching()
    seen, _ = look()
    session.send_signal(signal.SIGINT)
    ledger = json.loads(springhare.finish(session).stdout)["ledger"]
    for figures in seen["status"]["streams"]:
        assert figures["published"] <= ledger["streams"][figures["name"]]["published"]
        assert figures["lost"] == 0
    done_early, done_late = (springhare.finish(monitor) for monitor in (early, late))
    for done in (done_early, done_late):
        assert done.returncode == 0, done.stderr
        assert ": PASS\n" in done.stdout
        assert "BAD" not in done.stderr


def test_a_dead_node_is_bad_and_the_session_says_fail_or_warn(
    springhare, boards_only, tmp_path, look, watching, until
):
    rig = tmp_path / "rig.yaml"
    plan = rig.read_text("utf-8").replace("ACM1", "ACM1\n    on_death: continue")
    rig.write_text(plan, "utf-8")
    (tmp_path / "faults.yaml").write_text(
        "format: springhare-faults/1\n"
        "faults: [{device: scope, at_s: 1.0, fault: kill}]\n",
        "utf-8",
    )
    session = springhare.start(
        "run", *boards_only, "--simulate", "--faults=faults.yaml", "--json"
    )
    found, status = until(recording(look), "a session that records")
    assert (status, found["level"]) == (1, "bad")
    assert found["headline"].startswith("scope: died: signal 9")
    [scope] = [x for x in found["lights"] if x["subject"] == "events/scope"]
    monitor = watching()
    session.send_signal(signal.SIGINT)
    result = json.loads(springhare.finish(session).stdout)
    done = springhare.finish(monitor)
    assert done.returncode == (1 if result["verdict"] == "FAIL" else 0)
    assert f": {result['verdict']}\n" in done.stdout
    assert "scope: died" in done.stdout
    assert scope["cells"][2] == "0", "nothing of it was lost before it died"


def test_a_killed_supervisor_is_told(springhare, boards_only, look, watching, until):
    session = springhare.start("run", *boards_only, "--simulate")
    until(recording(look), "a session that records")
    monitor = watching()
    session.kill()
    session.wait()
    done = springhare.finish(monitor)
    assert done.returncode == 1
    assert "BAD: session: the supervisor has ended without a verdict" in done.stderr
    assert "springhare recover" in done.stdout


def test_keys_ask_the_session(springhare, boards_only, in_a_terminal, look, until):
    session = springhare.start("run", *boards_only, "--simulate", "--json")
    until(recording(look), "a session that records")
    monitor = in_a_terminal("monitor", "--terminal")
    seen = bytearray()

    def shows(words):
        seen.extend(monitor.stdout.read1())
        return words.encode() in seen

    def press(keys, words):
        seen.clear()
        monitor.stdin.write(keys.encode())
        monitor.stdin.flush()
        until(lambda: shows(words), words)

    until(lambda: shows("s stop"), "the table")
    press("3", "noted")
    press("a", "arm refused")
    press("nthe paw slips", "the paw slips")
    press("\r", "noted")
    press("s", "y stops it")
    press("y", ": PASS")
    result = json.loads(springhare.finish(session).stdout)
    assert result["reason"].startswith("asked to stop by monitor-")
    with Recording.open(Path(result["folder"])) as recorded:
        notes = notes_of(recorded)
    assert [(note.key, note.text) for note in notes] == [
        ("3", ""),
        ("", "the paw slips"),
    ]
    assert monitor.wait(timeout=20) == 0

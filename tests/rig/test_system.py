import subprocess
import sys

import pytest

from rig import system

_HURRIES = """
import logging, os, threading, time
from rig import system

logging.basicConfig(format="%(message)s")
ended = threading.Event()
thread = threading.Thread(target=ended.wait)
thread.start()


def policies():
    tasks = os.listdir("/proc/self/task")
    return sorted({os.sched_getscheduler(int(task)) for task in tasks})


system.take_priority(3)
print(len(os.listdir("/proc/self/task")), policies(), os.sched_getparam(0))
for _ in range(3):  # with pauses it may compute as long as it likes
    end = time.process_time() + 0.5
    while time.process_time() < end:
        pass
    time.sleep(0.01)
print(policies())
end = time.process_time() + 5
while time.process_time() < end and policies() != [os.SCHED_OTHER]:
    pass
print(policies())
ended.set()
"""


@pytest.mark.slow
@pytest.mark.skipif(
    system.realtime_priority() < 3, reason="needs the right to a real-time priority"
)
def test_all_threads_hurry_until_the_process_runs_away():
    done = subprocess.run(
        [sys.executable, "-c", _HURRIES],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    begun, paused, ended = done.stdout.splitlines()
    assert begun == "2 [1] posix.sched_param(sched_priority=3)"
    assert paused == "[1]"
    assert ended == "[0]"
    assert "computed for a second without a pause" in done.stderr


def test_who_may_hurry(monkeypatch):
    monkeypatch.setattr(system, "_capabilities", lambda: 1 << 23)
    assert system.realtime_priority() == 99
    monkeypatch.setattr(system, "_capabilities", lambda: ~(1 << 23))
    monkeypatch.setattr(system.resource, "getrlimit", lambda _: (40, 80))
    assert system.realtime_priority() == 40


def test_who_steps_back_starts_others_as_before():
    words = """
import os, subprocess, sys
from pathlib import Path
from rig.system import as_before, step_back

GROUP = Path("/proc/self/autogroup")

def nice_of_a_child():
    words = "import os; print(os.getpriority(os.PRIO_PROCESS, 0))"
    command = [sys.executable, "-c", words]
    return int(subprocess.run(command, capture_output=True, check=True).stdout)

first = as_before(nice_of_a_child)
step_back()
step_back()
words = GROUP.read_text().split() if GROUP.exists() else []  # none where it is off
print(first, nice_of_a_child(), as_before(nice_of_a_child), (words or ["none"])[-1])
"""
    done = subprocess.run(
        [sys.executable, "-c", words],
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
    )
    *nice, group = done.stdout.split()
    first, modest, before = (int(word) for word in nice)
    assert modest == min(first + 5, 19)
    assert before == first
    assert group in ("none", "5")

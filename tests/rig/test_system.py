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

"""Workers: in order, few ahead, and gone when they should be."""

from __future__ import annotations

import operator
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from offline.archive.pool import open_pool
from rig.errors import SessionError
from rig.system import process_started


@pytest.mark.parametrize(
    "workers", [1, pytest.param(2, marks=pytest.mark.slow)], ids=["one", "two"]
)
def test_results_come_in_order_and_few_tasks_are_ahead(workers):
    taken = []

    def tasks():
        for number in range(50):
            taken.append(number)
            yield number, 3

    with open_pool(workers) as pool:
        for number, result in enumerate(pool.map(operator.mul, tasks())):
            assert result == 3 * number
            assert len(taken) <= number + 3 * workers + 1
    assert number == 49


@pytest.mark.slow
def test_what_a_task_raises_comes_out():
    with (
        pytest.raises(ZeroDivisionError),
        open_pool(2) as pool,
    ):
        list(pool.map(operator.truediv, [(1, 1), (1, 0), (1, 1)]))


@pytest.mark.slow
def test_a_worker_that_is_killed_is_told_of():
    with (
        pytest.raises(SessionError, match="fewer --workers"),
        open_pool(2) as pool,
    ):
        list(pool.map(os.abort, [()]))


PARENT = """
import os, sys
from offline.archive.pool import open_pool

if __name__ == "__main__":
    with open_pool(2) as pool:
        pids = pool.map(os.getpid, iter([()] * 6))
        print(next(pids), next(pids), next(pids), flush=True)
        sys.stdin.read()
"""


@pytest.mark.slow
def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    program = tmp_path / "parent.py"
    program.write_text(PARENT, encoding="ascii")
    root = str(Path(__file__).parents[3])
    with subprocess.Popen(
        [sys.executable, program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # where its semaphores are counted as leaked
        env={**os.environ, "PYTHONPATH": root},
        text=True,
    ) as parent:
        assert parent.stdout is not None
        pids = {int(word) for word in parent.stdout.readline().split()}
        assert pids
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        deadline = time.monotonic() + 20
        while any(process_started(pid) is not None for pid in pids):
            assert time.monotonic() < deadline, "workers outlived their parent"
            os.sched_yield()

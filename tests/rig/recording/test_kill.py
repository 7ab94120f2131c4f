"""kill -9 at any instant: the file opens, and what was committed is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    "kills", [15, pytest.param(60, marks=pytest.mark.slow)], ids=["a_few", "many"]
)
def test_nothing_committed_is_lost_by_a_kill(tmp_path, kills):
    done = subprocess.run(
        [
            sys.executable,
            Path(__file__).with_name("killer.py"),
            tmp_path,
            str(kills),
            "1",
        ],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert len(results) == kills
    assert [fault for result in results for fault in result["faults"]] == []
    assert sum(result["rows"] for result in results) > 200 * kills
    if kills >= 60:
        assert {result["phase"] for result in results} == {"start", "run", "stop"}

"""kill -9 at any instant: the session can be read, and compressing it goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = 60


@pytest.mark.slow
def test_a_killed_compression_harms_nothing_and_goes_on(template, tmp_path):
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [
            sys.executable,
            Path(__file__).with_name("killer.py"),
            template,
            tmp_path,
            str(KILLS),
            "7",
        ],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert len(results) == KILLS
    assert all(result["readable"] for result in results)
    assert all(result.get("finished", True) for result in results)
    assert all(result["killed"] or result["status"] == 0 for result in results)
    assert sum(result["killed"] for result in results) > KILLS / 2
    phases = {result["phase"] for result in results}
    assert phases == {"before", "packing", "cleaning", "done"}
    assert any(result.get("carried_over") for result in results)

"""Sessions of the parity's tests, and frames that somebody wants to label."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from rig import cli

_path = Path(__file__).parents[1] / "parity" / "conftest.py"
_spec = importlib.util.spec_from_file_location("sessions_of_parity", _path)
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)

tasks, session_of, crossings = _module.tasks, _module.session_of, _module.crossings
write_offline = _module.write_offline_fixture


@pytest.fixture
def refine(capsys, tmp_path):
    """Run the command; return its status, what it said, and its errors."""

    def run(*words, project=None):
        place = project or tmp_path / "project"
        command = ["refine", *map(str, words), "--project", str(place)]
        status = cli.main(command)
        told = capsys.readouterr()
        if "--json" in words and status == 0:
            return status, json.loads(told.out), told.err
        return status, told.out, told.err

    return run


@pytest.fixture
def course():
    """A hundred poses of two parts, 60 px apart, sure of both."""
    poses = np.ones((100, 2, 3), np.float32)
    poses[:, :, :2] = 200
    poses[:, 1, 0] += 60
    return poses


_path = Path(__file__).parents[1] / "dataset" / "conftest.py"
_spec = importlib.util.spec_from_file_location("sessions_of_dataset", _path)
_dataset = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_dataset)
session = _dataset.session

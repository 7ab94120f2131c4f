"""A demo, analysed by the model that saw it live: parity is exact; refine goes on."""

import json
from pathlib import Path

import pytest

from offline.dataset.project import open_project

pytestmark = pytest.mark.slow


@pytest.fixture
def told(springhare):
    """Run a command; return what its --json says."""

    def run(*arguments):
        done = springhare(*arguments, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    return run


def test_the_same_model_sees_the_same(told, springhare):
    folder = told("demo", "--headless", "--out=out", "--seconds=6", "--fps=50")[
        "folder"
    ]
    model = "--model=bundled:mouse"
    told("analyse", folder, model, "--camera=left")
    found = told("parity", folder, "--camera=left", "--picture=parity.png")
    [camera] = found["cameras"]
    assert camera["same_model"]
    assert camera["same_engine"]
    assert camera["cropped"] == 0
    assert camera["coverage"]["seen"] > 100
    assert camera["coverage"]["offline"] == camera["coverage"]["frames"]
    assert [part["max_px"] for part in camera["pixels"]] == [0.0] * 11
    assert [rule["rule"] for rule in camera["rules"]] == ["take_off"]
    assert {each["cause"] for each in camera["differences"]} <= {"skipped", "age"}
    found = told("refine", folder, model, "--camera=left", "--project=p", "--count=3")
    assert "the offline poses are by the live model" in found["remarks"][0]
    cwd = Path(folder).parents[2]
    assert len(open_project(cwd / "p").pictures) == len(found["frames"])
    assert len(found["sheets"]) == 1

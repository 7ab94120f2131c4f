"""Real DeepLabCut 3 on a tiny project, in its own processes."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from offline.models import load_model
from offline.training.progress import read_progress

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def deeplabcut():
    """DeepLabCut 3, for the processes that are started."""
    if importlib.util.find_spec("deeplabcut") is None:
        if os.environ.get("CI") and not os.environ.get("SPRINGHARE_WITHOUT_TORCH"):
            pytest.fail("expected DeepLabCut: pip install springhare[train]")
        pytest.skip("needs springhare[train]")


@pytest.fixture
def train(project, torchvision_shim, tmp_path):
    """Start ``springhare train`` on the project."""
    out = tmp_path / "training"

    def start(*words):
        command = [sys.executable, "-m", "rig.cli", "train", str(project)]
        return subprocess.Popen(
            [*command, f"--out={out}", "--device=cpu", *map(str, words)],
            env={**os.environ, "PYTHONPATH": str(torchvision_shim)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    start.out = out
    return start


def test_a_model_is_trained_that_dlclive_reads(
    train, project, parameters, torchvision_shim
):
    done = train("--start=scratch", f"--parameters={parameters(6)}", "--json")
    out, err = done.communicate(timeout=500)
    assert done.returncode == 0, err
    found = json.loads(out)
    assert found["plan"]["epochs"] == 6
    progress = read_progress(train.out)
    assert progress.state == "trained"
    losses = list(progress.train_loss.values())
    assert len(losses) == 6
    assert losses[-1] < losses[0], "it has learnt"
    with Image.open(found["curves"]) as curves:
        assert min(curves.size) > 300
    assert torchvision_shim
    picture = np.asarray(Image.open(project / found["plan"]["images"][0]))
    for engine in ("torch", "dlclive"):
        model = load_model(found["model"], engine=engine)
        assert model.bodyparts == ("nose", "hip")
        model.warm_up(*picture.shape, 1)
        pose = model.infer(picture)
        assert np.isfinite(pose).all()
        model.close()


def test_killed_it_goes_on_from_its_last_snapshot(train, parameters):
    killed = train("--start=scratch", f"--parameters={parameters(6)}")
    until = time.monotonic() + 400
    while len(read_progress(train.out).train_loss) < 2:
        assert killed.poll() is None, killed.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.2)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    before = (train.out / "springhare-training.json").read_bytes()
    done = train("--resume")
    out, err = done.communicate(timeout=500)
    assert done.returncode == 0, err
    assert "model: " in out
    begun = [
        json.loads(line)
        for line in (train.out / "progress.jsonl").read_text().splitlines()
        if '"training"' in line
    ]
    assert len(begun) == 2
    assert begun[1]["done"] >= 1, "what was kept is not learnt again"
    progress = read_progress(train.out)
    assert sorted(progress.train_loss) == list(range(1, 7))
    assert (train.out / "springhare-training.json").read_bytes() == before


def test_weights_that_are_none_are_said(train, parameters, tmp_path):
    (tmp_path / "w.pt").write_text("none")
    done = train(f"--start={tmp_path / 'w.pt'}", f"--parameters={parameters()}")
    _, err = done.communicate(timeout=300)
    assert done.returncode != 0
    assert "Expected a snapshot or an export of DeepLabCut 3 to begin with" in err
    assert "Traceback" not in err

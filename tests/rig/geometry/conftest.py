"""Calibrated cameras around the simulated mouse, and what they see of it."""

import importlib.util
import os

import numpy as np
import pytest

from rig.geometry import Triangulator, project
from rig.sim.cameras import cameras_for
from rig.sim.world import World

WORLD = World(1, "jump")


@pytest.fixture(scope="session")
def numba():
    """Numba as it is on a rig, also where another test switched it off."""
    if importlib.util.find_spec("numba") is None:
        if os.environ.get("CI"):
            pytest.fail("expected numba: pip install springhare[fast]")
        pytest.skip("needs springhare[fast]")
    import numba
    from numba.core import config

    before, config.DISABLE_JIT = config.DISABLE_JIT, 0
    yield numba
    config.DISABLE_JIT = before


@pytest.fixture(params=["numba", "numpy"])
def triangulator(request):
    """A triangulator's maker, once for each engine."""
    if request.param == "numba":
        request.getfixturevalue("numba")

    def make(cameras, config=None):
        made = Triangulator(cameras, config, engine=request.param)
        assert made.engine == request.param
        return made

    return make


@pytest.fixture
def scene():
    """Cameras, the mouse's true points, and the keypoints that cameras see of them."""

    def make(count, n=10, noise_px=0.0, seed=0, likelihood=1.0):
        rng = np.random.default_rng(seed)
        cameras = cameras_for("jump", count)
        times = rng.uniform(0.0, WORLD.period_s, -(-n // 10))
        points = WORLD.keypoints_mm(times).reshape(-1, 3)[:n]
        seen = np.stack([project(camera, points) for camera in cameras])
        sure = np.broadcast_to(likelihood, seen.shape[:2])[..., None]
        noise = rng.normal(size=seen.shape) * noise_px / np.sqrt(sure)
        return cameras, points, np.concatenate([seen + noise, sure], axis=-1)

    return make

"""Machine code, whole arrays and the plain text of the loops give the same numbers."""

from pickle import UnpicklingError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.geometry import TriangulationConfig, Triangulator, fast, kernel, project
from rig.sim.cameras import cameras_for
from rig.sim.world import World

WORLD = World(2, "walk")


@pytest.fixture(scope="module")
def compiled(numba):
    from rig.geometry import compiled

    return compiled


def hard(count, seed):
    """What a bad day looks like: noise, wrong, missing, unsure and marked views."""
    rng = np.random.default_rng(seed)
    cameras = cameras_for("walk", count)
    points = WORLD.keypoints_mm(rng.uniform(0, 4, 4)).reshape(-1, 3)
    seen = np.stack([project(camera, points) for camera in cameras])
    seen += rng.normal(0, rng.uniform(0, 4), seen.shape)
    sure = rng.choice([0.0, 0.1, 0.5, 0.9, 1.0, np.nan], (*seen.shape[:2], 1))
    wrong = rng.random(seen.shape[:2]) < 0.2
    seen[wrong] = rng.uniform(-2000, 2000, (wrong.sum(), 2))
    seen[rng.random(seen.shape[:2]) < 0.1] = np.nan
    seen[rng.random(seen.shape[:2]) < 0.02] = np.inf
    marks = (rng.random(seen.shape[:2]) < 0.1).astype(np.uint8)
    return cameras, np.concatenate([seen, sure], axis=-1), marks


@given(st.integers(2, 6), st.integers(0, 10_000), st.sampled_from([2.0, 8.0, 1e4]))
def test_both_engines_give_the_same_numbers(engines, count, seed, outlier_px):
    cameras, keypoints, marks = hard(count, seed)
    config = TriangulationConfig(outlier_px=outlier_px, min_likelihood=0.2)
    one, other = (
        Triangulator(cameras, config, engine=engine).triangulate(keypoints, marks)
        for engine in engines
    )
    np.testing.assert_array_equal(one.used, other.used)
    for name in ("points_mm", "covariance_mm2", "error_px"):
        a, b = getattr(one, name), getattr(other, name)
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


@pytest.fixture(scope="module")
def engines(compiled):
    return ("numba", "numpy")


@pytest.mark.parametrize("seed", range(3))
def test_compiling_changes_nothing(compiled, seed):
    cameras, keypoints, marks = hard(4, seed)
    rows = np.array([fast._row_of(camera) for camera in cameras], kernel.CAMERA_ROW)
    n = keypoints.shape[1]

    def outcome(triangulate, cameras):
        out = np.empty((n, 3)), np.empty((n, 3, 3)), np.empty(n), np.empty((4, n), bool)
        with np.errstate(all="ignore"):
            triangulate(keypoints, marks, cameras, 0.2, 8.0, 1.0, *out)
        return out

    as_code = outcome(compiled.triangulate(), rows)
    as_text = outcome(kernel.triangulate, rows.view(np.recarray))
    assert np.isfinite(as_code[2]).sum() > 5
    for one, other in zip(as_code, as_text, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_second_start_does_not_compile(compiled):
    compiled.triangulate()
    compiled.triangulate.cache_clear()
    again = compiled.triangulate()
    assert sum(again.stats.cache_hits.values()) == 1
    assert not again.stats.cache_misses


def test_no_frame_ever_waits_for_the_compiler(compiled):
    """Another type of arguments is an error, not a compilation."""
    seen, marks = np.zeros((2, 1, 3), np.float32), np.zeros((2, 1), np.uint8)
    out = np.empty((1, 3)), np.empty((1, 3, 3)), np.empty(1), np.empty((2, 1), bool)
    rows = np.zeros(2, kernel.CAMERA_ROW)
    with pytest.raises(TypeError, match="No matching definition"):
        compiled.triangulate()(seen, marks, rows, 0.0, 8.0, 1.0, *out)


@pytest.mark.parametrize("error", [RuntimeError, OSError, EOFError, UnpicklingError])
def test_where_nothing_can_be_kept_it_is_compiled_anew(
    compiled, numba, monkeypatch, caplog, error
):
    def njit(_signature, *, cache, error_model):
        if cache:
            raise error("no locator available")
        return lambda function: (function, error_model)

    compiled.triangulate.cache_clear()
    monkeypatch.setattr(numba, "njit", njit)
    made = compiled.triangulate()
    compiled.triangulate.cache_clear()
    assert made == (kernel.triangulate, "numpy")
    assert "no locator available" in caplog.text


def test_numba_told_not_to_compile_is_no_numba(compiled, numba, monkeypatch, caplog):
    monkeypatch.setattr(numba.core.config, "DISABLE_JIT", 1)
    compiled.triangulate.cache_clear()
    assert Triangulator(cameras_for("walk", 2)).engine == "numpy"
    assert "NUMBA_DISABLE_JIT" in caplog.text

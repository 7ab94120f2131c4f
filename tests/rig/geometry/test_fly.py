"""Real tracks: three cameras, 500 frames, 12 points of a tethered fly."""

import numpy as np
import pytest

from rig.geometry import (
    TriangulationConfig,
    Triangulator,
    project,
    read_calibration,
    reprojection_error,
    triangulate,
)


@pytest.fixture(scope="module")
def fly(shared):
    folder = shared / "data" / "fly"
    calibration = read_calibration(folder / "calibration.toml")
    tracks = [
        np.loadtxt(path, delimiter=",", skiprows=3)[:, 1:].reshape(-1, 3)
        for path in sorted(folder.glob("*rng=0.csv"))
    ]
    return calibration, np.stack(tracks)


def test_the_calibration_is_read(fly):
    calibration, _ = fly
    assert [camera.name for camera in calibration.cameras] == [
        f"Cam-{k}" for k in "ABC"
    ]
    assert calibration.metadata == {"adjusted": True, "error": 2.105956142962366}
    camera = calibration.of(["Cam-B"])[0]
    assert (camera.width_px, camera.height_px) == (832, 632)
    assert camera.focal_px == (37108.38819953355, 37108.38819953355)
    assert camera.distortion == (20.68372493071476, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("engine", ["numba", "numpy"])
def test_reprojection_is_better_than_aniposelibs(fly, engine, request):
    """Aniposelib 0.8.0 on the same tracks: median 1.42 px, mean 1.59 px a point."""
    if engine == "numba":
        request.getfixturevalue("numba")
    calibration, tracks = fly
    cameras, pixels = calibration.cameras, tracks[..., :2]
    linear = reprojection_error(cameras, triangulate(cameras, pixels), pixels)
    assert np.median(linear.mean(axis=0)) == pytest.approx(1.42, abs=0.01)
    assert linear.mean() == pytest.approx(1.59, abs=0.01)
    everything = TriangulationConfig(outlier_px=1e3)
    found = Triangulator(cameras, everything, engine=engine).triangulate(tracks)
    assert (found.views == 3).all()
    assert np.median(found.error_px) == pytest.approx(1.30, abs=0.01)
    assert found.error_px.mean() == pytest.approx(1.46, abs=0.01)
    robust = Triangulator(cameras, engine=engine).triangulate(tracks)
    assert np.median(robust.error_px) < np.median(found.error_px)
    assert (robust.views >= 2).all()
    assert 0.98 < robust.used.mean() < 1.0


@pytest.mark.parametrize(("left_out", "limit_px"), [(0, 4.0), (1, 3.0), (2, 7.0)])
def test_two_cameras_tell_what_the_third_sees(fly, left_out, limit_px):
    calibration, tracks = fly
    pair = tracks.copy()
    pair[left_out] = np.nan
    found = Triangulator(calibration.cameras, engine="numpy").triangulate(pair)
    assert (found.views >= 2).mean() > 0.99
    third = project(calibration.cameras[left_out], found.points_mm)
    off = np.linalg.norm(third - tracks[left_out, :, :2], axis=-1)
    assert np.nanmedian(off) < limit_px


def test_a_view_that_is_60_px_off_is_left_out(fly):
    calibration, tracks = fly
    rng = np.random.default_rng(0)
    wrong, way = rng.integers(0, 3, 6000), rng.uniform(0, 2 * np.pi, 6000)
    views = (wrong, np.arange(6000))
    moved = tracks.copy()
    moved[(*views, 0)] += 60 * np.cos(way)
    moved[(*views, 1)] += 60 * np.sin(way)
    found = Triangulator(calibration.cameras, engine="numpy").triangulate(moved)
    assert found.used[views].mean() < 0.05, "but where it slides along the others' rays"
    assert (found.views == 2).mean() > 0.95

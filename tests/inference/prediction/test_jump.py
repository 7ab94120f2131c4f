"""The jump of the simulated mouse, against none and dlclive's own predictor."""

import json
import sys

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from inference.bench.motions import recorded, simulated
from inference.bench.prediction import prediction
from inference.bench.prediction_errors import Plan, measure
from rig.errors import SpringhareError
from rig.messages import Pose, row_dtype


@pytest.fixture(scope="module")
def cases():
    """Figures by (motion, rate, horizon, way)."""
    found = measure(Plan(seeds=(6,), rates_hz=(100.0, 200.0)))
    names = ("motion", "rate_hz", "horizon_ms", "way")
    return {tuple(case[name] for name in names): case for case in found["cases"]}


ways = pytest.mark.parametrize("rate_hz", [100.0, 200.0])
kinds = pytest.mark.parametrize("kind", ["jump", "jump, all well"])


@pytest.mark.slow
@kinds
@ways
def test_over_15_ms_the_error_is_less_than_half_of_none(cases, kind, rate_hz):
    ours = cases[kind, rate_hz, 15.0, "springhare"]["moving"]
    none = cases[kind, rate_hz, 15.0, "none"]["moving"]
    assert ours["mean_px"] < 0.45 * none["mean_px"]
    assert ours["median_px"] < 0.3 * none["median_px"]
    assert ours["rms_px"] < 0.6 * none["rms_px"]


@pytest.mark.slow
@kinds
@ways
@pytest.mark.parametrize("horizon_ms", [5.0, 10.0, 15.0, 25.0])
def test_it_is_below_dlclives(dlclive, cases, kind, rate_hz, horizon_ms):
    ours = cases[kind, rate_hz, horizon_ms, "springhare"]
    theirs = cases[kind, rate_hz, horizon_ms, "dlclive"]
    for name in ("moving", "resting"):
        slack = 1.05 if kind == "jump, all well" else 1.0
        assert ours[name]["mean_px"] < slack * theirs[name]["mean_px"]


@pytest.mark.slow
@kinds
@ways
def test_an_animal_at_rest_is_no_worse_than_without(cases, kind, rate_hz):
    for horizon_ms in (5.0, 10.0, 15.0, 25.0):
        ours = cases[kind, rate_hz, horizon_ms, "springhare"]["resting"]
        none = cases[kind, rate_hz, horizon_ms, "none"]["resting"]
        assert ours["mean_px"] < none["mean_px"]
        assert 0.6 < ours["within_1_sd"] < 0.9
        assert ours["within_2_sd"] > 0.9


@pytest.mark.slow
def test_simulated_motion_is_the_same_each_time():
    one, other = simulated(3, 100.0, "jump"), simulated(3, 100.0, "jump")
    np.testing.assert_array_equal(one.keypoints, other.keypoints)
    np.testing.assert_array_equal(one.exposures_ns, other.exposures_ns)
    assert (
        len(one.exposures_ns)
        < 400
        == len(simulated(3, 100.0, "jump, all well").exposures_ns)
    )


@pytest.fixture
def without_dlclive(monkeypatch):
    for name in ("dlclive", "dlclive.processor"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.usefixtures("without_dlclive")
def test_without_dlclive_the_rest_is_measured(tmp_path):
    times_ns = np.arange(120) * 10_000_000 + 10**9
    places = np.stack([times_ns * 2e-7, times_ns * 0 + 50], axis=1)[:, None]
    keypoints = np.concatenate([places, np.ones((120, 1, 1))], axis=2)
    path = tmp_path / "line.npz"
    np.savez(path, keypoints=keypoints.astype(np.float32), exposure_ns=times_ns)
    found = measure(Plan((), (), False, (path,)))
    assert {case["way"] for case in found["cases"]} == {"none", "springhare"}
    by_way = {case["way"]: case for case in found["cases"][:2]}
    assert by_way["none"]["resting"]["mean_px"] == pytest.approx(2.0, abs=0.01)
    assert by_way["springhare"]["resting"]["mean_px"] < 0.05
    assert found["step_us"]["p50"] > 0


def test_poses_are_read_from_a_session(tmp_path):
    path = tmp_path / "session.h5"
    index = np.zeros(8, row_dtype(Pose))
    index["host_ns"][:6] = 1
    index["exposure_ns"][:6] = np.arange(6) * 10_000_000
    with h5py.File(path, "w") as file:
        for camera in ("left", "right"):
            file[f"poses/{camera}/keypoints"] = np.ones((8, 3, 3), np.float32)
            file[f"poses/{camera}/index"] = index
    assert recorded(path, "left").keypoints.shape == (6, 3, 3)
    for camera, got in ((None, "left, right"), ("top", "left, right")):
        with pytest.raises(SpringhareError, match=got):
            recorded(path, camera)


@pytest.mark.slow
@pytest.mark.usefixtures("without_dlclive")
def test_figures_as_json_and_as_a_table():
    arguments = ["--seed", "1", "--rate", "100"]
    found = CliRunner().invoke(
        prediction, [*arguments, "--json"], catch_exceptions=False
    )
    figures = json.loads(found.stdout)
    assert len(figures["cases"]) == 2 * 4 * 2
    shown = CliRunner().invoke(prediction, arguments, catch_exceptions=False)
    assert "springhare" in shown.stdout
    assert "a step of our predictor" in shown.stdout

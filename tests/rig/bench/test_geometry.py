import json
import sys

import pytest

from rig import cli
from rig.bench import geometry


@pytest.mark.slow
def test_figures_of_every_way(capsys):
    words = ["--points", "4", "--cameras", "3", "--calls", "40"]
    assert cli.main(["bench", "geometry", *words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["plan"]["points"] == 4
    assert "numpy" in found["ways"]
    assert found["engine"] in found["ways"]
    for way in found["ways"].values():
        assert 0 < way["p50_us"] <= way["p99_us"]
    ours = [found["ways"][name] for name in {found["engine"], "numpy"}]
    for way in ours:
        assert way["p50_mm"] < 1
        assert way["p95_mm"] < 5, "wrong views are left out"
        assert 0 < way["unknown"] < 0.1
        assert way["p50_mm"] == ours[0]["p50_mm"]
    assert 0 < found["views"]["p50_us"] <= found["views"]["p99_us"]
    assert found["environment"]["cores"] >= 1


@pytest.mark.slow
def test_as_a_table(capsys):
    assert cli.main(["bench", "geometry", "--calls", "10"]) == 0
    out = capsys.readouterr().out
    assert "10 points, 4 cameras, 10 calls in turns" in out
    assert "wanted: 50 us" in out


@pytest.mark.slow
def test_without_opencv_there_is_no_usual_way(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    found = geometry.measure(geometry.Plan(points=2, cameras=2, calls=10))
    assert "opencv" not in found["ways"]
    assert found["ratio_to_opencv"] == {}


def test_the_usual_way_is_what_it_says():
    pytest.importorskip("cv2")
    cameras = geometry.cameras_for("jump", 3)
    plan = geometry.Plan(cameras=3, noise_px=0.0, wrong=0.0, missing=0.0)
    truth, moments = geometry._scene(plan, cameras)
    way = geometry._by_opencv(cameras)
    assert abs(way(moments[5]) - truth[5]).max() < 1e-3

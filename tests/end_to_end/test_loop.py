"""`springhare doctor --loop` on a simulated rig: LED, camera, loop, board."""

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from rig.config.examples import examples_folder

pytestmark = pytest.mark.slow


def test_light_goes_round_the_loop(springhare, tmp_path):
    yaml = YAML(typ="safe")
    rig = yaml.load((examples_folder() / "rig" / "demo.yaml").read_text("utf-8"))
    for name in ("right", "scope"):
        del rig["devices"][name]
    for part in ("emg", "force_plate"):
        del rig["devices"]["daq"][part]
    rig["name"] = "loop"
    with (tmp_path / "rig.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(rig, file)
    task = "format: springhare-task/1\nname: t\nlatency_budget: {total: {max_ms: 2000}}"
    (tmp_path / "task.yaml").write_text(task, "utf-8")
    found = springhare.result(
        "doctor", "--loop", "--rig=rig.yaml", "--task=task.yaml", "--simulate",
        "--seconds=15", "--out=out",
    )  # fmt: skip
    assert found["seen"] >= 8
    assert found["false"] == 0
    assert found["refused"] == {}
    # a machine that is too busy may skip a frame
    assert found["answered"] >= 0.8 * (found["seen"] - found["held_back"])
    assert {one["stage"]: one["over"] for one in found["budget"]} == {
        "total": False,
        "light": False,
    }
    light, frame = found["light_to_edge"], found["light_to_frame"]
    assert 0 < frame["p50_ms"] < light["p50_ms"]
    assert light["p50_ms"] - frame["p50_ms"] == pytest.approx(
        found["stages"]["total"]["p50_ms"], abs=0.5 * light["max_ms"]
    )
    session = Path(found["session"])
    kept = json.loads((session / "derived" / "loop.json").read_text("utf-8"))
    assert kept == found
    assert [path.name for path in session.parent.iterdir()] == [session.name]
    told = springhare.result("latency", session)
    assert told["rules"][0]["stages"]["total"] == found["stages"]["total"]

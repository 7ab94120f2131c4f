"""What the node publishes beside poses: estimates, features, processors' poses."""

import logging

import numpy as np
import pytest

from rig.config.task import TaskConfig
from rig.messages import (
    Block,
    Decision,
    Estimate,
    FeatureValue,
    PayloadSpec,
    StreamSpec,
    from_row,
)

MS = 1_000_000
ACTION = {"line": "laser", "pulse_width_us": 500}
WEIGHT = {"stream": "daq/force_plate", "channels": ["Fz"], "kind": "level",
          "window_ms": 5}  # fmt: skip
OFF = {
    "name": "off",
    "when": {"kind": "feature", "feature": "weight", "direction": "falling",
             "threshold": 20},
    "action": ACTION,
}  # fmt: skip


@pytest.fixture
def task(make_dials):
    def make(rules=(), features=None, **inference):
        task = {
            "format": "springhare-task/1",
            "name": "test",
            "inference": {
                "model": str(make_dials()),
                "cameras": ["left"],
                **inference,
            },
            "features": features or {},
            "rules": list(rules),
            "seed": 3,
        }
        return TaskConfig.model_validate(task).model_dump(mode="json")

    return make


@pytest.fixture
def plate(make_bench):
    """Makes a bench with a force plate: `weigh` publishes five samples of Fz."""
    ring = StreamSpec(
        name="signals/daq/force_plate",
        kind="samples",
        node="daq",
        payload=PayloadSpec("<i2", (5, 1)),
        rate_hz=200,
        slots=64,
        attributes={
            "rate_hz": 1000.0,
            "units": ["mN"],
            "channels": ["Fz"],
            "scale": [0.5],
        },
    )
    writers = []

    def make(task):
        bench = make_bench(task, rings=[ring])
        writer = bench.streams.writer(ring.name)
        writers.append(writer)

        def weigh(weight_mn):
            number = 5 * writer.seq
            payload = writer.claim()
            payload[...] = round(weight_mn / 0.5)
            writer.publish(
                Block(
                    host_ns=bench.clock.now() - MS,
                    first_sample=number,
                    count=5,
                    device_ns=number * MS,
                    device_sample=number,
                )
            )

        return bench, weigh

    yield make
    for writer in writers:
        writer.close()


def rows(bench, stream, record):
    return [from_row(record, row) for row in bench.read(stream).rows]


def test_nothing_to_estimate_is_no_stream(make_bench, task):
    names = make_bench(task()).streams.names()
    assert not {"estimates/left", "features", "points/space"} & set(names)


def test_marks_and_predictions_are_recorded(make_bench, task):
    bench = make_bench(
        task(gates={"likelihood": 0.5}, prediction={"landing_ms": 7}), slots=64
    )
    for k in range(6):
        bench.publish("left", [20 + 2 * k, 8, 255, 50, 90, 10])
        bench.node.step()
        bench.clock.advance(10 * MS)
    estimates = rows(bench, "estimates/left", Estimate)
    payload = bench.read("estimates/left").payload
    assert [e.pose_seq for e in estimates] == list(range(6))
    assert all(e.at_ns == e.host_ns + 7 * MS for e in estimates)
    np.testing.assert_array_equal(payload[:, :, 3], [[0, 1]] * 6)
    np.testing.assert_allclose(payload[:, 0, 0], 20 + 2 * np.arange(6))
    # 2 px in 10 ms, 5 ms old, 7 ms ahead
    np.testing.assert_allclose(payload[-1, 0, 4], 30 + 2.4, atol=0.3)
    assert np.isnan(payload[:, 1, 4:6]).all()
    spec = bench.streams.ring("estimates/left").spec
    assert spec.attributes["columns"][3] == "mark"


def test_a_force_that_drops_fires_without_any_frame(plate, task):
    bench, weigh = plate(task([OFF], {"weight": WEIGHT}))
    for weight_mn in (250, 240, 3):
        bench.clock.advance(5 * MS)
        weigh(weight_mn)
        bench.node.step()
    (decision,) = rows(bench, "decisions", Decision)
    assert (decision.rule, decision.outcome, decision.camera) == ("off", "fired", "")
    assert decision.age_ns == MS  # nobody has said what the board's clock is
    features = rows(bench, "features", FeatureValue)
    assert [f.value for f in features] == [250, 240, 3]
    assert [f.device_sample for f in features] == [4, 9, 14]
    assert features[-1].host_ns == decision.host_ns


def test_features_beside_a_pose(plate, task):
    right = {
        "kind": "crosses",
        "keypoint": "nose",
        "axis": "x",
        "direction": "rising",
        "threshold_px": 100,
    }
    loaded = {**OFF["when"], "direction": "rising", "threshold": 200}
    rule = {
        "name": "both",
        "camera": "left",
        "when": {"kind": "all", "of": [right, loaded]},
        "action": ACTION,
    }
    bench, weigh = plate(task([rule], {"weight": WEIGHT}))
    for x, weight_mn in ((50, 250), (120, 100), (50, 100), (130, 220)):
        weigh(weight_mn)
        bench.publish("left", [x, 8, 255, 5, 5, 255])
        bench.node.step()
        bench.clock.advance(10 * MS)
    (decision,) = rows(bench, "decisions", Decision)
    assert decision.pose_seq == 3
    # asked once for each pose, and recorded each time: so replay can ask again
    poses = bench.read("poses/left").rows["host_ns"].tolist()
    assert [f.host_ns for f in rows(bench, "features", FeatureValue)] == poses


SOURCE = """
class Nudge:
    def process(self, pose, **kwargs):
        pose[:, 0] += 100
        return pose

    def save(self, file=""):
        raise RuntimeError("nothing to save")
"""


def test_a_processors_pose_is_what_rules_see(make_bench, task, tmp_path, caplog):
    path = tmp_path / "nudge.py"
    path.write_text(SOURCE, encoding="utf-8")
    rule = {
        "name": "right",
        "camera": "left",
        "when": {
            "kind": "crosses",
            "keypoint": "nose",
            "axis": "x",
            "direction": "rising",
            "threshold_px": 105,
        },
        "action": ACTION,
    }
    bench = make_bench(task([rule], processor={"use": f"{path}:Nudge"}))
    for x in (1, 9):
        bench.publish("left", [x, 8, 255, 5, 5, 255])
        bench.node.step()
        bench.clock.advance(10 * MS)
    (decision,) = rows(bench, "decisions", Decision)
    assert decision.value == 109
    assert bench.read("poses/left").payload[1, 0, 0] == 9
    assert bench.read("estimates/left").payload[1, 0, 0] == 109
    with caplog.at_level(logging.ERROR):
        bench.node.stop()
    assert "could not save what it had gathered" in caplog.text

from copy import deepcopy

import pytest

from inference.bench.targets import prediction_targets, targets


def way(provider, p50_ms, faster, max_px, p99_ms=0.0):
    return {
        "provider": provider,
        "p50_ms": p50_ms,
        "p99_ms": p99_ms or p50_ms,
        "times_faster": faster,
        "max_px": max_px,
    }


PROCESSOR = {
    "sizes": {
        "320x240": {
            "ways": {
                "dlclive": way("torch-cpu", 60, 1, 0),
                "onnx": way("CPUExecutionProvider", 20, 3.0, 0.01),
                "onnx, dynamic crop": way("CPUExecutionProvider", 15, 4.0, 20.0),
            }
        },
        "640x480": {
            "ways": {
                "dlclive": way("torch-cpu", 150, 1, 0),
                "onnx": way("CPUExecutionProvider", 75, 2.0, 0.001),
                "onnx, dynamic crop": way("CPUExecutionProvider", 25, 6.0, 20.0),
            }
        },
    },
    "film": {"median_px": 0.5, "lost_frames": 0},
}
GPU = {
    "sizes": {
        "800x600": {
            "ways": {
                "dlclive": way("torch-cuda", 8, 1, 0),
                "onnx": way("CUDAExecutionProvider", 4, 2.0, 0.02),
                "onnx, dynamic crop": way("CUDAExecutionProvider", 4, 2.0, 20.0),
                "torch, half": way("torch-cuda-half", 2, 4.0, 0.1, p99_ms=2.6),
            }
        }
    },
    "film": None,
}


@pytest.mark.parametrize("found", [PROCESSOR, GPU], ids=["processor", "gpu"])
def test_what_is_just_reached_is_reached(found):
    assert [target["name"] for target in targets(found) if not target["met"]] == []


@pytest.mark.parametrize(
    ("size", "name", "key", "value", "missed"),
    [
        ("320x240", "onnx", "times_faster", 2.99, "times faster, 320x240"),
        ("320x240", "onnx", "max_px", 0.011, "max px off, 320x240"),
        ("640x480", "onnx", "max_px", float("nan"), "max px off, 640x480"),
        ("640x480", "onnx", "times_faster", 1.99, "times faster, 640x480"),
        ("640x480", "onnx, dynamic crop", "times_faster", 5.99,
         "times faster with dynamic crop, 640x480"),
        ("800x600", "torch, half", "times_faster", 3.99,
         "times faster on a GPU, 800x600"),
        ("800x600", "torch, half", "max_px", 0.11, "max px off on a GPU, 800x600"),
        ("800x600", "torch, half", "p99_ms", 2.7, "p99 / p50 on a GPU, 800x600"),
    ],
)  # fmt: skip
def test_what_is_missed_is_said(size, name, key, value, missed):
    found = deepcopy(GPU if size == "800x600" else PROCESSOR)
    found["sizes"][size]["ways"][name][key] = value
    assert [t["name"] for t in targets(found) if not t["met"]] == [missed]


@pytest.mark.parametrize("key", ["median_px", "lost_frames"])
def test_of_the_whole_film(key):
    found = deepcopy(PROCESSOR)
    found["film"][key] += 1
    assert [target["met"] for target in targets(found)].count(False) == 1


def test_a_size_without_targets_must_still_find_the_same():
    found = {"sizes": {"400x300": PROCESSOR["sizes"]["640x480"]}, "film": None}
    assert [target["name"] for target in targets(found)] == ["max px off, 400x300"]


def cases(springhare, dlclive=8.0, motion="jump", horizon_ms=15.0):
    ways = {"none": 10.0, "springhare": springhare, "dlclive": dlclive}
    return [
        {
            "motion": motion,
            "rate_hz": 100.0,
            "horizon_ms": horizon_ms,
            "way": way,
            "moving": {"mean_px": mean_px},
        }
        for way, mean_px in ways.items()
    ]


@pytest.mark.parametrize(
    ("springhare", "dlclive", "met"),
    [(5.0, 8.0, [True, True]), (5.1, 8.0, [False, True]), (4.0, 3.0, [True, False])],
)
def test_predictions_beside_none_and_dlclives(springhare, dlclive, met):
    found = prediction_targets(cases(springhare, dlclive))
    assert [target["met"] for target in found] == met


def test_of_recordings_and_other_horizons_nothing_is_asked():
    others = cases(9.0, motion="session.h5") + cases(9.0, horizon_ms=25.0)
    assert prediction_targets(others) == []


def test_without_dlclive_there_is_nothing_to_beat():
    ours = [case for case in cases(4.0) if case["way"] != "dlclive"]
    assert len(prediction_targets(ours)) == 1

from copy import deepcopy

import pytest

from inference.bench.targets import targets


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

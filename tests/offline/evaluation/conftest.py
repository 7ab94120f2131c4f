"""Pictures that say what a model will see in them, and models that read it."""

import json
from pathlib import PurePosixPath

import numpy as np
import onnx
import onnx.helper as oh
import pytest
from onnx import TensorProto
from PIL import Image

from offline.dataset.adding import new_project
from offline.dataset.labels import Labels
from offline.dataset.tables import write_table

PARTS = ("nose", "hip", "tail")
LIKELIHOOD = 204  # of 255: 0.8


@pytest.fixture
def model_of(tmp_path):
    """A model whose keypoints are a grey picture's first pixels: x, y, 255 p of each.

    `shift_px` is added to x; it has one parameter.
    """

    def make(name, shift_px=0.0, bodyparts=PARTS, metadata=None):
        n = len(bodyparts)
        constants = {
            "start": np.array([0], np.int64),
            "end": np.array([3 * n], np.int64),
            "flat": np.array([-1], np.int64),
            "first": np.array([0], np.int64),
            "shape": np.array([n, 3], np.int64),
            "scale": np.array([1, 1, 1 / 255], np.float32),
            "shift": np.array([shift_px, 0, 0], np.float32),
        }
        nodes = [
            oh.make_node("Cast", ["frame"], ["real"], to=TensorProto.FLOAT),
            oh.make_node("Reshape", ["real", "flat"], ["all"]),
            oh.make_node("Slice", ["all", "start", "end", "first"], ["some"]),
            oh.make_node("Reshape", ["some", "shape"], ["raw"]),
            oh.make_node("Mul", ["raw", "scale"], ["scaled"]),
            oh.make_node("Add", ["scaled", "shift"], ["keypoints"]),
        ]
        graph = oh.make_graph(
            nodes,
            "dials",
            [oh.make_tensor_value_info("frame", TensorProto.UINT8, [1, "h", "w"])],
            [oh.make_tensor_value_info("keypoints", TensorProto.FLOAT, [n, 3])],
            [onnx.numpy_helper.from_array(a, key) for key, a in constants.items()],
        )
        model = oh.make_model(graph, opset_imports=[oh.make_opsetid("", 17)])
        model.ir_version = 9
        told = {"format": "springhare-pose/1", "bodyparts": json.dumps(bodyparts)}
        oh.set_model_props(model, told | (metadata or {}))
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        onnx.save(model, str(path))
        return path

    return make


@pytest.fixture
def make_project(tmp_path):
    """A project of grey pictures, some bytes of each saying what is seen in it.

    Nose 3 px off and hip 4 px off in y; the tail is labelled in every second picture
    and 40 px off in the very first.
    """

    def make(videos=("m1", "m2"), each=3, size=(48, 64), colour=False):
        folder = tmp_path / "project"
        new_project(folder, task="t", scorer="me", bodyparts=PARTS)
        for v, video in enumerate(videos):
            place = folder / "labeled-data" / video
            place.mkdir()
            labels = np.empty((each, 3, 2))
            for k in range(each):
                seen = np.array([[20 + k, 15], [30 + v, 20], [40, 30]])
                labels[k] = seen - [[0, 3], [0, 4], [0, 40 if v + k == 0 else 1]]
                if k % 2:
                    labels[k, 2] = np.nan
                pixels = np.full(size, 90, np.uint8)
                dials = np.column_stack([seen, np.full(3, LIKELIHOOD)])
                pixels.flat[:9] = dials.ravel()
                picture = Image.fromarray(pixels)
                picture = picture.convert("RGB") if colour else picture
                picture.save(place / f"img{k:03d}.png")
            images = tuple(
                PurePosixPath("labeled-data", video, f"img{k:03d}.png")
                for k in range(each)
            )
            write_table(place, Labels(images, PARTS, labels), "me")
        return folder

    return make

"""What a TensorFlow graph does to its pixels is taken off it, exactly."""

import numpy as np
import onnx.helper as oh
import pytest
from onnx import TensorProto, numpy_helper

from inference.convert.exports.tensorflow import take_off_pixels
from inference.convert.network import PICTURE


def model(steps):
    """Steps of arithmetic, a change of axes somewhere, then the first layer."""
    nodes, stored, name = [], [], "pixels"
    for k, (kind, value) in enumerate(steps):
        if kind == "Transpose":
            nodes.append(oh.make_node(kind, [name], [f"t{k}"], perm=[0, 3, 1, 2]))
        else:
            array = np.asarray(value, np.float32)
            stored.append(numpy_helper.from_array(array, f"c{k}"))
            nodes.append(oh.make_node(kind, [name, f"c{k}"], [f"t{k}"]))
        name = f"t{k}"
    nodes.append(oh.make_node("Relu", [name], ["layer"]))
    graph = oh.make_graph(
        nodes,
        "g",
        [oh.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, "h", "w", 3])],
        [oh.make_tensor_value_info("layer", TensorProto.FLOAT, None)],
        stored,
    )
    return oh.make_model(graph, opset_imports=[oh.make_opsetid("", 17)], ir_version=9)


CASES = {
    "mean": [("Sub", [[[[123.68, 116.779, 103.939]]]]), ("Transpose", None)],
    "nothing": [("Transpose", None)],
    "unit": [
        ("Div", 255),
        ("Sub", [0.485, 0.456, 0.406]),
        ("Div", [0.229, 0.224, 0.225]),
        ("Transpose", None),
    ],
    "minus_one_to_one": [("Mul", 2 / 255), ("Add", -1), ("Transpose", None)],
}


@pytest.mark.parametrize("steps", CASES.values(), ids=CASES)
def test_mean_and_scale_are_what_the_graph_did(run, steps):
    before = model(steps)
    pixels = np.random.default_rng(0).integers(0, 256, (1, 4, 5, 3)).astype(np.float32)
    (wanted,) = run(before, {"pixels": pixels})

    mean, scale = take_off_pixels(before.graph)

    picture = ((pixels - mean) / scale).transpose(0, 3, 1, 2).astype(np.float32)
    np.testing.assert_allclose(
        run(before, {PICTURE: picture})[0], wanted, rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize(
    "steps",
    [
        [("Pow", 2), ("Transpose", None)],
        [("Sub", np.zeros((1, 4, 5, 3))), ("Transpose", None)],
        [("Sub", 1)],
    ],
    ids=["power", "by_pixel", "no_change_of_axes"],
)
def test_refuses_other_beginnings(steps):
    with pytest.raises(ValueError, match="expected"):
        take_off_pixels(model(steps).graph)

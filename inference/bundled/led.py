"""Makes ``led.onnx``: a network whose only keypoint is how bright its picture is.

``springhare doctor --loop`` shows it the spot of an LED, and a rule on it fires: so the
whole loop runs, with nothing in it that takes time by itself. Run by hand, with the
package onnx: ``python -m inference.bundled.led``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["BODYPART", "WHITE", "led_network"]

BODYPART = "light"
WHITE = 256.0
"""Grey level at which the keypoint would be on the right edge."""
_OPSET, _IR = 17, 8
"""Old enough for every ONNX Runtime that we run on."""
_METADATA = {
    "format": "springhare-pose/1",
    "name": "led",
    "bodyparts": f'["{BODYPART}"]',
    "align_px": "1",
}


def led_network() -> Any:
    """Return the network as an ONNX model.

    In: pixels (n, H, W, 3), uint8. Out: keypoints (n, 1, 3); x is as far from the left
    edge as the mean of the pixels is from black: W at 256; y and likelihood are 1.
    """
    from onnx import TensorProto, checker, helper

    nodes = [
        helper.make_node("Cast", ["pixels"], ["grey"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["grey"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "per_level"], ["part"]),
        helper.make_node("Shape", ["pixels"], ["width"], start=2, end=3),
        helper.make_node("Cast", ["width"], ["width_px"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["part", "width_px"], ["level_px"]),
        helper.make_node("Unsqueeze", ["level_px", "axes"], ["x"]),
        helper.make_node("Pad", ["x", "pads", "one"], ["keypoints"]),
    ]
    graph = helper.make_graph(
        nodes,
        "led",
        [
            helper.make_tensor_value_info(
                "pixels", TensorProto.UINT8, ["n", "h", "w", 3]
            )
        ],
        [helper.make_tensor_value_info("keypoints", TensorProto.FLOAT, ["n", 1, 3])],
        [
            helper.make_tensor("axes", TensorProto.INT64, [2], [1, 2]),
            helper.make_tensor("pads", TensorProto.INT64, [6], [0, 0, 0, 0, 0, 2]),
            helper.make_tensor("per_level", TensorProto.FLOAT, [], [1.0 / WHITE]),
            helper.make_tensor("one", TensorProto.FLOAT, [], [1.0]),
        ],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR,
        producer_name="springhare",
    )
    helper.set_model_props(model, _METADATA)
    checker.check_model(model)
    return model


def main() -> None:
    """Write the model beside this file."""
    data = led_network().SerializeToString()
    Path(__file__).with_name("led.onnx").write_bytes(data)


if __name__ == "__main__":
    main()

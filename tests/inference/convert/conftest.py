import numpy as np
import onnx.helper as oh
import onnxruntime
import pytest
from onnx import TensorProto, numpy_helper

from inference.convert.network import HEATMAP, LOCREF, OPSET, PICTURE, Network

PARTS = 3


def _stored(rng, name, *shape, size=0.3):
    values = rng.normal(0, size, shape).astype(np.float32)
    return numpy_helper.from_array(values, name)


@pytest.fixture
def make_network():
    """A network with random weights: stride 4, then a deconvolution to 2, two heads."""

    def make(seed=0, begin="conv", **facts):
        rng = np.random.default_rng(seed)
        stored = [
            _stored(rng, "w1", 8, 3 if begin != "grouped" else 1, 3, 3),
            _stored(rng, "w2", 16, 8 if begin != "grouped" else 9, 3, 3, size=0.1),
            _stored(rng, "wh", 16, PARTS, 3, 3, size=0.2),
            _stored(rng, "bh", PARTS),
            _stored(rng, "wl", 16, 2 * PARTS, 3, 3, size=0.2),
            _stored(rng, "bl", 2 * PARTS),
            numpy_helper.from_array(np.array([0, 0, 1, 1, 0, 0, 1, 1]), "around"),
            numpy_helper.from_array(np.array(0, np.float32), "zero"),
            numpy_helper.from_array(np.array(9, np.float32), "nine"),
        ]
        conv = {"strides": [2, 2], "pads": [1, 1, 1, 1]}
        nodes = {
            "conv": [oh.make_node("Conv", [PICTURE, "w1"], ["a"], **conv)],
            "padded": [
                oh.make_node("Pad", [PICTURE, "around", "zero"], ["p"]),
                oh.make_node("Conv", ["p", "w1"], ["a"], strides=[2, 2]),
            ],
            "padded_otherwise": [
                oh.make_node("Pad", [PICTURE, "around", "nine"], ["p"]),
                oh.make_node("Conv", ["p", "w1"], ["a"], strides=[2, 2]),
            ],
            "relu": [
                oh.make_node("Relu", [PICTURE], ["p"]),
                oh.make_node("Conv", ["p", "w1"], ["a"], **conv),
            ],
            "two": [
                oh.make_node("Conv", [PICTURE, "w1"], ["q"], **conv),
                oh.make_node("AveragePool", [PICTURE], ["p"], kernel_shape=[2, 2],
                             strides=[2, 2], ceil_mode=1),
                oh.make_node("ReduceMean", ["p"], ["m"], axes=[1]),
                oh.make_node("Add", ["q", "m"], ["a"]),
            ],
        }[begin]  # fmt: skip
        deconv = {"strides": [2, 2], "pads": [1, 1, 0, 0]}
        nodes += [
            oh.make_node("Relu", ["a"], ["b"]),
            oh.make_node("Conv", ["b", "w2"], ["c"], **conv),
            oh.make_node("ConvTranspose", ["c", "wh", "bh"], ["logits"], **deconv),
            oh.make_node("Sigmoid", ["logits"], [HEATMAP]),
            oh.make_node("ConvTranspose", ["c", "wl", "bl"], [LOCREF], **deconv),
        ]
        graph = oh.make_graph(
            nodes,
            "tiny",
            [oh.make_tensor_value_info(PICTURE, TensorProto.FLOAT, ["n", 3, "h", "w"])],
            [
                oh.make_tensor_value_info(name, TensorProto.FLOAT, [None] * 4)
                for name in (HEATMAP, LOCREF)
            ],
            stored,
        )
        used = {name for node in nodes for name in node.input}
        for tensor in stored:
            if tensor.name not in used:
                graph.initializer.remove(tensor)
        model = oh.make_model(
            graph, opset_imports=[oh.make_opsetid("", OPSET)], ir_version=9
        )
        return Network(
            **{
                "model": model,
                "bodyparts": ("nose", "ear", "tail"),
                "mean": (120.0, 110.0, 100.0),
                "scale": (60.0, 55.0, 50.0),
                "stride_px": 2.0,
                "locref_stdev_px": 7.5,
                "clip": True,
                **facts,
            }
        )

    return make


@pytest.fixture
def run():
    """Runs a model proto on the processor."""

    def run(model, feed, outputs=None):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return session.run(outputs, feed)

    return run

"""DeepLabCut's TensorFlow exports (``.pb`` + ``pose_cfg.yaml``), through tf2onnx.

The graph begins with arithmetic on the pixels (the mean of ImageNet is subtracted)
and a change of the order of axes; both are taken off it, so that `graph` can put
ours there. It ends with two maps in TensorFlow's order of axes.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from inference.convert.network import HEATMAP, LOCREF, OPSET, PICTURE, Network
from inference.runners.deeplabcut import installed, quiet, readable
from rig.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from onnx import GraphProto, ModelProto, NodeProto

    from inference.model_file import ModelFile

__all__ = ["read", "take_off_pixels"]

_CHANNELS_FIRST = [0, 3, 1, 2]
_CLOSED_FORM = "concat_1"
"""Last node of an export with ``TFGPUinference``: it has no maps to read."""


def read(file: ModelFile) -> Network:
    """Return the network of a TensorFlow export.

    Raises
    ------
    ModelError
        If a package is missing, the folder is not an export, or of a kind that
        cannot be converted.
    """
    with quiet(), installed(file):
        config, graph = _parsed(file)
    _require_simple(file, config, graph)
    with quiet(), readable(file):
        model = _translated(graph)
        mean, scale = take_off_pixels(model.graph)
        return Network(
            model=model,
            bodyparts=tuple(str(name) for name in config["all_joints_names"]),
            mean=mean,
            scale=scale,
            stride_px=float(config["stride"]),
            locref_stdev_px=float(config["locref_stdev"]),
            clip=False,
        )


def _parsed(file: ModelFile) -> tuple[Mapping[str, Any], Any]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow
    from google.protobuf.message import DecodeError
    from ruamel.yaml import YAML, YAMLError

    graph = tensorflow.compat.v1.GraphDef()
    (path,) = file.path.glob("*.pb")
    with readable(file, DecodeError, YAMLError):
        config = YAML(typ="safe").load(file.path / "pose_cfg.yaml")
        graph.ParseFromString(path.read_bytes())
    return (config if isinstance(config, dict) else {}), graph


def _require_simple(file: ModelFile, config: Mapping[str, Any], graph: Any) -> None:
    wanted = ("all_joints_names", "stride", "locref_stdev")
    missing = [key for key in wanted if key not in config]
    got = None
    if missing or len(graph.node) < 2:
        got = f"one without {', '.join(missing) or 'a graph'}"
    elif graph.node[-1].name.endswith(_CLOSED_FORM):
        got = "one made with TFGPUinference=True, whose graph gives no maps"
    elif config.get("num_outputs", 1) != 1 or not config.get("location_refinement"):
        got = "one with several outputs per body part, or without refinement"
    if got is not None:
        msg = (
            f"Expected a single-animal DeepLabCut export in {file.path}, got {got}: "
            "export it anew with deeplabcut.export_model(TFGPUinference=False), or "
            "run it with inference.engine dlclive"
        )
        raise ModelError(msg)


def _translated(graph: Any) -> ModelProto:
    import tf2onnx  # pyright: ignore[reportMissingImports]

    # dlclive finds the outputs by their place: heat map last, offsets before it
    last, before = graph.node[-1].name, graph.node[-2].name
    for chatty in ("tf2onnx", "tensorflow"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    model, _ = tf2onnx.convert.from_graph_def(
        graph,
        input_names=[f"{graph.node[0].name}:0"],
        output_names=[f"{last}:0", f"{before}:0"],
        opset=OPSET,
    )
    names = dict(zip((f"{last}:0", f"{before}:0"), (HEATMAP, LOCREF), strict=True))
    _channels_first_at_the_end(model.graph, names)
    return model


def _channels_first_at_the_end(graph: GraphProto, names: Mapping[str, str]) -> None:
    graph.node.extend(
        helper.make_node("Transpose", [theirs], [ours], perm=_CHANNELS_FIRST)
        for theirs, ours in names.items()
    )
    del graph.output[:]
    graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        for name in names.values()
    )


def take_off_pixels(
    graph: GraphProto,
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Cut off what a graph does to its pixels before the first layer.

    What is left has the input `PICTURE`, channels first.

    Returns
    -------
    tuple
        Mean and scale by colour: the picture is (pixels - mean) / scale.

    Raises
    ------
    ValueError
        If the graph begins with something else than arithmetic by colour.
    """
    stored = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    factor, shift = np.ones(3), np.zeros(3)  # picture = factor * pixels + shift
    name = graph.input[0].name
    while True:
        users = [node for node in graph.node if name in node.input]
        if len(users) != 1:
            msg = f"expected one layer on the pixels, got {len(users)}"
            raise ValueError(msg)
        node = users[0]
        if node.op_type == "Transpose":
            break
        factor, shift = _applied(node, name, stored, factor, shift)
        name = node.output[0]
        graph.node.remove(node)
    graph.node.remove(node)
    _rename(graph, node.output[0], PICTURE)
    del graph.input[:]
    graph.input.append(
        helper.make_tensor_value_info(
            PICTURE, TensorProto.FLOAT, ["n", 3, "height", "width"]
        )
    )
    mean, scale = -shift / factor, 1 / factor
    return _three(mean), _three(scale)


def _applied(
    node: NodeProto,
    name: str,
    stored: Mapping[str, NDArray[Any]],
    factor: NDArray[np.float64],
    shift: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return factor and shift after one more step of arithmetic by colour."""
    others = [other for other in node.input if other != name]
    number = stored.get(others[0]) if len(others) == 1 else None
    if number is None or number.size not in {1, 3} or node.input[0] != name:
        msg = f"expected arithmetic by colour on the pixels, got {node.op_type}"
        raise ValueError(msg)
    by_colour = np.broadcast_to(number.reshape(-1), 3).astype(np.float64)
    match node.op_type:
        case "Sub":
            return factor, shift - by_colour
        case "Add":
            return factor, shift + by_colour
        case "Mul":
            return factor * by_colour, shift * by_colour
        case "Div":
            return factor / by_colour, shift / by_colour
        case other:
            msg = f"expected arithmetic by colour on the pixels, got {other}"
            raise ValueError(msg)


def _rename(graph: GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        for k, name in enumerate(node.input):
            if name == old:
                node.input[k] = new


def _three(values: NDArray[np.float64]) -> tuple[float, float, float]:
    red, green, blue = values.tolist()
    return red, green, blue

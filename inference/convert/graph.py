"""The graph around a network: uint8 pixels in, keypoints out.

Colour, normalisation, resize and the search for the peaks are nodes of the graph,
so that a runner hands over the frame as it lies in the ring. Height, width and
number of pictures are free: one file serves whole frames and every crop.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from inference.convert.network import HEATMAP, LOCREF, OPSET, PICTURE
from inference.convert.stem import fold_stem
from inference.convert.tidy import (
    alignment_px,
    drop_unused,
    merge_twins,
    use_instance_statistics,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import GraphProto, ModelProto, NodeProto
    from onnx import TensorProto as Tensor

    from inference.convert.network import Network

__all__ = ["IMAGE", "KEYPOINTS", "SIZE", "build", "describe"]

IMAGE = "image"
"""Input: uint8 (n, height, width, 1 or 3)."""
SIZE = "size"
"""Input: int64 (2,): height and width to which the picture is resized first."""
KEYPOINTS = "keypoints"
"""Output: float (n, bodyparts, 3): x px, y px, likelihood."""

_INNER = "network/"
_PICTURE, _HEATMAP, _LOCREF = (_INNER + name for name in (PICTURE, HEATMAP, LOCREF))
_IR_VERSION = 9
"""What ONNX Runtime 1.19 reads."""
_FORMAT = "springhare-pose/1"


def build(network: Network, name: str, *, channels: int) -> ModelProto:
    """Return a pose model of our form, without its proof.

    Parameters
    ----------
    network
        What the export holds.
    name
        The model's name, for people.
    channels
        1 for a model that takes grey frames, 3 for RGB ones.
    """
    inner = onnx.ModelProto()
    inner.CopyFrom(network.model)
    merge_twins(inner.graph)
    use_instance_statistics(inner.graph)
    nodes, constants = _pixels()
    folded = fold_stem(inner.graph, network.mean, network.scale, channels)
    drop_unused(inner.graph)
    align_px = alignment_px(inner.graph)
    # whatever its layers are called, they are called otherwise than ours
    graph = compose.add_prefix(inner, _INNER).graph
    if folded:
        more, stored = _with_ones()
    else:
        more, stored = _normalised(network)
    peaks, others = _peaks(network)
    ours = helper.make_graph(
        [*nodes, *more, *graph.node, *peaks],
        name,
        [
            helper.make_tensor_value_info(
                IMAGE, TensorProto.UINT8, ["n", "height", "width", channels]
            ),
            helper.make_tensor_value_info(SIZE, TensorProto.INT64, [2]),
        ],
        [
            helper.make_tensor_value_info(
                KEYPOINTS, TensorProto.FLOAT, ["n", len(network.bodyparts), 3]
            )
        ],
        [*constants, *stored, *graph.initializer, *others],
    )
    model = helper.make_model(
        ours, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=_IR_VERSION
    )
    model.producer_name = "springhare"
    describe(
        model,
        {
            "format": _FORMAT,
            "name": name,
            "bodyparts": json.dumps(list(network.bodyparts)),
            "align_px": str(align_px),
        },
    )
    onnx.checker.check_model(model)
    return model


def describe(model: ModelProto, facts: Mapping[str, str]) -> None:
    """Add to what a model says of itself; what it said of the same is replaced."""
    known = {entry.key: entry.value for entry in model.metadata_props}
    helper.set_model_props(model, {**known, **facts})


def _pixels() -> tuple[list[NodeProto], list[Tensor]]:
    """Return nodes from `IMAGE` to ``pixels``: channels first, resized if asked for.

    Each pass over a whole picture counts: the two branches save a tenth of the time
    of a small network on a small picture.
    """
    node = helper.make_node
    nodes = [
        node("Transpose", [IMAGE], ["planes"], perm=[0, 3, 1, 2]),
        node("Cast", ["planes"], ["grey_levels"], to=TensorProto.FLOAT),
        node("Shape", ["planes"], ["own_size"], start=2, end=4),
        node("Sub", ["own_size", SIZE], ["shrunk_by"]),
        node("ReduceL1", ["shrunk_by"], ["shrunk_in_all"], keepdims=0),
        node("Cast", ["shrunk_in_all"], ["is_resized"], to=TensorProto.BOOL),
        node(
            "If",
            ["is_resized"],
            ["pixels"],
            then_branch=_branch("resized_pixels", _resized()),
            else_branch=_branch(
                "own_pixels", [node("Identity", ["grey_levels"], ["own_pixels"])]
            ),
        ),
    ]
    return nodes, [_stored("half_a_level", 0.5, np.float32)]


def _branch(output: str, nodes: list[NodeProto]) -> GraphProto:
    picture = helper.make_tensor_value_info(output, TensorProto.FLOAT, [None] * 4)
    return helper.make_graph(nodes, output, [], [picture])


def _resized() -> list[NodeProto]:
    """Return nodes from ``grey_levels`` to ``resized_pixels``.

    They are whole grey levels, as dlclive's are: the keypoints of small pictures
    depend on it by some tenths of a pixel.
    """
    node = helper.make_node
    return [
        node("Shape", ["planes"], ["kept_axes"], start=0, end=2),
        node("Concat", ["kept_axes", SIZE], ["resized"], axis=0),
        node(
            "Resize",
            ["grey_levels", "", "", "resized"],
            ["between_levels"],
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        ),
        node("Add", ["between_levels", "half_a_level"], ["above"]),
        node("Floor", ["above"], ["resized_pixels"]),
    ]


def _with_ones() -> tuple[list[NodeProto], list[Tensor]]:
    """Return nodes from ``pixels`` to the network's picture: a last channel of ones."""
    nodes = [
        helper.make_node("Shape", ["pixels"], ["pictures"], start=0, end=1),
        helper.make_node("Shape", ["pixels"], ["area"], start=2, end=4),
        helper.make_node(
            "Concat", ["pictures", "one_channel", "area"], ["ones_shape"], axis=0
        ),
        helper.make_node(
            "ConstantOfShape",
            ["ones_shape"],
            ["ones"],
            value=helper.make_tensor("value", TensorProto.FLOAT, [1], [1.0]),
        ),
        helper.make_node("Concat", ["pixels", "ones"], [_PICTURE], axis=1),
    ]
    return nodes, [_stored("one_channel", [1], np.int64)]


def _normalised(network: Network) -> tuple[list[NodeProto], list[Tensor]]:
    """Return nodes from ``pixels`` to the picture: three channels, normalised."""
    nodes = [
        helper.make_node("Sub", ["pixels", "colour_mean"], ["centred"]),
        helper.make_node("Div", ["centred", "colour_scale"], [_PICTURE]),
    ]
    shape = (1, 3, 1, 1)  # a grey picture is spread over the colours
    return nodes, [
        _stored("colour_mean", np.reshape(network.mean, shape), np.float32),
        _stored("colour_scale", np.reshape(network.scale, shape), np.float32),
    ]


def _peaks(network: Network) -> tuple[list[NodeProto], list[Tensor]]:
    """Return nodes from the maps to `KEYPOINTS`, as DeepLabCut decodes them."""
    node = helper.make_node
    stride_px = network.stride_px
    parts = len(network.bodyparts)
    nodes = [
        node("Reshape", [_HEATMAP, "cells_last"], ["likely"]),
        node("ArgMax", ["likely"], ["best"], axis=2),
        node("GatherElements", ["likely", "best"], ["highest"], axis=2),
        node("Shape", [_HEATMAP], ["columns"], start=3, end=4),
        node("Div", ["best", "columns"], ["row"]),
        node("Mul", ["row", "columns"], ["cells_above"]),
        node("Sub", ["best", "cells_above"], ["column"]),
        node("Concat", ["column", "row"], ["cell"], axis=2),
        node("Cast", ["cell"], ["cell_real"], to=TensorProto.FLOAT),
        node("Mul", ["cell_real", "stride_px"], ["corner_px"]),
        node("Add", ["corner_px", "half_stride_px"], ["centre_px"]),
    ]
    constants = [
        _stored("cells_last", [0, 0, -1], np.int64),
        _stored("stride_px", stride_px, np.float32),
        _stored("half_stride_px", 0.5 * stride_px, np.float32),
    ]
    place = "centre_px"
    if network.locref_stdev_px is not None:
        nodes += [
            node("Reshape", [_LOCREF, "axes_apart"], ["offsets"]),
            node("Concat", ["best", "best"], ["best_twice"], axis=2),
            node("Unsqueeze", ["best_twice", "last_axis"], ["best_of_offsets"]),
            node("GatherElements", ["offsets", "best_of_offsets"], ["moved"], axis=3),
            node("Squeeze", ["moved", "last_axis"], ["moved_units"]),
            node("Mul", ["moved_units", "locref_stdev_px"], ["moved_px"]),
            node("Add", ["centre_px", "moved_px"], ["place_px"]),
        ]
        constants += [
            _stored("axes_apart", [0, parts, 2, -1], np.int64),
            _stored("last_axis", [3], np.int64),
            _stored("locref_stdev_px", network.locref_stdev_px, np.float32),
        ]
        place = "place_px"
    likelihood = "highest"
    if network.clip:
        nodes.append(node("Clip", ["highest", "zero", "one"], ["likelihood"]))
        constants += [_stored("zero", 0, np.float32), _stored("one", 1, np.float32)]
        likelihood = "likelihood"
    nodes.append(node("Concat", [place, likelihood], [KEYPOINTS], axis=2))
    return nodes, constants


def _stored(name: str, values: object, dtype: type[np.generic]) -> Tensor:
    return numpy_helper.from_array(np.asarray(values, dtype), name)

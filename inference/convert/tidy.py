"""Small repairs of a network's graph, none of which changes what it computes."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
from onnx import helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnx import GraphProto, NodeProto

__all__ = ["alignment_px", "drop_unused", "merge_twins", "use_instance_statistics"]

_SHRINKING = ("Conv", "MaxPool", "AveragePool")


def merge_twins(graph: GraphProto) -> None:
    """Make one deconvolution of several on the same features: the heads of the maps.

    Each of them would rearrange all features anew.
    """
    stored = {tensor.name for tensor in graph.initializer}
    twins: defaultdict[tuple[str, bytes], list[NodeProto]] = defaultdict(list)
    for node in graph.node:
        if node.op_type == "ConvTranspose" and set(node.input[1:]) <= stored:
            settings = b"".join(
                attribute.SerializeToString()
                for attribute in sorted(node.attribute, key=lambda a: a.name)
            )
            twins[node.input[0], settings].append(node)
    for nodes in twins.values():
        biased = {len(node.input) for node in nodes}
        grouped = any(
            a.name == "group" and a.i != 1 for node in nodes for a in node.attribute
        )
        if len(nodes) > 1 and biased == {3} and not grouped:
            _merge(graph, nodes)


def _merge(graph: GraphProto, nodes: list[NodeProto]) -> None:
    stored = {tensor.name: tensor for tensor in graph.initializer}
    first = nodes[0]
    weights = [numpy_helper.to_array(stored[node.input[1]]) for node in nodes]
    biases = [numpy_helper.to_array(stored[node.input[2]]) for node in nodes]
    name = f"{first.output[0]}_with_twins"
    parts = np.array([len(bias) for bias in biases], np.int64)
    graph.initializer.extend(
        numpy_helper.from_array(array, f"{name}_{what}")
        for what, array in (
            ("weights", np.concatenate(weights, axis=1)),
            ("bias", np.concatenate(biases)),
            ("parts", parts),
        )
    )
    whole = helper.make_node(
        "ConvTranspose", [first.input[0], f"{name}_weights", f"{name}_bias"], [name]
    )
    whole.attribute.extend(first.attribute)
    split = helper.make_node(
        "Split",
        [name, f"{name}_parts"],
        [node.output[0] for node in nodes],
        axis=1,
    )
    place = list(graph.node).index(first)
    for node in nodes:
        graph.node.remove(node)
    graph.node.insert(place, whole)
    graph.node.insert(place + 1, split)


def use_instance_statistics(graph: GraphProto) -> None:
    """Normalise by the picture's own statistics in one node, where that is done.

    DeepLabCut's TensorFlow exports of MobileNets normalise each picture by itself;
    converted literally, it is eight nodes each time.
    """
    makers = {output: node for node in graph.node for output in node.output}
    for place, node in enumerate(graph.node):
        if node.op_type == "BatchNormalization" and _is_own_mean(node, makers):
            own = helper.make_node(
                "InstanceNormalization", node.input[:3], node.output[:1]
            )
            own.attribute.extend(a for a in node.attribute if a.name == "epsilon")
            graph.node[place].CopyFrom(own)


def drop_unused(graph: GraphProto) -> None:
    """Remove nodes and weights that no output needs.

    ONNX Runtime would compute the ones, and carry and warn of the others.
    """
    used = {output.name for output in graph.output}
    for node in reversed(list(graph.node)):  # users come after what they use
        if used.isdisjoint(node.output):
            graph.node.remove(node)
        else:
            used.update(_wanted_by(node))
    for tensor in list(graph.initializer):
        if tensor.name not in used:
            graph.initializer.remove(tensor)


def _wanted_by(node: NodeProto) -> Iterator[str]:
    """Yield what a node uses, also inside the branches of a condition or a loop."""
    yield from node.input
    for attribute in node.attribute:
        yield from (output.name for output in attribute.g.output)
        for inner in attribute.g.node:
            yield from _wanted_by(inner)


def _is_own_mean(node: NodeProto, makers: dict[str, NodeProto]) -> bool:
    squeeze = makers.get(node.input[3])
    if squeeze is None or squeeze.op_type != "Squeeze":
        return False
    mean = makers.get(squeeze.input[0])
    return (
        mean is not None
        and mean.op_type == "ReduceMean"
        and mean.input[0] == node.input[0]
    )


def alignment_px(graph: GraphProto) -> int:
    """Return by how many pixels a view may be moved without moving the grid.

    It is the coarsest step of any layer: two views whose corners are a multiple of
    it apart give the same features where they overlap, away from their borders.
    """
    steps: dict[str, float] = defaultdict(lambda: 1.0)
    coarsest = 1.0
    for node in graph.node:
        step = max((steps[name] for name in node.input), default=1.0)
        strides = [a.ints[0] for a in node.attribute if a.name == "strides"]
        if strides and node.op_type in _SHRINKING:
            step *= strides[0]
        elif strides and node.op_type == "ConvTranspose":
            step /= strides[0]
        coarsest = max(coarsest, step)
        for name in node.output:
            steps[name] = step
    return round(coarsest)

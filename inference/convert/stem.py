"""The first convolution takes over what is done to pixels before it.

Normalising is one multiplication and one addition per channel, and a convolution
multiplies and adds anyway. Its weights take the scale; the means become the weights
of a channel that is one everywhere in the picture, and zero like all others in the
padding around it: so the border is exact too. Where all three channels are the same
grey, one channel with the sum of the weights is exactly as good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import helper, numpy_helper

from inference.convert.network import PICTURE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from onnx import GraphProto, NodeProto, TensorProto

__all__ = ["fold_stem", "folded_weights"]


def folded_weights(
    weights: NDArray[np.float32],
    mean: Sequence[float],
    scale: Sequence[float],
    channels: int,
) -> NDArray[np.float32]:
    """Return the weights that do on raw pixels what others do on normalised ones.

    Parameters
    ----------
    weights
        (outputs, 3, rows, columns), made for (pixel - mean) / scale.
    mean, scale
        By colour.
    channels
        1 for grey pixels, 3 for RGB.

    Returns
    -------
    ndarray of float32
        (outputs, channels + 1, rows, columns); the last channel is that of ones.
    """
    wide = weights.astype(np.float64)
    factor = np.asarray(scale, np.float64).reshape(1, 3, 1, 1)
    shift = np.asarray(mean, np.float64).reshape(1, 3, 1, 1)
    pixels = wide / factor
    ones = -(pixels * shift).sum(axis=1, keepdims=True)
    if channels == 1:
        pixels = pixels.sum(axis=1, keepdims=True)
    return np.concatenate([pixels, ones], axis=1).astype(np.float32)


def fold_stem(
    graph: GraphProto, mean: Sequence[float], scale: Sequence[float], channels: int
) -> bool:
    """Give the first convolution weights for raw pixels and ones, if it can be done.

    It can where the picture goes nowhere else than into one plain convolution,
    through nothing but zero padding. `PICTURE` then has `channels` + 1 channels.

    Returns
    -------
    bool
        Whether it was done; if not, the graph is as it was.
    """
    stored = {tensor.name: tensor for tensor in graph.initializer}
    node = _only_user(graph, PICTURE)
    while node is not None and _pads_with_zeros(node, stored):
        node = _only_user(graph, node.output[0])
    if node is None or node.op_type != "Conv" or node.input[1] not in stored:
        return False
    weights = numpy_helper.to_array(stored[node.input[1]])
    if weights.shape[1] != 3:  # in groups, each colour has a convolution of its own
        return False
    name = f"{node.input[1]}_of_pixels"
    graph.initializer.append(
        numpy_helper.from_array(folded_weights(weights, mean, scale, channels), name)
    )
    node.input[1] = name
    return True


def _only_user(graph: GraphProto, tensor: str) -> NodeProto | None:
    users = [node for node in graph.node if tensor in node.input]
    is_output = any(output.name == tensor for output in graph.output)
    return users[0] if len(users) == 1 and not is_output else None


def _pads_with_zeros(node: NodeProto, stored: Mapping[str, TensorProto]) -> bool:
    if node.op_type != "Pad":
        return False
    settings = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    value = node.input[2] if len(node.input) > 2 else ""
    zero = not value or (
        value in stored and not numpy_helper.to_array(stored[value]).any()
    )
    return settings.get("mode", b"constant") == b"constant" and zero

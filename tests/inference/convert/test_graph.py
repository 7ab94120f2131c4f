"""The graph around a network computes what DeepLabCut computes around it."""

import json

import numpy as np
import onnx
import onnx.helper as oh
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, numpy_helper

from inference.convert.graph import build
from inference.convert.network import HEATMAP, LOCREF, PICTURE
from inference.convert.stem import folded_weights
from inference.convert.tidy import (
    alignment_px,
    drop_unused,
    merge_twins,
    use_instance_statistics,
)
from inference.runners.peaks import decode_peaks


def frames(n, height, width, channels, seed=1):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, height, width, channels), np.uint8)


def size(height, width):
    return np.array([height, width], np.int64)


def reference(network, run, pixels):
    """Normalise by hand, run the bare network, decode in numpy."""
    rgb = np.broadcast_to(pixels, (*pixels.shape[:3], 3)).astype(np.float64)
    picture = (rgb - network.mean) / network.scale
    picture = np.moveaxis(picture, 3, 1).astype(np.float32)
    heatmaps, locrefs = run(network.model, {PICTURE: picture}, [HEATMAP, LOCREF])
    return np.stack(
        [
            decode_peaks(
                heatmap,
                locref,
                stride_px=network.stride_px,
                locref_stdev_px=network.locref_stdev_px or 0,
            )
            for heatmap, locref in zip(heatmaps, locrefs, strict=True)
        ]
    )


BEGINNINGS = ["conv", "padded", "padded_otherwise", "relu", "two"]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("begin", BEGINNINGS)
def test_is_the_network_with_its_surroundings(make_network, run, begin, channels):
    network = make_network(begin=begin)
    model = build(network, "tiny", channels=channels)
    for height, width in ((32, 48), (30, 46), (17, 64)):
        pixels = frames(2, height, width, channels)
        (found,) = run(model, {"image": pixels, "size": size(height, width)})
        np.testing.assert_allclose(
            found, reference(network, run, pixels), rtol=0, atol=2e-3
        )


@pytest.mark.parametrize("begin", BEGINNINGS)
def test_grey_needs_no_three_channels_where_that_is_exact(make_network, begin):
    model = build(make_network(begin=begin), "tiny", channels=1)
    stored = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    first = next(node for node in model.graph.node if node.op_type == "Conv")
    folded = begin in {"conv", "padded"}
    assert stored[first.input[1]][1] == (2 if folded else 3)


def test_what_it_says_about_itself(make_network):
    model = build(make_network(), "a mouse", channels=3)
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert facts["format"] == "springhare-pose/1"
    assert facts["name"] == "a mouse"
    assert json.loads(facts["bodyparts"]) == ["nose", "ear", "tail"]
    assert facts["align_px"] == "4"
    shapes = {
        value.name: [
            d.dim_value or d.dim_param for d in value.type.tensor_type.shape.dim
        ]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {
        "image": ["n", "height", "width", 3],
        "size": [2],
        "keypoints": ["n", 3, 3],
    }


def test_likelihoods_are_cut_only_where_the_network_wants_it(make_network, run):
    for clip in (False, True):
        network = make_network(clip=clip)
        for node in network.model.graph.node:  # instead of a sigmoid
            if node.op_type == "Sigmoid":
                node.op_type = "Identity"
        pixels = frames(1, 64, 64, 1)
        model = build(network, "tiny", channels=1)
        (found,) = run(model, {"image": pixels, "size": size(64, 64)})
        wanted = reference(network, run, pixels)
        assert wanted[..., 2].max() > 1
        wanted[..., 2] = np.clip(wanted[..., 2], 0, 1) if clip else wanted[..., 2]
        np.testing.assert_allclose(found, wanted, atol=2e-3)


def test_without_refinement_a_place_is_the_centre_of_a_cell(make_network, run):
    network = make_network(locref_stdev_px=None)
    pixels = frames(1, 32, 32, 1)
    (found,) = run(
        build(network, "tiny", channels=1), {"image": pixels, "size": size(32, 32)}
    )
    assert set(np.unique(found[..., :2] % 2)) == {1.0}
    np.testing.assert_allclose(found, reference(network, run, pixels), atol=1e-4)


def test_of_equals_the_first_is_the_best(make_network, run):
    network = make_network()
    for tensor in network.model.graph.initializer:
        if tensor.name in {"wh", "bh"}:  # every cell is as likely as any other
            shape = tuple(tensor.dims)
            tensor.CopyFrom(
                numpy_helper.from_array(np.zeros(shape, np.float32), tensor.name)
            )
    model = build(network, "tiny", channels=1)
    pixels = frames(1, 32, 32, 1)
    (found,) = run(model, {"image": pixels, "size": size(32, 32)})
    np.testing.assert_allclose(found, reference(network, run, pixels), atol=1e-3)


def test_half_the_size_is_the_mean_of_four_pixels_in_whole_grey_levels(
    make_network, run
):
    """As OpenCV rounds it for dlclive: halves up."""
    network = make_network()
    model = build(network, "tiny", channels=1)
    pixels = frames(1, 64, 96, 1)
    (found,) = run(model, {"image": pixels, "size": size(32, 48)})
    means = np.floor(pixels.reshape(1, 32, 2, 48, 2, 1).mean(axis=(2, 4)) + 0.5)
    np.testing.assert_allclose(found, reference(network, run, means), atol=2e-3)


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), channels=st.sampled_from([1, 3]))
def test_folding_is_exact_at_the_border_too(seed, channels):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(2, 3, 3, 3)).astype(np.float32)
    mean, scale = rng.uniform(50, 200, 3), rng.uniform(20, 90, 3)
    pixels = rng.integers(0, 256, (5, 6, channels)).astype(float)

    def convolved(picture, kernel):
        padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (0, 1))
        return np.einsum("yxcij,ocij->yxo", windows, kernel)

    normalised = (np.broadcast_to(pixels, (5, 6, 3)) - mean) / scale
    with_ones = np.concatenate([pixels, np.ones((5, 6, 1))], axis=2)
    np.testing.assert_allclose(
        convolved(with_ones, folded_weights(weights, mean, scale, channels)),
        convolved(normalised, weights),
        atol=1e-4,
    )


def test_twins_become_one_and_stay_what_they_were(make_network, run):
    network = make_network()
    picture = np.random.default_rng(0).normal(size=(1, 3, 32, 32)).astype(np.float32)
    wanted = run(network.model, {PICTURE: picture}, [HEATMAP, LOCREF])
    merge_twins(network.model.graph)
    kinds = [node.op_type for node in network.model.graph.node]
    assert kinds.count("ConvTranspose") == 1
    onnx.checker.check_model(network.model)
    found = run(network.model, {PICTURE: picture}, [HEATMAP, LOCREF])
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("difference", ["strides", "input", "bias"])
def test_what_is_no_twin_is_left_alone(make_network, difference):
    graph = make_network().model.graph
    node = next(node for node in graph.node if node.output[0] == LOCREF)
    if difference == "strides":
        next(a for a in node.attribute if a.name == "strides").ints[0] = 1
    elif difference == "input":
        node.input[0] = "b"
    else:
        del node.input[2]
    before = graph.SerializeToString()
    merge_twins(graph)
    assert graph.SerializeToString() == before


def test_own_statistics_in_one_node(run):
    """As tf2onnx writes DeepLabCut's MobileNets: mean and variance of each picture."""
    rng = np.random.default_rng(0)
    constants = {
        "gamma": rng.normal(size=4),
        "beta": rng.normal(size=4),
        "axes": np.array([0, 2, 3]),
    }
    nodes = [
        oh.make_node("ReduceMean", ["x"], ["mean4"], axes=[0, 2, 3], keepdims=1),
        oh.make_node("Sub", ["x", "mean4"], ["off"]),
        oh.make_node("ReduceSumSquare", ["off"], ["sum"], axes=[0, 2, 3], keepdims=0),
        oh.make_node("Squeeze", ["mean4", "axes"], ["mean"]),
        oh.make_node("Shape", ["x"], ["shape"]),
        oh.make_node("Gather", ["shape", "axes"], ["sides"]),
        oh.make_node("ReduceProd", ["sides"], ["count"], axes=[0], keepdims=0),
        oh.make_node("Cast", ["count"], ["number"], to=TensorProto.FLOAT),
        oh.make_node("Div", ["sum", "number"], ["variance"]),
        oh.make_node("BatchNormalization", ["x", "gamma", "beta", "mean", "variance"],
                     ["y"], epsilon=0.001),
    ]  # fmt: skip
    graph = oh.make_graph(
        nodes,
        "own",
        [oh.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, "h", "w"])],
        [oh.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(
                value.astype(np.int64 if name == "axes" else np.float32), name
            )
            for name, value in constants.items()
        ],
    )
    model = oh.make_model(graph, opset_imports=[oh.make_opsetid("", 17)], ir_version=9)
    x = rng.normal(3, 2, (1, 4, 9, 11)).astype(np.float32)
    (wanted,) = run(model, {"x": x})
    use_instance_statistics(model.graph)
    drop_unused(model.graph)
    assert {tensor.name for tensor in model.graph.initializer} == {"gamma", "beta"}
    assert [node.op_type for node in model.graph.node] == ["InstanceNormalization"]
    np.testing.assert_allclose(run(model, {"x": x})[0], wanted, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_nothing_is_carried_that_nobody_uses(make_network, channels):
    graph = build(make_network(), "tiny", channels=channels).graph
    branches = [a.g for node in graph.node for a in node.attribute]
    nodes = [*graph.node, *(node for branch in branches for node in branch.node)]
    used = {name for node in nodes for name in node.input}
    assert {tensor.name for tensor in graph.initializer} <= used


def test_what_a_branch_uses_is_used():
    name, kind = "then", TensorProto.FLOAT
    inner = oh.make_graph(
        [oh.make_node("Add", ["x", "weight"], [name])],
        "inner",
        [],
        [oh.make_tensor_value_info(name, kind, None)],
    )
    graph = oh.make_graph(
        [oh.make_node("If", ["which"], ["y"], then_branch=inner, else_branch=inner)],
        "outer",
        [
            oh.make_tensor_value_info("which", TensorProto.BOOL, []),
            oh.make_tensor_value_info("x", kind, None),
        ],
        [oh.make_tensor_value_info("y", kind, None)],
        [
            numpy_helper.from_array(np.zeros(1, np.float32), name)
            for name in ("weight", "nobodys")
        ],
    )
    drop_unused(graph)
    assert [tensor.name for tensor in graph.initializer] == ["weight"]


def test_step_of_the_grid_is_the_coarsest_layers(make_network):
    assert alignment_px(make_network().model.graph) == 4

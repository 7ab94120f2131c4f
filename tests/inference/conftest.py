import json
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnx.helper as oh
import pytest
from click.testing import CliRunner
from onnx import TensorProto

from inference.node import InferenceNode
from rig.bus.directory import StreamDirectory
from rig.messages import Frame, PayloadSpec, StreamSpec
from rig.node import NodeContext
from sync.clock import ManualClock


def _save(path, nodes, inputs, outputs, metadata, initializers=()):
    graph = oh.make_graph(nodes, "tiny", inputs, outputs, list(initializers))
    model = oh.make_model(graph, opset_imports=[oh.make_opsetid("", 17)], ir_version=9)
    oh.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


def _metadata(bodyparts, **others):
    return {
        "format": "springhare-pose/1",
        "name": "tiny",
        "bodyparts": json.dumps(list(bodyparts)),
        **others,
    }


@pytest.fixture(scope="session")
def make_brightest(tmp_path_factory):
    """A model that finds the brightest cell of 4 x 4 px: heat maps, real decoding.

    Each body part sees the same heat map; `locref` is constant, (0.5, -0.25) times
    the number of the body part, in units of 2 px. Grey in; colour sees red only.
    """

    def make(height=24, width=32, colour=False, nhwc=False, bodyparts=("nose", "tail")):
        folder = tmp_path_factory.mktemp("model")
        n = len(bodyparts)
        shape = [1, height, width, 3] if colour else [1, height, width]
        rows, columns = height // 4, width // 4
        nodes = [
            oh.make_node("Cast", ["frame"], ["real"], to=TensorProto.FLOAT),
            *(
                [oh.make_node("Slice", ["real", "c0", "c1", "last"], ["red"])]
                if colour
                else [oh.make_node("Identity", ["real"], ["red"])]
            ),
            oh.make_node("Reshape", ["red", "as_map"], ["map"]),
            oh.make_node("AveragePool", ["map"], ["cells"], kernel_shape=[4, 4],
                         strides=[4, 4]),
            oh.make_node("Div", ["cells", "white"], ["one"]),
            oh.make_node("Expand", ["one", "many"], ["maps"]),
            oh.make_node("Identity", ["offsets"], ["offsets_out"]),
        ]  # fmt: skip
        if nhwc:
            order = {"perm": [0, 2, 3, 1]}
            nodes += [
                oh.make_node("Transpose", ["maps"], ["heatmap"], **order),
                oh.make_node("Transpose", ["offsets_out"], ["locref"], **order),
            ]
            shapes = [1, rows, columns, n], [1, rows, columns, 2 * n]
        else:
            nodes += [
                oh.make_node("Identity", ["maps"], ["heatmap"]),
                oh.make_node("Identity", ["offsets_out"], ["locref"]),
            ]
            shapes = [1, n, rows, columns], [1, 2 * n, rows, columns]
        offsets = np.zeros((1, n, 2, rows, columns), np.float32)
        for k in range(n):
            offsets[0, k, 0], offsets[0, k, 1] = 0.5 * k, -0.25 * k
        constants = {
            "as_map": np.array([1, 1, height, width], np.int64),
            "many": np.array([1, n, rows, columns], np.int64),
            "white": np.array(255, np.float32),
            "offsets": offsets.reshape(1, 2 * n, rows, columns),
            "c0": np.array([0], np.int64),
            "c1": np.array([1], np.int64),
            "last": np.array([3], np.int64),
        }
        return _save(
            folder / "brightest.onnx",
            nodes,
            [oh.make_tensor_value_info("frame", TensorProto.UINT8, shape)],
            [
                oh.make_tensor_value_info("heatmap", TensorProto.FLOAT, shapes[0]),
                oh.make_tensor_value_info("locref", TensorProto.FLOAT, shapes[1]),
            ],
            _metadata(bodyparts, stride="4", locref_stdev="2.0"),
            [onnx.numpy_helper.from_array(a, name) for name, a in constants.items()],
        )

    return make


@pytest.fixture(scope="session")
def make_dials(tmp_path_factory):
    """A model whose keypoints are the first pixels of the frame: [x, y, 255 p] each.

    With `batch` it takes several frames at once.
    """

    def make(
        bodyparts=("nose", "tail"), metadata=None, dtype=TensorProto.UINT8, batch=False
    ):
        n = len(bodyparts)
        frames = "n" if batch else 1
        constants = {
            "start": np.array([0], np.int64),
            "end": np.array([3 * n], np.int64),
            "flat": np.array([0, -1], np.int64),
            "last": np.array([1], np.int64),
            "shape": np.array([-1, n, 3], np.int64),
            "scale": np.array([1, 1, 1 / 255], np.float32),
        }
        return _save(
            tmp_path_factory.mktemp("model") / "dials.onnx",
            [
                oh.make_node("Cast", ["frame"], ["real"], to=TensorProto.FLOAT),
                oh.make_node("Reshape", ["real", "flat"], ["all"]),
                oh.make_node("Slice", ["all", "start", "end", "last"], ["some"]),
                oh.make_node("Reshape", ["some", "shape"], ["raw"]),
                oh.make_node("Mul", ["raw", "scale"], ["keypoints"]),
            ],
            [oh.make_tensor_value_info("frame", dtype, [frames, "h", "w", 1])],
            [oh.make_tensor_value_info("keypoints", TensorProto.FLOAT, [frames, n, 3])],
            _metadata(bodyparts) if metadata is None else metadata,
            [onnx.numpy_helper.from_array(a, name) for name, a in constants.items()],
        )

    return make


class Converted(NamedTuple):
    """What came of `springhare convert`."""

    path: Path
    status: int
    report: dict


@pytest.fixture(scope="session")
def converted(dlclive, shared, tmp_path_factory):
    """Convert the real export for "grey" or "rgb" frames; each only once."""
    from inference.convert.command import convert

    folder = tmp_path_factory.mktemp("converted")
    more = {"grey": (), "rgb": ("--colour", "--name", "in colour")}

    @cache
    def make(name):
        path = folder / f"{name}.onnx"
        arguments = [
            shared / "models/openfield_efficientnet_lite0.pt", "--out", path,
            "--frames", shared / "data/openfield/labeled-data/m4s1", "--count", 8,
            "--size", "320x240", "--json", *more[name],
        ]  # fmt: skip
        done = CliRunner().invoke(
            convert, [*map(str, arguments)], standalone_mode=False
        )
        if done.exception is not None:
            raise done.exception
        return Converted(path, done.return_value, json.loads(done.stdout))

    return make


@pytest.fixture
def shm(monkeypatch):
    """Private shared memory; its path is short, as the names of sockets must be."""
    folder = Path(tempfile.mkdtemp(prefix="sh"))
    monkeypatch.setenv("SPRINGHARE_SHM", str(folder))
    yield folder
    shutil.rmtree(folder)


class Bench:
    """An inference node among rings, without processes: frames in, poses out."""

    def __init__(self, task, shapes, tmp_path, slots, rig, rings):
        self.clock = ManualClock(10_000_000_000)
        self.streams = StreamDirectory.create("bench", tmp_path)
        for camera, shape in shapes.items():
            self.streams.create_ring(
                StreamSpec(
                    name=f"cameras/{camera}",
                    kind="frames",
                    node=camera,
                    payload=PayloadSpec("|u1", shape),
                    rate_hz=100,
                    slots=slots,
                )
            )
        for ring in rings:
            self.streams.create_ring(ring)
        self.cameras = {c: self.streams.writer(f"cameras/{c}") for c in shapes}
        self.task = task
        self.rig = rig
        self.tmp_path = tmp_path
        self.node = self.make_node()

    def begin(self):
        for spec in self.node.open():
            self.streams.create_ring(spec)
        self.node.attach(self.streams)
        self.node.start()

    def make_node(self):
        context = NodeContext(
            name="inference",
            config=self.task["inference"],
            rig=self.rig,
            task=self.task,
            session={},
            session_folder=self.tmp_path,
            clock=self.clock,
        )
        return InferenceNode(context)

    def publish(self, camera, pixels=None, age_ms=5.0):
        """Publish a frame that was exposed `age_ms` ago."""
        writer = self.cameras[camera]
        payload = writer.claim()
        payload[...] = 0
        if pixels is not None:
            payload.reshape(-1)[: len(pixels)] = pixels
        now = self.clock.now()
        return writer.publish(
            Frame(
                host_ns=now - 1_000_000,
                frame_id=1000 + writer.seq,
                device_ns=-1,
                exposure_ns=now - round(age_ms * 1e6),
            )
        )

    def read(self, stream, start=0):
        return self.streams.reader(stream, start).read(10_000)

    def account(self, camera):
        """(published, inferred, skipped, lost)."""
        status = self.node.reads()[f"cameras/{camera}"]
        ring = self.streams.ring(f"cameras/{camera}")
        return ring.head, status.taken, status.skipped, status.lost

    def close(self):
        self.node.close()
        for writer in self.cameras.values():
            writer.close()
        self.streams.remove()


@pytest.fixture
def make_bench(shm, tmp_path):
    """Makes `Bench`es, one after the other: `close` one before the next."""
    made = []

    def make(task, shapes=None, slots=16, rig=None, rings=()):
        bench = Bench(
            task, shapes or {"left": (12, 16)}, tmp_path, slots, rig or {}, rings
        )
        made.append(bench)
        bench.begin()
        return bench

    yield make
    for bench in made:
        bench.close()

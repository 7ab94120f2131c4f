import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from rig.bus.directory import StreamDirectory
from rig.messages import Frame, PayloadSpec, StreamSpec


@pytest.fixture
def streams(memory):
    return StreamDirectory.create("s", Path("/data/session"))


@pytest.fixture
def make_spec():
    """Describe a stream of small frames, whose pixels all hold `seq` modulo 251."""

    def make(**changes):
        fields = {
            "name": "cameras/left",
            "kind": "frames",
            "node": "left",
            "payload": PayloadSpec("<u2", (6, 8)),
            "rate_hz": 100.0,
            "slots": 8,
            "counters": ("failed_grabs", "missing_ids"),
            "attributes": {"units": "counts", "focal_px": [800.0, 800.5], "n": 3},
        }
        return StreamSpec(**(fields | changes))

    return make


@pytest.fixture
def frame():
    def make(k):
        return Frame(host_ns=1000 + k, frame_id=k, device_ns=10 * k, exposure_ns=k)

    return make


@pytest.fixture
def publish(frame):
    """Publish `n` frames that can be told apart."""

    def publish(writer, n=1):
        for _ in range(n):
            k = writer.seq
            writer.append(frame(k), np.full((6, 8), k % 251, np.uint16))

    return publish


@pytest.fixture
def check_batch():
    """Check that a batch's rows and pixels are those that `publish` wrote."""

    def check(batch):
        seqs = batch.rows["seq"]
        np.testing.assert_array_equal(batch.rows["host_ns"], 1000 + seqs)
        np.testing.assert_array_equal(batch.rows["frame_id"], seqs)
        expected = np.broadcast_to((seqs % 251)[:, None, None], batch.payload.shape)
        np.testing.assert_array_equal(batch.payload, expected)
        return seqs.tolist()

    return check


@pytest.fixture
def process():
    """Run Python code in a process of its own; it is gone when the test ends."""
    running = []

    def start(code, *arguments):
        child = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(child)
        return child

    yield start
    for child in running:
        child.kill()
        child.communicate()


@pytest.fixture
def until():
    """Call `step` until it gives something true; fail after a deadline."""

    def until(step, seconds=20.0):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if result := step():
                return result
        return pytest.fail("nothing came in time")

    return until

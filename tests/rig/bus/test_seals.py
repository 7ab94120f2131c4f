from __future__ import annotations

import numpy as np
import pytest

from rig.bus.reader import RingReader
from rig.bus.ring import Ring, RingWriter
from rig.messages import PayloadSpec, payload_digest

LARGE = PayloadSpec("|u1", (256, 256))


@pytest.fixture
def ring(memory, make_spec):
    return Ring.create(memory / "ring", make_spec(payload=LARGE, slots=4))


@pytest.fixture
def pixels():
    return np.random.default_rng(1).integers(0, 256, (20, *LARGE.shape), np.uint8)


def test_a_seal_is_of_the_payload_that_is_there(ring, pixels, frame):
    writer, reader = RingWriter(ring), RingReader(ring)
    for k in range(20):  # five times around
        writer.append(frame(k), pixels[k])
        writer.seal()
        view = reader.peek(4)
        assert view.digests() == [payload_digest(pixels[k])]
        reader.advance(1)


def test_what_is_not_sealed_yet_has_none_though_its_slot_was_sealed_before(
    ring, pixels, frame
):
    writer, reader = RingWriter(ring), RingReader(ring)
    for k in range(4):
        writer.append(frame(k), pixels[k])
        writer.seal()
    reader.read(4)
    writer.append(frame(4), pixels[4])
    assert reader.peek(4).digests() == [None]
    writer.seal()
    assert reader.peek(4).digests() == [payload_digest(pixels[4])]


def test_a_new_writer_that_has_published_nothing_seals_what_is_newest(
    ring, pixels, frame
):
    RingWriter(ring).seal()
    RingWriter(ring).append(frame(0), pixels[0])
    RingWriter(ring).seal()
    assert RingReader(ring, 0).peek(1).digests() == [payload_digest(pixels[0])]


@pytest.mark.parametrize("changes", [{}, {"payload": None, "kind": "events"}])
def test_small_payloads_are_not_sealed(memory, make_spec, frame, changes):
    names = {"name": "events/daq"} if changes else {}
    ring = Ring.create(memory / "ring", make_spec(**changes, **names))
    RingWriter(ring).seal()
    assert RingReader(ring, 0).peek(1).digests() is None


def test_who_publishes_to_the_streams_seals(streams, make_spec, pixels, frame):
    spec = make_spec(payload=LARGE, slots=4)
    streams.create_ring(spec)
    writer, reader = streams.writer(spec.name), streams.reader(spec.name, start=0)
    writer.append(frame(0), pixels[0])
    writer.claim()[...] = pixels[1]
    writer.publish(frame(1))
    assert reader.peek(2).digests() == [payload_digest(p) for p in pixels[:2]]
    writer.close()

from itertools import pairwise

import numpy as np
import pytest
from harp.device.client import HarpFramer
from hypothesis import given
from hypothesis import strategies as st

from rig.devices.harp_frames import Framer, parse_event, payload_layouts
from rig.devices.harp_registers import registers
from rig.sim.twins.harp_core import stamped_message

LAYOUTS = payload_layouts()
EVENTS = [
    register.address
    for register in (
        registers.Emg,
        registers.ForcePlate,
        registers.Edge,
        registers.Acknowledge,
    )
]


@st.composite
def messages(draw):
    address = draw(st.sampled_from(EVENTS))
    size = LAYOUTS[address][1]
    payload = draw(st.binary(min_size=size, max_size=size))
    stamp_us = draw(st.integers(0, 4_000_000_000_000_000))
    return stamped_message(3, address, payload, stamp_us)


@given(frames=st.lists(messages(), max_size=6), cuts=st.lists(st.integers(0, 1000)))
def test_any_chunks_give_the_same_messages(frames, cuts):
    data = b"".join(frames)
    framer = Framer(LAYOUTS)
    places = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    found = [f for a, b in pairwise(places) for f in framer.feed(data[a:b])]
    assert found == frames
    assert framer.bad == 0


@given(frames=st.lists(messages(), max_size=4))
def test_harps_own_framer_agrees(frames):
    found = HarpFramer.parse_bytes(b"".join(frames))
    assert [message.bytes for message in found] == frames
    for message, frame in zip(found, frames, strict=True):
        event = parse_event(frame)
        assert event.payload == bytes(message.payload_bytes)
        assert event.address == message.address
        assert event.stamp_us / 1e6 == pytest.approx(message.timestamp, abs=1e-6)


@given(data=st.data())
def test_one_damaged_byte_costs_one_message_and_is_counted(data):
    generator = np.random.default_rng(data.draw(st.integers(0, 1 << 32)))
    frames = []
    for address in generator.choice(EVENTS, 5):
        payload = generator.bytes(LAYOUTS[address][1])
        frames.append(stamped_message(3, int(address), payload, 1_000_000))
    which = data.draw(st.integers(0, 3))
    place = data.draw(st.integers(0, len(frames[which]) - 1))
    broken = bytearray(frames[which])
    broken[place] ^= data.draw(st.integers(1, 255))
    stream = [*frames[:which], bytes(broken), *frames[which + 1 :]]
    framer = Framer(LAYOUTS)
    found = list(framer.feed(b"".join(stream)))
    assert found == [*frames[:which], *frames[which + 1 :]]
    assert framer.bad == 1


def test_noise_between_messages_is_skipped_and_counted_once_per_place():
    whole = stamped_message(3, registers.Edge.address, bytes(8), 5_000_000)
    framer = Framer(LAYOUTS)
    noise = bytes(range(100, 200))
    assert list(framer.feed(noise + whole + noise + whole + whole)) == [whole] * 3
    assert framer.bad == 2


def test_what_was_damaged_is_known_before_the_next_message_is_out():
    whole = stamped_message(3, registers.Edge.address, bytes(8), 5_000_000)
    framer = Framer(LAYOUTS)
    seen = [framer.bad for _ in framer.feed(whole + b"?" + whole)]
    assert seen == [0, 1]


def test_a_whole_message_of_another_map_is_not_taken():
    strange = stamped_message(3, registers.Edge.address, bytes(12), 5_000_000)
    framer = Framer(LAYOUTS)
    assert list(framer.feed(strange + bytes(300))) == []
    assert framer.bad == 1


def test_a_message_without_a_stamp_is_no_event():
    assert parse_event(registers.EmgPeriod.format(5)) is None

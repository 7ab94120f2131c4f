"""Messages in, rows out: what was sent is what is recorded, and gaps are counted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.config.rig import HarpConfig
from rig.devices.emg import emg_source
from rig.devices.force_plate import force_plate_source
from rig.devices.harp_frames import parse_event
from rig.devices.harp_numbering import Numbering
from rig.devices.harp_plan import plan_board
from rig.devices.harp_registers import registers
from rig.devices.harp_samples import SampleStream
from rig.devices.inputs import EdgeStream, lines_of
from rig.errors import DeviceError
from rig.sim.twins.harp_core import stamped_message
from rig.sim.twins.harp_signals import block_messages

DEVICE_ACTUATOR = {
    "lines": {"laser": {"pin": 1, "max_width_us": 50_000, "max_rate_hz": 40}}
}


@pytest.fixture
def config(harp_device):
    def make(**changes):
        return HarpConfig.model_validate(harp_device(**changes))

    return make


def edge_message(number, line, level, stamp_us):
    word = line | level << 8 | (stamp_us % 32) << 16
    payload = np.array([number % (1 << 32), word], "<u4").tobytes()
    return stamped_message(3, registers.Edge.address, payload, stamp_us)


class TestNumbering:
    @given(
        first=st.integers(0, 1 << 33),
        steps=st.lists(
            st.tuples(st.integers(0, 1000), st.integers(1, 100)), max_size=30
        ),
    )
    def test_what_is_missing_is_what_was_left_out(self, first, steps):
        numbering = Numbering(first)
        at = first
        for gap, count in steps:
            assert numbering.take((at + gap) % (1 << 32), count) == gap
            at += gap + count
            assert numbering.next == at
        assert numbering.missing == sum(gap for gap, _ in steps)

    def test_a_number_that_runs_backwards_is_not_taken(self):
        numbering = Numbering(100)
        assert [numbering.take(5) for _ in range(3)] == [None] * 3
        assert (numbering.backwards, numbering.next, numbering.missing) == (3, 100, 0)
        assert numbering.take(100) == 0
        assert numbering.backwards == 0


class TestSamples:
    @given(data=st.data())
    def test_every_block_that_comes_is_whole_and_every_other_is_counted(self, data):
        count = data.draw(st.integers(1, 30))
        kept = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
        start = data.draw(st.sampled_from([0, (1 << 32) - 50]))
        section = HarpConfig.model_validate(
            {"kind": "harp", "port": "x", "emg": {"channels": ["GL", "TA", "VL"]}}
        )
        source = emg_source("daq", section.emg)
        blocks = np.arange(count)
        stamps_us = 7_000_003 + blocks * 5000
        samples = np.random.default_rng(0).integers(-30000, 30000, (count, 80))
        messages = block_messages(
            source.register, start + 10 * blocks, stamps_us, samples.astype("<i2")
        )
        stream = SampleStream(source)
        stream.numbering.next = start
        found = [
            stream.take(parse_event(message.tobytes()), 123)
            for message, keep in zip(messages, kept, strict=True)
            if keep
        ]
        for block, k in zip(found, np.flatnonzero(kept), strict=True):
            assert block.record.device_sample == start + 10 * k
            assert block.record.device_ns == stamps_us[k] * 1000
            assert block.end_ns == stamps_us[k] * 1000 + 9 * 500_000
            expected = samples[k].reshape(10, 8)[:, :3]
            np.testing.assert_array_equal(block.samples, expected)
        last = np.flatnonzero(kept)[-1] + 1 if any(kept) else 0
        assert stream.numbering.missing == 10 * (last - sum(kept))
        assert sum(block.missing for block in found) == stream.numbering.missing
        assert [b.record.first_sample for b in found] == [
            10 * k for k in range(len(found))
        ]

    def test_harps_own_register_reads_the_same(self, config):
        source = force_plate_source("daq", config().force_plate)
        samples = np.arange(60, dtype="<i2")[None]
        message = block_messages(
            source.register, np.array([70_000]), np.array([5_000_031]), samples
        )[0].tobytes()
        official = registers.ForcePlate.parse(parse_event(message).payload)
        block = SampleStream(source).take(parse_event(message), 1)
        assert official.sample_number == block.record.device_sample == 70_000
        assert official.remainder == 31
        np.testing.assert_array_equal(official.samples.reshape(10, 6), block.samples)

    def test_a_moment_has_a_scale_and_a_unit_of_its_own(self, config):
        spec = plan_board("daq", config()).sources[1].spec(4.0)
        assert spec.attributes["units"] == ["mN"] * 3 + ["mN mm"] * 3
        assert spec.attributes["scale"] == [0.5] * 3 + [50.0] * 3


class TestEdges:
    @given(
        steps=st.lists(
            st.tuples(st.integers(0, 3), st.sampled_from([0, 17, 24]), st.booleans())
        )
    )
    def test_every_edge_has_its_line_level_time_and_number(self, steps):
        section = HarpConfig.model_validate(
            {
                "kind": "harp",
                "port": "x",
                "camera_trigger": {"rate_hz": 100},
                "inputs": {"lines": {"clock": {"pin": 0, "edges": "both"}}},
                "actuator": {
                    "lines": {"laser": {"pin": 1, "max_width_us": 10, "max_rate_hz": 1}}
                },
            }
        )
        names = {0: "clock", 17: "laser", 24: "camera_trigger"}
        stream = EdgeStream(lines_of("daq", section))
        number = 0
        for k, (gap, line, level) in enumerate(steps):
            number += gap
            stamp_us = 1_000_000 + 777 * k
            message = edge_message(number, line, level, stamp_us)
            edge = stream.take(parse_event(message), 9)
            assert edge.missing == gap
            assert edge.record.line == names[line]
            assert edge.record.edge == (1 if level else -1)
            assert edge.record.device_ns == stamp_us * 1000
            assert edge.record.device_seq == number
            number += 1
        assert stream.numbering.missing == sum(gap for gap, _, _ in steps)

    def test_a_line_without_a_name_is_no_edge(self, config):
        stream = EdgeStream(lines_of("daq", config()))
        assert stream.take(parse_event(edge_message(0, 5, True, 1)), 1) is None

    def test_only_the_edges_that_are_named_are_asked_for(self, config):
        lines = {
            "up": {"pin": 2, "edges": "rising"},
            "down": {"pin": 3, "edges": "falling"},
            "both": {"pin": 4, "edges": "both"},
        }
        stream = EdgeStream(lines_of("daq", config(inputs={"lines": lines})))
        rising, falling = (value for _, value in stream.settings)
        laser, trigger = 1 << 17, 1 << 24
        assert rising == 1 << 2 | 1 << 4 | laser | trigger
        assert falling == 1 << 3 | 1 << 4 | laser

    def test_a_pin_that_the_board_does_not_have_is_an_error(self, config):
        changed = config().inputs.lines["frame_clock"].model_copy(update={"pin": 16})
        inputs = config().inputs.model_copy(update={"lines": {"far": changed}})
        with pytest.raises(DeviceError, match="below 16, got 16"):
            lines_of("daq", config().model_copy(update={"inputs": inputs}))


class TestPlan:
    def test_all_that_the_rig_file_asks_for_is_asked_of_the_board(self, config):
        plan = plan_board("daq", config())
        settings = {register.__name__: value for register, value in plan.settings}
        assert settings["EmgPeriod"] == 500_000
        assert settings["ForcePlatePeriod"] == 1_000_000
        assert settings["CameraTriggerPeriod"] == 10_000_000
        assert settings["HostTimeout"] == 1000
        assert settings["KeyLine"] == 255
        assert settings["MaxWidth"].tolist() == [0, 50_000, 0, 0, 0, 0, 0, 0]
        assert settings["MinPeriod"].tolist() == [0, 25_000, 0, 0, 0, 0, 0, 0]
        assert settings["MaxDuty"].tolist() == [0, 500, 0, 0, 0, 0, 0, 0]
        assert plan.flags == 0b1111
        names = [spec.name for spec in plan.specs(4.0)]
        assert names == [
            "signals/daq/emg",
            "signals/daq/force_plate",
            "events/daq",
            "acknowledgements",
            "clocks/daq",
            "losses/daq",
        ]

    def test_the_key_is_the_input_that_the_actuator_names(self, config):
        key = {"pin": 3, "edges": "both"}
        asked = config(
            inputs={"lines": {"frame_clock": {"pin": 0}, "key": key}},
            actuator=DEVICE_ACTUATOR | {"arm_line": "key", "dead_man_ms": 400},
        )
        settings = dict(plan_board("daq", asked).settings)
        assert settings[registers.KeyLine] == 3
        assert settings[registers.HostTimeout] == 400

    def test_a_ring_is_as_deep_as_the_rig_file_says_or_deeper(self, config):
        emg = plan_board("daq", config()).specs(60.0)[0]
        assert emg.rate_hz == 200
        assert emg.slots == 12_000
        assert plan_board("daq", config()).specs(4.0)[0].slots >= 20 * 200
        assert emg.payload.shape == (10, 8)

    def test_a_board_with_one_input_has_no_more_than_that(self, config):
        nothing = dict.fromkeys(["emg", "force_plate", "camera_trigger", "actuator"])
        plan = plan_board("scope", config(**nothing))
        assert plan.flags == registers.StreamFlags.EDGES
        names = [spec.name for spec in plan.specs(4.0)]
        assert names == ["events/scope", "clocks/scope", "losses/scope"]

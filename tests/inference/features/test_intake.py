"""Features of signals in real rings, by a clock that the device's node has mapped."""

import numpy as np
import pytest

from inference.features.intake import FeatureIntake
from rig.bus.directory import StreamDirectory
from rig.config.task import FeatureConfig
from rig.errors import StreamError
from rig.messages import Block, ClockRecord, PayloadSpec, StreamSpec

MS = 1_000_000
AHEAD = 50_000_000_000


@pytest.fixture
def streams(shm, tmp_path):
    directory = StreamDirectory.create("features", tmp_path)
    for name, kind, others in (
        (
            "signals/daq/emg",
            "samples",
            {
                "payload": PayloadSpec("<i2", (10, 2)),
                "rate_hz": 100.0,
                "attributes": {
                    "rate_hz": 1000.0,
                    "units": ["uV", "uV"],
                    "channels": ["GL", "TA"],
                    "scale": [0.5, 0.5],
                },
            },
        ),
        ("clocks/daq", "clocks", {}),
    ):
        directory.create_ring(
            StreamSpec(name=name, kind=kind, node="daq", slots=64, **others)
        )
    yield directory
    directory.remove()


@pytest.fixture
def board(streams):
    """Publishes blocks of ten samples whose value is their number."""
    writer = streams.writer("signals/daq/emg")

    def publish(number, late_ms=3):
        device_ns = number * MS
        samples = np.repeat(np.arange(number, number + 10), 2).reshape(10, 2)
        payload = writer.claim()
        payload[...] = samples
        writer.publish(
            Block(
                host_ns=device_ns + 9 * MS + AHEAD + late_ms * MS,
                first_sample=number,
                count=10,
                device_ns=device_ns,
                device_sample=number,
            )
        )

    yield publish
    writer.close()


LEVEL = FeatureConfig(stream="daq/emg", channels=("TA",), kind="level", window_ms=4)


def test_values_and_their_times(streams, board):
    intake = FeatureIntake({"calf": LEVEL}, streams)
    assert intake.streams == ["signals/daq/emg"]
    assert not intake.listen()
    assert intake.values() == []
    board(0)
    board(10)
    assert intake.listen()
    (heard,) = intake.values()
    assert heard.name == "calf"
    assert heard.number == 19
    assert heard.feature.value == pytest.approx(np.mean([16, 17, 18, 19]) / 2)
    # nobody knows the board's clock yet: the arrival is taken
    assert heard.feature.at_ns == 19 * MS + AHEAD + 3 * MS
    assert not intake.listen()
    assert intake.values() == [heard]
    record = heard.record(123)
    assert (record.feature, record.device_sample, record.host_ns) == ("calf", 19, 123)


def test_time_by_the_boards_clock(streams, board):
    intake = FeatureIntake({"calf": LEVEL}, streams)
    clocks = streams.writer("clocks/daq")
    clocks.append(
        ClockRecord(
            host_ns=AHEAD,
            device_ns=0,
            offset_ns=AHEAD,
            skew_ppb=1e6,  # a microsecond in a millisecond, to be seen
            sd_ns=100,
        )
    )
    board(100)
    assert intake.listen()
    assert intake.values()[0].feature.at_ns == 109 * MS + AHEAD + 109_000
    clocks.close()


def test_after_a_gap_it_cannot_be_told(streams, board):
    intake = FeatureIntake(
        {"calf": LEVEL.model_copy(update={"window_ms": 15})}, streams
    )
    for number, known in ((0, False), (10, True), (40, False), (50, True)):
        board(number)
        intake.listen()
        assert np.isfinite(intake.values()[0].feature.value) == known


def test_a_signal_that_is_not_there(streams):
    config = LEVEL.model_copy(update={"stream": "daq/force_plate"})
    with pytest.raises(StreamError, match="signals/daq/force_plate"):
        FeatureIntake({"weight": config}, streams)

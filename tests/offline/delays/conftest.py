"""Sessions of a rig whose delays are known, in a data root of their own."""

import pytest

from offline.alignment.pipeline import align
from offline.delays.calibration import Calibration, StreamLatency, rig_sha256
from offline.delays.measure import measure
from rig.config.rig import RigConfig
from rig.recording.reader import Recording


@pytest.fixture
def root(tmp_path):
    """A data root."""
    return tmp_path / "data"


@pytest.fixture(scope="session")
def measure_in():
    """Write a scene into a folder, and measure it."""

    def call(scene, folder):
        found = []

        def look(session, placed):
            found.append(measure(session, placed))
            return ()

        with Recording.open(scene.write(folder)) as recording:
            align(recording, look=look)
        return found[0]

    return call


@pytest.fixture
def measured(measure_in, root):
    """Write a scene, and measure it."""
    return lambda scene: measure_in(scene, root / scene.subject / "session")


@pytest.fixture
def calibration(scene):
    """Make a calibration of the scene's rig."""

    def make(recorded_utc, delay_ns=1000.0, streams=("cameras/cam",), **options):
        rig = RigConfig.model_validate(scene().rig)
        latency = StreamLatency(
            delay_ns=delay_ns, sd_ns=10.0, spread_ns=50.0, count=99, method="LED"
        )
        fields = {
            "made_utc": recorded_utc,
            "recorded_utc": recorded_utc,
            "rig": rig.name,
            "rig_sha256": rig_sha256(rig),
            "simulated": False,
            "session_id": "s",
            "streams": dict.fromkeys(streams, latency),
        }
        return Calibration(**{**fields, **options})

    return make

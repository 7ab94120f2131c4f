"""A simulated rig with known delays: recorded, measured, and found to the truth."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from offline.commands.sessions import calibrate_latency

pytestmark = pytest.mark.slow

RIG = {
    "format": "springhare-rig/1",
    "name": "known",
    "segment_seconds": 10,
    "devices": {
        "left": {
            "kind": "basler",
            "serial": "1",
            "width_px": 160,
            "height_px": 120,
            "exposure_us": 4000,
            "trigger": {"mode": "hardware", "source": "daq"},
            "led": {"source": "daq", "line": "sync", "x_px": 140, "y_px": 20},
        },
        "daq": {
            "kind": "harp",
            "port": "/dev/ttyACM0",
            "emg": {
                "channels": ["GL", "TA"],
                "test_pulse": {"line": "sync", "channel": "TA"},
            },
            "force_plate": {"test_pulse": {"line": "sync", "channel": "Fx"}},
            "camera_trigger": {"rate_hz": 47, "dither_us": 100},
            "sync_line": {},
        },
        "scope": {
            "kind": "harp",
            "port": "/dev/ttyACM1",
            "inputs": {
                "lines": {"sync": {"pin": 2, "edges": "both", "sync_source": "daq"}}
            },
        },
    },
    "simulation": {
        "delays_us": {"left": 750, "daq/emg": 1300, "daq/force_plate": 2600}
    },
}
TRUTH_US = {
    "cameras/left": -780,  # its trigger's delay of 30 us is no clock's either
    "events/scope": 0,
    "signals/daq/emg": 1300,
    "signals/daq/force_plate": 2600,
}


@pytest.fixture
def own_memory(monkeypatch):
    """Shared memory of our own; a socket's path in it must be short."""
    folder = Path(f"/dev/shm/sprh-cal-{os.getpid()}-{time.monotonic_ns()}")
    monkeypatch.setenv("SPRINGHARE_SHM", str(folder))
    yield
    shutil.rmtree(folder, ignore_errors=True)


def test_a_simulated_rig_is_calibrated(own_memory, tmp_path):
    rig = tmp_path / "rig.yaml"
    rig.write_text(json.dumps({**RIG, "data_root": str(tmp_path / "unused")}))
    out = tmp_path / "data"
    result = CliRunner().invoke(
        calibrate_latency,
        [f"--rig={rig}", "--simulate", "--seconds=22", f"--out={out}", "--json"],
        standalone_mode=False,
    )
    assert result.exception is None
    assert result.return_value == 0
    found = json.loads(result.stdout)
    assert found["missing"] == {}
    streams = found["calibration"]["streams"]
    assert streams.keys() == TRUTH_US.keys()
    for name, truth_us in TRUTH_US.items():
        error_ns = streams[name]["delay_ns"] - truth_us * 1e3
        assert abs(error_ns) < 4 * streams[name]["sd_ns"] + 100, name
    assert streams["cameras/left"]["sd_ns"] < 60_000
    assert streams["signals/daq/emg"]["sd_ns"] < 5_000
    assert streams["signals/daq/force_plate"]["sd_ns"] < 5_000
    assert found["calibration"]["simulated"]
    assert Path(found["stored"]).parent == out / "calibrations" / "known"
    assert Path(found["picture"]).exists()
    assert not (tmp_path / "unused").exists()

"""The simulated boards: one world, clocks of their own, faults on a script."""

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.config.loading import load_rig
from rig.config.rig import RigConfig
from rig.devices.harp_registers import input_line
from rig.sim.epoch import Epoch
from rig.sim.twins.device_clock import ClockErrors, DeviceClock, seeded_errors
from rig.sim.twins.harp import make_boards
from rig.sim.twins.harp_lines import Exposures, Metronome, Ticks, line_models

SECOND_NS = 1_000_000_000


@pytest.fixture
def harp_rig():
    """A rig of some devices."""

    def make(devices):
        return RigConfig.model_validate(
            {
                "format": "springhare-rig/1",
                "name": "test",
                "data_root": "/data",
                "devices": devices,
            }
        )

    return make


@pytest.fixture
def harp_device():
    """A board that samples and triggers cameras."""

    def make(**changes):
        return {
            "kind": "harp",
            "port": "x",
            "emg": {"channels": ["GL", "TA"]},
            "camera_trigger": {"rate_hz": 100},
        } | changes

    return make


class TestBoards:
    @pytest.mark.slow
    def test_they_end_with_their_parent(self, harp_rig, harp_device, tmp_path):
        (tmp_path / "rig.json").write_text(
            harp_rig({"daq": harp_device()}).model_dump_json()
        )
        code = (
            "import subprocess, sys\n"
            "p = subprocess.Popen([sys.executable, '-m', 'rig.sim.twins.harp',\n"
            "    '--rig', sys.argv[1], '--epoch', sys.argv[2]], stdout=-1)\n"
            "p.stdout.readline()\n"
            "print(p.pid, flush=True)\n"
            "sys.stdin.read()\n"
        )
        parent = subprocess.Popen(
            [sys.executable, "-c", code, tmp_path / "rig.json", tmp_path / "epoch"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
        parent.communicate()
        deadline = time.monotonic() + 10
        while (stat := Path(f"/proc/{pid}/stat")).exists():
            if stat.read_text(encoding="ascii").split()[2] == "Z":
                break
            assert time.monotonic() < deadline

    @pytest.mark.slow
    def test_they_end_quietly_if_nobody_hears_where_they_are(
        self, harp_rig, harp_device, tmp_path
    ):
        """As when the supervisor is killed while it starts them."""
        (tmp_path / "rig.json").write_text(
            harp_rig({"daq": harp_device()}).model_dump_json()
        )
        words = ["--rig", tmp_path / "rig.json", "--epoch", tmp_path / "epoch"]
        heard, said = os.pipe()
        os.close(heard)
        child = subprocess.run(
            [sys.executable, "-m", "rig.sim.twins.harp", *words],
            stdout=said,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
        os.close(said)
        assert (child.returncode, child.stderr) == (0, b"")

    def test_a_board_waits_for_the_world_that_another_one_begins(
        self, harp_rig, harp_device, tmp_path
    ):
        ticking = {"lines": {"frame_clock": {"pin": 0, "rate_hz": 30}}}
        rig = harp_rig(
            {
                "daq": harp_device(),
                "scope": {"kind": "harp", "port": "y", "inputs": ticking},
            }
        )
        epoch = Epoch(tmp_path / "epoch")
        _, (daq, scope) = make_boards(rig, epoch, 1, 0)
        masks = {43: 0xFFFFFFFF, 44: 0, 33: 0}
        scope.core.values.update(masks)
        scope.core._operation = 1
        scope.core._control_streams(4, scope._now_us)
        assert scope.turn(2 * SECOND_NS)[:1] in {b"", b"\x03"}
        assert epoch.began_ns() is None
        epoch.begin(3 * SECOND_NS)
        assert scope.turn(3 * SECOND_NS + 1) is not None
        edges = [scope.turn(3 * SECOND_NS + k * 10_000_000) for k in range(1, 101)]
        assert sum(part.count(b"\x03\x12\x3a\xff") for part in edges) in {30, 31}
        assert daq.turn(3 * SECOND_NS) == b""


class TestLines:
    @given(
        cuts=st.lists(st.integers(0, 500_000_000), min_size=1, max_size=6),
        missed=st.sets(st.integers(0, 50), max_size=4),
        extra=st.sets(st.integers(0, 50), max_size=4),
    )
    def test_beats_do_not_depend_on_how_they_are_asked_for(self, cuts, missed, extra):
        metronome = Metronome(1000, 1e9 / 120, 100, missed, extra)
        end_ns = 500_000_000
        places = sorted({0, end_ns, *cuts})
        parts = [beat for a, b in pairwise(places) for beat in metronome.beats(a, b)]
        assert parts == metronome.beats(0, end_ns)
        assert len(parts) == 60 - len(missed) + len(extra)

    def test_a_line_is_known_by_its_name(self, harp_rig, harp_device):
        inputs = {
            "exposure_left": {"pin": 0, "edges": "both"},
            "frame_clock": {"pin": 1, "edges": "rising"},
            "start": {"pin": 2, "edges": "both"},
            "toggling": {"pin": 3, "edges": "both", "rate_hz": 20},
        }
        camera = {"kind": "basler", "serial": "1", "width_px": 640, "height_px": 480}
        trigger = {"mode": "hardware", "source": "daq"}
        rig = harp_rig(
            {
                "daq": harp_device(inputs={"lines": inputs}),
                "left": camera | {"trigger": trigger, "exposure_us": 1500},
            }
        )
        own = Metronome(0, 1e7, 0)
        exposure, clock, start, toggling = line_models(rig, "daq", 0, 1.0, own)
        assert isinstance(exposure, Exposures)
        assert exposure.metronome is own
        rise, fall = exposure.changes(0, 10_000_000)
        assert fall.host_ns - rise.host_ns == 1_500_000
        assert isinstance(clock, Ticks)
        assert sum(c.level for c in clock.changes(0, SECOND_NS)) == 30
        assert [c.level for c in start.changes(0, SECOND_NS)] == [True]
        ticks = toggling.changes(0, SECOND_NS)
        assert [c.level for c in ticks] == [True, False] * 10
        assert {c.line for c in ticks} == {input_line(3)}


class TestDeviceClock:
    @given(
        ppm=st.floats(-200, 200),
        wander=st.floats(0, 1),
        at_s=st.lists(st.floats(0, 5000), min_size=1, max_size=5),
    )
    def test_there_and_back(self, ppm, wander, at_s):
        clock = DeviceClock(10**15, ClockErrors(7, ppm, 3.0, 100.0, wander), seed=5)
        host_ns = 1e15 + np.round(np.array(at_s) * 1e9)
        device_us = clock.device_us(host_ns)
        np.testing.assert_allclose(clock.host_ns(device_us), host_ns, rtol=0, atol=2)
        for one, us in zip(host_ns, device_us, strict=True):
            assert abs(clock.now_us(int(one)) - us) <= 1
            due_ns = clock.due_ns(int(us) + 100, int(one))
            if int(one) // SECOND_NS == due_ns // SECOND_NS:
                assert clock.now_us(due_ns) in {int(us) + 100, int(us) + 101}

    def test_its_errors_are_what_was_asked_for(self):
        clock = DeviceClock(0, ClockErrors(offset_us=5, ppm=20.0, warm_up_ppm=10.0))
        hour_ns = 3600 * SECOND_NS
        fast_us = float(clock.device_us(hour_ns)) - hour_ns / 1000 - 5
        assert fast_us == pytest.approx(20e-6 * 3.6e9 + 10e-6 * 120e6, rel=0.01)

    def test_a_seed_decides_it(self):
        assert seeded_errors(1, 0) == seeded_errors(1, 0)
        assert seeded_errors(1, 0) != seeded_errors(1, 1)
        one, same, other = (
            DeviceClock(0, ClockErrors(wander_ppm=1.0), seed) for seed in (3, 3, 4)
        )
        at = np.array([1e12])
        assert one.device_us(at) == same.device_us(at) != other.device_us(at)


def test_every_example_rig_has_its_boards_simulated(tmp_path):
    folder = Path(__file__).parents[3] / "configs" / "rig"
    for path in sorted(folder.glob("*.yaml")):
        rig = load_rig(path)
        _, boards = make_boards(rig, Epoch(tmp_path / path.stem), 1, 0)
        assert [board.name for board in boards] == list(rig.harp_devices)

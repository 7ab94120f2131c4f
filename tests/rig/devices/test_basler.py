"""Basler's node on a camera in memory, and on the emulator where it goes wrong."""

import os
import subprocess
import sys

import numpy as np
import pytest

from rig.devices.basler import BaslerCamera
from rig.devices.camera_driver import CameraGoneError, CameraInfo, Grab, IdRule
from rig.errors import BusyError, DeviceError
from rig.sim.pictures import tiff_of

FILLED = 7


class FakeCamera:
    """Hands out what a test has laid into it; a string is an error."""

    def __init__(self, clock, ids=None, stamp="none"):
        self.info = CameraInfo("fake", "1", ids or IdRule(), 1_000_000, stamp)
        self.grabs = []
        self.clock = clock
        self.away = False
        self.calls = []
        self.answer = None
        self.deaf = False

    def connect(self, config, rate_hz, clock):
        if self.away:
            raise DeviceError("no such camera")
        self.calls.append("connect")
        return self

    def start(self):
        self.calls.append("start")

    def file_descriptor(self):
        return None

    def due_ns(self):
        return self.clock.now() if self.grabs else None

    def retrieve(self, claim):
        if not self.grabs:
            return None
        grab = self.grabs.pop(0)
        if isinstance(grab, str):
            raise CameraGoneError(grab)
        if not grab.error:
            claim()[...] = FILLED
        return grab

    def ready(self):
        return not self.deaf

    def trigger(self, trigger):
        self.calls.append(trigger.seq)

    def latch(self):
        return self.answer

    def removed(self):
        return self.away

    def stop(self):
        self.calls.append("stop")

    def close(self):
        self.calls.append("close")


@pytest.fixture
def fake(camera_bench):
    """Make a node with a camera in memory: (mode, **fake) -> node, camera."""

    def make(mode="free_running", config=None, **options):
        camera = FakeCamera(camera_bench.clock, **options)
        wanted = camera_bench.config(mode, **(config or {}))
        context = camera_bench.context(wanted)
        node = BaslerCamera(context, camera.connect)
        camera_bench.bring_up(node)
        return node, camera

    return make


@pytest.fixture
def grab(camera_bench):
    def make(block_id, device_ns=-1, after_ns=0, **fields):
        arrival_ns = camera_bench.clock.now() + after_ns
        return Grab(block_id, device_ns, arrival_ns, **fields)

    return make


class TestBooks:
    def test_a_wrapped_frame_number_is_no_loss(self, camera_bench, fake, grab):
        node, camera = fake(ids=IdRule(first=1, last=65535))
        camera.grabs = [grab(k) for k in (1, 2, 30000, 60000, 65534, 65535, 1, 3)]
        camera_bench.run(node, lambda: not camera.grabs)
        ids = camera_bench.frames().rows["frame_id"].tolist()
        assert ids == [1, 2, 30000, 60000, 65534, 65535, 65536, 65538]
        node.stop()
        missing = 29997 + 29999 + 5533 + 1
        assert camera_bench.counted() == {"missing_ids": missing}
        losses = camera_bench.losses()
        assert losses[0][:3] == (b"transport", 3, 29997)
        assert sum(loss[2] for loss in losses) == missing

    def test_an_invalid_number_and_skipped_images(self, camera_bench, fake, grab):
        node, camera = fake()
        camera.grabs = [grab(0), grab(-1), grab(2, skipped=4)]
        camera_bench.run(node, lambda: not camera.grabs)
        assert camera_bench.frames().rows["frame_id"].tolist() == [0, 1, 2]
        assert camera_bench.counted() == {"skipped_images": 4}
        assert camera_bench.losses() == [(b"transport", 2, 4, b"skipped by the driver")]

    def test_each_cause_of_a_failed_grab_is_told(self, camera_bench, fake, grab):
        node, camera = fake()
        errors = ["incomplete", "underrun", "incomplete"]
        camera.grabs = [grab(k, error=error) for k, error in enumerate(errors)]
        camera.grabs.append(grab(3))
        camera_bench.run(node, lambda: not camera.grabs)
        node.stop()
        assert camera_bench.counted() == {"failed_grabs": 3}
        assert camera_bench.losses() == [
            (b"transport", 0, 1, b"failed grab: incomplete"),
            (b"transport", 1, 1, b"failed grab: underrun"),
            (b"transport", 2, 1, b"failed grab: incomplete"),
        ]
        assert camera_bench.frames().rows["frame_id"].tolist() == [3]
        assert np.all(camera_bench.frames().payload == FILLED)

    def test_the_clock_is_a_stream(self, camera_bench, fake, grab):
        node, camera = fake(stamp="exposure_start")
        now_ns = camera_bench.clock.now()
        camera.answer = (1_000_000, now_ns, now_ns + 10_000)
        camera.grabs = [grab(0, device_ns=500_000)]
        camera_bench.run(node, lambda: not camera.grabs)
        node.stop()
        rows = camera_bench.rows("clocks/left")
        assert len(rows) >= 1
        assert abs(rows["offset_ns"][-1] - (now_ns - 1_000_000)) < 20_000_000


class TestTriggers:
    def test_a_trigger_waits_for_the_camera(self, camera_bench, fake, grab):
        node, camera = fake("software")
        camera.deaf = True
        camera_bench.trigger(1).join()
        for _ in range(5):
            node.step()
        assert 0 not in camera.calls
        camera.deaf = False
        camera_bench.run(node, lambda: 0 in camera.calls)
        camera.grabs = [grab(0)]
        camera_bench.run(node, lambda: camera_bench.head() == 1)
        assert camera_bench.frames().rows["trigger_seq"].tolist() == [0]

    @pytest.mark.slow
    def test_a_trigger_that_cannot_be_sent_in_time_is_ignored(self, camera_bench, fake):
        node, camera = fake("software")
        camera.deaf = True
        camera_bench.trigger(3).join()
        camera_bench.run(node, lambda: camera_bench.accounted() == 3)
        node.stop()
        assert camera_bench.counted() == {"triggers_seen": 3, "triggers_ignored": 3}
        losses = camera_bench.losses()
        assert losses[0][:2] == (b"device", 0)
        assert {loss[3] for loss in losses} == {
            b"the camera was busy for too long: lower rate or exposure"
        }

    def test_a_trigger_that_the_camera_swallowed_is_ignored(
        self, camera_bench, fake, grab
    ):
        node, camera = fake("software", stamp="exposure_start")
        now_ns = camera_bench.clock.now()
        camera.answer = (now_ns, now_ns, now_ns)
        camera_bench.trigger(2).join()
        camera_bench.run(node, lambda: 1 in camera.calls)
        exposed_ns = camera_bench.clock.now()
        camera.grabs = [grab(0, device_ns=exposed_ns, after_ns=2_000_000)]
        camera_bench.run(node, lambda: camera_bench.head() == 1)
        assert camera_bench.frames().rows["trigger_seq"].tolist() == [1]
        node.stop()
        assert camera_bench.accounted() == 2
        causes = [loss[3] for loss in camera_bench.losses()]
        assert causes == [b"no frame came: the camera did not hear the trigger"]

    @pytest.mark.slow
    def test_triggers_without_frames_are_told_at_the_end(self, camera_bench, fake):
        node, camera = fake("hardware")
        camera_bench.trigger(4).join()
        node.step()
        node.stop()
        assert camera.calls[-1] == "stop"
        assert camera_bench.counted() == {"triggers_seen": 4, "triggers_ignored": 4}
        assert sum(loss[2] for loss in camera_bench.losses()) == 4


class TestUnplugged:
    def test_a_camera_that_comes_back_goes_on(self, camera_bench, fake, grab):
        node, camera = fake()
        camera.grabs = [grab(0), grab(1), "cable out"]
        camera_bench.run(node, lambda: camera_bench.counted().get("disconnections"))
        assert camera.calls == ["connect", "start", "close"]
        camera_bench.run(node, lambda: camera.calls[-1] == "start")
        camera.grabs = [grab(0), grab(1)]
        camera_bench.run(node, lambda: camera_bench.head() == 4)
        ids = camera_bench.frames().rows["frame_id"]
        missing = camera_bench.counted().get("missing_ids", 0)
        assert (ids[2] - ids[1] - 1, ids[3] - ids[2]) == (missing, 1)
        assert node.metrics()["plugged_in"] == 1.0

    def test_a_camera_that_stays_away_ends_the_node(self, camera_bench, fake, grab):
        node, camera = fake(config={"reconnect_s": 0.3})
        camera.grabs = [grab(0)]
        camera_bench.run(node, lambda: not camera.grabs)
        camera.away = True
        camera.grabs = ["cable out"]
        with pytest.raises(
            DeviceError, match=r"to be back within 0\.3 s, got: no such"
        ):
            camera_bench.run(node, lambda: False)
        node.close()
        counted = camera_bench.counted()
        assert counted["missing_ids"] >= 0.3 * 100 - 2
        assert camera_bench.losses()[0][2] == counted["missing_ids"]
        assert node.metrics()["plugged_in"] == 0.0

    @pytest.mark.slow
    def test_a_removal_without_an_error_is_noticed(self, camera_bench, fake):
        node, camera = fake()
        camera.away = True
        camera_bench.run(node, lambda: camera_bench.counted().get("disconnections"))


class TestEmulatorRefuses:
    def open(self, camera_bench, **changes):
        node = BaslerCamera(camera_bench.context(camera_bench.config(**changes)))
        try:
            return node.open()
        finally:
            node.close()

    def test_a_camera_that_is_not_there(self, camera_bench):
        there = "0815-0000, 0815-0001, 0815-0002, 0815-0003"
        with pytest.raises(DeviceError, match=f"number 24001234, got {there}"):
            self.open(camera_bench, serial="24001234", emulator=None)

    def test_a_number_that_no_emulator_has(self, camera_bench):
        with pytest.raises(DeviceError, match="0815-0000 to 0815-0255, got '42'"):
            self.open(camera_bench, serial="42")

    def test_two_that_want_the_same_camera(self, camera_bench):
        node = BaslerCamera(camera_bench.context(camera_bench.config()))
        node.open()
        with pytest.raises(BusyError, match=f"held by process {os.getpid()}"):
            self.open(camera_bench)
        node.close()
        self.open(camera_bench)

    def test_all_settings_that_do_not_fit_at_once(self, camera_bench):
        with pytest.raises(DeviceError) as caught:
            self.open(
                camera_bench, width_px=5000, output_line="Line9", gain_db=99, rate_hz=1
            )
        text = str(caught.value)
        assert "Width: expected 5000, got" in text
        assert "LineSelector: expected Line9, got" in text
        assert "Gain: expected 99.0, got" in text
        assert "set width_px to what the model" in text

    def test_a_line_that_is_none(self, camera_bench):
        trigger = {"mode": "hardware", "source": "daq", "line": "Line8"}
        with pytest.raises(DeviceError, match="TriggerSource: expected Line8"):
            self.open(camera_bench, trigger=trigger)

    def test_settings_that_are_no_file(self, camera_bench, tmp_path):
        with pytest.raises(DeviceError, match="got no file: mend pfs_file"):
            self.open(camera_bench, pfs_file=str(tmp_path / "none.pfs"))

    def test_pictures_that_are_not_there(self, camera_bench, tmp_path):
        with pytest.raises(DeviceError, match="Expected a folder of pictures"):
            self.open(camera_bench, emulator={"pictures": str(tmp_path / "none")})

    def test_pictures_of_another_size(self, camera_bench, tmp_path):
        picture = np.zeros((20, 30), np.uint8)
        (tmp_path / "0.tiff").write_bytes(tiff_of(picture))
        emulator = {"pictures": str(tmp_path)}
        config = camera_bench.config("free_running", emulator=emulator)
        node = BaslerCamera(camera_bench.context(config))
        camera_bench.bring_up(node)
        wanted = r"images of \(48, 64\) uint8, got \(20, 30\) uint8"
        with pytest.raises(DeviceError, match=wanted):
            camera_bench.run(node, lambda: False)


class TestEmulatorTakes:
    @pytest.mark.parametrize(
        ("pixel_format", "dtype", "shape"),
        [
            ("Mono8", np.uint8, (40, 32)),
            ("Mono12", np.uint16, (40, 32)),
            ("RGB8", np.uint8, (40, 32, 3)),
        ],
    )
    def test_a_region_and_a_pixel_format(
        self, camera_bench, pixel_format, dtype, shape
    ):
        region = {"width_px": 32, "height_px": 40, "offset_x_px": 8, "offset_y_px": 4}
        config = camera_bench.config("free_running", pixel_format=pixel_format)
        node = BaslerCamera(camera_bench.context(config | region))
        camera_bench.bring_up(node)
        camera_bench.run(node, lambda: camera_bench.head() >= 2)
        payload = camera_bench.frames().payload
        assert (payload.dtype, payload.shape[1:]) == (dtype, shape)

    def test_a_region_of_a_picture(self, camera_bench, coded_pictures):
        folder, pictures = coded_pictures
        region = {"width_px": 32, "height_px": 40, "offset_x_px": 8, "offset_y_px": 4}
        config = camera_bench.config("free_running", emulator={"pictures": str(folder)})
        node = BaslerCamera(camera_bench.context(config | region))
        camera_bench.bring_up(node)
        camera_bench.run(node, lambda: camera_bench.head() >= 3)
        seen = camera_bench.frames().payload[:3]
        assert np.array_equal(seen, pictures[:3, 4:44, 8:40])

    def test_an_edge_and_an_output_line(self, camera_bench):
        trigger = {"mode": "hardware", "source": "daq", "edge": "falling"}
        config = camera_bench.config(trigger=trigger, output_line="Line2")
        node = BaslerCamera(camera_bench.context(config))
        spec, *_ = node.open()
        features = node._driver._features
        features.set("LineSelector", "Line2")
        wanted = {
            "TriggerSelector": "FrameStart",
            "TriggerMode": "On",
            "TriggerSource": "Line1",
            "TriggerActivation": "FallingEdge",
            "LineMode": "Output",
            "LineSource": "ExposureActive",
            "ExposureTimeAbs": 1000.0,
            "AcquisitionFrameRateEnable": False,
        }
        assert {name: features.get(name) for name in wanted} == wanted
        assert spec.attributes["serial"] == "0815-0000"
        assert spec.rate_hz == 100.0
        node.close()

    def test_saved_settings_first_and_the_rig_file_after(self, camera_bench, tmp_path):
        from pypylon import pylon

        path = tmp_path / "camera.pfs"
        node = BaslerCamera(camera_bench.context(camera_bench.config(gain_db=3)))
        node.open()
        camera = node._driver._camera
        camera.Gamma.Value = 0.5
        pylon.FeaturePersistence.Save(str(path), camera.GetNodeMap())
        node.close()
        config = camera_bench.config(pfs_file=str(path), gain_db=6)
        node = BaslerCamera(camera_bench.context(config))
        node.open()
        features = node._driver._features
        assert features.get("Gamma") == pytest.approx(0.5, abs=1e-3)
        assert features.get("Gain") == pytest.approx(6, abs=0.1)
        node.close()


def test_the_node_does_not_load_the_driver_before_it_is_opened():
    code = "import sys, rig.devices.basler; sys.exit('pypylon' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

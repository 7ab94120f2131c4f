"""A simulated camera's LED follows the line, and the truth tells when frames were."""

from dataclasses import replace

import numpy as np
import pytest

from rig.config.rig import RigConfig
from rig.errors import DeviceError
from rig.sim.epoch import Epoch
from rig.sim.led import LIGHT
from rig.sim.twins.camera import CameraTwin
from rig.sim.twins.camera_truth import gather_frames, invite_frames
from rig.sim.twins.harp_truth import HarpTruth
from rig.sim.twins.line_log import LineLog, line_path

PERIOD_NS, EXPOSURE_NS, DELAY_NS = 10_000_000, 1_000_000, 30_000
LED = {"source": "daq", "line": "sync", "x_px": 52, "y_px": 34, "radius_px": 3}
BOX = np.s_[26:43, 44:61]
"""All that the LED may touch."""


@pytest.fixture
def bench(camera_bench, tmp_path):
    """A bench whose board has a sync line, and whose truth is asked for."""

    class Bench:
        path = camera_bench.epoch_path
        truth = tmp_path / "truth.json"
        line = LineLog(line_path(path, "daq", "sync"))
        wait = staticmethod(camera_bench.wait)

        def context(self, mode="hardware", simulation=None, **config):
            wanted = camera_bench.config(mode, led=LED, **config)
            context = camera_bench.context(wanted, faults=config.pop("faults", []))
            daq = {
                "kind": "harp",
                "port": "x",
                "sync_line": {},
                "camera_trigger": {"rate_hz": 100},
            }
            rig = dict(context.rig) | {"simulation": simulation or {}}
            rig["devices"] = {"left": wanted, "daq": daq}
            self.rig = RigConfig.model_validate(rig)
            return replace(context, rig=rig)

        def start(self, context):
            invite_frames(self.path, self.truth)
            node = CameraTwin(context)
            camera_bench.bring_up(node)
            return node

        def frames(self):
            cameras = gather_frames(self.rig, self.truth)
            truth = HarpTruth(Epoch(self.path).began_ns(), 1.0, {}, cameras)
            truth.write(self.truth)
            return HarpTruth.read(self.truth)

    return Bench()


def began_ns(bench):
    return Epoch(bench.path).began_ns()


def light(payload):
    """Return by how much the LED's middle is brighter than its housing, of `LIGHT`."""
    return (payload[:, 33:36, 51:54].mean(axis=(1, 2)) - 30.0) / LIGHT


def shine(bench, changes):
    """Change the line at places of the trigger's grid, in periods."""
    bench.wait(lambda: began_ns(bench) is not None)
    first_ns = began_ns(bench) + DELAY_NS
    bench.line.change(
        (first_ns + round(place * PERIOD_NS), level) for place, level in changes
    )


@pytest.mark.parametrize("delay_us", [0, 250])
def test_a_picture_shows_how_long_the_line_was_high(bench, camera_bench, delay_us):
    node = bench.start(bench.context(simulation={"delays_us": {"left": delay_us}}))
    camera_bench.trigger(30)
    # an exposure is a tenth of a period: half of 5, all of 6 and 7, 30 % of 12
    shine(bench, [(5.05, True), (7.5, False), (11.5, True), (12.03, False)])
    camera_bench.run(node, lambda: camera_bench.head() == 30)
    node.stop()
    off = delay_us / 1000  # of an exposure
    wanted = np.zeros(30)
    wanted[[5, 6, 7, 12]] = 0.5 + off, 1.0, 1.0, 0.3 - off
    batch = camera_bench.frames()
    np.testing.assert_allclose(light(batch.payload), wanted.clip(0), atol=0.03)
    truth = bench.frames()
    assert truth.cameras["left"]["delay_us"] == delay_us
    frames = truth.frames("left")
    np.testing.assert_allclose(frames["led_ppm"], wanted.clip(0) * 1e6, atol=1)
    rows = batch.rows
    for column, told in (("frame_id", "frame_id"), ("device_ns", "device_ns")):
        assert np.array_equal(rows[column], frames[told])
    assert np.array_equal(rows["host_ns"], frames["arrival_ns"])
    middle_ns = truth.frame_middle_ns("left", rows["host_ns"])
    first_ns = began_ns(bench) + DELAY_NS + EXPOSURE_NS // 2 + 1000 * delay_us
    assert np.array_equal(middle_ns, first_ns + np.arange(30) * PERIOD_NS)
    assert np.all(rows["host_ns"] > middle_ns + EXPOSURE_NS // 2)
    assert np.array_equal(frames["middle_ns"], middle_ns)
    with pytest.raises(KeyError):
        truth.frame_middle_ns("left", rows["host_ns"] + 1)


def test_the_host_triggers_and_the_light_is_still_right(bench, camera_bench):
    node = bench.start(bench.context("software"))
    camera_bench.trigger(30)
    shine(bench, [(4.0, True), (22.2, False)])
    camera_bench.run(node, lambda: camera_bench.head() == 30)
    node.stop()
    truth = bench.frames()
    frames = truth.frames("left")
    begin_ns = frames["middle_ns"] - EXPOSURE_NS // 2
    line_ns = np.array([4.0, 22.2]) * PERIOD_NS + began_ns(bench) + DELAY_NS
    overlap = np.clip(begin_ns + EXPOSURE_NS, *line_ns) - np.clip(begin_ns, *line_ns)
    np.testing.assert_allclose(frames["led_ppm"], overlap, atol=1)
    seen = light(camera_bench.frames().payload)
    np.testing.assert_allclose(seen, overlap / 1e6, atol=0.03)
    assert overlap.sum() > 1e6


@pytest.mark.parametrize(
    ("pixel_format", "factor"), [("Mono12", 16), ("RGB8", np.ones(3, np.uint8))]
)
def test_other_pixels(bench, camera_bench, pixel_format, factor):
    node = bench.start(bench.context(pixel_format=pixel_format))
    camera_bench.trigger(4)
    shine(bench, [(2.0, True)])
    camera_bench.run(node, lambda: camera_bench.head() == 4)
    payload = camera_bench.frames().payload
    pixels = (payload / factor).reshape(4, 48, 64, -1)
    np.testing.assert_allclose(light(pixels[..., -1]), [0, 0, 1, 1], atol=0.03)


def test_frames_that_never_came_are_told_too(bench, camera_bench):
    context = bench.context()
    faults = [
        {"device": "left", "fault": "lost_frame", "at_s": 0.1, "count": 2},
        {"device": "left", "fault": "failed_grab", "at_s": 0.2, "count": 1},
    ]
    session = dict(context.session) | {"faults": faults}
    node = bench.start(replace(context, session=session))
    train = camera_bench.trigger(40)
    camera_bench.run(node, lambda: camera_bench.head() == 37)
    train.join()
    node.stop()
    frames = bench.frames().frames("left")
    assert frames["frame_id"].tolist() == list(range(40))
    gone = frames["arrival_ns"] < 0
    assert gone.sum() == 3
    recorded = camera_bench.frames().rows["frame_id"]
    assert np.array_equal(frames["frame_id"][~gone], recorded)
    assert np.all(np.diff(frames["middle_ns"]) == PERIOD_NS)


def test_nobody_asks_for_the_truth(bench, camera_bench, tmp_path):
    node = CameraTwin(bench.context())
    camera_bench.bring_up(node)
    camera_bench.trigger(3)
    camera_bench.run(node, lambda: camera_bench.head() == 3)
    assert list(tmp_path.iterdir()) == []
    assert gather_frames(bench.rig, bench.truth) == {}


def test_an_led_over_the_number_is_refused(bench):
    context = bench.context()
    rig = dict(context.rig)
    led = LED | {"x_px": 10, "y_px": 10}
    rig["devices"] = rig["devices"] | {"left": rig["devices"]["left"] | {"led": led}}
    with pytest.raises(DeviceError, match="away from the pictures' numbers"):
        CameraTwin(replace(context, rig=rig))


class TestEmulator:
    """Basler's own emulator plays pictures; the light is let in afterwards."""

    @pytest.fixture
    def context(self, bench, coded_pictures):
        return bench.context("software", emulator={"pictures": str(coded_pictures[0])})

    @pytest.mark.parametrize("delay_us", [0, 250])
    def test_the_light_is_where_the_exposure_was(
        self, bench, camera_bench, coded_pictures, context, delay_us
    ):
        delays = {"delays_us": {"left": delay_us}}
        node = bench.start(
            replace(context, rig=dict(context.rig) | {"simulation": delays})
        )
        camera_bench.trigger(30)
        shine(bench, [(4.0, True), (20.2, False), (23.6, True), (24.2, False)])
        camera_bench.run(node, lambda: camera_bench.head() == 30)
        node.stop()
        batch, truth = camera_bench.frames(), bench.frames()
        frames = truth.frames("left")
        # the emulator stamps the end, on the host's clock
        end_ns = batch.rows["device_ns"] + 1000 * delay_us
        middle_ns = truth.frame_middle_ns("left", batch.rows["host_ns"])
        assert np.array_equal(middle_ns, end_ns - EXPOSURE_NS // 2)
        line_ns = np.array([4.0, 20.2, 23.6, 24.2]) * PERIOD_NS
        line_ns += began_ns(bench) + DELAY_NS
        overlap = sum(
            np.clip(end_ns, *span) - np.clip(end_ns - EXPOSURE_NS, *span)
            for span in (line_ns[:2], line_ns[2:])
        )
        np.testing.assert_allclose(frames["led_ppm"], overlap, atol=1)
        np.testing.assert_allclose(light(batch.payload), overlap / 1e6, atol=0.04)
        assert overlap.sum() > 1e6
        wanted = coded_pictures[1][np.arange(30) % 9]
        seen = batch.payload.copy()
        seen[:, *BOX] = wanted[:, *BOX]
        assert np.array_equal(seen, wanted)

    def test_a_failed_grab_is_told(self, bench, camera_bench, context):
        node = bench.start(context)
        camera_bench.trigger(20)
        features = node._node._driver._driver._features
        features.set("ForceFailedBufferCount", 2)
        features.execute("ForceFailedBuffer")
        camera_bench.run(node, lambda: camera_bench.head() == 18)
        node.stop()
        assert (bench.frames().frames("left")["arrival_ns"] < 0).sum() == 2

    @pytest.mark.slow
    def test_it_is_the_real_drivers_in_all_else(self, bench, camera_bench, context):
        node = bench.start(context)
        train = camera_bench.trigger(100)
        camera_bench.run(node, lambda: camera_bench.head() >= 10)
        node._node._driver._driver._features.execute("FirePnPCallback")
        camera_bench.run(node, lambda: camera_bench.counted().get("disconnections"))
        before = camera_bench.head()
        camera_bench.run(node, lambda: camera_bench.head() >= before + 10)
        train.end()
        assert "overruns" not in node.metrics()
        assert node.reads()["events/daq"].taken > 0
        node.stop()
        frames = bench.frames().frames("left")
        rows = camera_bench.frames().rows
        assert np.array_equal(frames["arrival_ns"], rows["host_ns"])
        assert not np.array_equal(frames["frame_id"], rows["frame_id"])

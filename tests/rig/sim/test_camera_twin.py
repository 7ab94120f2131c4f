"""The camera's double: the right picture at the right time, and every fault told."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.config.rig import RigConfig
from rig.errors import DeviceError
from rig.sim.cameras import camera_of
from rig.sim.epoch import Epoch
from rig.sim.picture_code import burn_code, read_code
from rig.sim.render import Renderer
from rig.sim.twins.camera import CameraTwin
from rig.sim.twins.camera_faults import CameraFaults
from rig.sim.twins.camera_wire import TriggerGrid
from rig.sim.world import World

SEED = 3
DELAY_NS, HALF_NS = 30_000, 500_000
PERIOD_NS = 10_000_000


@pytest.fixture
def running(camera_bench):
    """Run a twin: (mode, faults, session, **config) -> node."""

    def run(mode="hardware", faults=(), session=None, rate_hz=100.0, **config):
        script = [{"device": camera_bench.name, **fault} for fault in faults]
        wanted = camera_bench.config(mode, rate_hz=rate_hz, **config)
        context = camera_bench.context(
            wanted, rate_hz, faults=script, **(session or {})
        )
        node = CameraTwin(context)
        camera_bench.bring_up(node)
        return node

    return run


@pytest.fixture
def drawn(camera_bench):
    """Draw what the twin should show: (number, world time) -> picture."""

    def draw(number, world_s, exposure_s=0.001):
        rig = RigConfig.model_validate(
            dict(camera_bench.context(camera_bench.config()).rig)
        )
        world = World(SEED, rig.simulation.story, rig.simulation.period_s)
        camera = camera_of(rig, camera_bench.name)
        renderer = Renderer(world, camera, seed=SEED, exposure_s=exposure_s)
        image = renderer.render(world_s, number)
        burn_code(image, number)
        return image

    return draw


def began_ns(camera_bench):
    began = Epoch(camera_bench.epoch_path).began_ns()
    assert began is not None
    return began


@pytest.mark.parametrize("mode", ["hardware", "software"])
def test_each_picture_shows_the_world_at_its_trigger(
    camera_bench, running, drawn, mode
):
    node = running(mode)
    camera_bench.trigger(30)
    camera_bench.run(node, lambda: camera_bench.head() == 30)
    payload = camera_bench.frames().payload
    for n in (0, 7, 29):
        assert np.array_equal(payload[n], drawn(n, n / 100 + 0.0005))
    assert [read_code(picture) for picture in payload] == list(range(30))


def test_exposures_are_mapped_through_a_clock_that_is_wrong(camera_bench, running):
    node = running()
    camera_bench.trigger(50, extra_line=True)
    camera_bench.run(node, lambda: camera_bench.head() == 50)
    node.stop()
    rows = camera_bench.frames().rows
    true_ns = began_ns(camera_bench) + np.arange(50) * PERIOD_NS + DELAY_NS + HALF_NS
    errors_ns = np.abs(rows["exposure_ns"] - true_ns)
    # a busy host delays arrivals, and with them the map: never by a frame's length
    assert np.median(errors_ns) < 100_000
    assert errors_ns.max() < PERIOD_NS
    assert np.abs(rows["device_ns"] - true_ns).min() > 10**9
    assert rows["trigger_seq"].tolist() == list(range(0, 150, 3))
    assert np.all(rows["host_ns"] > true_ns + HALF_NS)
    assert len(camera_bench.rows("clocks/left")) >= 1
    assert camera_bench.counted() == {"triggers_seen": 50}


def test_a_trigger_that_its_source_left_out_is_left_out(camera_bench, running, drawn):
    node = running()
    camera_bench.trigger(20, skip=(4, 5, 11))
    camera_bench.run(node, lambda: camera_bench.head() == 17)
    payload = camera_bench.frames().payload
    numbers = [n for n in range(20) if n not in {4, 5, 11}]
    assert [read_code(picture) for picture in payload] == numbers
    assert np.array_equal(payload[4], drawn(6, 0.0605))
    assert camera_bench.counted() == {"triggers_seen": 17}


@pytest.mark.slow
def test_an_overtriggered_camera_hears_every_second_trigger(camera_bench, running):
    node = running(exposure_us=7_000)
    camera_bench.trigger(40, rate_hz=200).join()
    camera_bench.run(node, lambda: camera_bench.head() == 20)
    node.stop()
    payload = camera_bench.frames().payload
    assert [read_code(picture) for picture in payload] == list(range(20))
    assert camera_bench.frames().rows["trigger_seq"].tolist() == [*range(0, 40, 2)]
    assert camera_bench.counted() == {"triggers_seen": 40, "triggers_ignored": 20}
    assert sum(loss[2] for loss in camera_bench.losses()) == 20


@pytest.mark.parametrize("mode", ["hardware", "software"])
@pytest.mark.parametrize(
    ("fault", "counter"),
    [
        ("lost_frame", "missing_ids"),
        ("failed_grab", "failed_grabs"),
        ("missed_trigger", "triggers_ignored"),
    ],
)
def test_each_fault_is_counted_and_the_books_close(
    camera_bench, running, mode, fault, counter
):
    node = running(mode, [{"fault": fault, "at_s": 0.1, "count": 3}])
    train = camera_bench.trigger(40)
    camera_bench.run(node, lambda: camera_bench.head() == 37)
    train.join()
    node.stop()
    counted = camera_bench.counted()
    assert counted[counter] == 3
    assert camera_bench.accounted() == counted["triggers_seen"] == 40
    losses = camera_bench.losses()
    assert sum(loss[2] for loss in losses) == 3
    batch = camera_bench.frames()
    seqs = batch.rows["trigger_seq"].tolist()
    assert [read_code(picture) for picture in batch.payload] == seqs
    heard = fault == "missed_trigger"
    assert np.sum(np.diff(batch.rows["frame_id"]) - 1) == (0 if heard else 3)


def test_a_clock_that_is_set_back_loses_nothing(camera_bench, running):
    node = running(faults=[{"fault": "clock_reset", "at_s": 0.3}])
    camera_bench.trigger(80)
    camera_bench.run(node, lambda: camera_bench.head() == 80)
    node.stop()
    rows = camera_bench.frames().rows
    true_ns = began_ns(camera_bench) + np.arange(80) * PERIOD_NS + DELAY_NS + HALF_NS
    assert np.count_nonzero(np.diff(rows["device_ns"]) < 0) == 1
    errors_ns = np.abs(rows["exposure_ns"] - true_ns)
    # a busy host delays arrivals, and with them the map: never by a frame's length
    assert np.median(errors_ns) < 100_000
    assert errors_ns.max() < PERIOD_NS
    assert camera_bench.counted() == {"triggers_seen": 80}
    assert rows["trigger_seq"].tolist() == list(range(80))


@pytest.mark.slow
def test_a_camera_that_stays_unplugged_ends_the_node(camera_bench, running):
    fault = {"fault": "unplug", "at_s": 0.05, "seconds": 60}
    node = running("free_running", [fault], reconnect_s=0.2)
    with pytest.raises(DeviceError, match=r"to be back within 0\.2 s"):
        camera_bench.run(node, lambda: False)
    assert camera_bench.counted()["missing_ids"] >= 10


def test_without_a_trigger_it_begins_the_world(camera_bench, running, drawn):
    node = running("free_running")
    camera_bench.run(node, lambda: camera_bench.head() >= 10)
    node.stop()
    batch = camera_bench.frames()
    codes = [read_code(picture) for picture in batch.payload]
    assert codes == batch.rows["frame_id"].tolist()
    epoch = Epoch(camera_bench.epoch_path)
    stamps_ns = batch.rows["exposure_ns"]
    period_ns = np.diff(stamps_ns).mean()
    assert abs(period_ns - PERIOD_NS) < 20_000
    world_s = epoch.world_s(int(stamps_ns[3]))
    seen = batch.payload[3].astype(int) - drawn(3, world_s)
    assert np.abs(seen).max() <= 12  # the mouse stands: only its breath may differ


def test_a_slow_world_shows_the_same_pictures(camera_bench, running, drawn):
    node = running(session={"slow": 4.0}, rate_hz=25.0)
    camera_bench.trigger(6, rate_hz=25.0, slow=4.0)
    camera_bench.run(node, lambda: camera_bench.head() == 6)
    payload = camera_bench.frames().payload
    wanted = drawn(5, 0.05 + 0.0005 / 4, exposure_s=0.001 / 4)
    assert np.array_equal(payload[5], wanted)
    assert [read_code(picture) for picture in payload] == list(range(6))


@pytest.mark.parametrize(("pixel_format", "factor"), [("Mono12", 16), ("Mono16", 256)])
def test_deep_pixels(camera_bench, running, drawn, pixel_format, factor):
    node = running(pixel_format=pixel_format)
    camera_bench.trigger(2)
    camera_bench.run(node, lambda: camera_bench.head() == 2)
    payload = camera_bench.frames().payload
    assert payload.dtype == np.uint16
    assert np.array_equal(payload[1], drawn(1, 0.0105).astype(np.uint16) * factor)


def test_coloured_pixels(camera_bench, running, drawn):
    node = running(pixel_format="RGB8")
    camera_bench.trigger(2)
    camera_bench.run(node, lambda: camera_bench.head() == 2)
    wanted = np.repeat(drawn(1, 0.0105)[:, :, None], 3, axis=2)
    assert np.array_equal(camera_bench.frames().payload[1], wanted)


def test_it_stands_for_a_video_too(camera_bench):
    config = {
        "kind": "video",
        "source": "mouse.mp4",
        "width_px": 64,
        "height_px": 48,
        "rate_hz": 50,
    }
    node = CameraTwin(camera_bench.context(config))
    camera_bench.bring_up(node)
    camera_bench.run(node, lambda: camera_bench.head() >= 5)
    codes = [read_code(picture) for picture in camera_bench.frames().payload]
    assert codes == list(range(len(codes)))


def test_a_calibrated_camera_stands_where_it_was_calibrated(camera_bench):
    calibration = {
        "focal_px": (700.0, 701.0),
        "centre_px": (31.0, 24.0),
        "distortion": (-0.1, 0.0, 0.0, 0.0, 0.0),
        "rotation_rad": (0.1, 0.2, 0.3),
        "translation_mm": (1.0, 2.0, 300.0),
    }
    config = camera_bench.config(calibration=calibration)
    rig = RigConfig.model_validate(dict(camera_bench.context(config).rig))
    camera = camera_of(rig, "left")
    assert camera.rotation_rad == (0.1, 0.2, 0.3)
    assert (camera.width_px, camera.focal_px) == (64, (700.0, 701.0))
    plain = camera_bench.context(camera_bench.config())
    assert camera_of(RigConfig.model_validate(dict(plain.rig)), "left").name == "left"


class TestTriggerGrid:
    @given(
        st.lists(st.integers(1, 5), max_size=60),
        st.floats(-200e-6, 200e-6),
        st.floats(1, 500),
    )
    def test_follows_a_clock_that_drifts(self, steps, ppm, rate_hz):
        grid, n = TriggerGrid(rate_hz), 0
        assert grid.place(12345) == 0.0
        for step in steps:
            n += step
            device_ns = 12345 + round(n / rate_hz * 1e9 * (1 + ppm))
            assert grid.place(device_ns) == n

    def test_a_trigger_too_many_stands_between(self):
        grid = TriggerGrid(100.0)
        places = [grid.place(round(n * 1e7)) for n in (0, 1, 1.5, 2, 3)]
        assert places == [0, 1, 1.5, 2, 3]


def test_faults_are_played_at_their_time(camera_bench):
    from rig.config.fault_script import ScriptedFault

    made = [
        ScriptedFault(device="left", fault="unplug", at_s=2, seconds=3),
        ScriptedFault(device="left", fault="lost_frame", at_s=1, count=2),
    ]
    faults = CameraFaults(made)
    faults.play(10**9)
    assert not faults.strikes("lost_frame")
    faults.begin(10**9)
    faults.begin(5 * 10**9)  # only the first start counts
    faults.play(2 * 10**9)
    assert [faults.strikes("lost_frame") for _ in range(3)] == [True, True, False]
    faults.play(3 * 10**9)
    assert [faults.unplugged(at * 10**9) for at in (3, 5, 6)] == [True, True, False]

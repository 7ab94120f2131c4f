import pytest

from rig.config.examples import examples_folder
from rig.config.loading import load_experiment
from rig.messages import PayloadSpec, StreamSpec
from rig.monitor.shown import PulseLine, Threshold, shown_of
from rig.recording.sidecar import Configs, SessionInfo

PARTS = ["nose", "hip", "knee"]


@pytest.fixture
def info():
    """Return what a session of one of the examples says of itself."""

    def make(name="demo", **task_changes):
        folder = examples_folder()
        planned = load_experiment(
            *(folder / kind / f"{name}.yaml" for kind in ("rig", "task", "session"))
        )
        task = planned.task.model_dump(mode="json") | task_changes
        return SessionInfo(
            session_id="m1_s",
            subject="m1",
            task=name,
            started_utc="2026-11-22T06:00:00+00:00",
            started_host_ns=5,
            configs=Configs(rig=planned.rig.model_dump(mode="json"), task=task),
        )

    return make


def camera(name="left", shape=(480, 640)):
    return StreamSpec(
        name=f"cameras/{name}",
        kind="frames",
        node=name,
        payload=PayloadSpec("|u1", shape),
        rate_hz=100.0,
    )


def poses(name="left", **attributes):
    return StreamSpec(
        name=f"poses/{name}",
        kind="poses",
        node="inference",
        payload=PayloadSpec("<f4", (len(PARTS), 3)),
        attributes={"bodyparts": PARTS, **attributes},
    )


EMG = StreamSpec(
    name="signals/daq/emg",
    kind="samples",
    node="daq",
    payload=PayloadSpec("<i2", (10, 2)),
    rate_hz=200.0,
    attributes={
        "channels": ["GL", "TA"],
        "units": ["mV", "mV"],
        "scale": [0.5, 0.25],
        "rate_hz": 2000.0,
    },
)


def test_a_camera_and_what_is_drawn_over_it(info):
    shown = shown_of(info(), [camera(), poses(crop_px=[1, 2, 301, 202])])
    left = shown.camera("left")
    assert (left.width_px, left.height_px, left.rate_hz) == (640, 480, 100.0)
    assert left.bodyparts == tuple(PARTS)
    assert left.crop_px == (1, 2, 301, 202)
    assert left.bones == ((1, 2),), "the bones of parts that are seen"
    text = "take_off: hip y < 240 px"
    assert left.thresholds == (Threshold("take_off", "y", 240.0, text),)


def test_a_camera_that_no_network_looks_at_has_a_picture_only(info):
    shown = shown_of(info(), [camera(), camera("right", (480, 640, 3)), poses()])
    right = shown.camera("right")
    assert (right.width_px, right.height_px) == (640, 480)
    assert right.bodyparts == right.bones == right.thresholds == ()
    assert right.crop_px is None


def test_lengths_that_gates_know_stand_in_for_a_skeleton(info):
    inference = {
        "model": "bundled:mouse",
        "cameras": ["left"],
        "gates": {"lengths": [{"between": ["nose", "knee"]}]},
    }
    shown = shown_of(info(inference=inference), [camera(), poses()])
    assert shown.camera("left").bones == ((0, 2),)


def test_regions_lie_in_the_picture_of_their_rule(info):
    action = {"line": "laser", "pulse_width_us": 5000}
    box = {"kind": "enters", "keypoint": "nose", "region_px": [10, 20, 30, 40]}
    corners = [[0, 0], [50, 0], [0, 50]]
    triangle = {"kind": "enters", "keypoint": "hip", "polygon_px": corners}
    when = {"kind": "any", "of": [box, triangle]}
    rule = {"name": "poke", "camera": "left", "when": when, "action": action}
    shown = shown_of(info(rules=[rule]), [camera(), camera("right"), poses()])
    one, other = shown.camera("left").regions
    assert one.corners_px == ((10, 20), (30, 20), (30, 40), (10, 40))
    assert other.corners_px == ((0, 0), (50, 0), (0, 50))
    assert other.text == "poke: hip enters"
    assert shown.camera("right").regions == ()


def test_a_signal_of_a_board(info):
    shown = shown_of(info(), [EMG])
    signal = shown.signal("daq/emg")
    assert (signal.kind, signal.stream) == ("emg", "signals/daq/emg")
    assert signal.channels == ("GL", "TA")
    assert signal.scale == (0.5, 0.25)
    assert signal.rate_hz == 2000.0, "samples, not blocks"


def test_a_clock_of_another_instrument_is_a_pulse_line(info):
    shown = shown_of(info(), [])
    assert shown.pulses == (PulseLine("scope", "frame_clock", 30.0),)


def test_points_in_space_and_their_bones(info):
    space = StreamSpec(
        name="points/space",
        kind="points",
        node="inference",
        payload=PayloadSpec("<f4", (3, 4)),
        attributes={"bodyparts": PARTS},
    )
    shown = shown_of(info(), [space])
    assert shown.space_bodyparts == tuple(PARTS)
    assert shown.bones_in_space == ((1, 2),)
    assert shown_of(info(), []).bones_in_space == ()


def test_a_session_without_configs_shows_its_streams(info):
    bare = SessionInfo(
        session_id="m1_s",
        subject="m1",
        task="none",
        started_utc="2026-11-22T06:00:00+00:00",
        started_host_ns=5,
    )
    shown = shown_of(bare, [camera(), poses(), EMG])
    assert (shown.rig, shown.plan, shown.pulses, shown.rules) == (None, None, (), ())
    assert shown.camera("left").bodyparts == tuple(PARTS)
    assert shown.camera("left").bones == ()


@pytest.mark.parametrize(
    "name", ["demo", "jump-rig", "open-field-miniscope", "reach-2p"]
)
def test_every_example_can_be_shown(info, name):
    given = info(name)
    cameras = [
        camera(device)
        for device, config in given.configs.rig["devices"].items()
        if config["kind"] in {"basler", "video"}
    ]
    shown = shown_of(given, [*cameras, *(poses(c.node) for c in cameras), EMG])
    assert [c.name for c in shown.cameras] == [c.node for c in cameras]
    for rule in shown.rules:
        assert rule.text.startswith(f"{rule.rule}: ")

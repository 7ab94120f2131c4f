import h5py
import numpy as np
import pytest

from rig.geometry import Camera, project
from rig.sim.cameras import cameras_for
from rig.sim.truth import export_truth
from rig.sim.world import BODY_PARTS, World


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    world = World(1, "jump")
    path = tmp_path_factory.mktemp("truth") / "truth.h5"
    cameras = cameras_for("jump", 2)
    export_truth(
        world,
        path,
        cameras=cameras,
        clocks={"daq": {"offset_ns": 5.0, "drift_ppm": -12.5}},
    )
    return world, cameras, path


def test_every_dataset_says_its_units(exported):
    *_, path = exported
    found = []
    with h5py.File(path) as file:

        def look(name, item):
            if isinstance(item, h5py.Dataset):
                found.append(name)
                assert item.attrs["units"]

        file.visititems(look)
    assert len(found) >= 12


def test_row_k_of_the_pose_is_picture_k(exported):
    world, cameras, path = exported
    with h5py.File(path) as file:
        pose = file["pose"]
        assert list(pose.attrs["bodyparts"]) == list(BODY_PARTS)
        assert pose["keypoints_mm"].shape == (400, 10, 3)
        time = 123 / 100.0 + 0.001
        np.testing.assert_allclose(pose["time_s"][123], time)
        expected = project(cameras[1], world.keypoints_mm(time)[0])
        np.testing.assert_allclose(
            pose["cameras/right/keypoints_px"][123], expected, atol=1e-9
        )


def test_a_camera_can_be_made_again(exported):
    _, cameras, path = exported
    with h5py.File(path) as file:
        values = dict(file["pose/cameras/left"].attrs)
    again = Camera(
        "left",
        int(values["width_px"]),
        int(values["height_px"]),
        *(
            tuple(float(x) for x in values[name])
            for name in (
                *("focal_px", "centre_px", "distortion"),
                *("rotation_rad", "translation_mm"),
            )
        ),
    )
    assert again == cameras[0]


def test_signals_events_and_clocks_are_there(exported):
    world, _, path = exported
    with h5py.File(path) as file:
        assert file.attrs["story"] == "jump"
        assert file.attrs["take_off_s"] == world.take_off_s
        t = file["forces/time_s"][:]
        np.testing.assert_allclose(file["forces/force_mn"][:], world.forces(t)[:, :3])
        t = file["emg/time_s"][:]
        np.testing.assert_allclose(file["emg/activation"][:], world.activation(t))
        assert file["neurons/dff"].shape == (120, 40)
        assert len(file["neurons"].attrs["tuning"]) == 40
        assert file["clocks/daq"].attrs["drift_ppm"] == -12.5


def test_no_draft_is_left_and_the_old_one_goes(exported, tmp_path):
    world = exported[0]
    path = tmp_path / "truth.h5"
    path.write_bytes(b"old")
    export_truth(world, path)
    assert [item.name for item in tmp_path.iterdir()] == ["truth.h5"]
    with h5py.File(path) as file:
        assert file.attrs["format"] == "springhare-truth"

import os
import subprocess
import sys

import numpy as np
import pytest

from rig.errors import SpringhareError
from rig.sim.cameras import cameras_for
from rig.sim.picture_code import burn_code, read_code
from rig.sim.pictures import tiff_of, write_pictures
from rig.sim.render import Renderer
from rig.sim.world import World


@pytest.fixture(scope="module")
def world():
    return World(1, "jump")


@pytest.fixture(scope="module")
def written(world, tmp_path_factory):
    told = []
    pictures = write_pictures(
        world,
        cameras_for("jump", 1)[0],
        tmp_path_factory.mktemp("left"),
        10.0,
        progress=lambda done, total: told.append((done, total)),
    )
    return pictures, told


def pixels_of(path):
    raw = path.read_bytes()
    return np.frombuffer(raw[128:], dtype=np.uint8).reshape(480, 640)


def test_one_period_is_written_and_told(written):
    pictures, told = written
    names = sorted(path.name for path in pictures.folder.iterdir())
    assert names == [f"{k:06d}.tiff" for k in range(40)]
    assert told == [(k + 1, 40) for k in range(40)]
    assert pictures.time_s(41) == pytest.approx(0.1 + 0.001)


def test_a_file_holds_the_rendered_picture_and_its_number(world, written):
    pictures, _ = written
    renderer = Renderer(world, cameras_for("jump", 1)[0], seed=world.seed)
    for number in (0, 12, 39):
        found = pixels_of(pictures.folder / f"{number:06d}.tiff")
        assert read_code(found) == number
        expected = renderer.render(pictures.time_s(number), number)
        burn_code(expected, number)
        np.testing.assert_array_equal(found, expected)


def test_too_many_pictures_are_refused_with_their_size(world, tmp_path):
    camera = cameras_for("jump", 1, 1280, 1024)[0]
    with pytest.raises(SpringhareError, match=r"150 MB .* got 524 MB .*400 pictures"):
        write_pictures(world, camera, tmp_path, 100.0)
    assert not list(tmp_path.iterdir())


def test_a_loop_with_a_seam_is_refused(world, tmp_path):
    with pytest.raises(SpringhareError, match="whole number"):
        write_pictures(world, cameras_for("jump", 1)[0], tmp_path, 33.3)


def test_pictures_of_another_run_are_not_mixed_in(world, tmp_path):
    (tmp_path / "000000.tiff").write_bytes(b"")
    with pytest.raises(SpringhareError, match="empty folder"):
        write_pictures(world, cameras_for("jump", 1)[0], tmp_path, 10.0)


_PLAYER = """
import sys
from pathlib import Path
import numpy as np
from pypylon import pylon
folder = Path(sys.argv[1])
width, height, count = (int(v) for v in sys.argv[2:5])
wanted = pylon.DeviceInfo()
wanted.SetDeviceClass("BaslerCamEmu")
camera = pylon.InstantCamera(pylon.TlFactory.GetInstance().CreateFirstDevice(wanted))
camera.Open()
camera.TestImageSelector.Value = "Off"
camera.ImageFilename.Value = str(folder)
camera.ImageFileMode.Value = "On"
camera.Width.Value, camera.Height.Value = width, height
camera.PixelFormat.Value = "Mono8"
camera.ExposureTimeAbs.Value = 100
camera.AcquisitionFrameRateEnable.Value = True
camera.AcquisitionFrameRate.Value = 500
camera.StartGrabbing(pylon.GrabStrategy_OneByOne)
grabbed = []
for _ in range(count):
    with camera.RetrieveResult(5000, pylon.TimeoutHandling_ThrowException) as result:
        assert result.GrabSucceeded(), result.ErrorDescription
        grabbed.append(result.Array.copy())
camera.Close()
np.save(sys.argv[5], np.stack(grabbed))
"""


def play(folder, shape, count, out):
    pytest.importorskip("pypylon")
    height, width = shape
    subprocess.run(
        [
            *(sys.executable, "-c", _PLAYER, str(folder)),
            *(str(v) for v in (width, height, count, out)),
        ],
        env={**os.environ, "PYLON_CAMEMU": "1"},
        check=True,
        timeout=60,
    )
    return np.load(out)


@pytest.mark.slow
def test_baslers_emulator_plays_them_bit_for_bit_in_order(written, tmp_path):
    pictures, _ = written
    grabbed = play(pictures.folder, (480, 640), 50, tmp_path / "grabbed.npy")
    assert [read_code(image) for image in grabbed] == [k % 40 for k in range(50)]
    for number in (0, 7, 39):
        on_disk = pixels_of(pictures.folder / f"{number:06d}.tiff")
        np.testing.assert_array_equal(grabbed[number], on_disk)


@pytest.mark.slow
def test_baslers_emulator_takes_odd_sizes_too(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, 51, 117)).astype(np.uint8)
    folder = tmp_path / "odd"
    folder.mkdir()
    for k, image in enumerate(images):
        (folder / f"{k}.tiff").write_bytes(tiff_of(image))
    grabbed = play(folder, (51, 117), 3, tmp_path / "grabbed.npy")
    np.testing.assert_array_equal(grabbed, images)

import tomllib
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.errors import ConfigError
from rig.geometry import Calibration, Camera, read_calibration, write_calibration
from rig.sim.cameras import cameras_for

GOOD = """\
[cam_0]
name = "left"
size = [ 832, 632,]
matrix = [ [ 900.5, 0.0, 416.0,], [ 0.0, 901.5, 316.0,], [ 0.0, 0.0, 1.0,],]
distortions = [ -0.2, 0.05, 0.001, -0.001, 0.01,]
rotation = [ 0.1, 0.2, 0.3,]
translation = [ -1.0, 2, 300.0,]

[cam_1]
name = "right"
size = [832, 632]
matrix = [[900, 0, 416], [0, 900, 316], [0, 0, 1]]
distortions = [-0.2, 0.0, 0.0, 0.0]
rotation = [0.0, 0.0, 0.0]
translation = [0.0, 0.0, 0.0]
fisheye = false

[metadata]
adjusted = true
error = 0.25
"""

number = st.floats(allow_nan=False, allow_infinity=False)
three = st.tuples(number, number, number)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
focal = st.floats(1e-3, 1e9)
sides = st.integers(1, 20_000)
cameras = st.builds(
    Camera,
    names,
    sides,
    sides,
    st.tuples(focal, focal),
    st.tuples(number, number),
    st.tuples(number, number, number, number, number),
    three,
    three,
)
plain = st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), number, names)
metadata = st.dictionaries(
    names,
    plain | st.lists(plain, max_size=3) | st.dictionaries(names, plain, max_size=2),
    max_size=4,
)


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "calibration.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def faults_of(path):
    with pytest.raises(ConfigError) as error:
        read_calibration(path)
    return str(error.value).replace(f"{path}: ", "").splitlines()


def test_what_aniposelib_writes_is_read(file):
    calibration = read_calibration(file(GOOD))
    left, right = calibration.cameras
    assert left == Camera(
        "left",
        832,
        632,
        (900.5, 901.5),
        (416.0, 316.0),
        (-0.2, 0.05, 0.001, -0.001, 0.01),
        (0.1, 0.2, 0.3),
        (-1.0, 2.0, 300.0),
    )
    assert right.distortion == (-0.2, 0.0, 0.0, 0.0, 0.0), "k3 is 0 where it is not"
    assert calibration.metadata == {"adjusted": True, "error": 0.25}
    assert calibration.of(["right", "left"]) == (right, left)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("calibration") / "calibration.toml"


@given(st.lists(cameras, min_size=1, max_size=12, unique_by=lambda c: c.name), metadata)
def test_what_is_written_is_read_again(place, cameras, metadata):
    calibration = Calibration(tuple(cameras), metadata)
    write_calibration(place, calibration)
    assert read_calibration(place) == calibration
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_the_form_is_aniposelibs(tmp_path):
    path = tmp_path / "calibration.toml"
    rig = cameras_for("jump", 2)
    write_calibration(path, Calibration(rig, {"error": np.float64(0.5)}))
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    assert list(tables) == ["cam_0", "cam_1", "metadata"]
    first = tables["cam_0"]
    assert list(first) == [
        "name",
        "size",
        "matrix",
        "distortions",
        "rotation",
        "translation",
    ]
    assert first["size"] == [640, 480]
    assert first["matrix"][0] == [rig[0].focal_px[0], 0.0, 319.5]
    assert first["matrix"][2] == [0.0, 0.0, 1.0]
    assert first["rotation"] == list(rig[0].rotation_rad)
    assert tables["metadata"] == {"error": 0.5}


def test_dates_in_metadata_stay(tmp_path):
    path = tmp_path / "calibration.toml"
    calibration = Calibration(cameras_for("jump", 2), {"day": date(2026, 11, 21)})
    write_calibration(path, calibration)
    assert read_calibration(path) == calibration


def test_what_toml_has_no_form_for_is_refused_and_the_old_file_stays(file):
    path = file(GOOD)
    with pytest.raises(TypeError, match="a form for, got None"):
        write_calibration(path, Calibration((), {"error": None}))
    assert path.read_text(encoding="utf-8") == GOOD


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("0.05, 0.001, -0.001, 0.01,]", "0.05]", "distortions: expected [k1, k2, p1"),
        ("900.5, 0.0", "900.5, 0.1", "matrix: expected [[fx, 0, cx], [0, fy, cy], ["),
        ("900.5", "-900.5", "matrix: expected [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]"),
        (" 0.0, 0.0, 1.0,],]", " 0.0, 0.0, 2.0,],]", "matrix: expected [[fx, 0, cx]"),
        ("901.5, 316.0,]", "901.5]", "matrix: expected [[fx, 0, cx], [0, fy, cy], ["),
        ("832, 632,", "832, 632.5", "size: expected [width, height] in px, got [832, "),
        ("832, 632,", "832, 0", "size: expected [width, height] in px, got [832, 0]"),
        ("832, 632,", "832", "size: expected [width, height] in px, got [832]"),
        ("[ 0.1, 0.2, 0.3,]", "[0.1, 0.2]", "rotation: expected three numbers, got ["),
        ("[ 0.1, 0.2, 0.3,]", '"a"', 'rotation: expected three numbers, got "a"'),
        ("-1.0, 2,", "-1.0, nan,", "translation: expected three numbers, got [-1.0,"),
        ("-1.0, 2,", "-1.0, true,", "translation: expected three numbers, got [-1.0,"),
        ("rotation =", "rotations =", "rotation: missing: is it 'rotations'?"),
        ("size = [ 832, 632,]", "", "size: missing"),
        ("[ 0.1, 0.2, 0.3,]", "[0.1, 0.2, 0.3]\nfisheye = true", "fisheye: expected"),
    ],
)
def test_a_fault_names_camera_and_key(file, old, new, fault):
    [line] = faults_of(file(GOOD.replace(old, new, 1)))
    assert line.startswith(f"cam_0 (left), {fault}")


def test_every_fault_is_told_at_once(file):
    text = GOOD.replace('name = "left"', "name = 5").replace("0.25", "0.25\n[[x]]")
    text = text.replace("translation = [0.0, 0.0, 0.0]", "translation = 0")
    assert faults_of(file(text)) == [
        "cam_0, name: expected text, got 5",
        "cam_1 (right), translation: expected three numbers, got 0",
        "x: expected a camera's table, got [{}]",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "expected a table [cam_0], [cam_1], … for each camera, got none"),
        ("metadata = 3\n" + GOOD.split("[metadata]")[0], "metadata: expected a table"),
        (GOOD.replace('"right"', '"left"'), "expected a name of its own for each cam"),
        ("[cam_0\n", "expected TOML as aniposelib writes it, got: Expected ']'"),
        (b"\xff\xfe", "expected TOML as aniposelib writes it, got: 'utf-8'"),
    ],
)
def test_a_file_that_is_none(file, text, fault):
    [line] = faults_of(file(text))
    assert line.startswith(fault)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"got .*none\.toml: No such file"):
        read_calibration(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="Is a directory"):
        read_calibration(tmp_path)


def test_a_camera_without_a_calibration_is_named(file):
    calibration = read_calibration(file(GOOD))
    with pytest.raises(ConfigError) as error:
        calibration.of(["left", "rigth", "top"])
    assert (
        "got none of 'rigth' (is it 'right'?), 'top'; calibrated are left, right"
        in (str(error.value))
    )

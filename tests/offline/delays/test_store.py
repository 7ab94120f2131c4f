"""Which calibration a session goes by, and what becomes of spoilt files."""

import json
import logging
import shutil

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offline.delays import find_calibration, read_calibration, store_calibration
from offline.delays.calibration import rig_sha256
from rig.config.rig import RigConfig
from rig.errors import SessionError, VersionError
from rig.recording.reader import Recording

DAYS = {day: f"2026-01-{day:02d}T10:00:00+00:00" for day in range(1, 29)}


@pytest.fixture(scope="module")
def template(scene, tmp_path_factory):
    made = scene(seconds=3, jumps=False, started_utc=DAYS[10])
    return made.write(tmp_path_factory.mktemp("data") / "session")


@pytest.fixture
def session(template, root):
    """A session of the 10th of January; gives what is found for it."""
    folder = shutil.copytree(template, root / "m1" / "session")

    def found(path=None, at=folder):
        with Recording.open(at) as recording:
            return find_calibration(recording, path)

    return found


@pytest.fixture
def store(root, calibration):
    def put(day, **options):
        return store_calibration(root, calibration(DAYS[day], **options))

    return put


def test_there_is_none(session):
    assert session() == {}


@pytest.mark.parametrize(
    ("days", "taken"),
    [((8, 9, 12), 9), ((10, 11), 10), ((12, 20), 12), ((1,), 1), ((9, 11), 9)],
)
def test_the_newest_before_the_session_else_the_first_after_it(
    session, store, days, taken
):
    for day in days:
        store(day, delay_ns=float(day))
    found = session()["cameras/cam"]
    assert found.delay_ns == taken
    assert found.made_utc == DAYS[taken]
    assert found.rig_matches
    assert (found.stream, found.count, found.method) == ("cameras/cam", 99, "LED")


def test_one_of_this_rig_file_goes_before_a_newer_one_of_another(session, store):
    store(9, delay_ns=9.0, rig_sha256="other")
    assert session()["cameras/cam"].delay_ns == 9
    assert not session()["cameras/cam"].rig_matches
    store(2, delay_ns=2.0)
    assert session()["cameras/cam"].delay_ns == 2
    assert session()["cameras/cam"].rig_matches


def test_each_stream_has_its_own(session, store):
    store(3, delay_ns=3.0, streams=("signals/daq/emg", "cameras/cam"))
    store(9, delay_ns=9.0, streams=("cameras/cam",))
    found = session()
    assert found["signals/daq/emg"].delay_ns == 3
    assert found["cameras/cam"].delay_ns == 9


def test_simulated_rigs_go_by_simulated_ones(session, store, scene, root):
    store(9, simulated=True)
    assert session() == {}
    store(8, delay_ns=8.0)
    assert session()["cameras/cam"].delay_ns == 8
    made = scene(seconds=3, jumps=False, started_utc=DAYS[10], simulate=True)
    folder = made.write(root / "m1" / "simulated")
    assert session(at=folder)["cameras/cam"].delay_ns == 1000


def test_another_rigs_are_not_taken(session, store):
    store(9, rig="upstairs")
    assert session() == {}


def test_of_two_made_of_one_session_the_later(session, store):
    store(9, delay_ns=1.0, made_utc=DAYS[20])
    store(9, delay_ns=2.0, made_utc=DAYS[21])
    store(9, delay_ns=3.0, made_utc=DAYS[19])
    assert session()["cameras/cam"].delay_ns == 2


def test_nothing_is_overwritten(store, root):
    paths = [store(9, delay_ns=float(k)) for k in range(3)]
    assert len(set(paths)) == 3
    assert paths[0] == root / "calibrations" / "bench" / "latency_20260109T100000Z.json"
    found = [read_calibration(path).streams["cameras/cam"].delay_ns for path in paths]
    assert found == [0, 1, 2]


def test_a_session_that_was_moved_with_its_data_root(session, store, root, tmp_path):
    store(9)
    moved = tmp_path / "elsewhere"
    shutil.move(root, moved)
    assert session(at=moved / "m1" / "session")["cameras/cam"].delay_ns == 1000


def test_one_file_can_be_asked_for(session, calibration, tmp_path):
    path = store_calibration(tmp_path / "other", calibration(DAYS[20], delay_ns=5.0))
    assert session(path)["cameras/cam"].delay_ns == 5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"format": "springhare-session"}',
        '{"format": 3}',
        '{"format": "springhare-latency/1"}',
    ],
)
def test_spoilt_files_are_passed_over_and_told(session, store, caplog, text):
    path = store(9)
    path.with_name("latency_zzz.json").write_text(text)
    with caplog.at_level(logging.WARNING):
        assert session()["cameras/cam"].delay_ns == 1000
    assert "latency_zzz.json" in caplog.text
    with pytest.raises(SessionError, match="latency_zzz"):
        session(path.with_name("latency_zzz.json"))


def test_bytes_that_are_no_text(session, store):
    path = store(9)
    path.write_bytes(b"\xff\x00" * 10)
    with pytest.raises(SessionError, match="Expected a latency calibration"):
        session(path)


def test_a_date_that_is_none(store):
    path = store(9)
    plain = json.loads(path.read_bytes())
    path.write_text(json.dumps({**plain, "recorded_utc": "yesterday"}))
    with pytest.raises(SessionError, match="yesterday"):
        read_calibration(path)


def test_another_version_is_refused(session, store, caplog):
    path = store(9)
    plain = json.loads(path.read_bytes())
    path.write_text(json.dumps({**plain, "format": "springhare-latency/2"}))
    with pytest.raises(VersionError, match="springhare-latency/2"):
        session(path)
    assert session() == {}


def test_a_file_that_is_not_there(session, tmp_path):
    with pytest.raises(SessionError, match="No such file"):
        session(tmp_path / "none.json")


def test_a_folder_that_cannot_be_written(root, calibration):
    root.mkdir()
    (root / "calibrations").write_text("a file")
    with pytest.raises(SessionError, match="Expected to write a calibration"):
        store_calibration(root, calibration(DAYS[9]))


def test_what_is_stored_comes_back(store, calibration):
    path = store(9, streams=("cameras/cam", "signals/daq/emg"))
    assert read_calibration(path) == calibration(
        DAYS[9], streams=("cameras/cam", "signals/daq/emg")
    )


@pytest.mark.parametrize(
    ("key", "value", "same"),
    [
        ("data_root", "/elsewhere", True),
        ("description", "a rig", True),
        ("segment_seconds", 30, True),
        ("alignment", {"cue_frames": {"warn": 3, "fail": 4}}, True),
        ("simulation", {"calibrating": True}, True),
        ("simulation", {"delays_us": {"cam": 5}}, False),
        ("name", "other", False),
    ],
)
def test_what_a_rigs_digest_hangs_on(scene, key, value, same):
    plain = scene().rig
    before = rig_sha256(RigConfig.model_validate(plain))
    after = rig_sha256(RigConfig.model_validate({**plain, key: value}))
    assert (before == after) is same


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(exposure=st.integers(100, 9000))
def test_another_exposure_is_another_rig(scene, exposure):
    plain = scene().rig
    plain["devices"]["cam"]["exposure_us"] = exposure
    found = rig_sha256(RigConfig.model_validate(plain))
    assert (found == rig_sha256(RigConfig.model_validate(scene().rig))) == (
        exposure == 2000
    )


def test_a_rig_file_and_what_a_session_says_of_it_are_the_same(scene):
    rig = RigConfig.model_validate(scene().rig)
    recorded = msgspec.json.decode(msgspec.json.encode(rig.model_dump(mode="json")))
    assert rig_sha256(RigConfig.model_validate(recorded)) == rig_sha256(rig)

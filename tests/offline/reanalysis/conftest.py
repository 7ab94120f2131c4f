"""Small sessions and films of which every pixel is known."""

from fractions import Fraction

import av
import numpy as np
import pytest

from rig import cli
from rig.messages import PayloadSpec, StreamSpec
from rig.recording.count import ledger_from_recording
from rig.recording.finish import finish_session
from rig.recording.reader import Recording
from rig.recording.sidecar import SessionInfo
from rig.recording.writer import SessionWriter

HEIGHT, WIDTH, FRAMES = 48, 64, 70
NAME = "m1_2026-01-02_10-00-00_reach"
START_NS, PERIOD_NS = 5_000_000_000, 10_000_000


def picture(seed, number, shape=(HEIGHT, WIDTH)):
    """A blob that wanders over noise, each time the same."""
    rng = np.random.default_rng([seed, number])
    made = rng.integers(0, 40, shape).astype(np.uint8)
    x, y = 5 + number % 40, 5 + number * 3 % 30
    made[y : y + 10, x : x + 16] = 200
    return made


@pytest.fixture(name="picture")
def picture_fixture():
    """What is seen, by a seed and the frame's number."""
    return picture


@pytest.fixture
def session_of(tmp_path):
    """Write a session; cameras by name, (frames, height, width[, 3]) each."""

    def make(cameras, *, name=NAME, finished=True, checksummed=True):
        folder = tmp_path / "data" / name
        folder.parent.mkdir(exist_ok=True)
        specs = {
            camera: StreamSpec(
                name=f"cameras/{camera}",
                kind="frames",
                node=camera,
                payload=PayloadSpec(frames.dtype.str, frames.shape[1:]),
                rate_hz=100,
            )
            for camera, frames in cameras.items()
        }
        info = SessionInfo(
            session_id=name,
            subject="m1",
            task="reach",
            started_utc="2026-01-02T10:00:00+00:00",
            started_host_ns=START_NS,
        )
        with SessionWriter.create(folder, info, list(specs.values()), 60) as writer:
            for camera, frames in cameras.items():
                rows = np.zeros(len(frames), specs[camera].row)
                numbers = np.arange(len(frames))
                rows["seq"] = rows["frame_id"] = numbers
                rows["exposure_ns"] = START_NS + 500_000_000 + PERIOD_NS * numbers
                rows["host_ns"] = rows["exposure_ns"] + 3_000_000
                if len(frames):
                    writer.append_block(f"cameras/{camera}", rows, frames)
        if finished:
            with Recording.open(folder) as recording:
                ledger = ledger_from_recording(recording)
            finish_session(folder, ledger)
        return folder

    return make


@pytest.fixture
def seen():
    """What the session's cameras saw: left 70 frames, right 40."""
    return {
        "left": np.stack([picture(1, k) for k in range(FRAMES)]),
        "right": np.stack([picture(2, k) for k in range(40)]),
    }


@pytest.fixture
def session(session_of, seen):
    """A closed session of two cameras."""
    return session_of(seen)


def write_film(path, pictures, codec="ffv1", form="gray", options=None, rate=25):
    """Write pictures as a film; by default without loss."""
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = form
        if codec == "libx264":
            stream.options = {"g": "10", "bf": "0"}
        for number, pixels in enumerate(pictures):
            given = {2: "gray", 3: "rgb24"}[pixels.ndim]
            given = "gray16le" if pixels.dtype == np.uint16 else given
            frame = av.VideoFrame.from_ndarray(pixels, format=given)
            frame = frame.reformat(format=form)
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def film_of(tmp_path):
    """Write a film into a folder of its own."""
    folder = tmp_path / "films"
    folder.mkdir()

    def make(pictures, name="film.mkv", **how):
        return write_film(folder / name, pictures, **how)

    return make


@pytest.fixture
def cut_film(film_of):
    """A film whose head promises 70 frames, and whose second half is lost."""
    whole = film_of(
        [picture(3, k) for k in range(FRAMES)],
        "cut.mp4",
        codec="libx264",
        form="yuv420p",
        options={"movflags": "faststart"},
    )
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) // 2])
    return whole


@pytest.fixture
def analyse(capsys):
    """Run the command; return its status, what it said, and its errors."""

    def run(*words, model="bundled:mouse"):
        command = ["analyse", *map(str, words), "--model", str(model)]
        status = cli.main([*command, "--threads", "1"])
        told = capsys.readouterr()
        return status, told.out, told.err

    return run

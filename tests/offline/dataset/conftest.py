"""Small projects of known labels, laid out as DeepLabCut lays them out."""

from pathlib import PurePosixPath

import numpy as np
import pytest

from offline.dataset.labels import Labels
from offline.dataset.tables import write_table
from offline.dataset.views import views_of
from rig.messages import PayloadSpec, StreamSpec
from rig.recording.count import ledger_from_recording
from rig.recording.finish import finish_session
from rig.recording.reader import Recording
from rig.recording.sidecar import SessionInfo
from rig.recording.writer import SessionWriter

CONFIG = """\
Task: {task}
scorer: {scorer}
multianimalproject:
project_path: C:\\somewhere\\else
video_sets:
  /elsewhere/left.mp4:
    crop: 0, 32, 0, 24
bodyparts: [{bodyparts}]
skeleton:
- [nose, hip]
- [bodypart1, objectA]
"""


@pytest.fixture
def labels_of():
    """Labels of pictures of one video: known numbers, the second hip unlabelled."""

    def make(video="left", numbers=(0, 3, 12), bodyparts=("nose", "hip")):
        images = tuple(
            PurePosixPath("labeled-data", video, f"img{number:04d}.png")
            for number in numbers
        )
        count = len(images) * len(bodyparts) * 2
        xy_px = (1.5 + np.arange(count)).reshape(len(images), len(bodyparts), 2)
        if len(images) > 1 and len(bodyparts) > 1:
            xy_px[1, 1] = np.nan
        return Labels(images, tuple(bodyparts), xy_px)

    return make


@pytest.fixture
def project_of(tmp_path):
    """Make a project on the disk of labels by folder; pictures are empty files."""

    def make(*parts, scorer="me", bodyparts=("nose", "hip"), table=True):
        folder = tmp_path / "project"
        folder.mkdir()
        words = CONFIG.format(
            task="reach", scorer=scorer, bodyparts=", ".join(bodyparts)
        )
        (folder / "config.yaml").write_text(words)
        for labels in parts:
            for image in labels.images:
                (folder / image).parent.mkdir(parents=True, exist_ok=True)
                (folder / image).touch()
            if table:
                write_table((folder / labels.images[0]).parent, labels, "me")
        return folder

    return make


HEIGHT, WIDTH, FRAMES, PERIOD_NS = 24, 32, 200, 10_000_000
START_NS = 5_000_000_000
LEAP, UNSURE = 61, 120
"""Of the left camera: a part leapt in this frame, the model was unsure in that."""


def picture(camera, number):
    """What a camera saw: of 20 frames each another pattern, and its own number."""
    made = np.full((HEIGHT, WIDTH), 10 if camera == "left" else 200, np.uint8)
    made[: 6 + 3 * (number // 20 % 5), 10:] = 90
    made[-1, :8] = number % 251
    return made


def _append(writer, spec, rows, payload):
    rows["seq"] = np.arange(len(rows))
    rows["host_ns"] = rows["exposure_ns"] + 3_000_000
    writer.append_block(spec.name, rows, payload)


def _frames(spec, offset_ns, numbers):
    rows = np.zeros(len(numbers), spec.row)
    rows["frame_id"] = numbers
    rows["exposure_ns"] = START_NS + 500_000_000 + offset_ns + PERIOD_NS * numbers
    return rows


@pytest.fixture(name="picture")
def picture_fixture():
    """What a camera saw, by its name and the number of the frame."""
    return picture


@pytest.fixture
def session(tmp_path):
    """A closed session: two cameras of 200 frames, live poses on every other left one.

    The right camera sees 1 ms after the left, and misses frames 100 to 119.
    """
    folder = tmp_path / "data" / "m1_2026-01-02_10-00-00_reach"
    folder.parent.mkdir()
    frames = {
        camera: StreamSpec(
            name=f"cameras/{camera}",
            kind="frames",
            node=camera,
            payload=PayloadSpec("|u1", (HEIGHT, WIDTH)),
            rate_hz=100,
        )
        for camera in ("left", "right")
    }
    poses = StreamSpec(
        name="poses/left",
        kind="poses",
        node="inference",
        payload=PayloadSpec("<f4", (2, 3)),
        attributes={"bodyparts": ["nose", "hip"], "model": "m", "model_sha256": "0"},
    )
    info = SessionInfo(
        session_id=folder.name,
        subject="m1",
        task="reach",
        started_utc="2026-01-02T10:00:00+00:00",
        started_host_ns=START_NS,
    )
    with SessionWriter.create(folder, info, [*frames.values(), poses], 60) as writer:
        for camera, spec in frames.items():
            numbers = np.arange(FRAMES)
            if camera == "right":
                numbers = np.delete(numbers, slice(100, 120))
            seen = np.stack([picture(camera, k) for k in numbers])
            rows = _frames(spec, 1_000_000 * (camera == "right"), numbers)
            _append(writer, spec, rows, seen)
        seen = np.sort(np.append(np.arange(0, FRAMES, 2), LEAP))
        rows = _frames(poses, 0, seen)
        rows["frame_seq"] = seen
        found = np.ones((len(seen), 2, 3), np.float32)
        found[:, :, 0] = 5 + 0.1 * seen[:, None]
        found[seen == LEAP, 1, 1] += 15
        found[seen == UNSURE, :, 2] = 0.2
        _append(writer, poses, rows, found)
    with Recording.open(folder) as recording:
        ledger = ledger_from_recording(recording)
    finish_session(folder, ledger)
    return folder


@pytest.fixture
def views(session):
    """The session's cameras."""
    with Recording.open(session) as recording:
        yield views_of(recording)

"""The power fails under a real ext4: shut down while it is written to, mounted again.

The file system lies in an image file. `EXT4_IOC_SHUTDOWN` without a flush of the
journal leaves of it what a power cut would: what was synced, and of the rest
whatever had come to the device.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest

from rig.errors import SessionError
from rig.messages import PayloadSpec, StreamSpec
from rig.recording.recovery import recover_session
from rig.recording.writer import SessionWriter

pytestmark = pytest.mark.slow

EXT4_IOC_SHUTDOWN, WITHOUT_FLUSH = 0x8004587D, 2
IMAGE_BYTES = 192 * 1024 * 1024
SHAPE, ROUNDS = (240, 321), 8
CAMERA = StreamSpec(
    name="cameras/left",
    kind="frames",
    node="left",
    payload=PayloadSpec("|u1", SHAPE),
    rate_hz=100,
)
EVENTS = StreamSpec(name="events/daq", kind="events", node="daq", rate_hz=100)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs {command[0]}, which says: {done.stderr.strip()}")
    return done.stdout.strip()


class Disk:
    """A file system of its own, whose power can be cut."""

    def __init__(self, image, place):
        self.place, self._image = place, image
        self._device = run("losetup", "--find", "--show", str(image))

    def mount(self):
        run("mount", "-t", "ext4", self._device, str(self.place))

    def cut(self):
        fd = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", WITHOUT_FLUSH))
        finally:
            os.close(fd)

    def unmount(self):
        """Fail where somebody still holds a file of it."""
        return subprocess.run(
            ["umount", str(self.place)], check=False, capture_output=True, text=True
        )

    def close(self):
        for command in (["umount", "-l", str(self.place)], ["losetup", "-d"]):
            more = [self._device] if command[0] == "losetup" else []
            subprocess.run([*command, *more], capture_output=True, check=False)


@pytest.fixture
def disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root: a file system is mounted")
    if not Path("/dev/loop-control").exists():
        pytest.skip("needs loop devices")
    for tool in ("losetup", "mkfs.ext4", "mount", "umount"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}")
    image, place = tmp_path / "disk.img", tmp_path / "disk"
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    run("mkfs.ext4", "-q", "-F", str(image))
    place.mkdir()
    made = Disk(image, place)
    try:
        made.mount()
        yield made
    finally:
        made.close()
        image.unlink()


def rows_of(spec, seqs):
    rows = np.zeros(len(seqs), spec.row)
    rows["seq"], rows["host_ns"] = seqs, 1_000 + 10_000_000 * seqs
    return rows


def frames_of(seqs):
    return np.broadcast_to((seqs % 199 + 1)[:, None, None], (len(seqs), *SHAPE)).astype(
        np.uint8
    )


def record_until_the_power_fails(disk, folder, info, generator):
    """Write and sync until the disk is gone; return what was synced by then."""
    synced = dict.fromkeys((CAMERA.name, EVENTS.name), 0)
    near, fails_at = threading.Event(), int(generator.integers(4, 25))
    power = threading.Thread(target=lambda: near.wait() and disk.cut())
    power.start()
    writer = SessionWriter.create(folder, info, [CAMERA, EVENTS], 0.5)
    try:
        for block in range(40):
            if block == fails_at:
                near.set()
            first = writer.count(CAMERA.name)
            seqs = np.arange(first, first + generator.integers(1, 33))
            writer.append_block(CAMERA.name, rows_of(CAMERA, seqs), frames_of(seqs))
            writer.append_block(EVENTS.name, rows_of(EVENTS, seqs))
            if generator.random() < 0.3:
                rows = {name: writer.count(name) for name in synced}
                writer.sync()
                synced = rows
    except SessionError:
        pass
    finally:
        near.set()
        power.join()
        with suppress(SessionError):
            writer.close()
    return synced


def require_what_was_recorded(folder, synced):
    """Compare what is shown with what was recorded; return the rows of each stream."""
    with h5py.File(folder / "session.h5") as file:
        rows = file["cameras/left/index"][:]
        seqs = np.arange(len(rows))
        assert len(rows) >= synced[CAMERA.name]
        assert (rows == rows_of(CAMERA, seqs)).all()
        frames = file["cameras/left/frames"]
        for first in range(0, len(rows), 64):
            part = seqs[first : first + 64]
            assert np.array_equal(frames[first : first + 64], frames_of(part))
        events = file["events/daq"][:]
        assert len(events) >= synced[EVENTS.name]
        assert (events == rows_of(EVENTS, np.arange(len(events)))).all()
    return len(rows)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_what_was_synced_is_there_after_a_power_cut(disk, info, seed, files_held):
    folder = disk.place / "s"
    generator = np.random.default_rng(seed)
    synced = record_until_the_power_fails(disk, folder, info, generator)
    done = disk.unmount()
    assert done.returncode == 0, (done.stderr, files_held(disk.place))
    disk.mount()
    if not (folder / "session.h5").exists():
        assert not any(synced.values())
        return
    report = recover_session(folder)
    shown = require_what_was_recorded(folder, synced)
    assert report.streams[CAMERA.name].rows == shown
    assert not recover_session(folder).changed

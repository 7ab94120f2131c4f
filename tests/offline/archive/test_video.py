"""A video holds every frame, and says which row each one is."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange

from offline.archive import video as module
from offline.archive.compress import Options, compress
from offline.archive.video import VideoOptions, require_codec, write_videos
from rig.errors import BusyError, SessionError, SpringhareError
from rig.messages import PayloadSpec, StreamSpec
from rig.recording import disk
from rig.recording.reader import Recording

GREY = {"cameras/left", "cameras/tint", "cameras/idle"}


@pytest.fixture
def shallow(make_session, tmp_path):
    """A finished session of cameras with 8 bits."""
    return make_session(tmp_path / "shallow", only=GREY)


def _decoded(path, pixel_format):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        times = [frame.time for frame in frames]
        assert {frame.color_range for frame in frames} == {ColorRange.JPEG}
        pictures = np.stack([f.to_ndarray(format=pixel_format) for f in frames])
        return pictures, times, stream.average_rate


def _recorded(session, stream):
    with Recording.open(session) as recording:
        return recording.payload(stream), recording.rows(stream)


@pytest.mark.parametrize("folded", [False, True])
def test_ffv1_keeps_every_bit_of_every_kind_of_camera(session, folded):
    if folded:
        compress(session, Options(filter="jpegls"))
    reports = write_videos(session, VideoOptions("ffv1"))
    formats = {"left": "gray", "deep": "gray16le", "tint": "rgb24"}
    assert [report.camera for report in reports] == list(formats)
    for report in reports:
        pictures, _ = _recorded(session, f"cameras/{report.camera}")
        found, times, rate = _decoded(report.path, formats[report.camera])
        assert np.array_equal(found, pictures)
        assert np.allclose(np.diff(times), 0.01, atol=0.0011)
        assert rate == 100
        assert (report.frames, report.largest_error) == (70, 0)
        assert report.video_bytes == Path(report.path).stat().st_size


def test_h264_keeps_every_frame_and_says_what_it_changed(shallow):
    left, tint = write_videos(shallow, VideoOptions("h264", crf=4))
    pictures, _ = _recorded(shallow, "cameras/left")
    with av.open(left.path) as container:
        found = np.stack(
            [
                np.frombuffer(frame.planes[0], np.uint8).reshape(
                    -1, frame.planes[0].line_size
                )[:48, :90]
                for frame in container.decode(video=0)
            ]
        )
    error = np.abs(found.astype(int) - pictures)
    assert found.shape == pictures.shape
    assert left.largest_error == error.max()
    assert left.mean_error == pytest.approx(error.mean())
    assert 0 < left.mean_error < 2
    assert (left.frames, tint.frames) == (70, 70)
    assert left.path.endswith("derived/video/left.mp4")
    _, times, rate = _decoded(left.path, "gray")
    assert np.allclose(np.diff(times), 0.01)
    assert rate == 100


def test_a_worse_quality_is_smaller(make_session, tmp_path):
    sizes = []
    for crf in (5, 40):
        session = make_session(tmp_path / f"{crf}", only={"cameras/left"})
        sizes.append(write_videos(session, VideoOptions("h264", crf))[0].video_bytes)
    assert sizes[1] < sizes[0] / 2


@pytest.mark.parametrize("codec", ["ffv1", "h264"])
@pytest.mark.parametrize("shape", [(31, 47), (31, 47, 3), (32, 46, 3)])
def test_pictures_of_any_size_and_colour_come_back(codec, shape):
    spec = StreamSpec(
        name="cameras/odd", kind="frames", node="odd", payload=PayloadSpec("|u1", shape)
    )
    how = module.video_format(codec, spec, 0)
    generator = np.random.default_rng(2)
    picture = generator.integers(0, 255, shape, np.uint8, endpoint=True)
    frame = module.frame_of(picture, how)
    found = module.picture_of(frame, how)
    assert (frame.format.name, found.shape) == (how.pixel_format, picture.shape)
    if codec == "ffv1" or how.pixel_format == "gray":
        assert np.array_equal(found, picture)


def test_the_index_names_the_row_of_each_frame(shallow):
    write_videos(shallow, VideoOptions("ffv1"))
    _, rows = _recorded(shallow, "cameras/left")
    with (shallow / "derived/video/left.csv").open(encoding="ascii") as file:
        found = list(csv.DictReader(file))
    assert [int(row["frame"]) for row in found] == list(range(70))
    for name in ("seq", "frame_id", "host_ns", "exposure_ns"):
        assert [int(row[name]) for row in found] == rows[name].tolist()


def test_a_camera_without_frames_gets_no_video(shallow):
    reports = write_videos(shallow, VideoOptions("ffv1"))
    assert [report.camera for report in reports] == ["left", "tint"]
    names = sorted(path.name for path in (shallow / "derived/video").iterdir())
    assert names == ["left.csv", "left.mkv", "tint.csv", "tint.mkv"]


def test_a_video_that_is_there_is_left_alone(shallow):
    write_videos(shallow, VideoOptions("ffv1"))
    path = shallow / "derived/video/left.mkv"
    before = path.stat()
    (left, _) = write_videos(shallow, VideoOptions("ffv1"))
    assert left.already_there
    assert path.stat() == before
    (shallow / "derived/video/left.csv").unlink()
    (left, _) = write_videos(shallow, VideoOptions("ffv1"))
    assert not left.already_there


def test_h264_refuses_16_bits_and_says_what_to_do(session):
    with pytest.raises(SpringhareError, match=r"8-bit pictures for h264.*deep.*ffv1"):
        require_codec(session, VideoOptions("h264"))
    with pytest.raises(SpringhareError, match="8-bit"):
        write_videos(session, VideoOptions("h264"))
    assert not list((session / "derived/video").iterdir())


@pytest.mark.parametrize("codec", ["ffv1", "h264"])
@pytest.mark.parametrize("fault", ["missing", "more"])
def test_a_video_with_another_number_of_frames_is_not_kept(
    shallow, monkeypatch, codec, fault
):
    def other(camera, threads, progress):
        def pictures(camera):
            found = list(real_pictures(camera))
            return found[:-1] if fault == "missing" else [*found, found[-1]]

        with monkeypatch.context() as patch:
            patch.setattr(module, "_pictures", pictures)
            real(camera, threads, progress)

    real, real_pictures = module._encode, module._pictures
    monkeypatch.setattr(module, "_encode", other)
    with pytest.raises(SessionError, match=r"Expected 70 frames.*got (69|71)"):
        write_videos(shallow, VideoOptions(codec))
    assert not list((shallow / "derived/video").iterdir())


def test_a_wrong_pixel_is_noticed(shallow, monkeypatch):
    def dented(picture, how):
        picture = picture.copy()
        picture[3, 4] += 1
        return real(picture, how)

    real = module.frame_of
    monkeypatch.setattr(module, "frame_of", dented)
    with pytest.raises(SessionError, match="errors up to"):
        write_videos(shallow, VideoOptions("ffv1"))
    assert not list((shallow / "derived/video").iterdir())


def test_a_full_disk_leaves_no_half_video(shallow, monkeypatch):
    monkeypatch.setattr(disk, "free_bytes", lambda folder: 1000)
    with pytest.raises(SessionError, match=r"No space left.*untouched"):
        write_videos(shallow, VideoOptions("ffv1"))
    assert not list((shallow / "derived/video").iterdir())


def test_videos_are_made_by_one_process_at_a_time(shallow):
    place = shallow / "derived/video"
    place.mkdir(parents=True)
    lock = disk.lock_folder(place)
    try:
        with pytest.raises(BusyError):
            write_videos(shallow, VideoOptions("ffv1"))
    finally:
        os.close(lock)


def test_a_session_being_recorded_gets_no_video(make_session, tmp_path):
    session = make_session(tmp_path / "s", rows=20, finish=False)
    with pytest.raises(SessionError, match="springhare recover"):
        write_videos(session, VideoOptions("ffv1"))

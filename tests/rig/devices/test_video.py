"""Video files as cameras: every pixel as it was put into the file."""

from fractions import Fraction

import av
import numpy as np
import pytest

from rig.devices.video import VideoCamera
from rig.errors import DeviceError

WIDTH, HEIGHT, RATE_HZ = 64, 48, 50.0
GREY = np.random.default_rng(2).integers(0, 256, (12, HEIGHT, WIDTH), dtype=np.uint8)
COLOUR = np.random.default_rng(3).integers(
    0, 256, (6, HEIGHT, WIDTH, 3), dtype=np.uint8
)
RAMP = np.broadcast_to(np.arange(256, dtype=np.uint8), (HEIGHT, 256))


@pytest.fixture
def write(tmp_path):
    """Write pictures into a file without loss: (pictures, pixel format) -> path."""

    def write(pictures, pix_fmt="gray", full=None, pts=None, codec="ffv1", grey=False):
        path = tmp_path / "clip.mkv"
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=round(RATE_HZ))
            rows, stream.width = pictures[0].shape[:2]
            planar = pix_fmt == "yuv420p" and not grey
            stream.height = rows * 2 // 3 if planar else rows
            stream.pix_fmt = pix_fmt
            stream.time_base = Fraction(1, 1000)
            for k, picture in enumerate(pictures):
                given = "gray" if grey else pix_fmt
                given = "rgb24" if picture.ndim == 3 else given
                frame = av.VideoFrame.from_ndarray(picture, given)
                if full is not None:
                    frame.color_range = 2 if full else 1
                    stream.codec_context.color_range = 2 if full else 1
                frame.pts = 20 * k if pts is None else pts[k]
                frame.time_base = Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write


@pytest.fixture
def play(camera_bench):
    def play(source, start=True, **changes):
        config = {
            "kind": "video",
            "source": str(source),
            "width_px": WIDTH,
            "height_px": HEIGHT,
            "rate_hz": RATE_HZ,
            "pace": "fastest",
        } | changes
        node = VideoCamera(camera_bench.context(config))
        camera_bench.bring_up(node, start)
        return node

    return play


def finished(node):
    return lambda: node.metrics()["finished"]


@pytest.mark.parametrize("pace", ["fastest", "timestamps"])
def test_every_picture_of_the_file(camera_bench, write, play, pace):
    node = play(write(GREY), pace=pace)
    camera_bench.run(node, finished(node))
    batch = camera_bench.frames()
    assert np.array_equal(batch.payload, GREY)
    rows = batch.rows
    assert rows["frame_id"].tolist() == list(range(12))
    assert rows["device_ns"].tolist() == [20_000_000 * k for k in range(12)]
    assert np.array_equal(rows["host_ns"], rows["exposure_ns"])
    assert np.all(np.diff(rows["host_ns"]) > 0)
    if pace == "timestamps":
        due_ns = rows["device_ns"] + rows["host_ns"][0] - 20_000_000
        assert np.all(rows["host_ns"] >= due_ns)
    assert camera_bench.counted() == {}


def test_the_end_of_the_file_ends_the_stream(camera_bench, write, play):
    node = play(write(GREY[:2]))
    assert not camera_bench.streams.ring("cameras/left").closed
    camera_bench.run(node, finished(node))
    assert camera_bench.streams.ring("cameras/left").closed
    node.step()
    node.stop()
    node.close()
    node.close()
    assert node.reads() == {}


def test_colours(camera_bench, write, play):
    node = play(write(COLOUR, "bgr0"), pixel_format="RGB8")
    camera_bench.run(node, finished(node))
    assert np.array_equal(camera_bench.frames().payload, COLOUR)


@pytest.mark.parametrize("full", [False, True])
def test_grey_is_stretched_to_the_full_range(camera_bench, write, play, full):
    planes = np.vstack([RAMP, np.full((HEIGHT // 2, 256), 128, np.uint8)])
    node = play(write([planes], "yuv420p", full=full), width_px=256)
    camera_bench.run(node, finished(node))
    level = np.arange(256)
    wanted = level if full else np.clip((level - 16) * 255 / 219, 0, 255)
    seen = camera_bench.frames().payload[0].astype(int)
    assert np.abs(seen - wanted).max() <= (0 if full else 0.75)


def test_a_loop_goes_on_numbering(camera_bench, write, play):
    node = play(write(GREY[:5]), loop=True)
    camera_bench.run(node, lambda: camera_bench.head() >= 12)
    batch = camera_bench.frames()
    wanted = GREY[np.arange(len(batch.rows)) % 5]
    assert np.array_equal(batch.payload, wanted)
    assert np.all(np.diff(batch.rows["frame_id"]) == 1)
    assert np.all(np.diff(batch.rows["device_ns"]) == 20_000_000)


def test_uneven_time_stamps_are_kept(camera_bench, write, play):
    pts = [0, 20, 80, 100, 180, 200]
    node = play(write(GREY[:6], pts=pts), pace="timestamps")
    camera_bench.run(node, finished(node))
    rows = camera_bench.frames().rows
    assert rows["device_ns"].tolist() == [1_000_000 * stamp for stamp in pts]
    late_ns = rows["host_ns"] - rows["device_ns"]
    assert late_ns.min() - late_ns[0] > -25_000_000


def test_a_slow_world_plays_slowly(camera_bench, write):
    path = write(GREY[:4])
    config = {
        "kind": "video",
        "source": str(path),
        "width_px": WIDTH,
        "height_px": HEIGHT,
        "rate_hz": RATE_HZ / 3,
    }
    node = VideoCamera(camera_bench.context(config, slow=3.0))
    camera_bench.bring_up(node)
    camera_bench.run(node, finished(node))
    host_ns = camera_bench.frames().rows["host_ns"]
    assert host_ns[-1] - host_ns[0] > 3 * 40_000_000


def test_pictures_that_are_damaged_are_counted(camera_bench, write, play, tmp_path):
    whole = write(GREY, "yuv420p", codec="mpeg4", grey=True).read_bytes()
    torn = bytearray(whole)
    torn[len(torn) // 2 : len(torn) // 2 + 300] = bytes(300)
    (tmp_path / "torn.mkv").write_bytes(torn)
    node = play(tmp_path / "torn.mkv")
    camera_bench.run(node, finished(node))
    node.stop()
    counted = camera_bench.counted()["failed_grabs"]
    assert counted >= 1
    losses = camera_bench.losses()
    assert sum(loss[2] for loss in losses) == counted
    assert losses[0][3].startswith(b"the picture cannot be decoded: ")
    gaps = np.diff(camera_bench.frames().rows["frame_id"]) - 1
    assert gaps.sum() == counted


class TestRefuses:
    def test_a_file_that_is_not_there(self, play):
        with pytest.raises(DeviceError, match=r"Expected a video at /none\.mkv, got"):
            play("/none.mkv")

    def test_a_file_that_is_no_video(self, play, tmp_path):
        (tmp_path / "a.mkv").write_text("no video")
        with pytest.raises(DeviceError, match="Expected a video at"):
            play(tmp_path / "a.mkv")

    def test_another_size(self, play, write):
        with pytest.raises(DeviceError, match=r"of 32x48 px in .*, got 64x48"):
            play(write(GREY), width_px=32)

    def test_another_rate(self, play, write):
        with pytest.raises(DeviceError, match="Expected 30 pictures a second"):
            play(write(GREY), rate_hz=30)

    def test_a_webcam_that_is_not_there(self, play):
        with pytest.raises(DeviceError, match=r"a webcam needs a PyAV .* v4l2"):
            play("/dev/video87")

    def test_a_sound(self, play, tmp_path):
        path = tmp_path / "a.wav"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("pcm_s16le", rate=8000)
            sound = np.zeros((1, 800), np.int16)
            frame = av.AudioFrame.from_ndarray(sound, "s16", "mono")
            frame.rate = 8000
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        with pytest.raises(DeviceError, match="Expected pictures in"):
            play(path)

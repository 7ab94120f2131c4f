import av
import numpy as np
import pytest

pytest.importorskip("PySide6")

from PySide6.QtGui import QColor

from rig.errors import SpringhareError
from rig.monitor.recorded import RecordedFeed
from rig.monitor.recorded.clip import ClipRequest, clip_frames, stills, write_clip
from rig.monitor.window.clip import painter_of
from rig.monitor.window.style import BACKGROUND, MARK_COLOURS, part_colour
from sync.clock import ManualClock

_NEAR = 40
"""Levels by which H.264 may miss a colour in the middle of a dot."""


@pytest.fixture
def feed(small_session):
    feed = RecordedFeed(small_session, ManualClock())
    yield feed
    feed.close()


def _decoded(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        pictures = [f.to_ndarray(format="rgb24") for f in container.decode(stream)]
        return pictures, stream.codec_context.name, stream.pix_fmt, stream.average_rate


def _rgb(colour):
    return np.array(QColor(colour).getRgb()[:3])


def _is_near(found, colour):
    return np.abs(found.astype(int) - _rgb(colour)).max() < _NEAR


def test_a_clip_decodes_to_the_keypoints_where_they_are(feed, known, tmp_path, qapp):
    path = tmp_path / "clip.mp4"
    request = ClipRequest(path, 0.4, 0.9, ("left", "top"), speed=0.5, fps=20)
    painter = painter_of(feed, request.cameras)
    told = []
    total = write_clip(feed, request, painter, lambda *at: told.append(at) or True)
    pictures, codec, pixels, rate = _decoded(path)
    assert (codec, pixels, rate) == ("h264", "yuv420p", 20)
    assert total == len(pictures) == 20
    assert told[0] == (1, 20)
    assert told[-1] == (20, 20)
    border = painter.border
    for k in (0, 7, 19):
        look = feed.look_at("left", 0.4 + k * 0.025)
        truth = known.keypoints(look.frame_id)
        nose, toe = np.rint(truth[:, :2] + border).astype(int)
        dot = pictures[k][nose[1] - 1 : nose[1] + 2, nose[0] - 1 : nose[0] + 2]
        assert _is_near(dot.mean(axis=(0, 1)), part_colour(0)), k
        ring = pictures[k][toe[1] - 6 : toe[1] + 7, toe[0] - 6 : toe[0] + 7]
        assert ring[6, 6].max() < 40 + _NEAR  # not trusted: hollow
        assert ring.max() > 120
    grey = pictures[0][border + 40, border + 60]
    assert np.abs(grey.astype(int) - 40).max() < _NEAR


def test_a_fire_is_a_frame_around_the_pictures_and_a_sham_another(
    feed, known, tmp_path, qapp
):
    for at_s, kind in ((known.fired_s, "fired"), (known.sham_s, "sham")):
        path = tmp_path / f"{kind}.mkv"
        request = ClipRequest(path, at_s - 0.2, at_s + 0.4, ("left",), fps=20)
        write_clip(feed, request, painter_of(feed, ("left",)))
        pictures, *_ = _decoded(path)
        seen = [
            _is_near(p[:3, 20:40].mean(axis=(0, 1)), MARK_COLOURS[kind])
            for p in pictures
        ]
        dark = [_is_near(p[:3, 20:40].mean(axis=(0, 1)), BACKGROUND) for p in pictures]
        expected = [4 <= k < 8 for k in range(12)]
        assert seen == expected
        assert dark == [not lit for lit in expected]


def test_what_is_shown_when_does_not_hang_on_the_slider(feed, known):
    feed.seek(2.9)
    request = ClipRequest("x.mp4", 1.0, 1.1, ("left",), speed=0.1, fps=10)
    shown = list(stills(feed, request))
    assert feed.now_s == 2.9
    assert [still.looks[0].frame_id for still in shown] == [
        95,
        96,
        97,
        98,
        99,
        100,
        101,
        102,
        103,
        104,
    ]
    assert shown[0].flash == "fired"
    assert shown[0].caption.startswith("1.000 s   small   0.1× speed   take_off fired")


def test_a_clip_that_is_given_up_leaves_nothing(feed, tmp_path, qapp):
    request = ClipRequest(tmp_path / "clip.mp4", 0.5, 1.5)
    painter = painter_of(feed)
    assert write_clip(feed, request, painter, lambda done, _all: done < 5) == 0
    assert not list(tmp_path.iterdir())
    frames = clip_frames(feed, request, painter)
    next(frames)
    frames.close()
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_is_not_written_over(feed, tmp_path, qapp):
    path = tmp_path / "clip.mp4"
    path.write_text("mine")
    request = ClipRequest(path, 0.5, 0.6)
    with pytest.raises(SpringhareError, match="got one"):
        write_clip(feed, request, painter_of(feed))
    assert path.read_text() == "mine"
    replaced = ClipRequest(path, 0.5, 0.6, replace=True)
    assert write_clip(feed, replaced, painter_of(feed)) == 3
    assert len(_decoded(path)[0]) == 3


def test_nothing_is_written_among_what_was_recorded(feed, small_session, qapp):
    before = sorted(small_session.rglob("*"))
    request = ClipRequest(small_session / "clip.mp4", 0.5, 0.6)
    with pytest.raises(SpringhareError, match="outside the recording"):
        write_clip(feed, request, painter_of(feed))
    assert sorted(small_session.rglob("*")) == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cameras": ("bottom",)}, "got bottom; there are: left, top"),
        ({"end_s": 0.1}, "ends after it begins"),
        ({"start_s": 50.0, "end_s": 60.0}, "it ends at 3.0 s"),
        ({"fps": 0.0}, "a speed above 0"),
        ({"name": "clip.avi"}, r"\.mp4, \.mkv or \.mov"),
        ({"name": "nowhere/clip.mp4"}, "name another place"),
    ],
)
def test_what_cannot_be_shown_is_said(feed, tmp_path, qapp, changes, words):
    path = tmp_path / changes.pop("name", "clip.mp4")
    request = ClipRequest(**({"path": path, "start_s": 0.5, "end_s": 1.0} | changes))
    with pytest.raises(SpringhareError, match=words):
        write_clip(feed, request, lambda still: np.zeros((4, 4, 3), np.uint8))
    assert not list(tmp_path.iterdir())

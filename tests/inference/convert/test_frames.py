from fractions import Fraction

import av
import numpy as np
import pytest

from inference.convert.frames import draw_frames, read_frames, resized, varied
from rig.errors import ModelError, SpringhareError


@pytest.fixture
def film(tmp_path):
    """Twenty frames of 64 x 48 px, each a little lighter than the one before; red."""
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(30))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr0"
        for k in range(20):
            pixels = np.zeros((48, 64, 3), np.uint8)
            pixels[..., 0] = 10 * k
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            container.mux(stream.encode(frame.reformat(format="bgr0")))
        container.mux(stream.encode())
    return path


def test_frames_from_all_over_a_film(film):
    frames = read_frames(film, 5, colour=True)
    assert [frame.shape for frame in frames] == [(48, 64, 3)] * 5
    assert [int(frame[0, 0, 0]) for frame in frames] == [0, 40, 80, 120, 160]
    assert frames[-1][..., 1:].max() <= 2


def test_in_a_long_film_it_jumps(film, monkeypatch):
    monkeypatch.setattr("inference.convert.frames._LONG", 1)
    frames = read_frames(film, 5, colour=True)
    found = [int(frame[0, 0, 0]) for frame in frames]
    assert found == pytest.approx([0, 40, 80, 120, 160], abs=10)  # or the next one


def test_all_of_a_short_film_in_grey(film):
    frames = read_frames(film, 100, colour=False)
    assert len(frames) == 20
    assert frames[0].shape == (48, 64)
    assert int(frames[19].max()) > int(frames[1].max())


def test_a_folder_of_pictures(tmp_path):
    for k in range(4):
        with av.open(str(tmp_path / f"img{k}.png"), "w", format="image2") as picture:
            stream = picture.add_stream("png", rate=1)
            stream.width, stream.height, stream.pix_fmt = 32, 24, "rgb24"
            pixels = np.full((24, 32, 3), 60 * k, np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture.mux(stream.encode(frame))
            picture.mux(stream.encode())
    (tmp_path / "notes.txt").write_text("no picture", encoding="utf-8")
    frames = read_frames(tmp_path, 2, colour=True)
    assert [int(frame[0, 0, 0]) for frame in frames] == [0, 180]


@pytest.mark.parametrize("name", ["nothing.mp4", "text.mp4", "empty"])
def test_says_what_would_do(tmp_path, name):
    (tmp_path / "text.mp4").write_text("no film", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"--frames$"):
        read_frames(tmp_path / name, 3, colour=False)


def test_a_session_that_is_none(tmp_path):
    (tmp_path / "session.h5").write_bytes(b"")
    with pytest.raises(SpringhareError):
        read_frames(tmp_path, 3, colour=False)


@pytest.mark.parametrize("colour", [False, True])
def test_drawn_frames_differ_and_come_again(colour):
    first, second = (draw_frames(3, 160, 120, colour=colour) for _ in range(2))
    assert first[0].shape == ((120, 160, 3) if colour else (120, 160))
    assert first[0].std() > 10
    assert not np.array_equal(first[0], first[1])
    np.testing.assert_array_equal(first, second)


def test_every_fourth_is_varied():
    frames = draw_frames(5, 64, 48, colour=False)
    found = list(varied(frames))
    assert len(found) == 7
    assert found[0] is frames[0]
    assert found[1].mean() < 0.8 * frames[0].mean()
    assert found[1].dtype == np.uint8


@pytest.mark.parametrize("shape", [(48, 64), (48, 64, 3)])
def test_resized(shape):
    frame = np.full(shape, 77, np.uint8)
    smaller = resized(frame, 32, 24)
    assert smaller.shape == (24, 32, *shape[2:])
    assert abs(int(smaller.mean()) - 77) <= 1

"""A film with keypoints in it."""

from dataclasses import replace

import av
import numpy as np
import pytest

from offline.reanalysis.labelled import COLOURS, Span, drawn, span_of, write_labelled
from offline.reanalysis.sources import find_sources
from rig.errors import SessionError

GREY = np.full((48, 64), 90, np.uint8)


class TestDrawn:
    def test_a_likely_part_is_a_dot_in_its_colour(self):
        made = drawn(GREY, np.float32([[20, 10, 0.9], [40, 30, 0.9]]))
        assert tuple(made[10, 20]) == COLOURS[0]
        assert tuple(made[30, 40]) == COLOURS[1]
        changed = np.argwhere((made != 90).any(axis=2))
        near = np.hypot(*(changed - [10, 20]).T) < 3
        assert near.any()
        assert (np.hypot(*(changed[~near] - [30, 40]).T) < 3).all()

    def test_an_unlikely_one_is_a_ring(self):
        made = drawn(GREY, np.float32([[20, 10, 0.1]]))
        assert tuple(made[10, 20]) == (90, 90, 90)
        assert tuple(made[10, 22]) == COLOURS[0]

    @pytest.mark.parametrize("x", [np.nan, np.inf, -50, 1e9])
    def test_one_that_is_nowhere(self, x):
        assert (drawn(GREY, np.float32([[x, 10, 0.9]])) == 90).all()

    def test_one_at_the_edge_and_the_picture_itself(self):
        rgb = np.repeat(GREY[..., None], 3, axis=2)
        made = drawn(rgb, np.float32([[0, 47, 0.9]]))
        assert tuple(made[47, 0]) == COLOURS[0]
        assert (rgb == 90).all()


class TestFilm:
    @pytest.mark.parametrize("size", [(48, 64), (47, 63)])
    def test_it_holds_the_span(self, film_of, picture, tmp_path, size):
        pictures = [picture(1, k, size) // 4 for k in range(30)]
        [source] = find_sources([film_of(pictures)])
        poses = np.full((30, 1, 3), 30, np.float32)
        path = tmp_path / "labelled.mp4"
        write_labelled(path, source, poses, Span(0.4, 0.8))
        with av.open(str(path)) as film:
            shown = [f.to_ndarray(format="rgb24") for f in film.decode(video=0)]
        assert len(shown) == 10
        assert np.abs(shown[3][30, 30].astype(int) - COLOURS[0]).max() < 60
        far = np.abs(shown[3][:20, :20, 0].astype(int) - pictures[13][:20, :20])
        assert far.mean() < 12
        assert [p.name for p in tmp_path.glob("*.mp4")] == ["labelled.mp4"]

    def test_a_span_without_frames(self, film_of, picture):
        [source] = find_sources([film_of([picture(1, 1)])])
        with pytest.raises(SessionError, match=r"it lasts 0\.04 s"):
            span_of(source, Span(5.0))
        assert span_of(replace(source, frames=250), Span(5.0, 99)) == (125, 250)

    def test_a_place_that_cannot_be_written(self, film_of, picture, tmp_path):
        [source] = find_sources([film_of([picture(1, 1)])])
        with pytest.raises(SessionError, match="poses are kept"):
            write_labelled(
                tmp_path / "no" / "l.mp4", source, np.zeros((1, 1, 3)), Span()
            )

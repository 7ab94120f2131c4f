"""What a network is shown: batches, colours, sources one after the other."""

import numpy as np
import pytest

from offline.models import best_engine
from offline.reanalysis.network import Looker, Network
from offline.reanalysis.sources import find_sources
from rig.errors import ModelError


class Brightness:
    """A network that sees how bright a frame is, and notes what it was shown."""

    name, sha256, bodyparts, provider = "b", "0", ("all",), "none"

    def __init__(self, batches=True, grey_only=False):
        self.batches, self.grey_only = batches, grey_only
        self.shown = []

    def warm_up(self, height, width, channels):
        if channels == 3 and self.grey_only:
            raise ModelError("grey only")

    def infer(self, frame):
        self.shown.append((1, frame.shape))
        return np.float32([[frame.mean(), frame.std(), 1]])

    def infer_together(self, frames):
        self.shown.append((len(frames), frames[0].shape))
        return [np.float32([[frame.mean(), frame.std(), 1]]) for frame in frames]

    def close(self):
        self.shown.append("closed")


def looker(batch=1, **how):
    return Looker(Network("m", "onnx", 1.0, 1, batch), Brightness(**how))


@pytest.fixture
def left(session, seen):
    source = find_sources([session], ["left"])[0]
    wanted = np.float32([[[f.mean(), f.std(), 1]] for f in seen["left"]])
    return source, wanted


def test_frames_go_together_where_the_network_can(left):
    source, wanted = left
    one = looker(batch=8)
    assert np.array_equal(one.look(source, 0, 20), wanted[:20])
    assert [count for count, _ in one.model.shown] == [8, 8, 4]


def test_one_by_one_where_it_cannot(left):
    source, wanted = left
    one = looker(batch=8, batches=False)
    assert one.batch == 1
    assert np.array_equal(one.look(source, 62, 70), wanted[62:])
    assert [count for count, _ in one.model.shown] == [1] * 8
    one.close()
    one.close()


def test_cameras_in_turns(session, seen):
    sources = find_sources([session])
    one = looker()
    for source in (*sources, *sources):
        found = one.look(source, 3, 5)[:, 0, 0]
        assert found == pytest.approx(seen[source.camera][3:5].mean(axis=(1, 2)))
    one.close()


@pytest.mark.parametrize(
    ("grey_only", "shape"), [(True, (48, 64)), (False, (48, 64, 3))]
)
def test_a_film_in_colours_is_shown_in_grey_to_who_sees_no_colours(
    film_of, picture, grey_only, shape
):
    pictures = [np.stack([picture(1, k)] * 3, axis=-1) for k in range(3)]
    [source] = find_sources([film_of(pictures, form="bgr0")])
    one = looker(grey_only=grey_only)
    assert one.sees_colours(source) is not grey_only
    found = one.look(source, 0, 3)[:, 0, 0]
    assert {shown[1] for shown in one.model.shown} == {shape}
    assert found == pytest.approx([p.mean() for p in pictures], abs=1)
    one.close()


def test_a_camera_in_colours_is_not(session_of, picture):
    frames = np.stack([picture(1, k, (48, 64, 3)) for k in range(3)])
    [source] = find_sources([session_of({"left": frames})])
    with pytest.raises(ModelError, match="grey only"):
        looker(grey_only=True).sees_colours(source)
    one = looker()
    assert one.look(source, 0, 3)[:, 0, 0] == pytest.approx(frames.mean(axis=(1, 2, 3)))
    one.close()


def test_the_engine_that_reads_a_model_best(tmp_path):
    (tmp_path / "m.pt").touch()
    assert best_engine("bundled:mouse") == "onnx"
    assert best_engine(str(tmp_path / "m.pt")) == "torch"

"""Which frames are looked at: spread over the session, those that are worth most."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from offline.alignment.cues.gaze import read_frames, spread_windows, view_of
from offline.alignment.pipeline import align
from rig.recording.reader import Recording


@given(
    st.integers(0, 5000), st.integers(1, 300), st.integers(0, 3000), st.integers(0, 99)
)
def test_no_more_windows_than_asked_for(count, length, most, seed):
    worth = np.random.default_rng(seed).uniform(size=count)
    chosen = spread_windows(count, length, most, worth)
    assert len(chosen) == count
    assert chosen.sum() <= max(most, length)
    if count <= most:
        assert chosen.all()
    elif count:
        assert chosen.any()


def test_of_each_part_the_best_window():
    worth = np.zeros(1000)
    worth[[130, 420, 880]] = 1
    chosen = spread_windows(1000, 50, 150, worth)
    assert np.flatnonzero(np.diff(chosen.astype(int), prepend=0) == 1).tolist() == [
        100,
        400,
        850,
    ]


class _Keeper:
    def __init__(self):
        self.rows, self.sums = [], []

    def take(self, frames, rows):
        self.rows += rows.tolist()
        self.sums += frames.sum(axis=(1, 2)).tolist()


def test_each_sees_what_it_wants_and_all_is_read_once(scene, tmp_path):
    made = scene(seconds=10, lost=(5, 100, 101), jumps=False)
    seen = []

    def look(session, placed):
        view = view_of(session, "cameras/cam", placed["cameras/cam"])
        wide, narrow = np.zeros((2, len(view.row)), bool)
        wide[90:400] = True
        narrow[[0, 5, 99, 100, 102, 390, 800]] = True
        keepers = _Keeper(), _Keeper()
        read_frames(
            view,
            [(wide, keepers[0]), (narrow, keepers[1])],
            lambda done, of: seen.append((done, of)),
        )
        there = view.row >= 0
        for places, keeper in zip((wide, narrow), keepers, strict=True):
            assert keeper.rows == view.row[places & there].tolist()
            frames = session.recorded.recording.payload("cameras/cam")
            assert keeper.sums == frames[keeper.rows].sum(axis=(1, 2)).tolist()
            at = np.flatnonzero(places & there)
            assert view.places_of(np.array(keeper.rows)).tolist() == at.tolist()
        return ()

    with Recording.open(made.write(tmp_path / "session")) as recording:
        align(recording, look=look)
    assert seen[-1] == (310 - 2 + 3 - 1, 310 - 2 + 3 - 1)

"""When a line was high, and how another process learns of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.sim.twins.line_log import LineLog, LineWatcher, line_path
from rig.sim.twins.line_track import LineTrack

edges = st.lists(st.integers(0, 10_000), min_size=0, max_size=20, unique=True).map(
    sorted
)
spans = st.tuples(st.integers(0, 10_000), st.integers(1, 3000))


def track_of(times):
    track = LineTrack()
    for k, at_ns in enumerate(times):
        track.change(at_ns, k % 2 == 0)
    return track


def level_of(times, end=14_000):
    level = np.zeros(end)
    for at_ns in times:
        level[at_ns:] = 1 - level[at_ns:]
    return level


@given(edges, spans)
def test_a_fraction_is_what_was_high(times, span):
    begin, length = span
    wanted = level_of(times)[begin : begin + length].mean()
    track = track_of(times)
    assert track.high_fraction(begin, begin + length) == pytest.approx(wanted)
    begins = np.arange(begin, begin + 900.0, 100.0)
    many = track.high_fractions(begins, begins + length)
    one_by_one = [track.high_fraction(int(at), int(at) + length) for at in begins]
    np.testing.assert_allclose(many, one_by_one, atol=1e-12)


@given(edges, st.integers(0, 10_000), spans)
def test_what_was_foreseen_can_be_taken_back(times, cut, span):
    track = track_of(times)
    track.cut(cut)
    level = level_of(times)
    level[cut:] = 0
    begin, length = span
    wanted = level[begin : begin + length].mean()
    assert track.high_fraction(begin, begin + length) == pytest.approx(wanted)


def test_it_forgets_what_is_long_past():
    track = track_of(range(0, 500_000, 10))
    assert len(track._at_ns) < 20_000
    assert track.high_fraction(499_000, 500_000) == 0.5


def test_no_intervals():
    assert LineTrack().high_fraction(0, 10) == 0.0
    assert len(track_of([1]).high_fractions(np.empty(0), np.empty(0))) == 0


class TestLog:
    @pytest.fixture
    def path(self, tmp_path):
        return line_path(tmp_path / "epoch", "daq", "sync")

    def test_a_line_is_low_until_somebody_tells(self, path):
        watcher = LineWatcher(path)
        assert watcher.high_fraction(0, 1000) == 0.0
        log = LineLog(path)
        log.change([(500, True), (900, False)])
        assert watcher.high_fraction(0, 1000) == 0.4
        watcher.close()
        watcher.close()

    def test_what_was_told_ahead_is_taken_back(self, path):
        log, watcher = LineLog(path), LineWatcher(path)
        log.change([(100, True), (200, False), (300, True), (400, False)])
        assert watcher.high_fraction(0, 400) == 0.5
        log.cut(150)
        log.change([(600, True)])
        for line in (watcher, log.track):
            assert line.high_fraction(0, 400) == 0.125
            assert line.high_fraction(600, 700) == 1.0
        watcher.close()

    def test_half_a_row_waits_for_its_other_half(self, path):
        log, watcher = LineLog(path), LineWatcher(path)
        log.change([(100, True)])
        whole = path.read_bytes()
        log.change([(200, False)])
        rest = path.read_bytes()[len(whole) :]
        with path.open("wb") as file:
            file.write(whole + rest[:9])
            file.flush()
            assert watcher.high_fraction(200, 300) == 1.0
            file.write(rest[9:])
        assert watcher.high_fraction(200, 300) == 0.0
        watcher.close()

    def test_many_rows_at_once(self, path):
        log, watcher = LineLog(path), LineWatcher(path)
        log.change((10 * k, k % 2 == 0) for k in range(14_000))
        assert watcher.high_fraction(139_000, 139_980) == 0.5
        watcher.close()

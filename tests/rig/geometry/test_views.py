from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.geometry import Triangulator, project
from rig.geometry.views import View, ViewsConfig, begin, collect, overdue, stacked
from rig.sim.cameras import cameras_for
from rig.sim.world import World

PERIOD_NS = 10_000_000
MS = 1_000_000
NAMES = ("a", "b", "c", "d", "e", "f")
POSE = np.zeros((2, 3), np.float32)
THREE = ViewsConfig(NAMES[:3], PERIOD_NS, wait_ns=4 * MS)


def view(camera, exposure_ns):
    return View(camera, exposure_ns, POSE)


def names(moment):
    return "".join(one.camera for one in moment.seen)


class Trial:
    """Gives views to an assembler and keeps what comes out."""

    def __init__(self, config=THREE):
        self.config, self.state, self.moments = config, begin(config), []

    def give(self, camera, exposure_ns, now_ns=0):
        state, moments = collect(
            self.config, self.state, view(camera, exposure_ns), now_ns
        )
        return self._note(state, moments)

    def look(self, now_ns):
        return self._note(*overdue(self.config, self.state, now_ns))

    def _note(self, state, moments):
        self.state = state
        self.moments += moments
        return [names(moment) for moment in moments]


# -- by hand


def test_a_moment_goes_out_with_its_last_view():
    trial = Trial()
    assert trial.give("b", 100) == []
    assert trial.give("c", 0) == []
    assert trial.give("a", 200) == ["abc"]
    [moment] = trial.moments
    assert moment.complete
    assert (moment.exposure_ns, moment.oldest_ns) == (100, 0)
    assert trial.state.waiting == ()
    assert trial.state.deadline_ns is None


def test_a_moment_waits_so_long_for_the_rest():
    trial = Trial()
    trial.give("a", 0, now_ns=50 * MS)
    trial.give("c", 0, now_ns=52 * MS)
    assert trial.state.deadline_ns == 56 * MS, "after the last that came"
    assert trial.look(56 * MS - 1) == []
    assert trial.look(56 * MS) == ["ac"]
    assert not trial.moments[0].complete
    assert trial.give("b", 0, now_ns=57 * MS) == [], "it comes too late"
    assert (trial.state.stale, trial.state.alone) == (1, 0)


def test_views_that_are_made_one_after_the_other_are_one_moment():
    """Three cameras through a network that takes longer than a moment waits."""
    trial = Trial()
    trial.give("a", 0, now_ns=20 * MS)
    trial.give("b", 0, now_ns=40 * MS)
    assert trial.give("c", 0, now_ns=60 * MS) == ["abc"]


def test_a_view_alone_is_dropped_and_its_moment_stays_open_for_others():
    trial = Trial()
    trial.give("a", 0, now_ns=0)
    assert trial.look(4 * MS) == []
    assert (trial.state.alone, trial.state.waiting) == (1, ())
    trial.give("b", 0, now_ns=5 * MS)
    assert trial.give("c", 0, now_ns=5 * MS) == []
    assert trial.look(9 * MS) == ["bc"]


def test_a_camera_that_has_gone_on_is_not_waited_for():
    trial = Trial()
    trial.give("a", 0)
    trial.give("b", 0)
    assert trial.give("c", PERIOD_NS) == ["ab"], "at once, long before the deadline"
    assert trial.give("a", PERIOD_NS) == []
    assert trial.give("b", PERIOD_NS) == ["abc"]


def test_a_moment_takes_the_older_ones_with_it():
    trial = Trial()
    trial.give("a", 0, now_ns=0)
    trial.give("b", PERIOD_NS, now_ns=1 * MS)
    trial.give("b", 2 * PERIOD_NS, now_ns=2 * MS)
    trial.give("c", PERIOD_NS, now_ns=3 * MS)
    assert trial.give("a", 2 * PERIOD_NS, now_ns=3 * MS) == ["bc"]
    assert trial.state.alone == 1, "a's first"
    assert trial.give("c", 2 * PERIOD_NS, now_ns=3 * MS) == ["abc"]


def test_half_a_period_is_the_border():
    trial = Trial()
    trial.give("a", 0)
    trial.give("b", PERIOD_NS // 2 - 1)
    assert len(trial.state.waiting) == 1
    assert trial.give("c", PERIOD_NS // 2) == ["ab"]
    assert len(trial.state.waiting) == 1


def test_a_camera_that_is_twice_as_fast_gives_no_second_view():
    trial = Trial()
    trial.give("a", 0)
    trial.give("a", 4 * MS)
    trial.give("b", 1 * MS)
    assert trial.give("c", 1 * MS) == ["abc"]
    assert trial.moments[0].views[0].exposure_ns == 0


def test_no_more_moments_wait_than_may():
    trial = Trial(replace(THREE, most_open=2, wait_ns=10**12))
    for k in range(50):
        trial.give("a", k * PERIOD_NS)
        assert len(trial.state.waiting) <= 2
    assert trial.state.alone == 48


def test_a_strange_camera_is_refused():
    with pytest.raises(ValueError, match="not in"):
        Trial().give("z", 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"cameras": ("a",)},
        {"cameras": ("a", "a")},
        {"at_least": 1},
        {"at_least": 4},
        {"period_ns": 0},
        {"wait_ns": -1},
        {"most_open": 0},
    ],
)
def test_a_config_that_gives_no_moments_is_refused(wrong):
    with pytest.raises(ValueError, match="Expected"):
        replace(THREE, **wrong)


# -- properties


@st.composite
def arrivals(draw):
    """Views of triggered cameras: some missing, any interleaving of the cameras."""
    count = draw(st.integers(2, 6))
    triggers = draw(st.integers(1, 8))
    jitter = st.integers(-PERIOD_NS // 4 + 1, PERIOD_NS // 4 - 1)
    queues = {
        camera: [
            (k, k * PERIOD_NS + draw(jitter))
            for k in range(triggers)
            if draw(st.integers(0, 4))
        ]
        for camera in NAMES[:count]
    }
    order = []
    left = {camera: list(queue) for camera, queue in queues.items() if queue}
    while left:
        camera = draw(st.sampled_from(sorted(left)))
        order.append((camera, *left[camera].pop(0)))
        if not left[camera]:
            del left[camera]
    return count, order


@given(arrivals(), st.integers(2, 3))
def test_whatever_the_order_the_moments_are_the_triggers(arrival, at_least):
    count, order = arrival
    config = ViewsConfig(
        NAMES[:count], PERIOD_NS, 10**12, min(at_least, count), most_open=8
    )
    trial = Trial(config)
    for camera, _, exposure_ns in order:
        trial.give(camera, exposure_ns)
    trial.look(10**12)
    by_trigger: dict[int, dict[str, int]] = {}
    for camera, k, exposure_ns in order:
        by_trigger.setdefault(k, {})[camera] = exposure_ns
    expected = [
        views
        for _, views in sorted(by_trigger.items())
        if len(views) >= config.at_least
    ]
    found = [
        {one.camera: one.exposure_ns for one in moment.seen} for moment in trial.moments
    ]
    assert found == expected
    assert trial.state.stale == 0
    assert trial.state.alone == len(order) - sum(map(len, expected))


anything = st.lists(
    st.tuples(
        st.sampled_from(NAMES[:3]), st.integers(0, 30 * MS), st.integers(0, 3 * MS)
    ),
    max_size=60,
)


@given(anything, st.integers(1, 4))
def test_whatever_comes_memory_is_bounded_and_nothing_is_lost_unseen(given, most_open):
    trial = Trial(replace(THREE, most_open=most_open))
    now_ns = 0
    for camera, exposure_ns, later_ns in given:
        now_ns += later_ns
        trial.give(camera, exposure_ns, now_ns)
        assert len(trial.state.waiting) <= most_open
        assert all(moment.deadline_ns > now_ns for moment in trial.state.waiting)
    trial.look(10**12)
    assert trial.state.waiting == ()
    times = [moment.exposure_ns for moment in trial.moments]
    assert times == sorted(set(times)), "time goes on from moment to moment"
    for moment in trial.moments:
        exposures = [one.exposure_ns for one in moment.seen]
        assert len(exposures) >= 2
        assert np.ptp(exposures) < PERIOD_NS
    given_out = [id(one) for moment in trial.moments for one in moment.seen]
    assert len(set(given_out)) == len(given_out), "each view once at most"
    state = trial.state
    assert len(given) == len(given_out) + state.stale + state.alone


def test_a_state_is_not_changed_by_what_follows():
    before = begin(THREE)
    after, _ = collect(THREE, before, view("a", 0), 0)
    collect(THREE, after, view("b", 0), 0)
    one, moments = collect(THREE, after, view("b", 0), 0)
    assert before.waiting == ()
    assert [w is not None for w in after.waiting[0].views] == [True, False, False]
    assert moments == []
    assert len(one.waiting) == 1


# -- into space


def test_a_moment_is_what_a_triangulator_wants():
    cameras = cameras_for("jump", 4)
    config = ViewsConfig(tuple(c.name for c in cameras), PERIOD_NS, wait_ns=0)
    points = World(1, "jump").keypoints_mm([0.3])[0]
    state = begin(config)
    for camera in cameras[::-1][:3]:
        pixels = project(camera, points)
        pose = np.column_stack([pixels, np.ones(10)]).astype(np.float32)
        marks = None
        if camera.name == "rear":
            pose[4, 0] += 300.0
            marks = (np.arange(10) == 4).astype(np.uint8)
        one = View(camera.name, 0, pose, marks)
        waiting, moments = collect(replace(config, wait_ns=1), state, one, 0)
        state = waiting
    assert moments == []
    _, [moment] = overdue(config, state, 1)
    keypoints, marks = stacked(config, moment)
    assert np.isnan(keypoints[0]).all()
    assert marks.sum() == 1
    found = Triangulator(cameras, engine="numpy").triangulate(keypoints, marks)
    assert found.views.tolist() == [3] * 4 + [2] + [3] * 5
    np.testing.assert_allclose(found.points_mm, points, atol=1e-3)

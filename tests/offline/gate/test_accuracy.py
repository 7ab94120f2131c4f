import numpy as np
import pytest

from offline.evaluation.errors import Seen, errors_px
from offline.evaluation.judging import Terms, judge
from offline.evaluation.resampling import draws, units_of
from offline.gate.accuracy import Rival, accuracy
from offline.gate.usable import usable

FRAMES = 40
SPREAD = np.linspace(1, 5, FRAMES)
PARTS = ("nose", "hip", "paw", "tail")


def seen(name, off_px, likelihood=0.9, parts=None):
    """A model that is so far off in each frame, and so sure of it."""
    off = np.asarray(off_px, float)
    off = off[:, None] if off.ndim == 1 else off
    poses = np.zeros((*off.shape, 3))
    poses[..., 0] = off
    poses[..., 2] = np.reshape(likelihood, (-1, 1)) if np.ndim(likelihood) else 0.9
    errors = errors_px(poses, np.zeros((*off.shape, 2)))
    known = np.ones(off.shape[1], bool) if parts is None else np.array(parts)
    return Seen(name, known, poses, errors, poses[..., 2] >= 0.5)


def judged(*models):
    count, width = models[0].errors_px.shape
    return judge(
        "all",
        np.arange(count),
        models,
        parts=PARTS[:width],
        is_labelled=np.ones((count, width), bool),
        groups=["m1"] * count,
        group_kind="videos",
        terms=Terms(repeats=400, is_gated=True),
    )


def asked(current, candidate, margin_px=None, acted=PARTS):
    found = judged(current, candidate)
    count, width = current.errors_px.shape
    gained = usable(
        current,
        candidate,
        parts=PARTS[:width],
        is_labelled=np.ones((count, width), bool),
        weights=draws(units_of(["m1"] * count, "videos"), 400,
                      np.random.default_rng(0)),
        room_px=margin_px or 0.5,
    )  # fmt: skip
    only = current.parts & ~candidate.parts
    rival = Rival(
        current=found.models[0],
        comparison=found.comparisons[0],
        usable=gained,
        acted=frozenset(acted),
        lacking=tuple(np.array(PARTS[:width])[only].tolist()),
    )
    return accuracy(found.models[1], rival, margin_px=margin_px, most_px=None)


@pytest.mark.parametrize(
    ("worse_px", "state"),
    [(-1.0, "PASS"), (0.0, "PASS"), (0.03, "PASS"), (0.2, "FAIL"), (1.0, "FAIL")],
    ids=["better", "equal", "no more than a conversion", "surely worse", "much worse"],
)
def test_a_worse_model_is_refused(worse_px, state):
    check = asked(seen("old", SPREAD), seen("new", SPREAD + worse_px))
    assert check.state == state
    assert f"{worse_px:+.2f} px" in check.told


def test_what_chance_can_explain_is_no_refusal():
    """At best guess a little worse, within the margin: nobody can tell."""
    noise = np.random.default_rng(1).normal(0, 2, FRAMES)
    new = seen("new", SPREAD + 0.1 + noise - np.median(noise))
    assert asked(seen("old", SPREAD), new, margin_px=2).state == "PASS"
    assert asked(seen("old", SPREAD), seen("new", SPREAD + 3), 2).state == "FAIL"


def test_what_is_worse_can_be_accepted_and_is_said():
    check = asked(seen("old", SPREAD), seen("new", SPREAD + 0.8), margin_px=1.0)
    assert (check.state, "it is worse, within the margin" in check.told) == (
        "WARN",
        True,
    )


def test_of_five_frames_nothing_is_sure():
    few = SPREAD[:5]
    assert asked(seen("old", few), seen("new", few + 0.3)).state == "PASS"
    assert asked(seen("old", few), seen("new", few + 0.6)).state == "FAIL"


def test_a_model_that_is_sure_of_less_is_refused():
    unsure = np.where(np.arange(FRAMES) < 4, 0.1, 0.9)
    check = asked(seen("old", SPREAD), seen("new", SPREAD, unsure))
    assert check.state == "FAIL"
    assert "of the points, 10 % are not likely and near any more" in check.told


def test_points_that_leap_are_seen_though_the_median_is_the_same():
    leaps = np.where(np.arange(FRAMES) % 6 == 5, 200.0, SPREAD)
    check = asked(seen("old", SPREAD), seen("new", leaps))
    assert check.state == "FAIL"
    assert "it is worse" not in check.told


def test_a_lost_part_is_seen_though_the_others_hide_it():
    """One of four: the median of all points hardly moves."""
    rng = np.random.default_rng(3)
    old = rng.uniform(1, 5, (FRAMES, 4))
    new = rng.uniform(0.5, 4, (FRAMES, 4))
    new[:, 2] = np.where(np.arange(FRAMES) % 3, new[:, 2], 90)
    check = asked(seen("old", old), seen("new", new))
    assert (check.state, "it is worse" in check.told) == ("FAIL", False)
    assert "of paw, " in check.told
    elsewhere = asked(seen("old", old), seen("new", new), acted=("nose",))
    assert "of paw, " in elsewhere.told


def test_a_part_that_no_rule_looks_at_is_a_warning():
    old = np.tile(SPREAD[:, None], (1, 4))
    new = old / 2
    new[::5, 2] = 90
    assert asked(seen("old", old), seen("new", new), acted=("hip",)).state == "WARN"
    assert asked(seen("old", old), seen("new", new), acted=("paw",)).state == "FAIL"


def test_a_part_that_is_not_given_any_more_is_said():
    two = np.stack([SPREAD, SPREAD], axis=1)
    poorer = two.copy()
    poorer[:, 1] = np.nan
    check = asked(seen("old", two), seen("new", poorer, parts=(True, False)))
    assert (check.state, "does not give hip" in check.told) == ("WARN", True)


@pytest.mark.parametrize("seed", range(3))
def test_a_better_model_passes_and_one_with_a_ruined_part_does_not(seed):
    rng = np.random.default_rng(seed)
    old, ruined = (rng.gamma(2, 1.5, (60, 3)) for _ in range(2))
    ruined[:, 0] += 30
    assert asked(seen("old", old), seen("new", old * 0.97)).state == "PASS"
    assert asked(seen("old", old), seen("new", ruined)).state == "FAIL"


def test_a_limit_is_asked_of_a_first_model_too():
    model = judged(seen("new", SPREAD)).models[0]
    first = accuracy(model, None, margin_px=0.5, most_px=None)
    assert (first.state, "none to compare with" in first.told) == ("WARN", True)
    limited = accuracy(model, None, margin_px=0.5, most_px=2.5)
    assert (limited.state, "at most 2.50 px" in limited.told) == ("FAIL", True)


def test_a_first_model_that_is_never_sure_is_refused():
    """Nothing is worse than a model on which no rule ever acts."""
    unsure = np.where(np.arange(FRAMES) % 5, 0.1, 0.9)
    model = judged(seen("new", SPREAD, unsure)).models[0]
    check = accuracy(model, None, margin_px=0.5, most_px=None)
    assert (check.state, "less than half" in check.told) == ("FAIL", True)


def test_a_model_that_finds_nothing_is_refused():
    model = judged(seen("new", np.full(FRAMES, np.nan))).models[0]
    assert accuracy(model, None, margin_px=1, most_px=None).state == "FAIL"
    check = asked(seen("old", SPREAD), seen("new", np.full(FRAMES, np.nan)))
    assert (check.state, "no point in common" in check.told) == ("FAIL", True)

"""The pictures: nothing that sticks out gets lost, and their words are true."""

from __future__ import annotations

import re
from dataclasses import replace

import matplotlib as mpl
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from offline.alignment import units
from offline.alignment.report.pictures import pictures_of
from offline.alignment.report.pictures.ambiguity import rivals
from offline.alignment.report.pictures.canvas import canvas, dots
from offline.alignment.report.pictures.series import DOTS, envelope, reach, thinned
from offline.alignment.result import Candidate

FINITE = st.floats(-1e6, 1e6, allow_nan=False)
POINTS = st.integers(1, 400).flatmap(
    lambda n: st.tuples(
        arrays(np.float64, n, elements=FINITE), arrays(np.float64, n, elements=FINITE)
    )
)


def flat(words):
    return words.replace("\u202f", " ")


@pytest.fixture(scope="module")
def drawn(cases):
    """The pictures of a case's relation by title, and what they are of; drawn once."""
    made = {}

    def get(name, k=0):
        if (name, k) not in made:
            case = cases(name)
            one = case.alignment.relations[k]
            pairs = case.evidence[one.source, one.target]
            pictures = {p.title: p for p in pictures_of(one, pairs, f"f{k}")}
            made[name, k] = pictures, one, pairs
        return made[name, k]

    return get


def dotted(root, colour="blue"):
    """Points drawn as dots."""
    return [
        np.array(re.findall(r"M ([-\d.]+) ([-\d.]+) L", path.attributes["d"]), float)
        for path in root.all("path")
        if "stroke-linecap: round" in path.attributes.get("style", "")
        and f"stroke: var(--{colour})" in path.attributes["style"]
    ]


# ---- few points for many


@given(POINTS, st.integers(1, 50))
def test_columns_hold_every_point_and_lose_no_extreme(points, columns):
    x, y = points
    found = envelope(x, y, columns)
    assert 1 <= len(found.x) <= columns
    assert found.low.min() == y.min()
    assert found.high.max() == y.max()
    ordered = [found.low, found.quarter, found.middle, found.three_quarters, found.high]
    assert (np.diff(ordered, axis=0) >= 0).all()
    assert (np.diff(found.x) >= 0).all()
    assert x.min() - 1e-6 <= found.x[0]
    assert found.x[-1] <= x.max() + 1e-6


@given(POINTS, st.integers(1, 50))
def test_a_thinned_curve_keeps_its_extremes(points, columns):
    x, y = points
    thin_x, thin_y = thinned(x, y, columns)
    assert len(thin_x) == len(thin_y) <= max(2 * columns, 1)
    assert (np.diff(thin_x) >= 0).all()
    assert (thin_y.min(), thin_y.max()) == (y.min(), y.max())


def test_what_is_no_number_is_left_out_of_a_curve():
    x, y = thinned(np.array([3.0, np.nan, 1.0, 2.0]), np.array([1.0, 1.0, 2.0, np.nan]))
    assert (x.tolist(), y.tolist()) == ([1.0, 3.0], [2.0, 1.0])


@given(arrays(np.float64, st.integers(0, 50), elements=FINITE), st.floats(0, 1e6))
def test_an_axis_shows_the_band_and_nearly_all(values, least):
    limit = reach(values, least)
    assert limit > max(least, 1.0)
    assert np.mean(np.abs(values) <= limit) >= 0.5 if len(values) else True


def test_a_stray_pulse_does_not_flatten_the_rest():
    usual = np.random.default_rng(0).normal(0, 10, 1000)
    assert reach(np.append(usual, 1e6), 20) < 100
    assert reach(usual, 20) > np.abs(usual).max()


# ---- residuals


def test_each_pair_is_a_dot_at_its_place(drawn, read):
    pictures, one, pairs = drawn("passes")
    assert one.pulses <= DOTS
    (points,) = dotted(read(pictures["Residuals over the session"].svg))
    assert len(points) == one.pulses
    assert np.corrcoef(points[:, 0], pairs.time_s)[0, 1] == pytest.approx(1, abs=1e-6)
    assert np.corrcoef(points[:, 1], pairs.residual_ns)[0, 1] == pytest.approx(
        -1, abs=1e-4
    )


def test_the_words_beside_the_residuals_are_true(drawn):
    for name in ("passes", "warns", "reset"):
        pictures, one, pairs = drawn(name)
        words = flat(pictures["Residuals over the session"].caption)
        half = units.BAND * np.hypot(one.jitter_ns, pairs.sd_ns)
        inside = np.mean(np.abs(pairs.residual_ns) <= half)
        assert f"each of the {units.count(one.pulses)} pairs" in flat(words)
        assert flat(f"{units.percent(inside)} do.") in words
        assert flat(units.band(np.median(pairs.sd_ns))) in words
        assert ("Dashed" in words) == (one.segments > 1)


def test_what_is_not_known_is_not_said(drawn):
    pictures, *_ = drawn("not_numbers")
    words = flat(pictures["Residuals over the session"].caption)
    assert "grey band; – do." in words
    assert "is known: – in the median" in words


def test_pairs_beyond_the_axis_are_marked_and_counted(cases, read):
    case = cases("reset")
    one = case.alignment.relations[0]
    pairs = case.evidence[one.source, one.target]
    error = pairs.residual_ns.copy()
    error[[5, 50, 500]] = 3.2e6, 2e6, -2e6
    (picture, *_) = pictures_of(one, replace(pairs, residual_ns=error), "f")
    assert "3 beyond the axis, the farthest 3.2 ms off" in flat(picture.caption)
    root = read(picture.svg)
    (points,) = dotted(root)
    assert len(points) == one.pulses - 3
    marks = [
        node for node in root.all("use") if "--red" in node.attributes.get("style", "")
    ]
    assert len(marks) == 3


def test_many_pairs_become_an_area(drawn, read):
    pictures, one, _ = drawn("passes", 1)
    assert one.pulses > DOTS
    picture = pictures["Residuals over the session"]
    assert not dotted(read(picture.svg))
    assert "the dark part holds the middle half" in picture.caption
    assert len(picture.svg) < 80_000


def test_the_jitter_of_the_curve_is_the_fitted_one(drawn):
    pictures, one, _ = drawn("passes")
    words = flat(pictures["Spread of the residuals"].caption)
    assert f"fitted jitter ({flat(units.size(one.jitter_ns))})" in words


# ---- the others


def test_the_rate_is_said_and_drawn_broken_at_a_reset(drawn, read):
    pictures, one, pairs = drawn("reset")
    picture = pictures["Rate of the clocks"]
    words = flat(picture.caption)
    assert flat(f"{units.ppm(one.drift_ppm)} in the mean") in words
    assert flat(units.ppm(np.ptp(pairs.ppm)).lstrip("+")) in words
    line = max(
        (
            path.attributes["d"]
            for path in read(picture.svg).all("path")
            if "--blue" in path.attributes.get("style", "")
        ),
        key=len,
    )
    assert line.count("M") == 2


def test_the_raster_counts_what_is_in_its_rows(drawn, read):
    for name in ("passes", "warns", "ambiguous"):
        pictures, one, pairs = drawn(name)
        picture = pictures["Pulses found and missed"]
        texts = [flat(node.text) for node in read(picture.svg).all("text")]
        assert f"in both: {units.count(one.pulses)}" in texts
        lone = (len(pairs.source_only_s), len(pairs.target_only_s))
        for clock, number in zip((one.source, one.target), lone, strict=True):
            assert flat(f"only in {clock}: {units.count(number)}") in texts
        if one.pulses:
            assert flat(units.length(one.longest_gap_s)) in flat(picture.caption)


def candidate(shift, z, residual_ns=1e3, matched=9):
    return Candidate(
        shift_pulses=shift,
        shift_ns=shift * 10**9,
        matched=matched,
        residual_ns=residual_ns,
        z=z,
        ratio=0.1,
    )


def test_of_several_with_one_shift_the_nearest_is_shown():
    shown = rivals(
        [
            candidate(0, 0.0),
            candidate(2, 90.0),
            candidate(2, 12.0),
            candidate(-7, 3.0),
            candidate(1, 5.0, float("nan")),
        ]
    )
    assert [(one.shift_pulses, one.z) for one in shown] == [(0, 0.0), (2, 12.0)]


@pytest.mark.parametrize(
    ("name", "word", "colour"),
    [("passes", "taken", "green"), ("ambiguous", "not taken", "orange")],
)
def test_the_bars_say_which_was_taken(drawn, read, name, word, colour):
    pictures, one, _ = drawn(name)
    picture = pictures["Would another alignment do as well?"]
    root = read(picture.svg)
    texts = [node.text for node in root.all("text")]
    assert word in texts
    assert [
        path
        for path in root.all("path")
        if f"fill: var(--{colour})" in path.attributes.get("style", "")
    ]
    for c in rivals(one.candidates):
        if c.shift_pulses:
            assert units.whole(c.shift_pulses) in texts
            assert units.score(c.z) in texts
    assert ("none is taken" in picture.caption) == (one.verdict == "ambiguous")


def test_a_fit_without_any_residual_has_bars_all_the_same(cases):
    case = cases("passes")
    one = msgspec.structs.replace(
        case.alignment.relations[0],
        candidates=(candidate(0, 0.0, 0.0), candidate(1, 40.0, 2e8)),
    )
    pairs = case.evidence[one.source, one.target]
    picture = pictures_of(one, pairs, "f")[4]
    assert picture.svg is not None
    assert "The best one leaves 0 ns" in flat(picture.caption)


def test_held_out_pulses_are_drawn_with_their_coverage(drawn, read):
    pictures, one, pairs = drawn("reset")
    picture = pictures["Pulses held out, and predicted"]
    (points,) = dotted(read(picture.svg))
    assert len(points) == len(pairs.held_out_s) == one.held_out
    words = flat(picture.caption)
    assert flat(f"{units.size(one.held_out_rms_ns)} rms") in words
    assert flat(f"{units.percent(one.held_out_coverage)} within") in words


def test_first_and_last_pulses_lie_over_each_other(drawn, read):
    pictures, _, pairs = drawn("passes")
    for which, part in (("First", slice(10)), ("Last", slice(-10, None))):
        picture = pictures[f"{which} 10 pulses, one over the other"]
        worst = np.abs(pairs.residual_ns[part]).max()
        assert flat(f"at most {units.size(worst)}") in flat(picture.caption)
        root = read(picture.svg)
        assert "--blue" in picture.svg
        texts = [flat(node.text) for node in root.all("text")]
        begin = units.moment(pairs.time_s[part][0])
        assert any(text.startswith(f"since {begin}") for text in texts)


def test_too_little_is_said_not_drawn(drawn):
    pictures, *_ = drawn("one_pair")
    assert {title for title, one in pictures.items() if one.svg is None} == {
        "Spread of the residuals",
        "Rate of the clocks",
        "Pulses held out, and predicted",
    }
    pictures, *_ = drawn("one_pulse")
    assert [t for t, one in pictures.items() if one.svg] == ["Pulses found and missed"]
    assert all(one.caption for one in pictures.values())


# ---- as part of a page


def test_a_picture_takes_the_pages_colours_and_letters(drawn, read):
    for one in drawn("passes")[0].values():
        root = read(one.svg)
        svg = root.one("svg")
        assert svg.attributes["aria-label"] == one.title
        assert not re.search(r"#[0-9a-f]{6}\b", one.svg)
        assert "font-family" not in one.svg
        assert "xmlns" not in one.svg
        assert root.all("text")
        assert not root.all("style")
        assert not root.all("metadata")


def test_two_pictures_share_no_names(drawn):
    found, again = (drawn("passes", k)[0] for k in (0, 1))
    names = [
        set(re.findall(r'id="([^"]+)"', one.svg or ""))
        for one in (*found.values(), *again.values())
    ]
    assert sum(map(len, names)) == len(set().union(*names))


def test_labels_may_be_anything(read):
    label = "<b>$\\frac{1}{0}$ 中\x00"
    with canvas(100) as drawing:
        axes = drawing.axes()[0, 0]
        axes.set_title("$x$ <b> 中文")
        svg = drawing.svg("f", label)
    root = read(svg)
    assert "$x$ <b> 中文" in [node.text for node in root.all("text")]
    assert root.one("svg").attributes["aria-label"] == label.replace("\x00", "�")


def test_drawing_leaves_matplotlib_as_it_was():
    before = dict(mpl.rcParams)
    with canvas(100) as drawing:
        dots(drawing.axes()[0, 0], [np.nan], [1.0], "blue")
        drawing.svg("f", "nothing")
    assert dict(mpl.rcParams) == before

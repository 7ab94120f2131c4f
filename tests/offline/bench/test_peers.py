"""Each peer on an input whose answer is known."""

import sys

import numpy as np
import pytest

from offline.bench.aligning.peers import PEERS, missing_peers

TIME_S = np.arange(0.0, 6000.0)
BETWEEN_S = np.arange(600.5, 5400.0, 7.3)
LINES = ["line", "low_pass", "lsl"]


def fitted(name, offset_ns, at=BETWEEN_S):
    if name == "lsl":
        pytest.importorskip("pyxdf")
    return PEERS[name].fit(TIME_S, offset_ns)(at)


@pytest.mark.parametrize("name", LINES)
def test_a_line_is_found(name):
    found = fitted(name, 1234.0 + 40_000.0 * TIME_S)
    assert found == pytest.approx(1234.0 + 40_000.0 * BETWEEN_S, abs=1.0)


@pytest.mark.parametrize("name", PEERS)
def test_jitter_of_one_pulse_in_the_middle(name):
    offset_ns = np.where(TIME_S == 3600, 1000.0, 0.0)
    found = fitted(name, offset_ns, np.array([3599.75, 3600.0, 3600.25]))
    wanted = {"exact": [750.0, 1000.0, 750.0], "edge": [0.0, 1000.0, 1000.0]}
    assert found == pytest.approx(wanted.get(name, [0.0, 0.0, 0.0]), abs=5.0)


def test_before_the_first_edge_there_is_the_first_one():
    assert PEERS["edge"].fit(TIME_S, TIME_S)(np.array([-1.0])) == [0.0]


@pytest.mark.parametrize(
    ("hertz", "left"), [(0.0005, 1.0), (0.0015, 0.5), (0.004, 0.0)]
)
def test_a_low_pass_of_one_to_two_millihertz(hertz, left):
    wave = 1000.0 * np.sin(2 * np.pi * hertz * TIME_S)
    # the line that is taken off first is smoothed by nobody
    line = np.polyval(np.polyfit(TIME_S, wave, 1), BETWEEN_S)
    expected = left * 1000.0 * np.sin(2 * np.pi * hertz * BETWEEN_S) + (1 - left) * line
    middle = (BETWEEN_S > 1800) & (BETWEEN_S < 4200)
    error = fitted("low_pass", wave) - expected
    assert np.sqrt(np.mean(error[middle] ** 2)) < 60


def test_lsl_is_robust_and_least_squares_are_not():
    rng = np.random.default_rng(0)
    offset_ns = 40_000.0 * TIME_S + rng.normal(0, 5e3, TIME_S.size)
    offset_ns[5500:5700] += 5e6
    truth = 40_000.0 * BETWEEN_S
    assert np.abs(fitted("lsl", offset_ns) - truth).max() < 20e3
    assert np.abs(fitted("line", offset_ns) - truth).max() > 200e3


def test_a_peer_that_is_not_installed_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyxdf", None)
    assert list(missing_peers()) == ["lsl"]
    assert "pyxdf" in missing_peers()["lsl"]

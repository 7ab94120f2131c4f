import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.alignment import Pairs, clock_tree

S = 1_000_000_000


def _pairs(one, other, ppm, offset_ns, jitter_ns, count=600, seed=0, **options):
    rng = np.random.default_rng(seed)
    true = np.cumsum(rng.integers(S // 10, 2 * S, count))
    noise = np.rint(rng.normal(0, jitter_ns, count)).astype(np.int64)
    other_ns = true + np.rint(true * ppm * 1e-6).astype(np.int64) + offset_ns + noise
    return Pairs(one, other, true, other_ns, "pulses", **options)


def test_the_way_of_the_smallest_error_is_taken():
    direct = _pairs("scope", "daq", 10, 5, 20_000, constant_sd_ns=80_000.0)
    detour = [_pairs("scope", "host", 4, 0, 1_000), _pairs("host", "daq", 6, 5, 1_000)]
    tree, spare = clock_tree("daq", [direct, *detour])
    assert tree.path("scope") == ("scope", "host", "daq")
    assert [(one.source, one.target) for one in spare] == [("scope", "daq")]


def test_relations_are_turned_towards_the_reference():
    pairs = _pairs("daq", "cam", 30, 123_456_789, 1_000)
    tree, spare = clock_tree("daq", [pairs])
    found, sd_ns = tree.to_reference("cam", pairs.other_ns)
    assert np.abs(found - pairs.one_ns).max() < 10_000
    assert sd_ns.max() < 1_000
    assert spare == ()
    assert tree.clocks == ("daq", "cam")


def test_the_reference_is_itself_without_error():
    tree, _ = clock_tree("daq", [])
    times = np.array([1, 2, 3])
    found, sd_ns = tree.to_reference("daq", times)
    assert found.tolist() == [1, 2, 3]
    assert sd_ns.tolist() == [0, 0, 0]
    assert tree.path("daq") == ("daq",)


def test_what_nothing_joins_is_not_in_the_tree():
    tree, spare = clock_tree("daq", [_pairs("mic", "cam", 1, 0, 100)])
    assert tree.clocks == ("daq",)
    assert spare == ()
    with pytest.raises(KeyError):
        tree.to_reference("mic", np.array([0]))


def test_a_joint_without_pairs_joins_nothing():
    none = np.empty(0, np.int64)
    tree, _ = clock_tree("daq", [Pairs("cam", "daq", none, none, "triggers")])
    assert tree.clocks == ("daq",)


def test_errors_on_the_way_add_up():
    one = _pairs("cam", "host", 0, 0, 10, constant_sd_ns=30_000.0)
    two = _pairs("host", "daq", 0, 0, 10, constant_sd_ns=40_000.0)
    tree, _ = clock_tree("daq", [one, two])
    _, sd_ns = tree.to_reference("cam", one.one_ns[:5])
    assert sd_ns == pytest.approx(50_000, rel=1e-3)


@given(offset=st.integers(-(10**15), 10**15), ppm=st.floats(-150, 150))
def test_shifts_and_rates_of_a_clock_do_not_matter(offset, ppm):
    pairs = _pairs("cam", "daq", ppm, offset, 500, count=100)
    tree, _ = clock_tree("daq", [pairs])
    found, _ = tree.to_reference("cam", pairs.one_ns)
    assert np.abs(found - pairs.other_ns).max() < 5_000

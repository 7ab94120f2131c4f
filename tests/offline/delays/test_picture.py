"""The picture shows edges over one another: those of the truth."""

import numpy as np
import pytest

from offline.delays.display import precisely
from offline.delays.picture import draw_calibration, overlay


@pytest.fixture(scope="module")
def trace(scene, measure_in, tmp_path_factory):
    made = scene(seconds=30, emg_delay_us=700, jumps=False)
    found = measure_in(made, tmp_path_factory.mktemp("data") / "m1" / "session")
    return found.traces["signals/daq/emg"]


@pytest.mark.parametrize("rising", [True, False])
def test_all_edges_lie_over_one_another(trace, rising):
    since_ns, shown = overlay(trace, rising=rising)
    share = np.clip((since_ns - 700_000) / 500_000 + 0.5, 0, 1)
    expected = share if rising else 1 - share
    assert len(shown) > 200
    assert np.abs(shown - expected).max() < 0.2


def test_a_picture_is_made(trace, tmp_path):
    draw_calibration({"signals/daq/emg": trace}, tmp_path / "c.png", "of a test")
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("value_ns", "sd_ns", "shown"),
    [
        (1_300_193.7, 311.6, "+1300.2"),
        (-779_508.7, 10_176, "−780"),
        (12.3, 0.5, "+0.012"),
        (0.0, 0.0, "+0.000"),
    ],
)
def test_as_many_digits_as_are_known(value_ns, sd_ns, shown):
    assert precisely(value_ns, sd_ns) == f"{shown}\u202fµs"

"""What a longer session costs: nothing.

Run by hand: ``pytest -m long -o faulthandler_timeout=0``.
"""

import json

import numpy as np
import pytest

from rig import cli


@pytest.mark.long
def test_half_an_hour_costs_no_more_at_its_end(tmp_path, capsys):
    """7.2 million small frames, 720 segments, 3.7 GB, on any disk."""
    words = "--cameras 4 --fps 1000 --width 32 --height 16 --seconds 1800 --load 0"
    out = ["--out", str(tmp_path), "--json"]
    assert cli.main(["bench", "sustained", *words.split(), *out]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["frames"]["lost"] == 0
    stretches = found["stretches"][6:]  # the first half minute warms up
    third = len(stretches) // 3
    for figure, most in (("recorder_memory_mb", 1.05), ("recorder_core", 1.25)):
        values = np.array([stretch[figure] for stretch in stretches])
        first, last = np.median(values[:third]), np.median(values[-third:])
        assert last <= most * first, figure

"""The example of the README runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[3] / "offline" / "session" / "README.md"


def test_the_example_runs(aligned, capsys, pynapple):
    pytest.importorskip("xarray")
    text = README.read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    found = {"folder": aligned}
    exec(compile(example, str(README), "exec"), found)
    assert found["emg"].values.shape == (2000, 2)
    assert found["poses"].attrs["ds_type"] == "poses"
    assert capsys.readouterr().out.startswith("WARN 9.5")

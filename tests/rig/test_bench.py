import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from rig.bench.transport import Plan, measure
from rig.commands.bench import bench


@pytest.fixture
def memory(monkeypatch, tmp_path_factory):
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="sh-", dir="/dev/shm"))
    monkeypatch.setenv("SPRINGHARE_SHM", str(folder))
    yield folder
    left = list(folder.iterdir())
    shutil.rmtree(folder)
    assert left == [], "no stream is left behind"


@pytest.mark.slow
def test_every_frame_is_counted_and_nothing_is_left(memory):
    """Plumbing only: figures of so short a run mean nothing."""
    told = []
    plan = Plan(seconds=0.3, rounds=1, payloads_bytes=(4096,), consumers=(2,))
    found = measure(plan, told.append)
    [case] = found["cases"]
    assert (case["payload_bytes"], case["consumers"]) == (4096, 2)
    for way in ("ring", "zmq"):
        figures = case[way]
        assert figures["missing"] == 0
        assert 0 < figures["p50_us"] <= figures["p99_us"]
        assert figures["p50_us"] <= figures["copied_p50_us"]
        assert figures["cpu_us_per_frame"] > 0
    assert case["ratio"]["p50_us"] > 0
    assert found["environment"]["cores"] >= 1
    assert len(told) == 2


@pytest.mark.slow
def test_as_json_and_as_a_table(memory):
    short = ["transport", "--seconds", "0.1", "--rounds", "1", "--bytes", "64"]
    result = CliRunner().invoke(bench, [*short, "--consumers", "1", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["cases"][0]["payload_bytes"] == 64
    result = CliRunner().invoke(bench, [*short, "--consumers", "1"])
    assert result.exit_code == 0, result.output
    assert "ring / ZeroMQ = ratio" in result.stdout
    assert "load average" in result.stdout

"""The command: a small run, as JSON and as tables; loaded only when asked for."""

import io
import json
import subprocess
import sys
from importlib.metadata import EntryPoint

import click
import pytest
from rich.console import Console

from offline.bench.aligning.plan import SECTIONS, Plan
from offline.bench.aligning.run import measure
from offline.bench.aligning.tables import show
from rig import cli
from rig.commands.bench import bench, group

SMALL = ["--hours", "0.02", "--seeds", "2", "--trains", "9", "--workers", "1"]


def run(capsys, *arguments):
    status = cli.main(["bench", "align", *SMALL, *arguments])
    return status, capsys.readouterr().out


def shown(found):
    """The figures of a run as text."""
    out = io.StringIO()
    show(Console(file=out, width=118, highlight=False), found)
    return out.getvalue()


def cells_of(rows):
    """What the tables of clock models must hold."""
    for row in rows:
        yield row["title"]
        yield f"{row['limit_us']:.2f} "
        yield f" {row['over_limit']['median']:.2f} ["
        yield f" {row['coverage']['mean']:.3f} ±"
        for peer in row["peers_us"].values():
            value = peer["whole"]["median"]
            yield f" {value:.1f} " if value < 100 else f" {value:.0f} "


@pytest.mark.slow
def test_tables_and_json_say_the_same(capsys):
    status, text = run(capsys, "--json")
    found = json.loads(text)
    assert list(found)[3:9] == list(SECTIONS)
    assert status == (0 if all(one["met"] for one in found["targets"]) else 1)
    assert found["environment"]["cores"] >= 1
    assert found["plan"]["seeds"] == [0, 1]
    text = shown(found)
    for cell in cells_of(found["models"] + found["heavy"]):
        assert cell in text
    for case in found["matching"]:
        assert f" {case['ours']['recall_together']:.5f} [" in text
        assert f" {case['oracle']['recall_together']:.5f}, " in text
    for kind, counts in found["verdicts"]["kinds"].items():
        assert kind in text
        assert counts["trains"] == 1
    for way in found["frames"]["rms_us"].values():
        assert f" {way['median']:,.1f} [" in text
    for fit in found["speed"]["fits"]:
        assert f" {fit['pulses']:,} " in text
        assert f" {1e3 * fit['seconds']['median']:.1f} [" in text
    for peer in found["peers"].values():
        assert f"\n{peer['title']}: " in text
    assert text.count("MISS ") == sum(not one["met"] for one in found["targets"])


@pytest.mark.slow
def test_workers_find_what_one_alone_finds():
    plans = (
        Plan(seeds=1, span_s=72.0, trains=20, workers=n, only=("heavy", "verdicts"))
        for n in (1, 2)
    )
    alone, shared = (measure(plan) for plan in plans)
    for found in (alone, shared):
        for row in found["heavy"]:
            for trial in row["trials"]:
                trial["ours"].pop("seconds")
    assert alone["heavy"] == shared["heavy"]
    assert alone["verdicts"] == shared["verdicts"]
    assert [trial["seed"] for trial in alone["heavy"][0]["trials"]] == list(range(4))


def test_only_what_is_asked_for(capsys):
    _, text = run(capsys, "--json", "--only", "verdicts")
    found = json.loads(text)
    assert set(SECTIONS) & set(found) == {"verdicts"}
    assert found["verdicts"]["trains"] == 9
    assert [target["what"] for target in found["targets"]] == ["wrong and unique"]


def test_a_missing_peer_is_told_and_not_made_up(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyxdf", None)
    _, text = run(capsys, "--only", "models")
    assert text.count(" missing ") == 14
    assert "(pyxdf is not installed)" in text


def test_help_of_all_benchmarks_imports_nothing_of_offline():
    code = (
        "import sys; from rig.cli import main; main(['bench', '--help']); "
        "print([n for n in sys.modules if n.split('.')[0] in ('offline', 'numpy')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "\n  align " in done.stdout
    assert "\n  transport " in done.stdout
    assert done.stdout.endswith("[]\n")


def test_help_of_the_benchmark(capsys):
    assert cli.main(["bench", "align", "--help"]) == 0
    out = capsys.readouterr().out
    assert "[models|heavy|matching|verdicts|frames|speed]" in out


def test_a_benchmark_that_does_not_load_leaves_the_others(monkeypatch, capsys):
    broken = EntryPoint("broken", "no.such.module:bench", group.GROUP)
    monkeypatch.setattr(group, "entry_points", lambda group: [broken])
    assert bench.list_commands(click.Context(bench))[0] == "broken"
    assert cli.main(["bench", "--help"]) == 0
    assert "broken" in capsys.readouterr().out
    assert cli.main(["bench", "broken"]) == 2
    assert "Expected the benchmark broken to load" in capsys.readouterr().err
    assert cli.main(["bench", "transport", "--help"]) == 0
    assert cli.main(["bench", "nonsense"]) == 2
    assert "nonsense" in capsys.readouterr().err

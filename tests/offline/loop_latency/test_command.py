"""`springhare latency`, as its user has it."""

import json
import shutil

import pytest
from click.testing import CliRunner

from offline.commands.sessions import latency
from rig import cli
from rig.errors import SessionError, SpringhareError


@pytest.fixture
def run():
    """Run the command; return what it printed and its exit status."""

    def call(*arguments):
        result = CliRunner().invoke(
            latency, [str(a) for a in arguments], standalone_mode=False
        )
        if result.exception is not None:
            raise result.exception
        return result.stdout, result.return_value

    return call


@pytest.fixture
def task(tmp_path):
    def write(budget):
        path = tmp_path / "task.yaml"
        text = f"format: springhare-task/1\nname: t\nlatency_budget: {budget}\n"
        path.write_text(text, "utf-8")
        return path

    return write


def test_tells_every_stage(truth, run):
    told, status = run(truth[1])
    assert status == 0
    for words in (
        "camera cam:",
        "exposure to arrival",
        "the network",
        "4 (0.3",
        "frames were never looked at, up to 3 in a row",
        "rule jump (on cam):",
        "exposure to edge",
        "suppressed_refractory",
        "mapped live: it is not aligned",
        "live, ",
        "no budget to judge by",
    ):
        assert words in told, words


def test_an_aligned_session_says_how_well_it_knows(aligned, run):
    told, _ = run(aligned[1])
    assert "mapped live" not in told
    [total] = [line for line in told.splitlines() if "exposure to edge" in line]
    assert "±" in total
    assert "µs" in total


def test_a_broken_budget_is_an_exit_status(truth, run, task):
    told, status = run(truth[1], "--task", task("{network: {p99_ms: 6}}"))
    assert status == 1
    assert "over the budget" in told
    assert "camera cam: the network, p99" in told
    told, status = run(truth[1], "--task", task("{network: {p99_ms: 9}}"))
    assert status == 0
    assert "within the budget" in told


def test_the_figures_as_json(truth, run, tmp_path):
    told, _ = run(truth[1], "--json", "--out", tmp_path / "l.json")
    found = json.loads(told)
    assert found == json.loads((tmp_path / "l.json").read_text("utf-8"))
    assert found["clocks"] == "live"
    assert found["cameras"][0]["stages"]["wait"]["p50_ms"] == 0.4
    assert found["rules"][0]["stages"]["send"]["p99_ms"] == 0.8


def test_what_is_there_is_not_replaced(truth, run, tmp_path):
    path = tmp_path / "l.json"
    path.write_text("mine")
    with pytest.raises(SpringhareError, match="replace it with --force"):
        run(truth[1], "--out", path)
    assert path.read_text() == "mine"
    assert run(truth[1], "--out", path, "--force")[1] == 0
    assert json.loads(path.read_text("utf-8"))["clocks"] == "live"


def test_into_the_sessions_derived(truth, run, tmp_path):
    folder = shutil.copytree(truth[1], tmp_path / "m1" / "session")
    shutil.rmtree(folder / "derived", ignore_errors=True)
    before = (folder / "session.h5").read_bytes()
    for name in ("session.h5", "session.json", "truth.json"):
        with pytest.raises(SpringhareError, match="outside the recording"):
            run(folder, "--out", folder / name, "--force")
    run(folder, "--out", folder / "derived" / "latency.json")
    assert (folder / "derived" / "latency.json").exists()
    assert (folder / "session.h5").read_bytes() == before


def test_draws_a_picture(aligned, run, task, tmp_path):
    path = tmp_path / "latency.png"
    told, _ = run(aligned[1], "--picture", path, "--task", task("{total: {p99_ms: 9}}"))
    assert f"wrote {path}" in told
    assert path.stat().st_size > 30_000


def test_the_sessions_own_budget_is_gone_by(truth, run, tmp_path):
    folder = shutil.copytree(truth[1], tmp_path / "m1" / "session")
    sidecar = json.loads((folder / "session.json").read_text("utf-8"))
    sidecar["configs"]["task"] = {"latency_budget": {"network": {"p50_ms": 1}}}
    (folder / "session.json").write_text(json.dumps(sidecar), "utf-8")
    assert run(folder)[1] == 1
    sidecar["configs"]["task"]["latency_budget"] = {"network": {"p50": 1}}
    (folder / "session.json").write_text(json.dumps(sidecar), "utf-8")
    with pytest.raises(SessionError, match="--task"):
        run(folder)


def test_a_session_without_a_loop_says_so(scene, run, tmp_path):
    folder = scene(seconds=2, jumps=False).write(tmp_path / "m1" / "bare")
    told, status = run(folder)
    assert status == 0
    assert "no poses were recorded" in told
    assert "no decisions were recorded" in told
    with pytest.raises(SpringhareError, match="Expected poses to draw"):
        run(folder, "--picture", tmp_path / "p.png")


def test_a_session_without_decisions_has_its_poses(loop_scene, run, tmp_path):
    made = loop_scene(seconds=3, jumps=False)
    made.fire_every = made.suppress_every = 10**6
    told, status = run(made.write(tmp_path / "m1" / "quiet"), "--picture",
                       tmp_path / "p.png")  # fmt: skip
    assert status == 0
    assert "exposure to pose" in told
    assert "exposure to edge" not in told
    assert (tmp_path / "p.png").exists()


@pytest.mark.parametrize("content", [None, b"no HDF5 at all"])
def test_what_is_no_session_ends_with_2(content, tmp_path, capsys, monkeypatch):
    folder = tmp_path / "broken"
    folder.mkdir()
    if content is not None:
        (folder / "session.h5").write_bytes(content)
    monkeypatch.setattr(cli.cli, "get_command", lambda _context, _name: latency)
    assert cli.main(["latency", str(folder)]) == 2
    assert "Expected a session" in capsys.readouterr().err

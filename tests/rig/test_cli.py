import json
import os
import signal
import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import click
import pytest

from rig import cli
from rig.config.examples import examples_folder
from rig.errors import ConfigError

HEAVY = [
    "numpy",
    "h5py",
    "zmq",
    "pydantic",
    "ruamel.yaml",
    "rich",
    "harp",
    "serial",
    "pypylon",
    "av",
    "onnxruntime",
    "torch",
    "tensorflow",
    "dlclive",
    "cv2",
    "pandas",
    "scipy",
    "matplotlib",
    "msgspec",
    "PySide6",
    "pyqtgraph",
]


@pytest.fixture
def install(monkeypatch):
    """Install commands of a test's own, by name."""
    module = type(sys)("commands_of_a_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def install(**functions):
        points = []
        for name, function in functions.items():
            value = f"{module.__name__}:{name}"
            if function is not None:
                setattr(module, name, click.command(name)(function))
            points.append(EntryPoint(name, value, cli.GROUP))

        def entry_points(group, **params):
            return EntryPoints(points).select(group=group, **params)

        monkeypatch.setattr(cli, "entry_points", entry_points)

    return install


def test_help_loads_nothing_heavy():
    code = (
        "import json, sys; from rig.cli import main; main(['--help']); "
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    for name in (
        "bench",
        "check",
        "demo",
        "doctor",
        "evaluate",
        "init",
        "label",
        "latency",
        "monitor",
        "parity",
        "refine",
        "replay",
        "review",
        "rules",
        "run",
        "schema",
    ):
        assert f"\n  {name} " in done.stdout
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert "rig.commands.demo" in loaded, "the one-line help comes from the commands"
    assert [name for name in HEAVY if name in loaded] == []


def test_every_command_explains_itself(capsys):
    for name in cli.cli.list_commands(None):
        assert cli.main([name, "--help"]) == 0, name
        out = capsys.readouterr().out
        assert out.startswith(f"Usage: springhare {name}"), out
        assert "cannot be loaded" not in out


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("springhare 0.")


def test_a_command_gives_its_exit_status(install):
    install(seven=lambda: 7, nothing=lambda: None)
    assert cli.main(["seven"]) == 7
    assert cli.main(["nothing"]) == 0


def test_a_fault_of_the_users_is_a_message(install, capsys):
    def fails():
        msg = "rig.yaml:3: name: expected a name"
        raise ConfigError(msg)

    install(fails=fails)
    assert cli.main(["fails"]) == 2
    err = capsys.readouterr().err
    assert err == "springhare: rig.yaml:3: name: expected a name\n"


def test_a_bug_keeps_its_traceback(install):
    def broken():
        return 1 // 0

    install(broken=broken)
    with pytest.raises(ZeroDivisionError):
        cli.main(["broken"])


def test_an_interrupt(install):
    def interrupted():
        raise KeyboardInterrupt

    install(interrupted=interrupted)
    assert cli.main(["interrupted"]) == 130


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["demmo"], "got 'demmo': did you mean demo?"),
        (["xyzzy"], "got 'xyzzy': one of align, analyse, bench, calibrate-latency"),
        (["init"], "Missing argument"),
        (["doctor", "--jsn"], "No such option"),
    ],
)
def test_a_slip_on_the_command_line(words, message, capsys):
    assert cli.main(words) == 2
    assert message in capsys.readouterr().err


def test_a_broken_command_does_not_break_the_others(install, capsys):
    install(good=lambda: 0, missing=None)
    assert cli.main(["--help"]) == 0
    assert "cannot be loaded" in capsys.readouterr().out
    assert cli.main(["good"]) == 0
    assert cli.main(["missing", "--any", "thing"]) == 2
    assert "springhare doctor" in capsys.readouterr().err


@pytest.mark.slow
def test_ctrl_c_in_the_middle_of_a_command():
    code = """
import sys, threading, click
from rig import cli
@click.command()
def wait():
    print("waiting", flush=True)
    threading.Event().wait(60)
cli.cli.add_command(wait, "wait")
cli._Commands.get_command = lambda self, ctx, name: self.commands.get(name)
sys.exit(cli.main(["wait"]))
"""
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout.readline() == "waiting\n"
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=20)
    finally:
        child.kill()
    assert child.returncode == 130
    assert "Traceback" not in err


def test_output_that_nobody_reads():
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "rig.cli", "schema"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


class TestInit:
    def test_copies_every_example(self, tmp_path, capsys):
        folder = tmp_path / "lab"
        assert cli.main(["init", str(folder)]) == 0
        copied = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
        source = examples_folder()
        assert copied == {
            str(p.relative_to(source)) for p in source.rglob("*") if p.is_file()
        }
        assert "rig/demo.yaml" in copied
        assert "schema/rig.json" in copied
        out = capsys.readouterr().out
        assert "springhare doctor" in out
        for kind in ("rig", "task", "session"):
            assert f"--{kind} {folder / kind / 'jump-rig.yaml'}" in out

    def test_never_overwrites(self, tmp_path, capsys):
        (tmp_path / "task").mkdir()
        mine = tmp_path / "task" / "demo.yaml"
        mine.write_text("mine")
        assert cli.main(["init", str(tmp_path)]) == 2
        assert str(mine) in capsys.readouterr().err
        assert mine.read_text() == "mine"
        assert not (tmp_path / "rig").exists(), "nothing is copied at all"


class TestSchema:
    def test_the_committed_schemas_are_current(self, capsys):
        assert cli.main(["schema", "--check"]) == 0, capsys.readouterr().err

    def test_the_checkout_has_the_same(self, tmp_path):
        assert cli.main(["schema", "--write", str(tmp_path)]) == 0
        committed = Path(__file__).parents[2] / "configs" / "schema"
        files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        assert files == {path.name: path.read_bytes() for path in committed.iterdir()}

    def test_one_that_is_out_of_date(self, tmp_path, monkeypatch, capsys):
        assert cli.main(["schema", "--write", str(tmp_path / "schema")]) == 0
        (tmp_path / "schema" / "rig.json").write_text("{}")
        (tmp_path / "schema" / "task.json").unlink()
        monkeypatch.setattr("rig.config.examples.examples_folder", lambda: tmp_path)
        assert cli.main(["schema", "--check"]) == 1
        err = capsys.readouterr().err
        assert "rig.json is out of date" in err
        assert "task.json is out of date" in err
        assert "session.json is out" not in err
        words = ["schema", "--write", str(tmp_path / "schema")]
        assert f"springhare {' '.join(words)} --force" in err
        assert cli.main(words) == 2, "a file that is there"
        assert not (tmp_path / "schema" / "task.json").exists(), "all or nothing"
        assert cli.main([*words, "--force"]) == 0
        assert cli.main(["schema", "--check"]) == 0

    def test_one_of_them(self, capsys):
        assert cli.main(["schema", "session"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["additionalProperties"] is False
        assert "subject" in found["required"]
        assert cli.main(["schema", "sesion"]) == 2

    def test_rows_are_described_as_they_lie(self, capsys):
        import numpy as np

        from rig.messages import RECORDS, row_dtype

        assert cli.main(["schema", "messages"]) == 0
        rows = json.loads(capsys.readouterr().out)["rows"]
        assert set(rows) == set(RECORDS)
        for kind, row in rows.items():
            fields = row["fields"]
            layout = {
                "names": [field["name"] for field in fields],
                "formats": [field["dtype"] for field in fields],
                "offsets": [field["offset"] for field in fields],
                "itemsize": row["itemsize"],
            }
            assert np.dtype(layout) == row_dtype(RECORDS[kind])

    def test_every_example_is_valid_by_its_schema(self):
        """The first line of an example points at the schema beside it."""
        folder = examples_folder()
        for path in folder.rglob("*.yaml"):
            line = path.read_text(encoding="utf-8").splitlines()[0]
            schema = line.removeprefix("# yaml-language-server: $schema=")
            assert (path.parent / schema).resolve().exists(), path
            assert Path(schema).stem == path.parent.name

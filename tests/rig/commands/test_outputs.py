"""Nothing is lost by what a command writes, and it is said before the work."""

import os

import click
import pytest

from rig import cli
from rig.commands.outputs import (
    OutFile,
    OutFolder,
    may_replace,
    require_file,
    require_folder,
)
from rig.errors import SpringhareError


@pytest.fixture
def session(tmp_path):
    """What a recording looks like from outside."""
    folder = tmp_path / "m1" / "session"
    (folder / "segments").mkdir(parents=True)
    for name in ("session.h5", "session.json", "truth.json"):
        (folder / name).write_text("recorded")
    return folder


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(
    "name",
    ["session.h5", "session.json", "truth.json", "new.json", "segments/x", "log/x"],
)
def test_a_recording_is_never_written_to(session, name, force):
    with pytest.raises(SpringhareError, match=r"outside the recording .*derived"):
        require_file(session / name, "--out", force=force)
    link = session.parent / "link"
    link.symlink_to(session / name)
    with pytest.raises(SpringhareError, match="outside the recording"):
        require_file(link, "--out", force=force)
    with pytest.raises(SpringhareError, match="outside the recording"):
        require_folder(session / name.split(".")[0], "--out")


def test_one_that_was_cut_short_is_a_recording(session):
    (session / "session.h5").unlink()
    with pytest.raises(SpringhareError, match="outside the recording"):
        require_file(session / "x.json", "--out")
    with pytest.raises(SpringhareError, match="outside the recording"):
        require_folder(session, "--out")


def test_derived_is_there_for_it(session):
    require_file(session / "derived" / "latency.png", "--picture")
    require_folder(session / "derived", "--out")
    assert not (session / "derived").exists()
    with pytest.raises(SpringhareError, match="Expected a folder at"):
        require_file(session / "derived" / "deep" / "latency.png", "--picture")


def test_a_file_that_is_there(tmp_path):
    path = tmp_path / "mine.json"
    require_file(path, "--out")
    path.write_text("mine")
    with pytest.raises(SpringhareError, match=r"got one: .* --out, or .* --force"):
        require_file(path, "--out")
    require_file(path, "--out", force=True)
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]
    require_file(type(path)("/dev/null"), "--out")


def test_a_path_that_was_mistyped_makes_nothing(tmp_path):
    with pytest.raises(SpringhareError, match=r"nope, got none: make it first"):
        require_file(tmp_path / "nope" / "x.json", "--out")
    with pytest.raises(SpringhareError, match=r"correct --out"):
        require_folder(tmp_path / "nope" / "new", "--out")
    with pytest.raises(SpringhareError, match="Expected a folder at /nope, got none"):
        require_folder(type(tmp_path)("/nope"), "--out")
    require_folder(tmp_path / "new", "--out")
    assert not any(tmp_path.iterdir())


def test_what_cannot_be_written(tmp_path, monkeypatch):
    with pytest.raises(SpringhareError, match=r"can be written to.*too long"):
        require_file(tmp_path / ("x" * 300), "--out")
    with pytest.raises(SpringhareError, match="can be written to"):
        require_file(type(tmp_path)("/proc/x.json"), "--out")
    path = tmp_path / "mine.json"
    path.write_text("mine")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(SpringhareError, match=r"can be written to.*read-only"):
        require_file(path, "--out", force=True)


def test_as_options(tmp_path, session):
    @click.command()
    @click.option("--out", type=OutFile())
    @click.option("--root", type=OutFolder())
    @may_replace
    def command(out, root):
        return out, root

    def call(*words):
        return command.main([str(word) for word in words], standalone_mode=False)

    path = tmp_path / "mine.json"
    assert call() == (None, None)
    assert call("--out", path, "--root", tmp_path) == (path, tmp_path)
    path.write_text("mine")
    with pytest.raises(SpringhareError, match="name another with --out"):
        call("--out", path)
    assert call("--out", path, "--force") == (path, None)
    with pytest.raises(SpringhareError, match="with --root"):
        call("--root", session)


@pytest.mark.parametrize(
    "words",
    [
        ["latency", "SESSION", "--out", "SESSION/session.h5"],
        ["latency", "SESSION", "--picture", "SESSION/new.png", "--force"],
        ["picture", "SESSION", "--out", "SESSION/truth.json"],
        ["rules", "check", "SESSION", "--picture", "SESSION/session.json"],
        ["align", "SESSION", "--out", "SESSION"],
        ["calibrate-latency", "SESSION", "--out", "SESSION"],
        ["schema", "--write", "SESSION"],
        ["bench", "recorder", "--out", "SESSION"],
        ["demo", "--out", "SESSION"],
        ["init", "SESSION"],
    ],
)
def test_every_command_asks(words, session, capsys):
    words = [word.replace("SESSION", str(session)) for word in words]
    assert cli.main(words) == 2
    assert "Expected a place outside the recording" in capsys.readouterr().err
    assert {path.name for path in session.iterdir()} == {
        "segments", "session.h5", "session.json", "truth.json"
    }  # fmt: skip
    assert (session / "session.h5").read_text() == "recorded"

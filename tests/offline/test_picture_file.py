"""A picture that cannot be written is refused before the work."""

import sys

import pytest

from offline.picture_file import require_picture
from rig import cli
from rig.errors import SpringhareError

COMMANDS = (
    ["latency", "--picture"],
    ["picture", "--out"],
    ["rules check", "--picture"],
)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("name", ["lat.txt", "lat", "lat.pgf"])
def test_an_ending_that_is_no_picture(words, name, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    command, option = words
    path = tmp_path / name
    # the session is not even opened
    assert cli.main([*command.split(), str(tmp_path), option, str(path)]) == 2
    err = capsys.readouterr().err
    assert "Expected a picture whose name ends in ." in err
    assert ".pdf, .png," in err
    assert f"got {path}" in err
    assert not any(tmp_path.iterdir())


def test_pictures(tmp_path):
    pytest.importorskip("matplotlib")
    for name in ("a.png", "a.PNG", "a.b.svg", "a.jpg", "a.pdf"):
        require_picture(tmp_path / name)


def test_without_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.backend_bases", None)
    with pytest.raises(SpringhareError, match=r"springhare\[offline\]"):
        require_picture(tmp_path / "a.png")

import os
import pty
import termios

import pytest

from rig.commands.terminal_keys import TerminalKeys


@pytest.fixture
def terminal(monkeypatch):
    """A terminal of our own: its two ends."""
    ours, theirs = pty.openpty()
    monkeypatch.setattr(os, "tcgetpgrp", lambda _fd: os.getpgrp())
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def test_a_key_is_there_at_once_and_is_not_shown(terminal, until):
    ours, theirs = terminal
    with TerminalKeys(theirs) as keys:
        assert keys.pressed() == ""
        os.write(ours, b"ad")
        assert until(keys.pressed) == "ad"
        assert keys.pressed() == ""
        flags = termios.tcgetattr(theirs)[3]
        assert not flags & (termios.ICANON | termios.ECHO)
        assert flags & termios.ISIG  # Ctrl-C is still a signal


def test_the_terminal_is_left_as_it_was_whatever_happens(terminal):
    _, theirs = terminal
    before = termios.tcgetattr(theirs)
    with pytest.raises(RuntimeError), TerminalKeys(theirs):
        raise RuntimeError
    assert termios.tcgetattr(theirs) == before


def test_without_a_terminal_there_are_no_keys(tmp_path):
    with (tmp_path / "file").open("w+b") as file:
        file.write(b"a")
        file.seek(0)
        with TerminalKeys(file.fileno()) as keys:
            assert keys.pressed() == ""


def test_in_the_background_there_are_none_either(terminal, monkeypatch):
    ours, theirs = terminal
    monkeypatch.setattr(os, "tcgetpgrp", lambda _fd: os.getpgrp() + 1)
    before = termios.tcgetattr(theirs)
    with TerminalKeys(theirs) as keys:
        os.write(ours, b"a")
        assert keys.pressed() == ""
        assert termios.tcgetattr(theirs) == before


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        pytest.param("grün", "grün", id="any letter"),
        pytest.param("a\x1b[Ad", "ad", id="an arrow is no key"),
        pytest.param("\x1b[1;5D3", "3", id="nor are the digits that it is made of"),
        pytest.param("\x1bOPs", "s", id="nor is a function key"),
        pytest.param("\x1b", "\x1b", id="Escape is one"),
    ],
)
def test_what_is_typed_comes_as_letters(terminal, until, typed, keys):
    ours, theirs = terminal
    with TerminalKeys(theirs) as pressed:
        os.write(ours, typed.encode())
        assert until(pressed.pressed) == keys


@pytest.fixture
def until():
    """Ask until there is an answer; it is a moment away."""

    def until(ask):
        for _ in range(1000):
            if found := ask():
                return found
        pytest.fail("nothing came")

    return until

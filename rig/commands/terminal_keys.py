"""Keys of the terminal while a session runs: what is pressed, without Enter."""

from __future__ import annotations

import codecs
import os
import re
import select
import termios
import tty
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["TerminalKeys"]

_STANDARD_INPUT = 0
_READ_BYTES = 64
_SEQUENCE = re.compile("\x1b(\\[[0-9;?]*[@-~]|O.)")
"""What an arrow or a function key sends: its parts must not pass for keys."""


class TerminalKeys:
    """Gives the keys that were pressed; use it as a context manager.

    Ctrl-C and Ctrl-Z do what they always do. Without a terminal, or in the
    background, there are no keys.

    Parameters
    ----------
    fd
        Of the terminal; by default that of standard input.
    """

    def __init__(self, fd: int = _STANDARD_INPUT) -> None:
        self._fd = fd
        self._before: list[Any] | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")

    def __enter__(self) -> Self:
        """Let keys come one by one, and unseen, where this is a terminal of ours."""
        if os.isatty(self._fd) and os.tcgetpgrp(self._fd) == os.getpgrp():
            self._before = termios.tcgetattr(self._fd)
            tty.setcbreak(self._fd)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""
        if self._before is not None:
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)
            self._before = None

    def pressed(self) -> str:
        """Return the letters, digits and signs pressed since the last time.

        Does not wait.
        """
        if self._before is None or not select.select([self._fd], [], [], 0)[0]:
            return ""
        typed = self._decoder.decode(os.read(self._fd, _READ_BYTES))
        return _SEQUENCE.sub("", typed)

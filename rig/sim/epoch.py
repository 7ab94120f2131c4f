"""When the simulated world began: one moment that all twins agree on.

Twins live in processes of their own and share nothing but a folder. The first one
to say so begins the world; the moment is a file of 8 bytes that appears whole and
is never changed, so no lock can be left behind by a killed process.
"""

from __future__ import annotations

import os
from pathlib import Path

from rig.errors import SpringhareError

__all__ = ["Epoch"]

_NS_PER_S = 1e9
_BYTES = 8


class Epoch:
    """The world's beginning on the host clock, and how fast its time runs.

    Parameters
    ----------
    path
        File that holds the moment; its folder must exist.
    slow
        World time runs so many times slower than host time.

    Raises
    ------
    SpringhareError
        If `slow` is not above 0.
    """

    def __init__(self, path: Path, slow: float = 1.0) -> None:
        if not slow > 0.0:
            msg = f"Expected a slowness above 0, got {slow}: 1 is real time"
            raise SpringhareError(msg)
        self.path = Path(path)
        self.slow = float(slow)
        self._began_ns: int | None = None

    def begin(self, host_ns: int) -> int:
        """Begin the world at a host time, if it has not begun yet.

        Returns
        -------
        The host time in ns at which the world began: the first caller's.
        """
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        draft.write_bytes(int(host_ns).to_bytes(_BYTES, "little", signed=True))
        try:
            # A link appears whole or not at all, and only the first one does.
            os.link(draft, self.path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        began = self.began_ns()
        if began is None:
            msg = (
                f"Expected the world's epoch at {self.path}, got no file: do not "
                "delete a running session's folder"
            )
            raise SpringhareError(msg)
        return began

    def began_ns(self) -> int | None:
        """Return the host time at which the world began; None before."""
        if self._began_ns is None:
            try:
                raw = self.path.read_bytes()
            except FileNotFoundError:
                return None
            if len(raw) != _BYTES:
                msg = (
                    f"Expected {_BYTES} bytes in {self.path}, got {len(raw)}: delete "
                    "the file and start again"
                )
                raise SpringhareError(msg)
            self._began_ns = int.from_bytes(raw, "little", signed=True)
        return self._began_ns

    def world_s(self, host_ns: int) -> float:
        """Return the world's time in s; 0 before it has begun."""
        began = self.began_ns()
        if began is None or host_ns <= began:
            return 0.0
        return (host_ns - began) / self.slow / _NS_PER_S

    def host_ns(self, world_s: float) -> int | None:
        """Return the host time of a world time; None before it has begun."""
        began = self.began_ns()
        if began is None:
            return None
        return began + round(world_s * self.slow * _NS_PER_S)

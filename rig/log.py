"""Logs: one JSON-lines file per node, in the session's own folder.

A line has the host time, so that it can be laid beside any recorded row.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING

from sync.clock import Clock, MonotonicClock, utc_now

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

__all__ = ["log_to_file"]


class _JsonLines(logging.Formatter):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def format(self, record: logging.LogRecord) -> str:
        """Return one line of JSON."""
        line = {
            "host_ns": self._clock.now(),
            "utc": utc_now().isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def log_to_file(path: Path, clock: Clock | None = None) -> logging.Handler:
    """Send all logs of this process to a file, an uncaught exception included.

    Returns
    -------
    logging.Handler
        To be removed from the root logger and closed when the file is no longer
        wanted.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(_JsonLines(clock or MonotonicClock()))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)

    def log_uncaught(
        kind: type[BaseException],
        error: BaseException,
        traceback: TracebackType | None,
    ) -> None:
        root.critical("Uncaught", exc_info=(kind, error, traceback))
        sys.__excepthook__(kind, error, traceback)

    sys.excepthook = log_uncaught
    return handler

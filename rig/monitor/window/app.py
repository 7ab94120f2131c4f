"""Runs the window: on a session that runs or will run, or on a recorded one."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from rig.system import step_back

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from rig.monitor.live.link import Link
    from rig.monitor.recorded import RecordedFeed
    from rig.monitor.window.main import MonitorWindow

__all__ = ["application", "show_live", "show_review"]


_PICTURE_PX = (1600, 900)
"""Size of a screenshot, wherever a person has put the window."""


def application() -> QApplication:
    """Return this process's one Qt application, made if there is none."""
    found = QApplication.instance()
    if isinstance(found, QApplication):
        return found
    made = QApplication(sys.argv[:1])
    made.setApplicationName("springhare")
    made.setDesktopFileName("springhare")
    return made


def show_live(
    find: Callable[[], Link | None],
    *,
    screenshot: Path | None = None,
    after_s: float = 0.0,
    lab: Path | None = None,
) -> int:
    """Show the session that runs, or wait for one; return the exit status.

    Parameters
    ----------
    find
        Finds a session; asked again and again while there is none.
    screenshot
        Save a picture of the window there and end.
    after_s
        How long after the session was found.
    lab
        Folder of config files to start sessions from.
    """
    step_back()  # rig before window: it draws in the time that is left
    from rig.monitor.window.live_window import LiveWindow

    app = application()
    window = LiveWindow(find, lab)
    return _run(app, window, screenshot, after_s)


def show_review(
    feed: RecordedFeed, *, at_s: float | None = None, screenshot: Path | None = None
) -> int:
    """Show a recorded session; return the exit status."""
    from rig.monitor.window.review_window import ReviewWindow

    app = application()
    window = ReviewWindow(feed)
    if at_s is not None:
        feed.seek(at_s)
    return _run(app, window, screenshot, 0.3)


def _run(
    app: QApplication, window: MonitorWindow, screenshot: Path | None, after_s: float
) -> int:
    if screenshot is None:
        window.restore_place()
    else:
        window.resize(*_PICTURE_PX)
    window.show()
    _show_faults(window)
    # Python sees Ctrl-C between two ticks
    signal.signal(signal.SIGINT, lambda *_: app.quit())
    signal.signal(signal.SIGTERM, lambda *_: app.quit())
    if screenshot is not None:
        _save_after(app, window, screenshot, after_s)
    return app.exec()


def _show_faults(window: MonitorWindow) -> None:
    """Let a bug be seen: a window that stands still must not go on saying all good."""
    usual = sys.excepthook

    def show(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        window.show_fault(f"{kind.__name__}: {error}")
        usual(kind, error, trace)

    sys.excepthook = show


def _save_after(
    app: QApplication, window: MonitorWindow, path: Path, after_s: float
) -> None:
    def save() -> None:
        window.draw_all()
        window.save_figure(path)
        window.asks_before_closing = False
        app.quit()

    def begin() -> None:
        if window.feed is not None:
            window.ticked.disconnect(begin)
            QTimer.singleShot(round(1e3 * after_s), save)

    window.ticked.connect(begin)

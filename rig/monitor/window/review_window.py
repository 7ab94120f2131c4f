"""The window on a recorded session: a bar below it says which moment is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.monitor.window.main import MonitorWindow
from rig.monitor.window.review_bar import ReviewBar

if TYPE_CHECKING:
    from pathlib import Path

    from rig.monitor.recorded import RecordedFeed

__all__ = ["ReviewWindow"]


class ReviewWindow(MonitorWindow):
    """Shows a recorded session; the traces have the pictures' moment in their middle.

    Parameters
    ----------
    feed
        The session.
    """

    def __init__(self, feed: RecordedFeed) -> None:
        self.bar = ReviewBar(feed)
        super().__init__(below=self.bar)
        self._recorded = feed
        self.bar.figure_wanted.connect(self._save)
        self.show_feed(feed)
        if self.traces is not None:
            self.traces.centred = True
            self.traces.scrolled.connect(feed.seek)
        self.before_drawing = self.bar.refresh

    def _save(self, path: Path) -> None:
        self.draw_all()
        self.save_figure(path)

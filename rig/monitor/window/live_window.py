"""The window on a running session: finds it, shows it, keeps the last picture."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QScrollArea, QTabWidget

from rig.errors import SpringhareError
from rig.monitor.health import Level
from rig.monitor.health.judgement import session_light
from rig.monitor.live.attaching import feed_when_ready
from rig.monitor.live.link import LocalLink
from rig.monitor.window.finding import Finder
from rig.monitor.window.main import MonitorWindow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rig.monitor.health import Health
    from rig.monitor.live import LiveFeed
    from rig.monitor.live.link import Link
    from rig.monitor.window.controls import ControlPanel
    from rig.monitor.window.past_list import PastSessions
    from rig.supervisor.status import Status

__all__ = ["LiveWindow"]

_LOOK_EVERY_S = 0.5
_REFRESH_EVERY = 6
"""Ticks: the controls show each new status, and what goes on between two."""


def _review(folder: Path) -> None:
    """Look at a recorded session in a window of its own."""
    subprocess.Popen(
        [sys.executable, "-m", "rig.cli", "review", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _by_its_ledger(link: Link) -> Health | None:
    """Return how a session stands that has ended here; None where nobody can say."""
    if not isinstance(link, LocalLink):
        return None
    from rig.monitor.recorded import RecordedFeed  # takes a while to come

    try:
        with closing(RecordedFeed(link.folder)) as recorded:
            return recorded.health
    except (SpringhareError, OSError, KeyError, ValueError):
        return None  # damaged: springhare check says how; here the last look stays


class LiveWindow(MonitorWindow):
    """Shows the session that runs; waits for one, and for the next one after it.

    Parameters
    ----------
    find
        Finds a running session.
    lab
        Folder of config files to start sessions from.
    """

    def __init__(
        self, find: Callable[[], Link | None], lab: Path | None = None
    ) -> None:
        self._tabs = QTabWidget()
        super().__init__(beside=self._tabs)
        self._lab = lab
        self._finder = Finder(find)
        self._link: Link | None = None
        self._live: LiveFeed | None = None
        self._looked_s = 0.0
        self._furnished = False
        self._turns = 0
        self._told: Status | None = None
        self.before_drawing = self._turn

    @cached_property
    def controls(self) -> ControlPanel:
        """What a person asks with; made after the first pictures, which come sooner."""
        from rig.monitor.window.controls import ControlPanel

        controls = ControlPanel(self._lab)
        scrolled = QScrollArea()  # on a small screen the lights need the room, too
        scrolled.setWidget(controls)
        scrolled.setWidgetResizable(True)
        scrolled.setFrameShape(QFrame.Shape.NoFrame)
        self._tabs.insertTab(0, scrolled, "&Control")
        self._tabs.setCurrentIndex(0)
        controls.set_link(self._link)
        return controls

    @cached_property
    def past(self) -> PastSessions:
        """The last sessions; made with the controls."""
        from rig.monitor.window.past_list import PastSessions

        past = PastSessions(self._lab)
        past.opened.connect(_review)
        self._tabs.addTab(past, "Last &sessions")
        return past

    def _turn(self) -> None:
        if self._link is None:
            self._look_for_one()
        elif self._live is None:
            self._wait_until_ready(self._link)
        else:
            self._tend(self._link, self._live)

    def _look_for_one(self) -> None:
        if not self._finder.done:
            now_s = time.monotonic()
            if not self._finder.searching and now_s - self._looked_s >= _LOOK_EVERY_S:
                self._looked_s = now_s
                self._finder.begin()
            return
        try:
            self._link = self._finder.take()
        except SpringhareError as error:
            self.banner.say(Level.WATCH, str(error))
            return
        if self._link is None:
            self._furnish()  # there is time
            if self.feed is None:
                self.banner.rest("no session is running: start one, or wait")
        elif self._furnished:
            self.controls.set_link(self._link)

    def _wait_until_ready(self, link: Link) -> None:
        link.poll()
        status = link.status
        if link.gone:
            self._let_go(link)
            self.banner.say(Level.BAD, "the session ended before it began: see its log")
            return
        light = session_light(status, silent_s=link.silent_s, trouble=link.trouble)
        words = light.sentence
        if status is not None and light.level is Level.GOOD:
            words = f"{status.session_id}: {status.phase}…"
        self.banner.say(light.level, words)
        self._live = feed_when_ready(link)
        if self._live is not None:
            self.show_feed(self._live)
            self.asks_before_closing = True

    def _furnish(self) -> None:
        if not self._furnished:
            self._furnished = bool(self.controls and self.past)

    def _tend(self, link: Link, live: LiveFeed) -> None:
        self._furnish()
        self.controls.take(link.answers())
        self._turns += 1
        if self._turns % _REFRESH_EVERY == 0 or link.status is not self._told:
            self._told = link.status
            self.controls.refresh(link.status, live.now_ns)
        if link.gone and (link.verdict is not None or link.silent_s > 1):
            live.end(_by_its_ledger(link))  # what was seen stays until the next one
            self.asks_before_closing = False
            self._let_go(link)
            if isinstance(link, LocalLink):
                self.past.add_session(link.folder)
            self.past.reload()

    def _let_go(self, link: Link) -> None:
        self.controls.set_link(None)
        link.close()
        self._link = self._live = None

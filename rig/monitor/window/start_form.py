"""The form that starts a session: choose, check, start.

The session is a program of its own: closing this form, or the whole window, while it
is being started or recorded does nothing to it.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from rig.errors import SpringhareError
from rig.monitor.control.launch import Choice, begin, rehearse
from rig.monitor.control.plan_values import text_of_plan
from rig.monitor.health import Level
from rig.monitor.live.link import LocalLink
from rig.monitor.window.check_view import CheckView
from rig.monitor.window.choices import Choices
from rig.monitor.window.style import DIM, LEVEL_INKS, SHEET
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from rig.config.session import SessionConfig
    from rig.monitor.control.launch import Begun, Rehearsal, Rehearsed

__all__ = ["StartDialog"]

_LOOK_EVERY_MS = 100
_NOT_CHECKED = "Not checked yet"
_HOW = (
    "Check opens every device and records nothing.\n"
    "Start checks, and begins if nothing fails."
)
_BOX = f"QCheckBox::indicator {{ border: 1px solid {DIM}; width: 1em; height: 1em; }}"
"""A box that is seen on a dark ground."""
_PHASES_BEFORE = frozenset({"starting processes", "opening devices", "attaching"})


class StartDialog(QDialog):
    """Chooses the files of a session, checks that all is ready, and starts it.

    Parameters
    ----------
    lab
        Folder of config files; None takes the last one, or looks for one.
    """

    started = Signal(object)
    """A session was begun: the `Path` of what its program says."""

    def __init__(self, lab: Path | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Start a session")
        self.setStyleSheet(SHEET)
        self._clock = MonotonicClock()
        self._since_ns = 0
        self._rehearsal: Rehearsal | None = None
        self._found: Rehearsed | None = None
        """Of the choice as it stands; None where it is still to be checked."""
        self._starts_then = False
        self._begun: Begun | None = None
        self._link: LocalLink | None = None
        self._scratch = tempfile.TemporaryDirectory(
            prefix="springhare-plan-", ignore_cleanup_errors=True
        )
        self.choices = Choices(lab)
        self.simulate = QCheckBox("Si&mulate: play every device, use none")
        self.checks = CheckView()
        self.check_button = QPushButton("&Check")
        self.start_button = QPushButton("&Start")
        self.close_button = QPushButton("Close")
        self._lay_out()
        self._connect()
        self._timer = QTimer(self, interval=_LOOK_EVERY_MS)
        self._timer.timeout.connect(self.turn)
        self._show_simulated(simulated=False)

    # -- what a person does

    def check(self) -> None:
        """Begin to check; what was found is shown when it is there."""
        self._starts_then = False
        self._rehearse()

    def start(self) -> None:
        """Start the session; check first, unless that was done or is going on."""
        if self._rehearsal is not None:
            self._starts_then = True
            self.turn()
            return
        if self._found is not None and self._found.ready:
            self._begin()
            return
        self._starts_then = True
        self._rehearse()

    def done(self, result: int) -> None:
        """Close the form; a rehearsal gives the devices back, a session goes on."""
        self._timer.stop()
        if self._rehearsal is not None:
            self._rehearsal.cancel()
            self._rehearsal = None
        self._let_go()
        self._scratch.cleanup()
        super().done(result)

    # -- what becomes of it

    def turn(self) -> None:
        """Look what has happened; called by a timer."""
        seconds = (self._clock.now() - self._since_ns) // 1_000_000_000
        if self._rehearsal is not None:
            self._turn_rehearsal(self._rehearsal, seconds)
        elif self._begun is not None:
            self._turn_begun(self._begun, seconds)

    def _rehearse(self) -> None:
        choice = self._choice(self._scratch_plan)
        if choice is None:
            return
        self._found = None
        self.checks.show_words("Every device is opened; nothing is recorded.")
        self._rehearsal = rehearse(choice)
        self._work()

    def _begin(self) -> None:
        choice = self._choice(self.choices.save_plan)
        if choice is None:
            return
        self._begun = begin(choice, self.choices.data_root)
        self.checks.show_words(
            "The session starts as a program of its own. It goes on whatever becomes "
            f"of this window.\n\nWhat it says: {self._begun.log}"
        )
        self._work()
        self.started.emit(self._begun.log)

    def _turn_rehearsal(self, rehearsal: Rehearsal, seconds: int) -> None:
        found = rehearsal.poll()
        if found is None:
            then = ", then it starts" if self._starts_then else ""
            self.checks.say(f"Checking… {seconds} s{then}")
            return
        self._rehearsal, self._found = None, found
        self.checks.show_rehearsed(found)
        self._rest()
        if not found.ready:
            self.checks.say("✗ Not ready: see below", Level.BAD)
        elif found.warns:
            self.start_button.setText("&Start anyway")
            self.checks.say("▲ Can start, but look at this first", Level.WATCH)
        else:
            self.checks.say("✓ Ready", Level.GOOD)
            if self._starts_then:
                self._begin()

    def _turn_begun(self, begun: Begun, seconds: int) -> None:
        ended = begun.poll()
        if ended is not None:
            self._let_go()
            self._found = None
            level = Level.WATCH if ended.recorded else Level.BAD
            word = "ended already" if ended.recorded else "did not start"
            self.checks.say(f"✗ The session {word}", level)
            self.checks.show_words(f"{ended.words}\n\nSee {begun.log}", level)
            self._rest()
            return
        self.checks.say(f"Starting… {seconds} s")
        if self._is_recording(begun):
            self.accept()

    def _is_recording(self, begun: Begun) -> bool:
        with suppress(OSError, SpringhareError):  # it may just be ending
            if self._link is None and (streams := begun.streams()) is not None:
                self._link = LocalLink(streams)
            if self._link is not None:
                self._link.poll()
        status = self._link.status if self._link is not None else None
        return status is not None and status.phase not in _PHASES_BEFORE

    # -- what was chosen

    def _choice(self, place: Callable[[SessionConfig], Path]) -> Choice | None:
        """Return what was chosen, if it can be used; show what is wrong if not."""
        try:
            files = self.choices.files(place)
        except SpringhareError as error:
            self.checks.say("✗ These files do not make a session", Level.BAD)
            self.checks.show_words(str(error), Level.BAD)
            return None
        if files is None:
            self.checks.say("✗ Mend what is marked on the left", Level.BAD)
            return None
        return Choice(*files, simulate=self.simulate.isChecked())

    def _scratch_plan(self, plan: SessionConfig) -> Path:
        """Write a plan that is only tried: it is kept when the session starts."""
        path = Path(self._scratch.name) / "session.yaml"
        path.write_text(text_of_plan(plan), encoding="utf-8")
        return path

    def _forget_check(self) -> None:
        """Something else was chosen: what was found is of no use any more."""
        if self._begun is not None:
            return
        if self._rehearsal is not None:
            self._rehearsal.cancel()
            self._rehearsal = None
        self._found = None
        self.checks.say(_NOT_CHECKED)
        self.checks.show_words(_HOW)
        self._rest()

    # -- how it looks

    def _work(self) -> None:
        self._since_ns = self._clock.now()
        self._timer.start()
        self.check_button.setEnabled(False)
        begun = self._begun is not None
        self.start_button.setEnabled(not begun)
        self.choices.setEnabled(not begun)
        self.simulate.setEnabled(not begun)
        self.close_button.setText("Close" if begun else "Cancel")
        self.turn()

    def _rest(self) -> None:
        self._timer.stop()
        self.check_button.setEnabled(True)
        self.start_button.setEnabled(True)
        self.start_button.setText("&Start")
        self.close_button.setText("Close")
        self.choices.setEnabled(True)
        self.simulate.setEnabled(True)

    def _show_simulated(self, simulated: bool) -> None:
        ink = LEVEL_INKS[Level.WATCH]
        lit = f"QCheckBox {{ color: {ink}; }}" if simulated else ""
        fill = f"QCheckBox::indicator:checked {{ background: {ink}; }}"
        self.simulate.setStyleSheet(f"{_BOX} {fill} {lit}")
        self._forget_check()

    def _let_go(self) -> None:
        self._begun = None
        if self._link is not None:
            self._link.close()
            self._link = None

    def _lay_out(self) -> None:
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.choices)
        column.addWidget(self.simulate)
        column.addStretch(1)
        area = QScrollArea()  # for a model with many fields, or a small screen
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(left)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        bar = area.verticalScrollBar().sizeHint().width()
        area.setMinimumWidth(left.minimumSizeHint().width() + bar)
        middle = QSplitter()
        middle.setChildrenCollapsible(False)
        middle.addWidget(area)
        middle.addWidget(self.checks)
        middle.setStretchFactor(0, 2)
        middle.setStretchFactor(1, 3)
        buttons = QHBoxLayout()
        buttons.addWidget(self.close_button)
        buttons.addStretch(1)
        buttons.addWidget(self.check_button)
        buttons.addWidget(self.start_button)
        for button in (self.close_button, self.start_button):
            button.setAutoDefault(False)
        self.check_button.setDefault(True)  # Enter in a field checks: that harms nobody
        whole = QVBoxLayout(self)
        whole.addWidget(middle, 1)
        whole.addLayout(buttons)
        letter = self.fontMetrics().averageCharWidth()
        line = self.fontMetrics().height()
        room = self.screen().availableGeometry()
        self.resize(min(130 * letter, room.width()), min(34 * line, room.height()))

    def _connect(self) -> None:
        self.check_button.clicked.connect(self.check)
        self.start_button.clicked.connect(self.start)
        self.close_button.clicked.connect(self._close_or_cancel)
        self.choices.changed.connect(self._forget_check)
        self.simulate.toggled.connect(self._show_simulated)

    def _close_or_cancel(self) -> None:
        if self._rehearsal is not None:
            self._forget_check()
        else:
            self.reject()

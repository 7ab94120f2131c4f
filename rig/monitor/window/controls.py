"""What a person asks of the session; each request is answered, and the answer shown.

Nothing is done here: the supervisor is asked. Nothing shown here tells a fire from a
sham.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from rig.config.rig import RigConfig
from rig.errors import SpringhareError
from rig.monitor.control.asked import RequestLog
from rig.monitor.health import Level
from rig.monitor.window.asked_table import AskedTable, clock_text
from rig.monitor.window.confirm import ask_first
from rig.monitor.window.loop_button import LoopButton
from rig.monitor.window.note_keys import NoteKeys
from rig.monitor.window.note_line import NoteLine
from rig.monitor.window.pulse_row import PulseRow
from rig.monitor.window.start_form import StartDialog
from rig.monitor.window.style import DIM, LEVEL_INKS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from PySide6.QtWidgets import QMessageBox

    from rig.monitor.live.link import Answer, Link
    from rig.supervisor.status import Status

__all__ = ["ControlPanel"]

_LOOK_EVERY_NS = 1_000_000_000
"""Between two looks for what the session is, until it says so."""
_EARLY = frozenset(
    {"pre-flight", "starting processes", "opening devices", "attaching", "starting"}
)
_LATE = frozenset({"stopping", "closing the ledger"})
"""Phases of a session in which it takes no requests."""


class ControlPanel(QWidget):
    """Buttons, a field for notes, and what came of each request.

    Parameters
    ----------
    lab
        Folder of config files to start sessions from; None looks for one.
    """

    started = Signal(object)
    """A session was begun here: the `Path` of what its program says."""

    def __init__(self, lab: Path | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.log = RequestLog()
        self.form: StartDialog | None = None
        self._lab = lab
        self._link: Link | None = None
        self._status: Status | None = None
        self._zero_ns: int | None = None
        self._looked_ns: int | None = None
        self._make_widgets()
        self._lay_out()
        self._connect()
        self._show()

    # -- what the window hands in

    def set_link(self, link: Link | None) -> None:
        """Ask another session from now on; None: there is none any more."""
        if link is None:
            self.log.end("the session has ended")
        elif link is not self._link:
            self.log.clear()
        self._link, self._status = link, None
        self._zero_ns = self._looked_ns = None if link else self._zero_ns
        self.pulse.set_lines(None)
        self._show()

    def refresh(self, status: Status | None, now_ns: int) -> None:
        """Show how the session stands; called a few times a second."""
        self._status = status
        self._look_what_it_is(now_ns)
        self.log.turn(now_ns)
        self._show()

    def take(self, answers: Iterable[Answer]) -> None:
        """Take in what was answered."""
        self.log.take(answers)

    # -- what a person does

    def open_form(self) -> StartDialog:
        """Open the form that starts a session."""
        form = self.form = StartDialog(self._lab, self.window())
        form.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        form.started.connect(self.started)
        form.destroyed.connect(self._forget_form)
        form.open()
        return form

    def ask_to_stop(self) -> QMessageBox:
        """Ask whether to stop, then stop."""
        return ask_first(
            self,
            "Stop the session?",
            "It ends in order: triggers, cameras, ledger, verdict. It cannot be taken "
            "up again; a new one can be started.",
            "&Stop the session",
            lambda: self._ask("stop", "stop"),
        )

    def _toggle(self) -> None:
        request = "disarm" if self.loop.armed else "arm"
        self._ask(request, f"{request} the loop")

    def _pulse(self, line: str, width_us: int) -> None:
        words = f"pulse on {line}, {width_us / 1000:g} ms"
        at_ns = self._now_ns()
        self._ask("pulse", words, line=line, pulse_width_us=width_us, at_ns=at_ns)

    def _note_by_key(self, key: str, label: str) -> None:
        words = f"note {key}: {label}" if label else f"note {key}"
        self._ask("note", words, text=label, key=key, at_ns=self._now_ns())

    def _note_typed(self, text: str, since_ns: int) -> None:
        self._ask("note", f"note: {text}", text=text, at_ns=since_ns)

    def _ask(self, request: str, words: str, **arguments: Any) -> None:
        if self._link is None or self._why_not():
            return
        self.log.sent(request, words, self._now_ns())
        self._link.ask(request, **arguments)
        self._show()

    # -- what is known

    def _now_ns(self) -> int:
        return self._link.clock.now() if self._link is not None else 0

    def _why_not(self) -> str:
        """Return why nothing can be asked; empty if something can."""
        link, status = self._link, self._status
        if link is None:
            return "No session runs here."
        if not link.can_ask:
            return "Only looking: this session is controlled on its own machine."
        if link.gone:
            worth = f": {link.verdict}" if link.verdict else ""
            return f"The session has ended{worth}."
        if status is None or status.phase in _EARLY:
            return "The session is being made ready…"
        if status.phase in _LATE or self.log.was_done("stop"):
            return "The session is ending: the ledger is being closed…"
        return ""

    def _look_what_it_is(self, now_ns: int) -> None:
        """Find the session's zero of time and its lines, until it says what it is."""
        link, looked_ns = self._link, self._looked_ns
        recent = looked_ns is not None and now_ns - looked_ns < _LOOK_EVERY_NS
        if link is None or self._zero_ns is not None or recent:
            return
        self._looked_ns = now_ns
        with suppress(SpringhareError, OSError):
            info = link.info()
            if info is not None:
                self._zero_ns = info.started_host_ns
                self._offer_lines(info.configs.rig)

    def _offer_lines(self, plain: dict[str, Any]) -> None:
        actuator = RigConfig.model_validate(plain).actuator if plain else None
        self.pulse.set_lines({} if actuator is None else actuator[1].lines)

    # -- how it looks

    def _show(self) -> None:
        why_not = self._why_not()
        active = not why_not
        hint = " Start one here, or from a terminal." if self._link is None else ""
        self.why.setText(why_not + hint if why_not else "Requests are taken.")
        self.why.setStyleSheet(f"color: {DIM if active else LEVEL_INKS[Level.WATCH]}")
        self.start.setEnabled(self._link is None or self._link.gone)
        self.stop.setEnabled(active)
        nodes = self._status.nodes if self._status else ()
        self.loop.show_loop(
            {name: value for node in nodes for name, value in node.metrics.items()},
            active=active,
            asking=self.log.waits_for("arm", "disarm"),
        )
        self.pulse.set_active(active=active)
        self.note.setEnabled(active)
        self.keys.set_active(active=active)
        self.table.show_lines(self.log.lines, self._zero_ns)

    def _show_note_time(self) -> None:
        since_ns = self.note.since_ns
        words = "Enter sends it, with the time at which typing began."
        if since_ns is not None and self._zero_ns is not None:
            at = clock_text(since_ns, self._zero_ns)
            words = f"Enter sends it for {at}, Esc throws it away."
        self.note_time.setText(words)

    # -- how it is put together

    def _make_widgets(self) -> None:
        self.why = QLabel()
        self.why.setWordWrap(True)
        self.why.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self.start = QPushButton("S&tart…")
        self.stop = QPushButton("St&op…")
        self.loop = LoopButton()
        self.pulse = PulseRow()
        self.note = NoteLine(self._now_ns)
        self.note_time = QLabel()
        self.note_time.setStyleSheet(f"color: {DIM}")
        self.note_time.setWordWrap(True)
        self.keys = NoteKeys()
        self.labels = QPushButton("Key &labels…")
        self.table = AskedTable()
        self._show_note_time()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.addWidget(self.why)
        first = QHBoxLayout()
        first.addWidget(self.start)
        first.addWidget(self.stop)
        column.addLayout(first)
        column.addWidget(self.loop)
        grid = QGridLayout()
        grid.addWidget(self._label("Pulse", self.pulse.lines), 0, 0)
        grid.addWidget(self.pulse, 0, 1)
        grid.addWidget(self.pulse.limits, 1, 1)
        grid.addWidget(self._label("&Note", self.note), 2, 0)
        grid.addWidget(self.note, 2, 1)
        grid.addWidget(self.note_time, 3, 1)
        grid.setColumnStretch(1, 1)
        column.addLayout(grid)
        column.addWidget(self.keys)
        column.addWidget(self.labels, 0, Qt.AlignmentFlag.AlignRight)
        line = QFrame()
        line.setFrameShape(QFrame.Shape.HLine)
        column.addWidget(line)
        column.addWidget(self.table, 1)

    @staticmethod
    def _label(text: str, buddy: QWidget) -> QLabel:
        label = QLabel(text)
        label.setBuddy(buddy)
        return label

    def _connect(self) -> None:
        self.start.clicked.connect(self.open_form)
        self.stop.clicked.connect(self.ask_to_stop)
        self.loop.clicked.connect(self._toggle)
        self.pulse.asked.connect(self._pulse)
        self.note.written.connect(self._note_typed)
        self.note.begun.connect(self._show_note_time)
        self.keys.pressed.connect(self._note_by_key)
        self.labels.clicked.connect(self.keys.edit_labels)

    def _forget_form(self) -> None:
        self.form = None

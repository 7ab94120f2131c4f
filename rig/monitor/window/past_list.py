"""The last sessions with their verdicts; a double click or Enter opens one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtGui import QBrush, QColor
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from rig.errors import SpringhareError
from rig.monitor.control.past import past_sessions
from rig.monitor.health import Level
from rig.monitor.window.last_lab import last_lab
from rig.monitor.window.style import DIM, GRID, LEVEL_INKS, TEXT
from sync.clock import utc_now

if TYPE_CHECKING:
    from datetime import datetime

    from PySide6.QtGui import QShowEvent

    from rig.monitor.control.past import PastSession

__all__ = ["PastSessions", "worth"]

_HEADINGS = ("Verdict", "Subject", "Started", "Length", "Lost", "Task")
_LEVELS = {"PASS": Level.GOOD, "WARN": Level.WATCH, "FAIL": Level.BAD}
_FOLDER = int(Qt.ItemDataRole.UserRole)
_OURS = ("springhare", "monitor")
_SETTING = "past/folder"


class PastSessions(QWidget):
    """A table of the newest sessions, whatever they were worth.

    Parameters
    ----------
    lab
        Folder of config files: what their rigs wrote is listed. None looks for one.
    roots
        Folders that sessions were written below, in place of the lab's.
    """

    opened = Signal(object)
    """A session is to be looked at: the `Path` of its folder."""

    def __init__(
        self,
        lab: Path | None = None,
        parent: QWidget | None = None,
        roots: tuple[Path, ...] = (),
    ) -> None:
        super().__init__(parent)
        self._lab, self._roots = lab, roots
        self._seen: list[Path] = []
        self._is_read = False
        self.where = QLabel()
        self.where.setStyleSheet(f"color: {DIM}")
        self.where.setWordWrap(True)
        self.browse = QPushButton("&Folder…")
        self.browse.setToolTip("List the sessions below another folder")
        self.again = QPushButton("&Reload")
        self.table = QTableWidget(0, len(_HEADINGS))
        self.about = QLabel()
        """Of the chosen session: the verdict in a sentence."""
        self.about.setWordWrap(True)
        self._lay_out()
        self.browse.clicked.connect(self._browse)
        self.again.clicked.connect(self.reload)
        self.table.itemActivated.connect(self._open)
        self.table.currentItemChanged.connect(self._tell)

    def reload(self) -> None:
        """Look anew what there is."""
        self._is_read = True
        roots = tuple(
            dict.fromkeys((*(self._roots or self._known_roots()), *self._seen))
        )
        sessions = past_sessions(roots)
        self.where.setText(", ".join(map(str, roots)) or "no folder of sessions")
        self.table.setRowCount(0)  # nothing of the old rows is taken for the new ones
        self.table.setRowCount(len(sessions))
        for row, session in enumerate(sessions):
            self._put_row(row, session)
        self.about.setText("" if sessions else "No session here yet.")

    def add_session(self, folder: Path) -> None:
        """List, from the next look on, what stands where a session was written."""
        self._seen.append(folder.parent.parent)

    def showEvent(self, event: QShowEvent) -> None:
        """Look what there is when it is first seen: not while nobody does."""
        super().showEvent(event)
        if not self._is_read:
            self.reload()

    def _known_roots(self) -> tuple[Path, ...]:
        last = QSettings(*_OURS).value(_SETTING)
        if isinstance(last, str) and Path(last).is_dir():
            return (Path(last),)
        try:
            return last_lab(self._lab).data_roots
        except SpringhareError:
            return ()

    def _browse(self) -> None:
        found = QFileDialog.getExistingDirectory(self, "Folder of sessions")
        if found:
            QSettings(*_OURS).setValue(_SETTING, found)
            self._roots = (Path(found),)
            self.reload()

    def _open(self, item: QTableWidgetItem) -> None:
        self.opened.emit(item.data(_FOLDER))

    def _tell(self, item: QTableWidgetItem | None) -> None:
        self.about.setText("" if item is None else item.toolTip())

    def _put_row(self, row: int, session: PastSession) -> None:
        level, verdict = worth(session)
        started = session.started
        cells = (
            verdict,
            session.subject,
            _date_text(started),
            _length_text(session.length_s),
            "" if session.lost is None else f"{session.lost:,}",
            session.task,
        )
        for column, text in enumerate(cells):
            item = QTableWidgetItem(text)
            item.setData(_FOLDER, session.folder)
            item.setToolTip(f"{session.folder.name}: {session.reason}")
            lost = column == _HEADINGS.index("Lost") and session.lost
            colour = TEXT
            if column == 0 or lost:
                colour = DIM if level is None else LEVEL_INKS[level]
            item.setForeground(QBrush(QColor(colour)))
            if _HEADINGS[column] in {"Length", "Lost"}:
                item.setTextAlignment(
                    Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                )
            self.table.setItem(row, column, item)

    def _lay_out(self) -> None:
        table = self.table
        table.setHorizontalHeaderLabels(_HEADINGS)
        table.setAccessibleName("last sessions")
        table.verticalHeader().hide()
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        table.setTabKeyNavigation(False)
        table.setShowGrid(False)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(len(_HEADINGS) - 1, QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        header.setHighlightSections(False)
        table.setStyleSheet(
            f"QTableWidget {{ selection-background-color: {GRID};"
            f" selection-color: {TEXT}; }}"
        )
        top = QHBoxLayout()
        top.addWidget(self.where, 1)
        top.addWidget(self.browse)
        top.addWidget(self.again)
        column = QVBoxLayout(self)
        column.addLayout(top)
        column.addWidget(table, 1)
        column.addWidget(self.about)


def worth(session: PastSession) -> tuple[Level | None, str]:
    """Return how good a session is, and that with a symbol of its own.

    Nobody knows yet of one that is being recorded.
    """
    if session.state == "recording":
        return None, "○ recording"
    if session.verdict is None or session.state in {"damaged", "cut off"}:
        return Level.BAD, f"{Level.BAD.symbol} {session.state}"
    level = _LEVELS[session.verdict]
    rescued = ", salvaged" if session.state == "salvaged" else ""
    return level, f"{level.symbol} {session.verdict}{rescued}"


def _date_text(started: datetime | None) -> str:
    """Return a local date and time, with the year where it is another one."""
    if started is None:
        return ""
    year = "" if started.year == utc_now().year else " %Y"
    return started.astimezone().strftime(f"%d %b{year} %H:%M")


def _length_text(length_s: float | None) -> str:
    if length_s is None:
        return ""
    seconds = round(length_s)
    return f"{seconds // 60}:{seconds % 60:02}"

"""Which rig, which task, which animal: the files that a session is made of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from rig.config.loading import load_rig, load_session
from rig.errors import SpringhareError
from rig.monitor.control.lab import data_root_of, fault_of
from rig.monitor.control.plan_values import make_plan, values_of_plan
from rig.monitor.health import Level
from rig.monitor.window.last_lab import last_lab, remember_lab
from rig.monitor.window.plan_form import PlanForm
from rig.monitor.window.style import DIM, LEVEL_INKS
from rig.monitor.window.wrapped import Wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rig.config.session import SessionConfig
    from rig.monitor.control.lab import Lab

__all__ = ["Choices"]

_NEW = "new session"
_SETTING = "start/{}"
_OURS = ("springhare", "monitor")


class Choices(QWidget):
    """Chooses the three files; today's plan can be written here.

    Parameters
    ----------
    lab
        Folder of config files; None takes the last one, or looks for one.
    """

    changed = Signal()
    """Something else is chosen or typed."""

    def __init__(self, lab: Path | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab: Lab | None = None
        self.folder = Wrapped(DIM)
        self.browse = QPushButton("&Folder…")
        self.browse.setAutoDefault(False)
        self.rig, self.task, self.plan = QComboBox(), QComboBox(), QComboBox()
        self.form = PlanForm()
        self.fault = Wrapped(LEVEL_INKS[Level.BAD])
        self._lay_out()
        self._connect()
        self.open_lab(lab)

    @property
    def data_root(self) -> Path:
        """Where the chosen rig's sessions are written.

        Raises
        ------
        SpringhareError
            If the rig file is not what it must be.
        """
        return data_root_of(load_rig(self.rig.currentData()))

    def open_lab(self, folder: Path | None) -> None:
        """Offer the files of a folder; say what is wrong with it."""
        try:
            lab = self.lab = last_lab(folder)
        except SpringhareError as error:
            self._show_fault(str(error))
            return
        about = " (packaged examples)" if lab.read_only else ""
        self.folder.say(f"{lab.folder}{about}")
        for kind, box, paths in (
            ("rig", self.rig, lab.rigs),
            ("task", self.task, lab.tasks),
            ("plan", self.plan, lab.plans),
        ):
            self._offer(box, paths, QSettings(*_OURS).value(_SETTING.format(kind)))
        self._take_rig()

    def files(
        self, place: Callable[[SessionConfig], Path]
    ) -> tuple[Path, Path, Path] | None:
        """Return rig, task and plan; None while something is to be filled in.

        Parameters
        ----------
        place
            Writes a new plan and returns where it is.

        Raises
        ------
        SpringhareError
            If the files do not make a session; with every fault.
        """
        rig, task, plan = (b.currentData() for b in (self.rig, self.task, self.plan))
        if plan is None:
            made = make_plan(self.form.typed())
            self.form.show_faults(made.faults)
            self.form.go_to_first(made.faults)
            if made.plan is None:
                return None
            plan = place(made.plan)
        if fault := fault_of(rig, task, plan):
            raise SpringhareError(fault)
        self._remember()
        return rig, task, plan

    def save_plan(self, plan: SessionConfig) -> Path:
        """Keep a new plan, and choose it from now on."""
        if self.lab is None:
            msg = "Expected a folder of config files, got none: choose one"
            raise SpringhareError(msg)
        path = self.lab.save_plan(plan, self.data_root)
        with QSignalBlocker(self.plan):
            self.plan.addItem(path.stem, path)
            self.plan.setCurrentIndex(self.plan.count() - 1)
        self.form.set_editable(editable=False)
        return path

    # -- what follows from a choice

    def _take_rig(self) -> None:
        """Mark the tasks that do not go with the rig."""
        rig = self.rig.currentData()
        if self.lab is None or rig is None:
            return
        plan = make_plan({"subject": "any"}).plan
        try:
            misfits = self.lab.misfits(rig, plan) if plan is not None else {}
        except SpringhareError as error:
            self._show_fault(str(error))
            return
        for k in range(self.task.count()):
            path = self.task.itemData(k)
            fault = misfits.get(path, "")
            self.task.setItemText(k, f"✗ {path.stem}" if fault else path.stem)
            self.task.setItemData(k, fault, Qt.ItemDataRole.ToolTipRole)
        self._take_task()

    def _take_task(self) -> None:
        fault = self.task.currentData(Qt.ItemDataRole.ToolTipRole)
        words = "This task does not go with this rig: Check says why"
        self._show_fault(words if fault else "")
        self._take_plan()

    def _take_plan(self) -> None:
        """Show a plan that is there; a new one begins as a copy of what was shown."""
        path = self.plan.currentData()
        self.form.set_editable(editable=path is None)
        self.form.show_faults({})
        if path is not None:
            try:
                self.form.fill(values_of_plan(load_session(path)))
            except SpringhareError as error:
                self._show_fault(str(error))
        self.changed.emit()

    def _browse(self) -> None:
        start = str(self.lab.folder) if self.lab else ""
        found = QFileDialog.getExistingDirectory(self, "Folder of configs", start)
        if found:
            self.open_lab(Path(found))

    def _take_typed(self) -> None:
        self.form.show_faults({})
        self.changed.emit()

    def _show_fault(self, words: str) -> None:
        self.fault.say(f"✗ {words}" if words else "")

    def _offer(self, box: QComboBox, paths: Sequence[Path], last: object) -> None:
        with QSignalBlocker(box):
            box.clear()
            for path in paths:
                box.addItem(path.stem, path)
                box.setItemData(box.count() - 1, "", Qt.ItemDataRole.ToolTipRole)
            if box is self.plan:
                box.insertItem(0, f"{_NEW}…", None)
            known = [str(path) for path in paths]
            if isinstance(last, str) and last in known:
                box.setCurrentIndex(box.findText(Path(last).stem))
            else:
                box.setCurrentIndex(0)

    def _remember(self) -> None:
        settings = QSettings(*_OURS)
        if self.lab is not None:
            remember_lab(self.lab)
        for kind, box in (("rig", self.rig), ("task", self.task), ("plan", self.plan)):
            path = box.currentData()
            settings.setValue(_SETTING.format(kind), "" if path is None else str(path))

    # -- how it is put together

    def _lay_out(self) -> None:
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        top = QHBoxLayout()
        top.addWidget(self.folder, 1)
        top.addWidget(self.browse, 0, Qt.AlignmentFlag.AlignTop)
        form.addRow(top)
        titles = {"&Rig": self.rig, "&Task": self.task, "&Plan": self.plan}
        width = max(title.sizeHint().width() for title in self.form.titles)
        for text, box in titles.items():
            title = QLabel(text)
            title.setBuddy(box)
            title.setMinimumWidth(width)  # one column with the form below
            box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            form.addRow(title, box)
            if box is self.task:
                form.addRow(self.fault)
        form.addRow(self.form)

    def _connect(self) -> None:
        self.browse.clicked.connect(self._browse)
        self.rig.currentIndexChanged.connect(self._take_rig)
        self.task.currentIndexChanged.connect(self._take_task)
        self.plan.currentIndexChanged.connect(self._take_plan)
        self.form.changed.connect(self._take_typed)

"""Asks before something that cannot be taken back; the keyboard's default is No."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

__all__ = ["ask_first"]


def ask_first(
    parent: QWidget, question: str, detail: str, yes: str, then: Callable[[], None]
) -> QMessageBox:
    """Ask, and do it after a yes; the window lives on meanwhile.

    Parameters
    ----------
    question, detail
        What would be done, in a sentence, and what it means.
    yes
        What stands on the button that does it.
    then
        Called after a yes.
    """
    box = QMessageBox(
        QMessageBox.Icon.Question, "Springhare", question, parent=parent.window()
    )
    box.setInformativeText(detail)
    agree = box.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
    refuse = box.addButton("&No", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(refuse)
    box.setEscapeButton(refuse)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.buttonClicked.connect(lambda button: then() if button is agree else None)
    box.open()
    return box

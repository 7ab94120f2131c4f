"""What lets the outputs be driven, as it changes: events of the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PermissionWatch"]

_WORDS = {
    "permitted": (
        ("not_permitted", "the board holds its outputs low"),
        ("permitted", "the board may drive its outputs"),
    ),
    "key_on": (
        ("key_off", "the key is off: the board holds its outputs low"),
        ("key_on", "the key is on"),
    ),
}


class PermissionWatch:
    """Turns what the actuator's board says into events.

    Parameters
    ----------
    device
        The device that has the actuator.
    """

    def __init__(self, device: str) -> None:
        self.device = device
        self._known: dict[str, float] = {}

    def changes(self, metrics: Mapping[str, float]) -> list[tuple[str, str]]:
        """Return what has changed since the last time: state and detail of each.

        Parameters
        ----------
        metrics
            The device's last figures; what it does not know it does not say.
        """
        found: list[tuple[str, str]] = []
        for name, words in _WORDS.items():
            if name in metrics and self._known.get(name) != metrics[name]:
                self._known[name] = metrics[name]
                found.append(words[bool(metrics[name])])
        return found

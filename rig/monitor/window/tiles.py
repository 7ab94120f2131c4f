"""All cameras side by side, or one of them large."""

from __future__ import annotations

from math import ceil, sqrt
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QGridLayout, QWidget

from rig.monitor.window.space import SpaceView
from rig.monitor.window.tile import Tile

if TYPE_CHECKING:
    from rig.monitor.feed import Feed
    from rig.monitor.shown import Shown

__all__ = ["Tiles"]


class Tiles(QWidget):
    """The pictures of a session.

    Parameters
    ----------
    shown
        What there is to be shown.
    """

    def __init__(self, shown: Shown) -> None:
        super().__init__()
        self.tiles = {camera.name: Tile(camera) for camera in shown.cameras}
        self.space = SpaceView(shown) if shown.space_bodyparts else None
        self._large: str | None = None
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        for tile in self.tiles.values():
            tile.wanted_large.connect(self.toggle_large)
        self._arrange()

    def refresh(self, feed: Feed) -> int:
        """Draw what is new; return how many pictures were."""
        drawn = sum(
            tile.refresh(feed) for tile in self.tiles.values() if tile.isVisible()
        )
        if self.space is not None and self.space.isVisible():
            self.space.refresh(feed)
        return drawn

    def toggle_large(self, camera: str) -> None:
        """Show one camera alone, or all again."""
        self._large = None if self._large == camera else camera
        for name, tile in self.tiles.items():
            tile.setVisible(self._large in {None, name})
            tile.set_large(large=self._large == name)
        if self.space is not None:
            self.space.setVisible(self._large is None)

    def show_number(self, number: int) -> None:
        """Show the camera of that number large; 0 shows all."""
        names = list(self.tiles)
        if number == 0 and self._large is not None:
            self.toggle_large(self._large)
        elif 0 < number <= len(names) and self._large != names[number - 1]:
            self.toggle_large(names[number - 1])

    def show_all(self) -> None:
        """Zoom each picture out."""
        for tile in self.tiles.values():
            tile.canvas.show_all()

    def set_rules_shown(self, *, shown: bool) -> None:
        """Draw the rules' regions and thresholds, or not."""
        for tile in self.tiles.values():
            tile.canvas.overlay.show_rules = shown
            tile.canvas.update()

    def _arrange(self) -> None:
        widgets: list[QWidget] = [*self.tiles.values()]
        if self.space is not None:
            widgets.append(self.space)
        columns = max(1, ceil(sqrt(len(widgets) * 1.3)))
        if len(widgets) <= 3:
            columns = max(1, len(widgets))
        rows = ceil(len(widgets) / columns)
        columns = ceil(len(widgets) / rows) if rows else 1  # the last one as full
        for k, widget in enumerate(widgets):
            self._grid.addWidget(widget, k // columns, k % columns)
        for k in range(columns):
            self._grid.setColumnStretch(k, 1)
        for k in range(-(-len(widgets) // columns)):
            self._grid.setRowStretch(k, 1)

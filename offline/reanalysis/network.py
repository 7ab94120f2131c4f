"""A network and the frames that it looks at; each worker's process has one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference.view.viewer import BatchModel
from offline.models import load_model
from offline.reanalysis.sources import open_frames
from rig.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from inference.model import PoseModel
    from offline.models import Engine
    from offline.reanalysis.sources import FrameReader, Source

__all__ = ["Looker", "Network", "let_go", "look", "looker_of"]


@dataclass(frozen=True, slots=True)
class Network:
    """Which network, and how it computes."""

    model: str
    """As a task file names it."""
    engine: Engine
    resize: float
    threads: int
    batch: int
    """Frames at once, where the engine can."""


class Looker:
    """A loaded network that sees one source after the other.

    Parameters
    ----------
    network
        Which network.
    model
        It, loaded; None to load it.

    Raises
    ------
    ModelError
        If it cannot be loaded.
    """

    def __init__(self, network: Network, model: PoseModel | None = None) -> None:
        self.network = network
        self.model = model or load_model(
            network.model,
            engine=network.engine,
            threads=network.threads,
            resize=network.resize,
        )
        self._colours: dict[tuple[int, int, bool, str], bool] = {}
        self._source: Source | None = None
        self._reader: FrameReader | None = None

    @property
    def batch(self) -> int:
        """How many frames go through the network at once."""
        model = self.model
        able = isinstance(model, BatchModel) and model.batches
        return self.network.batch if able else 1

    def sees_colours(self, source: Source) -> bool:
        """Make ready for a source; tell whether the network is shown its colours.

        A video is shown in grey to a network that takes nothing else: its recorded
        pixels may be grey in the clothes of colours. What a camera recorded is shown
        as it is.

        Raises
        ------
        ModelError
            If the network cannot see such frames.
        """
        kind = (source.width_px, source.height_px, source.colour, source.kind)
        if kind not in self._colours:
            self._colours[kind] = self._warm_up(source)
        return self._colours[kind]

    def look(self, source: Source, start: int, stop: int) -> NDArray[np.float32]:
        """Return the poses in frames from `start` to before `stop`.

        Returns
        -------
        ndarray
            (stop - start, bodyparts, 3) float32.

        Raises
        ------
        SessionError
            If a frame cannot be read.
        ModelError
            If the network cannot see such frames.
        """
        reader = self._reader_of(source)
        poses: list[NDArray[np.float32]] = []
        for first in range(start, stop, self.batch):
            frames = reader.read(first, min(first + self.batch, stop))
            poses += self._infer(frames)
        return np.stack(poses)

    def close(self) -> None:
        """Let go of frames and network; may be called twice."""
        self._let_go_of_frames()
        self.model.close()

    def _infer(self, frames: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        model = self.model
        if len(frames) > 1 and isinstance(model, BatchModel):
            return model.infer_together(frames)
        return [model.infer(frame) for frame in frames]

    def _warm_up(self, source: Source) -> bool:
        height, width = source.height_px, source.width_px
        if source.colour:
            try:
                self.model.warm_up(height, width, 3)
            except ModelError:
                if source.kind != "video":
                    raise
            else:
                return True
        self.model.warm_up(height, width, 1)
        return False

    def _reader_of(self, source: Source) -> FrameReader:
        if self._reader is None or self._source != source:
            self._let_go_of_frames()
            colour = self.sees_colours(source)
            self._reader, self._source = open_frames(source, colour=colour), source
        return self._reader

    def _let_go_of_frames(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader = self._source = None


_here: list[Looker] = []
"""The one of this process, if there is one."""


def looker_of(network: Network) -> Looker:
    """Return this process's network; it is loaded once."""
    if _here and _here[0].network != network:
        let_go()
    if not _here:
        _here.append(Looker(network))
    return _here[0]


def look(
    network: Network, source: Source, start: int, stop: int
) -> NDArray[np.float32]:
    """Return the poses in frames from `start` to before `stop`: a worker's task."""
    return looker_of(network).look(source, start, stop)


def let_go() -> None:
    """Let go of this process's network; may be called twice."""
    while _here:
        _here.pop().close()

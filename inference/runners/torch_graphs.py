"""CUDA graphs: what a GPU does with one shape of picture, recorded once, then played.

Launching a network's hundreds of kernels one by one takes longer than running them;
a graph launches them all at once, and takes the same time whatever the host is at.
Two slots of pinned memory let the next frame go up while the one before is computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["GraphedNetwork"]

_SLOTS = 2
_REHEARSALS = 3
"""Runs before recording, in which libraries choose their kernels."""


class _Slot:
    """Memory of one frame, or batch, on its way up and of its keypoints back."""

    def __init__(self, shape: tuple[int, ...], keypoints: Any) -> None:
        import torch

        self.pinned = torch.empty(shape, dtype=torch.uint8, pin_memory=True)
        self.pixels = self.pinned.numpy()
        self.staged = torch.empty(shape, dtype=torch.uint8, device="cuda")
        self.result = torch.empty(keypoints.shape, pin_memory=True)
        self.uploaded = torch.cuda.Event()
        self.done = torch.cuda.Event()


class _Graph:
    """A recorded network for one shape of pixels."""

    def __init__(
        self,
        network: Callable[[Any], Any],
        shape: tuple[int, ...],
        memory: Any,
        streams: tuple[Any, Any],
    ) -> None:
        import torch

        self._upload, self._compute = streams
        self._pixels = torch.zeros(shape, dtype=torch.uint8, device="cuda")
        with torch.cuda.stream(self._compute):
            for _ in range(_REHEARSALS):
                network(self._pixels)
        torch.cuda.synchronize()
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, pool=memory, stream=self._compute):
            self._keypoints = network(self._pixels)
        self._slots = [_Slot(shape, self._keypoints) for _ in range(_SLOTS)]
        self._turn = 0

    def begin(self, frames: Sequence[NDArray[np.uint8]]) -> _Slot:
        """Send frames up and start the network; the slot will have the keypoints."""
        import torch

        slot = self._slots[self._turn % _SLOTS]
        self._turn += 1
        slot.done.synchronize()  # what it was used for before
        for into, frame in zip(slot.pixels, frames, strict=True):
            into[...] = frame if frame.ndim == 3 else frame[..., None]
        with torch.cuda.stream(self._upload):
            slot.staged.copy_(slot.pinned, non_blocking=True)
            slot.uploaded.record()
        with torch.cuda.stream(self._compute):
            self._compute.wait_event(slot.uploaded)
            self._pixels.copy_(slot.staged)
            self._graph.replay()
            slot.result.copy_(self._keypoints, non_blocking=True)
            slot.done.record()
        return slot


class GraphedNetwork:
    """A network on a GPU, recorded for each shape that it is shown.

    Parameters
    ----------
    network
        Takes uint8 pixels (n, height, width, channels) on the GPU and returns
        keypoints (n, bodyparts, 3) there, without asking the host for anything.
    """

    def __init__(self, network: Callable[[Any], Any]) -> None:
        import torch

        torch.backends.cudnn.benchmark = True
        self._network = network
        # graphs never run at the same time, so they may share their memory
        self._memory = torch.cuda.graph_pool_handle()
        self._streams = torch.cuda.Stream(), torch.cuda.Stream()
        self._graphs: dict[tuple[int, ...], _Graph] = {}

    def __call__(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return (n, bodyparts, 3) of n frames of one shape."""
        slot = self._graph_for(frames).begin(frames)
        slot.done.synchronize()
        return slot.result.numpy().copy()

    def each(self, frames: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """Return the keypoints of each frame: as a batch where all have one shape.

        Others go in turn, each on its way up while the one before is computed.
        """
        if len({frame.shape for frame in frames}) == 1:
            return list(self(frames))
        found: list[NDArray[np.float32]] = []
        waiting: list[_Slot] = []
        for frame in frames:
            waiting.append(self._graph_for([frame]).begin([frame]))
            if len(waiting) == _SLOTS:
                found.append(_result(waiting.pop(0)))
        return [*found, *map(_result, waiting)]

    def close(self) -> None:
        """Let go of all graphs and their memory."""
        self._graphs.clear()

    def _graph_for(self, frames: Sequence[NDArray[np.uint8]]) -> _Graph:
        import torch

        height, width = frames[0].shape[:2]
        channels = 1 if frames[0].ndim == 2 else frames[0].shape[2]
        shape = (len(frames), height, width, channels)
        graph = self._graphs.get(shape)
        if graph is None:
            with torch.inference_mode():
                graph = _Graph(self._network, shape, self._memory, self._streams)
            self._graphs[shape] = graph
        return graph


def _result(slot: _Slot) -> NDArray[np.float32]:
    slot.done.synchronize()
    return slot.result.numpy()[0].copy()

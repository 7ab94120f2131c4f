"""How long pose networks take for a frame, as a task runs them, in turns."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from inference.model import load_engine
from inference.view.viewer import Viewer
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rig.config.rig import RigConfig
    from rig.config.task import InferenceConfig

__all__ = ["network_times_ns"]


def network_times_ns(
    configs: Sequence[InferenceConfig], rig: RigConfig, looks: int
) -> NDArray[np.int64]:
    """Time networks on the picture that each will mostly see, warmed up.

    They look in turns, so that what else the machine does slows them alike.

    Parameters
    ----------
    configs
        Of the networks: engine, threads, crop and resize are the task's.
    rig
        Whose first camera of the task gives the size of the pictures.
    looks
        How often each looks.

    Returns
    -------
    ndarray of int64
        (networks, looks), ns.

    Raises
    ------
    ModelError
        If a network cannot be loaded, or cannot see such pictures.
    """
    clock = MonotonicClock()
    took_ns = np.zeros((len(configs), looks), np.int64)
    with ExitStack() as stack:
        pairs = []
        for config in configs:
            camera = rig.cameras[config.cameras[0]]
            channels = 3 if camera.pixel_format == "RGB8" else 1
            model = load_engine(config)
            stack.callback(model.close)
            viewer = Viewer(model, config, camera.height_px, camera.width_px, channels)
            viewer.warm_up()
            pairs.append((model, viewer.usual_picture()))
        for look in range(looks):
            for k, (model, picture) in enumerate(pairs):
                began_ns = clock.now()
                model.infer(picture)
                took_ns[k, look] = clock.now() - began_ns
    return took_ns

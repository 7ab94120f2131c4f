"""How long a candidate takes on this machine, in turns with the model on the rig."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from offline.gate.checks import Check, latency
from offline.network_times import network_times_ns
from rig.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from rig.config.rig import RigConfig
    from rig.config.task import InferenceConfig, TaskConfig

__all__ = ["timed"]

_LOOKS = 200


def timed(
    path: Path,
    current: str | None,
    rig: RigConfig,
    task: TaskConfig,
    inference: InferenceConfig,
) -> Check:
    """Time a candidate as a task runs it, and judge it.

    Parameters
    ----------
    path
        Its file.
    current
        The model on the rig; None where nothing can be held against it.
    rig, task, inference
        Where it would run, and the task's inference section.

    Raises
    ------
    ModelError
        If the candidate cannot see the rig's pictures.
    """
    check = latency(*_times_ns(path, current, rig, inference), task)
    load, cores = os.getloadavg()[0], len(os.sched_getaffinity(0))
    if check.state != "FAIL" or load <= cores:
        return check
    busy = f"{check.told}; the machine is busy (load {load:.1f}, {cores} cores)"
    return replace(check, told=f"{busy}: try again when it is idle")


def _times_ns(
    path: Path, current: str | None, rig: RigConfig, inference: InferenceConfig
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    mine = inference.model_copy(update={"model": str(path)})
    if current is not None:
        theirs = inference.model_copy(update={"model": current})
        try:
            first, second = network_times_ns([mine, theirs], rig, _LOOKS)
        except ModelError:
            pass  # one of them cannot see the rig's pictures: is it the candidate?
        else:
            return first, second
    return network_times_ns([mine], rig, _LOOKS)[0], None

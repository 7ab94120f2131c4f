"""One GPU for each worker, where there are several."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["gpus", "take_gpu"]

_DRIVER = Path("/proc/driver/nvidia/gpus")
_VISIBLE = "CUDA_VISIBLE_DEVICES"


def gpus(driver: Path = _DRIVER) -> list[str]:
    """Return the GPUs that this process may use, as CUDA names them.

    Parameters
    ----------
    driver
        Folder in which NVIDIA's driver lists them; asked where the environment does
        not say (``CUDA_VISIBLE_DEVICES``).
    """
    said = os.environ.get(_VISIBLE)
    if said is not None:
        return [name.strip() for name in said.split(",") if name.strip()]
    try:
        return [str(k) for k, _ in enumerate(driver.iterdir())]
    except OSError:
        return []


def take_gpu(number: int) -> None:
    """Let a worker's process see one GPU alone, before any engine looks for them.

    Parameters
    ----------
    number
        Of the worker; with more workers than GPUs several share one.
    """
    found = gpus()
    if len(found) > 1:
        os.environ[_VISIBLE] = found[number % len(found)]

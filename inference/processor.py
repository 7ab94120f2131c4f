"""Processors that were written for DeepLabCut-Live, run as they are.

A Processor is given each pose and may act by itself, and may give another pose back;
that one is what gates, prediction and rules see. It is called as DeepLabCut-Live and
its GUI call it: ``process(pose, frame_time=…, pose_time=…, record=True)``, with times
in seconds of the wall clock, and ``save()`` at the end.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.foreign import what_it_raised
from rig.errors import ConfigError, ModelError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from types import ModuleType

    from numpy.typing import NDArray

    from rig.config.task import ProcessorConfig

__all__ = ["PoseProcessor"]

logger = logging.getLogger(__name__)


class PoseProcessor:
    """Somebody's Processor, which may fail without harm to the session.

    Parameters
    ----------
    config
        Where its class is, and what it is made with.

    Raises
    ------
    ConfigError
        If the class cannot be found or made.
    """

    def __init__(self, config: ProcessorConfig) -> None:
        self.name = config.use
        make = _find(config.use)
        try:
            self._processor = make(**config.arguments)
        except Exception as error:
            msg = (
                f"inference.processor: expected {config.use} to be made with "
                f"{config.arguments}, it raised {what_it_raised(error)}"
            )
            raise ConfigError(msg) from error
        self.failed = False
        """Whether it raised; then it is not asked any more."""

    def process(
        self, keypoints: NDArray[np.float32], age_ns: int, wall: datetime
    ) -> NDArray[np.float32]:
        """Return what the processor makes of a pose.

        Parameters
        ----------
        keypoints
            (bodyparts, 3): x px, y px, likelihood; it gets a copy.
        age_ns
            Time since the exposure midpoint.
        wall
            Wall-clock time now.

        Returns
        -------
        ndarray of float32
            (bodyparts, 3); the pose itself where it gives none back, or has failed.
        """
        if self.failed:
            return keypoints
        now_s = wall.timestamp()
        try:
            found = self._processor.process(
                keypoints.copy(),
                frame_time=now_s - age_ns * 1e-9,
                pose_time=now_s,
                record=True,
            )
            return keypoints if found is None else _pose(found, keypoints.shape)
        except Exception:  # it is not ours: whatever it raises, the session goes on
            self.failed = True
            logger.exception("%s failed and is not asked any more", self.name)
            return keypoints

    def close(self) -> None:
        """Let it save what it has gathered, where it says itself."""
        try:
            self._processor.save()
        except Exception:
            logger.exception("%s could not save what it had gathered", self.name)


def _pose(found: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    pose = np.ascontiguousarray(found, np.float32)
    if pose.shape != shape:
        msg = f"Expected a pose of shape {shape} from the processor, got {pose.shape}"
        raise ModelError(msg)
    return pose


def _find(use: str) -> Callable[..., Any]:
    """Return the class of ``file.py:Class`` or ``package.module:Class``."""
    where, _, name = use.rpartition(":")
    try:
        module = _of_file(Path(where)) if where.endswith(".py") else _of_name(where)
        return getattr(module, name)
    except Exception as error:  # it is not ours: it may raise anything
        msg = (
            "inference.processor.use: expected file.py:Class or package.module:Class, "
            f"got {use!r}: {what_it_raised(error)}"
        )
        raise ConfigError(msg) from error


def _of_name(name: str) -> ModuleType:
    return importlib.import_module(name)


def _of_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        msg = f"{path} cannot be imported"
        raise ImportError(msg)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

"""A pose model for work after the session: any file, its best engine, all cores."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from inference.model import load_engine
from inference.model_file import find_model
from rig.config.task import InferenceConfig

if TYPE_CHECKING:
    from inference.model import PoseModel

__all__ = ["Engine", "best_engine", "load_model"]

Engine = Literal["onnx", "torch", "dlclive"]
_BEST: dict[str, Engine] = {"onnx": "onnx", "pytorch": "torch", "tensorflow": "dlclive"}


def best_engine(name: str) -> Engine:
    """Return the engine that reads a model's file best.

    Raises
    ------
    ModelError
        If there is no such model.
    """
    return _BEST[find_model(name).form]


def load_model(
    name: str,
    *,
    engine: Engine | None = None,
    threads: int | None = None,
    resize: float = 1.0,
) -> PoseModel:
    """Load a pose network by what a task file would say of it.

    Parameters
    ----------
    name
        ``bundled:mouse``, an ``.onnx`` file, or a DeepLabCut export.
    engine
        None for the one that reads the file best.
    threads
        None for one a core: nobody waits for a frame here.
    resize
        Factor by which pictures are shrunk first; poses are of the whole picture.

    Raises
    ------
    ModelError
        If there is no such model, or the engine cannot read it or is not installed.
    """
    config = InferenceConfig(
        model=name,
        engine=engine or best_engine(name),
        cameras=("offline",),
        threads=threads or os.cpu_count() or 1,
        resize=resize,
    )
    return load_engine(config)

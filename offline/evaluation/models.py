"""The models that are compared: loaded, named, and what is known of their files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.model_file import find_model
from offline.evaluation.training import Trained, read_training
from offline.models import best_engine, load_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference.model import PoseModel
    from offline.models import Engine

__all__ = ["Facts", "Loaded", "load", "names_for"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a model."""

    file: str
    """As the user named it."""
    bytes: int
    """Of the file; of a folder, of all in it."""
    sha256: str
    parameters: int | None
    """Numbers that were learnt; None if it cannot be told."""
    engine: str
    provider: str
    bodyparts: tuple[str, ...]
    trained: Trained


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A model that is ready, and what is known of it."""

    name: str
    """No two have the same."""
    model: PoseModel
    facts: Facts


def load(name: str, shown: str, engine: Engine | None, resize: float) -> Loaded:
    """Load a model by anything that `offline.models.load_model` takes.

    Parameters
    ----------
    name
        As the user wrote it.
    shown
        As it is called in tables.
    engine
        None for the one that reads the file best.
    resize
        Factor by which pictures are shrunk first.

    Raises
    ------
    ModelError
        If there is no such model, or the engine cannot read it or is not installed.
    """
    file = find_model(name)
    chosen = engine or best_engine(name)
    model = load_model(name, engine=chosen, resize=resize)
    facts = Facts(
        file=name,
        bytes=_size(file.path),
        sha256=model.sha256,
        parameters=_parameters(file.path) if file.form == "onnx" else None,
        engine=chosen,
        provider=model.provider,
        bodyparts=model.bodyparts,
        trained=read_training(name, file.path, getattr(model, "metadata", {})),
    )
    return Loaded(shown, model, facts)


def names_for(models: Sequence[str]) -> list[str]:
    """Return what models are called: by their file, with the folder where needed.

    Examples
    --------
    >>> names_for(["a/best.onnx", "b/best.onnx", "bundled:mouse"])
    ['a/best.onnx', 'b/best.onnx', 'bundled:mouse']
    """
    for parts in range(1, 1 + max(len(Path(model).parts) for model in models)):
        names = ["/".join(Path(model).parts[-parts:]) for model in models]
        if len(set(names)) == len(names):
            return names
    return [f"{model} ({k})" for k, model in enumerate(models, 1)]


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _parameters(path: Path) -> int | None:
    """Return the count of real numbers among the initialisers; None without onnx."""
    try:
        import onnx
    except ImportError:
        return None
    graph: Any = onnx.load(str(path), load_external_data=False).graph
    kinds = onnx.TensorProto
    real = {kinds.FLOAT, kinds.FLOAT16, kinds.DOUBLE, kinds.BFLOAT16}
    return sum(
        int(np.prod(tensor.dims, dtype=np.int64))
        for tensor in graph.initializer
        if tensor.data_type in real
    )

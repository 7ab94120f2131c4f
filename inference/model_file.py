"""A model on disk: found by what the task file says, told apart, hashed."""

from __future__ import annotations

import hashlib
import importlib.resources
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rig.errors import ModelError

__all__ = ["ModelFile", "find_model"]

_BUNDLED = "bundled:"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model on disk."""

    path: Path
    """A file; the folder of a TensorFlow export."""
    form: Literal["onnx", "pytorch", "tensorflow"]
    sha256: str
    """Of the file; for a TensorFlow export of its graph followed by its
    ``pose_cfg.yaml``."""


def find_model(model: str) -> ModelFile:
    """Find a model by what the task file says.

    Parameters
    ----------
    model
        ``bundled:mouse``, an ``.onnx`` file, a DeepLabCut ``.pt`` file, or the folder
        of a DeepLabCut TensorFlow export. A relative path starts at the working
        folder.

    Raises
    ------
    ModelError
        If there is nothing, or nothing that is a model.
    """
    if model.startswith(_BUNDLED):
        return _bundled(model.removeprefix(_BUNDLED))
    path = Path(model).expanduser()
    if not path.exists():
        msg = (
            f"Expected a pose model at {path}, got nothing: correct inference.model, "
            "or take bundled:mouse"
        )
        raise ModelError(msg)
    if path.is_dir():
        return _tensorflow_export(path)
    forms: dict[str, Literal["onnx", "pytorch"]] = {".onnx": "onnx", ".pt": "pytorch"}
    if path.suffix not in forms:
        msg = (
            "Expected an .onnx file, a DeepLabCut .pt file or the folder of a "
            f"TensorFlow export, got {path}: export the model from DeepLabCut first"
        )
        raise ModelError(msg)
    return ModelFile(path, forms[path.suffix], _sha256(path))


def _bundled(name: str) -> ModelFile:
    folder = Path(str(importlib.resources.files("inference"))) / "bundled"
    path = folder / f"{name}.onnx"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.onnx"))) or "none"
        msg = f"Expected a bundled model among {known}, got {name!r}"
        raise ModelError(msg)
    return ModelFile(path, "onnx", _sha256(path))


def _tensorflow_export(folder: Path) -> ModelFile:
    graphs, config = sorted(folder.glob("*.pb")), folder / "pose_cfg.yaml"
    if len(graphs) != 1 or not config.is_file():
        found = ", ".join(path.name for path in graphs) or "no .pb file"
        also = "" if config.is_file() else ", no pose_cfg.yaml"
        msg = (
            f"Expected one .pb file and pose_cfg.yaml in {folder}, got {found}{also}: "
            "give the folder that DeepLabCut's export_model made"
        )
        raise ModelError(msg)
    return ModelFile(folder, "tensorflow", _sha256(graphs[0], config))


def _sha256(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()

"""Named sets of training parameters: kept with the model, and known by their hash."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from rig.errors import ConfigError

__all__ = ["NAMES", "ParameterSet", "load_parameters"]

_SETS = files("offline.training") / "sets"
NAMES = tuple(
    sorted(p.name.removesuffix(".yaml") for p in _SETS.iterdir() if p.is_file())
)
"""Of the sets that come with Springhare."""


class ParameterSet(BaseModel):
    """What makes one training differ from another, but for its frames."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: str = ""
    net_type: str = "resnet_50"
    """One of DeepLabCut's."""
    backbone_channels: int | None = Field(None, ge=1)
    """Of what the backbone gives, where it is not that of the `net_type`."""
    updates: dict[str, Any] = Field(default_factory=dict[str, Any])
    """Of DeepLabCut's ``pytorch_config.yaml``, by dotted names."""
    learning_rate: float = Field(1e-3, gt=0)
    """The largest; it rises to it, and falls to nothing at the end."""
    epochs: int = Field(100, ge=1)
    """Where no time is given."""

    @property
    def sha256(self) -> str:
        """Hash of all that matters: of the same parameters, however written."""
        told = self.model_dump(exclude={"about"})
        words = json.dumps(told, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(words.encode()).hexdigest()


def load_parameters(name: str) -> ParameterSet:
    """Load a set by its name, or from a file.

    Raises
    ------
    ConfigError
        If there is none, or it is not what it must be.
    """
    place = _SETS / f"{name}.yaml" if name in NAMES else Path(name)
    try:
        found = YAML(typ="safe", pure=True).load(place.read_text("utf-8"))
        return ParameterSet.model_validate(found)
    except OSError as error:
        msg = (
            f"Expected training parameters: one of {', '.join(NAMES)}, or a file, got "
            f"{name} ({error.strerror})"
        )
        raise ConfigError(msg) from error
    except (YAMLError, ValidationError, UnicodeDecodeError) as error:
        msg = f"Expected training parameters in {name}, got: {error}"
        raise ConfigError(msg) from error

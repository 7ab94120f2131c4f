"""Reading the three files: every fault at once, each with its line.

A scientist who mends a file wants the whole list, in the file's own words and
order, not one complaint per attempt.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from rig.config.base import Fault
from rig.config.document import Document, read_document
from rig.config.fault_script import FaultScript
from rig.config.faults import faults_of
from rig.config.rig import RigConfig
from rig.config.session import SessionConfig
from rig.config.task import TaskConfig
from rig.config.together import check_together, together_faults, with_rig_model
from rig.config.wiring import rig_faults, section, task_faults
from rig.errors import ConfigError, VersionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = [
    "Experiment",
    "check_together",
    "load_experiment",
    "load_faults",
    "load_rig",
    "load_session",
    "load_task",
]

_M = TypeVar("_M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is known of one kind of file."""

    noun: str
    format: str
    wired: Callable[[Mapping[str, Any]], list[Fault]]
    """Checks between the parts of the file, on plain data."""


def _nothing(_plain: Mapping[str, Any]) -> list[Fault]:
    return []


_KINDS: dict[type[BaseModel], _Kind] = {
    RigConfig: _Kind("rig", "springhare-rig/1", rig_faults),
    TaskConfig: _Kind("task", "springhare-task/1", task_faults),
    SessionConfig: _Kind("session", "springhare-session-plan/1", _nothing),
    FaultScript: _Kind("fault script", "springhare-faults/1", _nothing),
}


@dataclass(frozen=True, slots=True)
class Experiment:
    """A rig, a task and a session that were found to fit together."""

    rig: RigConfig
    task: TaskConfig
    session: SessionConfig


def load_rig(path: Path) -> RigConfig:
    """Read a rig file.

    Raises
    ------
    ConfigError
        If it is not what it must be; the message lists every fault with its line.
    VersionError
        If it was written for another version of the format.
    """
    return _load(path, RigConfig)


def load_task(path: Path) -> TaskConfig:
    """Read a task file; raises as `load_rig` does."""
    return _load(path, TaskConfig)


def load_session(path: Path) -> SessionConfig:
    """Read a session file; raises as `load_rig` does."""
    return _load(path, SessionConfig)


def load_faults(path: Path) -> FaultScript:
    """Read a script of simulated faults; raises as `load_rig` does."""
    return _load(path, FaultScript)


def load_experiment(rig: Path, task: Path, session: Path) -> Experiment:
    """Read the three files and check that they fit together.

    Raises
    ------
    ConfigError
        With the faults of all three files, or else with what does not fit.
    VersionError
        If one was written for another version of its format.
    """
    documents = [read_document(path) for path in (rig, task, session)]
    first, faults = _read(documents[0], RigConfig)
    second, more = _read(documents[1], TaskConfig)
    third, most = _read(documents[2], SessionConfig)
    faults = [*faults, *more, *most]
    if first is not None and second is not None and third is not None:
        for place, fault in together_faults(first, second, third):
            document = documents[("rig", "task", "session").index(place)]
            faults.append(document.describe(fault))
        if not faults:
            return Experiment(first, with_rig_model(first, second), third)
    raise ConfigError("\n".join(faults))


def _load(path: Path, model: type[_M]) -> _M:
    config, faults = _read(read_document(path), model)
    if config is None:
        raise ConfigError("\n".join(faults))
    return config


def _read(document: Document, model: type[_M]) -> tuple[_M | None, list[str]]:
    """Return the config, or None and every fault of the file in order of lines."""
    kind = _KINDS[model]
    data = section(document.data)
    if not data:
        text = "expected keys and values (lines of `key: value`), got something else"
        return None, [document.describe(Fault((), text))]
    if wrong := _wrong_format(document, data.get("format"), kind):
        return None, [wrong]
    config: _M | None = None
    faults = list(document.faults)
    try:
        # By way of JSON, whose strict rules take a list for a tuple and text for a
        # path but neither text nor true for a number.
        config = model.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        found = [*faults_of(error, model, data), *kind.wired(data)]
        faults += {(fault.path, fault.text): fault for fault in found}.values()
    if faults:
        faults.sort(key=lambda fault: document.line(fault.path))
        return None, [document.describe(fault) for fault in faults]
    return config, []


def _wrong_format(document: Document, got: Any, kind: _Kind) -> str | None:
    """Tell of a file of another kind; raise for another version of this kind."""
    if got == kind.format:
        return None
    if got is None:
        text = f"missing key format: begin the file with `format: {kind.format}`"
        return document.describe(Fault((), text))
    others = {other.format.split("/")[0]: other.noun for other in _KINDS.values()}
    name = str(got).split("/")[0]
    if name == kind.format.split("/")[0]:
        text = (
            f"expected version {kind.format}, got {got}: use the springhare that the "
            "file was written for, or write it anew for this one (springhare init)"
        )
        raise VersionError(document.describe(Fault(("format",), text)))
    text = f"expected a {kind.noun} file ({kind.format}), got {got!r}"
    if name in others:
        text += f", which is a {others[name]} file: are the files in the right order?"
    return document.describe(Fault(("format",), text))

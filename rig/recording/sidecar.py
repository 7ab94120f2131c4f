"""The sidecar: what a session is, apart from its data, as `session.json`.

It is replaced whole, never edited in place: a reader sees the old or the new one.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from rig.errors import SessionError, VersionError
from rig.recording.disk import replace_file
from rig.recording.layout import FORMAT, FORMAT_VERSION, SIDECAR_FILE
from rig.system import boot_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from rig.messages import StreamSpec

__all__ = [
    "Configs",
    "Host",
    "ModelId",
    "SessionInfo",
    "SessionState",
    "Verdict",
    "describe_host",
    "installed_versions",
    "models_of",
    "read_sidecar",
    "write_sidecar",
]

SessionState = Literal["recording", "complete", "salvaged"]
Verdict = Literal["PASS", "WARN", "FAIL"]


class Configs(msgspec.Struct, frozen=True, kw_only=True):
    """The three configs of a session, as they were used."""

    rig: dict[str, Any] = {}
    task: dict[str, Any] = {}
    session: dict[str, Any] = {}


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """The computer that recorded."""

    name: str
    system: str
    processor: str
    cores: int
    python: str
    boot_id: str | None = None
    """Tells this start of the computer from every other; None where it does not say."""


class ModelId(msgspec.Struct, frozen=True, kw_only=True):
    """The pose model that looked at a camera."""

    model: str
    sha256: str


class SessionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a session that is not a row."""

    format: str = FORMAT
    format_version: int = FORMAT_VERSION
    session_id: str
    subject: str
    task: str
    started_utc: str
    """Wall time of the start, ISO 8601."""
    started_host_ns: int
    """The same moment on the host clock."""
    state: SessionState = "recording"
    verdict: Verdict | None = None
    """None until the session was closed."""
    finished_utc: str | None = None
    models: dict[str, ModelId] = {}
    """By camera."""
    host: Host | None = None
    versions: dict[str, str] = {}
    """Of every installed package."""
    configs: Configs = Configs()

    @property
    def attributes(self) -> dict[str, str | int]:
        """What is written into the session file itself."""
        return {
            "session_id": self.session_id,
            "subject": self.subject,
            "task": self.task,
            "started_utc": self.started_utc,
            "started_host_ns": self.started_host_ns,
            "springhare_version": self.versions.get("springhare", "unknown"),
        }


def read_sidecar(folder: Path) -> SessionInfo | None:
    """Return what a session's sidecar says; None when there is none.

    Raises
    ------
    SessionError
        If it is not a sidecar.
    VersionError
        If it is of another version.
    """
    path = folder / SIDECAR_FILE
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        info = msgspec.json.decode(data, type=SessionInfo)
    except msgspec.MsgspecError as error:
        msg = f"Expected a session's description in {path}, got: {error}"
        raise SessionError(msg) from error
    if info.format_version != FORMAT_VERSION:
        msg = (
            f"Expected a session of format version {FORMAT_VERSION}, got "
            f"{info.format_version} in {path}: use that version of springhare"
        )
        raise VersionError(msg)
    return info


def write_sidecar(folder: Path, info: SessionInfo) -> None:
    """Put a session's sidecar in place, whole."""
    text = msgspec.json.format(msgspec.json.encode(info), indent=2)
    replace_file(folder / SIDECAR_FILE, text + b"\n")


def describe_host() -> Host:
    """Return what computer this is."""
    return Host(
        name=platform.node(),
        system=platform.platform(),
        processor=platform.machine(),
        cores=os.cpu_count() or 0,
        python=platform.python_version(),
        boot_id=boot_id(),
    )


@cache
def installed_versions() -> dict[str, str]:
    """Return the version of every installed package, by name."""
    return dict(
        sorted(
            (distribution.name.lower(), distribution.version)
            for distribution in importlib.metadata.distributions()
        )
    )


def models_of(specs: Iterable[StreamSpec]) -> Mapping[str, ModelId]:
    """Return the pose model that each camera's pose stream names, by camera."""
    return {
        spec.name.removeprefix("poses/"): ModelId(
            model=str(spec.attributes.get("model", "")),
            sha256=str(spec.attributes.get("model_sha256", "")),
        )
        for spec in specs
        if spec.kind == "poses"
    }

"""A lab: the folder of configs from which sessions are started.

It is laid out as `springhare init DIR` does it: ``rig/``, ``task/``, ``session/``. A
plan for today is written beside the others and never over one of them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rig.config.examples import examples_folder
from rig.config.loading import load_experiment, load_rig, load_task
from rig.config.together import check_together
from rig.errors import ConfigError, SpringhareError
from rig.monitor.control.plan_values import text_of_plan
from sync.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rig.config.rig import RigConfig
    from rig.config.session import SessionConfig

__all__ = ["Lab", "data_root_of", "fault_of", "find_lab"]

_PLANS_ELSEWHERE = "session-plans"
"""Below the data root, where the lab's own folder cannot be written to."""


@dataclass(frozen=True, slots=True)
class Lab:
    """A folder of configs."""

    folder: Path
    read_only: bool = False
    """Whether nothing is written there, as in the packaged examples."""

    @property
    def rigs(self) -> tuple[Path, ...]:
        """The rig files, sorted."""
        return self._files("rig")

    @property
    def tasks(self) -> tuple[Path, ...]:
        """The task files, sorted."""
        return self._files("task")

    @property
    def plans(self) -> tuple[Path, ...]:
        """The session plans, sorted."""
        return self._files("session")

    @property
    def data_roots(self) -> tuple[Path, ...]:
        """Where the lab's rigs write, each once; a rig that cannot be read has none."""
        roots: dict[Path, None] = {}
        for path in self.rigs:
            try:
                roots[data_root_of(load_rig(path))] = None
            except SpringhareError:
                continue
        return tuple(roots)

    def misfits(self, rig: Path, session: SessionConfig) -> Mapping[Path, str]:
        """Return the tasks that do not go with a rig, each with its faults in words.

        Raises
        ------
        SpringhareError
            If the rig itself is not what it must be.
        """
        config = load_rig(rig)
        return {
            task: fault
            for task in self.tasks
            if (fault := _misfit(config, task, session))
        }

    def save_plan(self, plan: SessionConfig, data_root: Path) -> Path:
        """Write a new session plan and return its place; none is ever overwritten.

        Parameters
        ----------
        plan
            What is planned.
        data_root
            Where the rig writes: plans go below it where the lab is read-only.

        Raises
        ------
        ConfigError
            If it cannot be written.
        """
        elsewhere = self.read_only or not os.access(self.folder, os.W_OK)
        folder = data_root / _PLANS_ELSEWHERE if elsewhere else self.folder / "session"
        today = utc_now().astimezone().strftime("%Y-%m-%d")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return _write_new(folder, f"{plan.subject}_{today}", text_of_plan(plan))
        except OSError as error:
            msg = (
                f"Expected to write a session plan into {folder}, got "
                f"{error.strerror}: choose a folder of yours (springhare init DIR)"
            )
            raise ConfigError(msg) from error

    def _files(self, kind: str) -> tuple[Path, ...]:
        return tuple(sorted((self.folder / kind).glob("*.yaml")))


def find_lab(folder: Path | None = None) -> Lab:
    """Return a lab.

    Parameters
    ----------
    folder
        Where it is; None takes the working folder or its ``configs`` if they are one,
        and the packaged examples else.

    Raises
    ------
    ConfigError
        If there is none in the folder that was named.
    """
    examples = examples_folder()
    if folder is None:
        here = Path.cwd()
        folder = next((p for p in (here, here / "configs") if _is_lab(p)), examples)
    if not _is_lab(folder):
        msg = (
            f"Expected a folder with rig/*.yaml and task/*.yaml, got {folder}: choose "
            "another, or make one with springhare init DIR"
        )
        raise ConfigError(msg)
    resolved = folder.resolve()
    return Lab(resolved, read_only=resolved == examples.resolve())


def data_root_of(rig: RigConfig) -> Path:
    """Return the folder that a rig's sessions are written below."""
    return rig.data_root.expanduser().resolve()


def fault_of(rig: Path, task: Path, session: Path) -> str:
    """Return why three files do not make a session, in words; empty if they do."""
    try:
        load_experiment(rig, task, session)
    except SpringhareError as error:
        return str(error)
    return ""


def _misfit(rig: RigConfig, task: Path, session: SessionConfig) -> str:
    try:
        check_together(rig, load_task(task), session)
    except SpringhareError as error:
        return str(error)
    return ""


def _is_lab(folder: Path) -> bool:
    return all(any((folder / kind).glob("*.yaml")) for kind in ("rig", "task"))


def _write_new(folder: Path, stem: str, text: str) -> Path:
    path, k = folder / f"{stem}.yaml", 1
    while True:
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            k += 1
            path = folder / f"{stem}_{k}.yaml"
        else:
            return path

"""A model becomes the rig's, or the one before does again.

The file is put in place first, then the history, then the rig file: whenever the power
goes, the rig file names a model that is there.
"""

from __future__ import annotations

import getpass
import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING

from offline.evaluation.page import page
from offline.evaluation.result import as_json
from offline.gate.checks import passed
from offline.gate.folder import alone, models_folder, placed, writing
from offline.gate.history import Change, before, changes, note
from offline.gate.rig_file import set_model
from offline.gate.verdict import verdict
from rig.config.loading import load_rig
from rig.errors import ConfigError
from rig.recording.disk import replace_file
from sync.clock import utc_now

if TYPE_CHECKING:
    from pathlib import Path

    from offline.gate.candidate import FastForm
    from offline.gate.trial import Trial
    from rig.config.rig import RigConfig

__all__ = ["go_back", "install", "report"]

FORMAT = "springhare-promotion/1"


def report(folder: Path, fast: FastForm, trial: Trial, project: Path) -> Path:
    """Write what was asked and found beside the models; return the page.

    Both files stay for every trial, also of models that were refused.

    Raises
    ------
    ConfigError
        If they cannot be written.
    """
    name = f"{fast.name}-{fast.sha256[:8]}-{utc_now():%Y%m%d-%H%M%S}"
    shown = folder / f"{name}.html"
    told = {
        "format": FORMAT,
        "model_sha256": fast.sha256,
        "passed": passed(trial.checks),
        "checks": [asdict(check) for check in trial.checks],
        "proof": None if fast.proof is None else asdict(fast.proof),
        "evaluation": as_json(trial.evaluation, str(shown)),
    }
    text = json.dumps(told, indent=1)
    above = verdict(trial.checks, fast.name, folder.name)
    with writing(folder):
        replace_file(shown, page(trial.evaluation, project, above).encode())
        replace_file(folder / f"{name}.json", text.encode())
    return shown


def install(rig_file: Path, rig: RigConfig, fast: FastForm, shown: Path) -> Path:
    """Make a model the rig's; return its file.

    Raises
    ------
    ConfigError
        If the rig file or the models' folder cannot be written, or the rig has got
        another model meanwhile.
    """
    folder = models_folder(rig_file, rig.name)
    with alone(folder):
        if (now := load_rig(rig_file).model) != rig.model:
            msg = (
                f"Expected {rig.model or 'no model'} in {rig_file}, as when the trial "
                f"began, got {now or 'none'}: promote again, against that one"
            )
            raise ConfigError(msg)
        path = placed(folder, fast.content, fast.name, fast.sha256)
        _put(
            rig_file,
            folder,
            Change(
                at_utc=_now(),
                by=_login(),
                was=rig.model,
                model=str(path),
                sha256=fast.sha256,
                report=str(shown),
            ),
        )
    return path


def go_back(rig_file: Path, rig: RigConfig, *, dry_run: bool) -> Change:
    """Make the model the rig's that was before the present one.

    Raises
    ------
    ConfigError
        If the present one was not promoted, or the one before is not there any more.
    """
    folder = models_folder(rig_file, rig.name)
    made = before(changes(folder), rig.model)
    if made is None:
        msg = (
            f"Expected a promoted model in {rig_file}, got {rig.model or 'none'}: "
            f"nothing in {folder} says what was before it"
        )
        raise ConfigError(msg)
    change = Change(
        at_utc=_now(),
        by=_login(),
        was=rig.model,
        model=made.was,
        sha256=_sha256(made.was),
        back=True,
    )
    if not dry_run:
        with alone(folder):
            _put(rig_file, folder, change)
    return change


def _put(rig_file: Path, folder: Path, change: Change) -> None:
    note(folder, change)
    set_model(rig_file, change.model)


def _now() -> str:
    return utc_now().isoformat(timespec="seconds")


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container, where nobody has a name
        return str(os.getuid())


def _sha256(model: str | None) -> str | None:
    from inference.model_file import find_model

    return None if model is None else find_model(model).sha256

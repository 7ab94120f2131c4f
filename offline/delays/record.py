"""Recording the session that a calibration is measured from, by `springhare run`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rig.config.loading import load_rig
from rig.errors import SessionError

__all__ = ["SUBJECT", "record_session"]

SUBJECT = "calibration"
_TASK = {"format": "springhare-task/1", "name": "calibrate"}
_NOT_RUN = 2


def record_session(
    rig_file: Path,
    task_file: Path | None,
    *,
    seconds: float,
    simulate: bool = False,
    out: Path | None = None,
    subject: str = SUBJECT,
    why: str = "recorded by springhare calibrate-latency",
) -> Path:
    """Record a session in which the rig's lines are pulsed; its table is shown.

    Parameters
    ----------
    rig_file
        The rig.
    task_file
        What runs meanwhile, for lines that only a rule fires; by default nothing.
    seconds
        Length of the recording.
    simulate
        Replace every device by its twin, the wires of all test pulses plugged in.
    out
        Write below this folder instead of the rig's data_root.
    subject, why
        Whose session it is, and the notes on it.

    Returns
    -------
    Path
        The session's folder.

    Raises
    ------
    ConfigError
        If a file is not what it must be.
    SessionError
        If no session came of it; why was told by `run` itself.
    """
    rig = load_rig(rig_file)
    with TemporaryDirectory(prefix="springhare-calibrate-") as folder:
        if simulate:
            plugged = rig.simulation.model_copy(update={"calibrating": True})
            rig = rig.model_copy(update={"simulation": plugged})
            rig_file = _write(folder, "rig", rig.model_dump(mode="json"))
        plan = {
            "format": "springhare-session-plan/1",
            "subject": subject,
            "notes": why,
            "planned_minutes": seconds / 60,
        }
        files = {
            "--rig": rig_file,
            "--task": task_file or _write(folder, "task", _TASK),
            "--session": _write(folder, "session", plan),
        }
        options = [str(word) for pair in files.items() for word in pair]
        options += ["--seconds", str(seconds)]
        options += ["--simulate"] if simulate else []
        options += ["--out", str(out)] if out else []
        return _run(options)


def _run(options: list[str]) -> Path:
    command = [sys.executable, "-m", "rig.cli", "run", *options, "--json"]
    # its live table goes to our standard error
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            told, _ = process.communicate()
        except KeyboardInterrupt:
            process.wait()  # it was interrupted as well, and stops in order
            raise
    try:
        folder = json.loads(told)["folder"] if process.returncode != _NOT_RUN else None
    except (ValueError, KeyError, TypeError):
        folder = None
    if not folder or process.returncode < 0:
        msg = (
            "Expected springhare run to record a session to measure, it ended with "
            f"status {process.returncode}: mend what it said above"
        )
        raise SessionError(msg)
    return Path(folder)


def _write(folder: str, name: str, content: dict[str, Any]) -> Path:
    """Write a config file; JSON is YAML as well."""
    path = Path(folder) / f"{name}.yaml"
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
    return path

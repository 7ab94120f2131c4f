"""The training's own process, watched until it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from offline.training.progress import read_progress
from offline.training_plan import MODEL_FILE
from rig.errors import BusyError, ModelError
from rig.recording.disk import lock_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["train"]

_LOG_FILE = "log.txt"
_LOOK_S = 1.0
_LAST_LINES = 12


def train(folder: Path) -> None:
    """Run the worker and show how far it is, until it ends.

    Parameters
    ----------
    folder
        Of the training.

    Raises
    ------
    ModelError
        If DeepLabCut could not train, or somebody has stopped it (Ctrl-C): what its
        last snapshot knows is kept. Or if another process trains in this folder.
    """
    with _alone(folder), (folder / _LOG_FILE).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "offline.training.worker", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "OMP_WAIT_POLICY": "passive"},
        )
        try:
            with _shown(folder) as show:
                while not _ended(process):
                    show()
        except KeyboardInterrupt as stopped:
            process.send_signal(signal.SIGTERM)
            process.wait()
            msg = f"stopped: springhare train --resume --out {folder} goes on"
            raise ModelError(msg) from stopped
    if process.returncode or not (folder / MODEL_FILE).exists():
        lines = (folder / _LOG_FILE).read_text("utf-8", "replace").splitlines()
        last = "\n".join(lines[-_LAST_LINES:])
        msg = (
            f"Expected DeepLabCut to train, got exit status {process.returncode}; the "
            f"end of {folder / _LOG_FILE}:\n{last}"
        )
        raise ModelError(msg)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Take the folder; two trainings would write over each other's snapshots."""
    try:
        lock = lock_folder(folder)
    except BusyError as error:
        msg = (
            f"Expected nobody to train in {folder}, got another springhare train: wait "
            "for it, or stop it"
        )
        raise ModelError(msg) from error
    try:
        yield
    finally:
        os.close(lock)


def _ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(_LOOK_S)
    except subprocess.TimeoutExpired:
        return False
    return True


@contextmanager
def _shown(folder: Path) -> Iterator[Any]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn())
    columns = (*columns, TextColumn("{task.fields[words]}"))
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("DeepLabCut begins", total=None, words="")

        def show() -> None:
            now = read_progress(folder)
            words = ""
            if now.train_loss:
                words = f"loss {list(now.train_loss.values())[-1]:.5f}"
            if now.test_rmse_px:
                words += f", test RMSE {list(now.test_rmse_px.values())[-1]:.1f} px"
            if now.left_s is not None:
                minutes, seconds = divmod(round(now.left_s), 60)
                words += f", {minutes}:{seconds:02d} left"
            epochs = "" if now.epochs is None else f" {now.epoch} of {now.epochs}"
            bar.update(
                task,
                description=f"{now.state}{epochs}",
                completed=now.epoch,
                total=now.epochs,
                words=words,
            )

        yield show

"""How soon a window is there, and how soon a death is red on it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from rig.bench.monitoring.experiment import LOOKED_AT
from rig.bench.monitoring.screen import Screen
from rig.bench.monitoring.showing import Red, TellRed
from rig.bench.monitoring.stage import Stage
from rig.bench.workers import hear
from rig.errors import SpringhareError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rig.bench.monitoring.display import Display
    from rig.bench.monitoring.experiment import Experiment
    from rig.bench.monitoring.session import Recorded
    from rig.bench.monitoring.stage import Size

__all__ = ["Deaths", "Starts", "deaths", "starts"]

_LOOK_S = 0.01
_PATIENCE_S = 60.0
_REST_S = 1.0


@dataclass(frozen=True, slots=True)
class Starts:
    """Windows that were opened on one session, one after the other."""

    seconds: list[float]
    """From the command to the session's pictures in the window."""
    recorded: Recorded


@dataclass(frozen=True, slots=True)
class Deaths:
    """Nodes that were killed."""

    seconds: list[float]
    """From the kill until the banner and the node's light were red."""
    headlines: list[str]
    """What the banner said."""


def starts(experiment: Experiment, display: Display, count: int) -> Starts:
    """Run ``springhare monitor`` so many times beside a session.

    What is waited for is the session's pictures, seen on the screen itself. Where it
    cannot be seen, it is ``--screenshot``, which comes later: when the controls are
    there, too, and all has been drawn once more.

    Raises
    ------
    SpringhareError
        If a process cannot go on, or no picture comes.
    """
    found: list[float] = []
    with Stage(experiment, display) as stage:
        stage.watch(_REST_S)
        for k in range(count):
            found.append(_start(stage, display, experiment.folder / f"window-{k}.png"))
            stage.watch(_REST_S)
        return Starts(found, stage.finish())


def _start(stage: Stage, display: Display, picture: Path) -> float:
    command = [sys.executable, "-P", "-m", "rig.cli", "monitor"]
    if display.pixels is None:
        command += ["--screenshot", str(picture), "--after", "0"]
    else:
        _wait_for(stage, lambda: not _on(display), "a screen without a window")
    settings = {"XDG_CONFIG_HOME": str(picture.parent)}  # not the user's own
    with TemporaryFile() as said:
        began_ns = stage.clock.now()
        process = subprocess.Popen(
            command,
            env={**os.environ, **display.screen, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        try:
            _wait_for(
                stage,
                lambda: picture.exists() or _on(display) or process.poll() is not None,
                "pictures in a window",
            )
            shown_ns = stage.clock.now()
            if process.poll() is not None and not picture.exists():
                said.seek(0)
                msg = f"Expected a window, got: {said.read().decode()[-500:]}"
                raise SpringhareError(msg)
        finally:
            process.kill()
            process.wait()
    return (shown_ns - began_ns) / 1e9


def _on(display: Display) -> bool:
    return display.pixels is not None and Screen(display.pixels).has_pictures


def _wait_for(stage: Stage, so: Callable[[], bool], what: str) -> None:
    until_ns = stage.clock.now() + round(_PATIENCE_S * 1e9)
    while not so():
        if stage.clock.now() > until_ns:
            msg = f"Expected {what} within {_PATIENCE_S:g} s, got none"
            raise SpringhareError(msg)
        stage.watch(_LOOK_S)


def deaths(experiment: Experiment, display: Display, size: Size, count: int) -> Deaths:
    """Kill so many cameras' nodes under the eyes of a window.

    The session goes on without them, but not the one that the network looks at.

    Raises
    ------
    SpringhareError
        If a process cannot go on, or nothing turns red.
    """
    found, headlines = list[float](), list[str]()
    victims = [name for name in experiment.names if name != LOOKED_AT]
    while len(found) < count:
        with Stage(experiment, display, size) as stage:
            stage.watch(2 * _REST_S)
            for name in victims[: count - len(found)]:
                red = _kill(stage, name)
                found.append(red[0])
                headlines.append(red[1])
                stage.watch(_REST_S)
            stage.finish()
    return Deaths(found, headlines)


def _kill(stage: Stage, node: str) -> tuple[float, str]:
    if stage.window is None:
        msg = f"Expected a window to see the end of {node}, there is none"
        raise SpringhareError(msg)
    stage.window.send(TellRed(node))
    stage.watch(2 * _LOOK_S)
    began_ns = stage.clock.now()
    os.kill(stage.pid(node), signal.SIGKILL)
    red: Red = hear(stage.window, _PATIENCE_S)
    return (red.at_ns - began_ns) / 1e9, red.headline

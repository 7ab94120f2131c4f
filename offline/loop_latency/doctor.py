"""``springhare doctor --loop``: light to edge on a wired rig, go or no-go.

An LED on a sync line flashes; a camera sees it, the loop decides on its pixels, a line
of the actuator is fired. Where one board does both, it has stamped the light and the
edge by one clock: what lies between needs no other to be known to a microsecond.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from rich.table import Table
from rich.text import Text

from offline.delays.record import record_session
from offline.loop_latency.display import stage_rows
from offline.loop_latency.loop_back import LIGHT, judge_loop
from offline.loop_latency.loop_task import loop_rig, loop_task, plan_loop
from offline.loop_latency.spot import host_line, learn_levels, spot_levels
from offline.network_times import network_times_ns
from rig.commands.console import wide_console
from rig.config.loading import load_rig, load_task
from rig.config.together import with_rig_model
from rig.errors import ConfigError
from rig.recording.latency import WORDS
from rig.recording.reader import Recording

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from offline.loop_latency.loop_back import LoopTest
    from offline.loop_latency.loop_task import LoopPlan
    from offline.loop_latency.result import StageTimes
    from offline.loop_latency.spot import Levels
    from rig.config.rig import RigConfig
    from rig.config.task import TaskConfig

__all__ = ["REPORT_FILE", "SUBJECT", "loop"]

SUBJECT = "loop_test"
REPORT_FILE = "derived/loop.json"
_LEARNING_S = 8.0
_LOOKS = 100
_WHY = "recorded by springhare doctor --loop"
_WORDS = {**WORDS, LIGHT: "light to edge (a frame period more)"}
_FIGURES = ("p50", "p95", "p99", "max")


def loop(
    *,
    rig_file: Path | None,
    task_file: Path | None,
    simulate: bool,
    camera: str | None,
    line: str | None,
    seconds: float,
    out: Path | None,
    as_json: bool,
) -> int:
    """Run the loop test and tell of it.

    Parameters
    ----------
    rig_file
        The rig.
    task_file
        Whose budget is kept to, and whose network is measured.
    simulate
        Replace every device by its twin.
    camera
        That sees the LED; by default the first that does.
    line
        That is fired. A real rig's must be named: what hangs on it will act.
    seconds
        Length of the test.
    out
        Write below this folder instead of the rig's data_root.
    as_json
        Print the figures as JSON.

    Returns
    -------
    int
        0 for go, 1 for no-go.

    Raises
    ------
    SpringhareError
        If the test could not be made.
    """
    if rig_file is None:
        msg = "Expected a rig to test, got none: --rig FILE"
        raise ConfigError(msg)
    rig = load_rig(rig_file)
    if line is None and not simulate:
        msg = (
            "Expected the line that may be fired, got none: --line NAME; unplug what "
            "must not act"
        )
        raise ConfigError(msg)
    task = None if task_file is None else with_rig_model(rig, load_task(task_file))
    plan = plan_loop(rig, camera=camera, line=line)
    where = {"simulate": simulate, "out": out, "subject": SUBJECT, "why": _WHY}
    levels = _learn(rig_file, rig, plan, where)
    with TemporaryDirectory(prefix="springhare-loop-") as folder:
        contents = {"rig": loop_rig(plan, rig), "task": loop_task(plan, levels, task)}
        files = {name: Path(folder) / f"{name}.yaml" for name in contents}
        for name, content in contents.items():
            files[name].write_text(json.dumps(content), encoding="utf-8")
        session = record_session(files["rig"], files["task"], seconds=seconds, **where)
    with Recording.open(session) as recording:
        found = judge_loop(
            recording,
            plan,
            levels,
            budget=None if task is None else task.latency_budget,
            network_ns=_network(task, rig),
        )
    report = session / REPORT_FILE
    report.parent.mkdir(exist_ok=True)
    report.write_text(found.to_json() + "\n", encoding="utf-8")
    if as_json:
        click.echo(found.to_json())
    else:
        _show(found, report)
    return 0 if found.go else 1


def _learn(
    rig_file: Path, rig: RigConfig, plan: LoopPlan, where: dict[str, Any]
) -> Levels:
    """Record for some seconds and see how bright the LED is, dark and lit."""
    session = record_session(rig_file, None, seconds=_LEARNING_S, **where)
    exposure_us = getattr(rig.cameras[plan.camera], "exposure_us", None)
    if exposure_us is None:
        exposure_us = 0.5e6 / rig.camera_rate_hz(plan.camera)
    try:
        with Recording.open(session) as recording:
            _, line = host_line(recording, plan.led.source, plan.led.line)
            level = spot_levels(recording, plan.camera, plan.box)
            rows = recording.rows(f"cameras/{plan.camera}")[: len(level)]
            exposure_ns = rows["exposure_ns"].astype(np.int64)
            return learn_levels(level, exposure_ns, line, exposure_us * 1e3)
    finally:
        shutil.rmtree(session, ignore_errors=True)


def _network(task: TaskConfig | None, rig: RigConfig) -> NDArray[np.int64] | None:
    """Time the task's own network, by itself, on the pictures it will mostly see."""
    if task is None or task.inference is None:
        return None
    return network_times_ns([task.inference], rig, _LOOKS)[0]


def _show(found: LoopTest, report: Path) -> None:
    console = wide_console()
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("ms", min_width=34)
    for figure in _FIGURES:
        table.add_column(figure, justify="right", min_width=8)
    named = {"light to the exposure's middle": found.light_to_frame}
    named |= {WORDS[name]: times for name, times in stage_rows(found.stages)}
    named |= {"light to edge": found.light_to_edge}
    if found.network is not None:
        named["the task's network, by itself"] = found.network
    for words, times in named.items():
        if times is not None:
            table.add_row(words, *_row(times), style="bold" * (words[:5] == "light"))
    console.print(
        f"LED on {found.led}, seen by {found.camera}; fired: {found.line}", markup=False
    )
    console.print(table)
    console.print(
        f"{found.pulses} pulses, seen {found.seen} times, {found.answered} answered, "
        f"{_held_back(found)}, {found.missed} missed, "
        f"{found.false} fires without light"
    )
    for judged in found.budget:
        console.print(
            f"budget: {_WORDS[judged.stage]}, {judged.figure} {judged.found_ms:.1f} ms "
            f"of {judged.limit_ms:g} ms"
        )
    for remark in found.remarks:
        console.print(Text(remark, "yellow"))
    verdict = (_go(found), "bold green") if found.go else ("NO-GO", "bold red")
    console.print(Text.assemble(verdict, *(f"\n  {why}" for why in found.reasons)))
    console.print(f"wrote {report}", markup=False)


def _held_back(found: LoopTest) -> str:
    words = f"{found.held_back} held back"
    causes = ", ".join(f"{count} {cause}" for cause, count in found.held_by.items())
    return f"{words} ({causes})" if causes else words


def _go(found: LoopTest) -> str:
    """Return the word, and by what it is not meant where there is no budget."""
    if found.budget or found.light_to_edge is None:
        return "GO"
    p99_ms = found.light_to_edge.p99_ms
    return f"GO (no latency budget in the task: light to edge p99 {p99_ms:.1f} ms)"


def _row(times: StageTimes) -> list[str]:
    return [f"{getattr(times, f'{figure}_ms'):.2f}" for figure in _FIGURES]

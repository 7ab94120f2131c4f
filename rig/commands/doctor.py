"""``springhare doctor``: is this machine ready to record, and if not, what to do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rig.commands.outputs import OutFolder

if TYPE_CHECKING:
    from rig.commands.findings import Finding

__all__ = ["doctor"]

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command(short_help="Tell whether this machine is ready, and what to do if not.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    default=Path(),
    help="Folder that recordings go to: its disk is tried.  [default: this one]",
)
@click.option(
    "--loop",
    "test_loop",
    is_flag=True,
    help="Measure light to edge on a wired rig instead, and say go or no-go: an LED on "
    "a sync line flashes, a camera sees it, a line is fired.",
)
@click.option("--rig", type=_FILE, help="With --loop: the rig to test.")
@click.option(
    "--task",
    type=_FILE,
    help="With --loop: whose latency_budget must be kept, its network included.",
)
@click.option(
    "--simulate", is_flag=True, help="With --loop: replace every device by its twin."
)
@click.option("--camera", help="With --loop: that sees the LED.  [default: the first]")
@click.option(
    "--line",
    help="With --loop: the actuator's line that is fired; a real rig's must be named.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(5, 3600),
    default=30.0,
    show_default=True,
    help="With --loop: length of the test; the light comes on once a second.",
)
@click.option(
    "--out",
    type=OutFolder(),
    help="With --loop: write below this folder instead of the rig's data_root.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(
    data: Path,
    test_loop: bool,
    rig: Path | None,
    task: Path | None,
    simulate: bool,
    camera: str | None,
    line: str | None,
    seconds: float,
    out: Path | None,
    as_json: bool,
) -> int:
    """Look at drivers, extras, versions, real-time settings, memory, disk and ports.

    Each finding is ok, warn or fail, with a remedy. The exit status is 1 when one of
    them is a fail. With --loop it is 0 for go and 1 for no-go.
    """
    if test_loop:
        from rig import registry

        return registry.load("springhare.doctor", "loop")(
            rig_file=rig,
            task_file=task,
            simulate=simulate,
            camera=camera,
            line=line,
            seconds=seconds,
            out=out,
            as_json=as_json,
        )
    if any((rig, task, simulate, camera, line, out)):
        msg = "expected --rig, --task, --simulate, --camera, --line, --out with --loop"
        raise click.UsageError(msg)
    return _tell_of_machine(data, as_json=as_json)


def _tell_of_machine(data: Path, *, as_json: bool) -> int:
    import msgspec

    from rig.commands.findings import verdict

    findings = _look(data)
    worst = verdict(findings)
    if as_json:
        found = {"verdict": worst, "findings": findings}
        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        _tell(findings)
    return 1 if worst == "fail" else 0


def _look(data: Path) -> list[Finding]:
    import os
    import sys
    from importlib.metadata import packages_distributions

    import rig
    from rig.commands import doctor_machine as machine
    from rig.commands import doctor_software as software

    home = Path(rig.__file__).parents[1]
    return [
        *software.python(),
        *software.packages(),
        *software.extras(),
        *software.plug_ins(),
        *software.name_clashes(packages_distributions(), sys.path, Path.cwd(), home),
        *software.drivers(),
        *machine.clocks(),
        *machine.real_time(),
        *machine.shared_memory_size(),
        *machine.abandoned_sessions(),
        *machine.disk(data),
        *machine.ports(os.access),
    ]


def _tell(findings: list[Finding]) -> None:
    topic = ""
    for finding in findings:
        if finding.topic != topic:
            topic = finding.topic
            click.secho(topic, bold=True)
        state = click.style(f"{finding.state:4}", fg=_COLOURS[finding.state])
        click.echo(f"  {state}  {finding.name}: {finding.text}")
        if finding.remedy:
            click.echo(f"        → {finding.remedy}")
    counts = {
        state: sum(finding.state == state for finding in findings)
        for state in ("warn", "fail")
    }
    click.echo(f"\n{counts['fail']} to mend, {counts['warn']} to think about")

"""``springhare run``: record a session with a rig file, a task and a session plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rig.commands.outputs import OutFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rig.messages import StreamSpec
    from rig.supervisor.preflight import Check
    from rig.supervisor.session import Session
    from rig.supervisor.status import Status

__all__ = ["run"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(short_help="Record a session with your rig.")
@click.option("--rig", "rig_file", type=_FILE, required=True, help="Rig file.")
@click.option("--task", "task_file", type=_FILE, required=True, help="Task file.")
@click.option(
    "--session", "session_file", type=_FILE, required=True, help="Session file."
)
@click.option("--simulate", is_flag=True, help="Replace every device by its twin.")
@click.option(
    "--slow",
    type=click.FloatRange(min=1),
    default=1.0,
    show_default=True,
    help="Run the simulated world so many times slower.",
)
@click.option(
    "--faults", "faults_file", type=_FILE, help="Script of simulated faults (YAML)."
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Stop by itself after so long.",
)
@click.option(
    "--out",
    type=OutFolder(),
    help="Write below this folder instead of the rig's data_root.",
)
@click.option("--dry-run", is_flag=True, help="Open every device, record nothing.")
@click.option("--truth", is_flag=True, help="Keep what the simulated boards sent.")
@click.option("--unblind", is_flag=True, help="Show which fires are shams, live.")
@click.option(
    "--window/--no-window",
    default=None,
    help="Open the monitor's window; by default where there is a display.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def run(
    rig_file: Path,
    task_file: Path,
    session_file: Path,
    simulate: bool,
    slow: float,
    faults_file: Path | None,
    seconds: float | None,
    out: Path | None,
    dry_run: bool,
    truth: bool,
    unblind: bool,
    window: bool | None,
    as_json: bool,
) -> int:
    """Record a session; Ctrl-C stops it in order.

    The exit status is 0 for PASS and WARN, 1 for FAIL, 2 when it could not be run.
    """
    from rig.commands.running import EXIT_STATUS, run_session, tell
    from rig.config.loading import load_experiment, load_faults
    from rig.config.together import check_script
    from rig.supervisor.plan import Options
    from rig.supervisor.session import Session

    planned = load_experiment(rig_file, task_file, session_file)
    rig = planned.rig.model_copy(update={"data_root": out}) if out else planned.rig
    if (faults_file or slow != 1 or truth) and not simulate:
        msg = "expected --simulate with --faults, --slow or --truth"
        raise click.UsageError(msg)
    script = load_faults(faults_file) if faults_file else None
    if script:
        check_script(rig, script)
    options = Options(
        simulate=simulate,
        slow=slow,
        seconds=seconds,
        faults=script.faults if script else (),
        unblind=unblind,
        keep_truth=truth,
    )

    def make(show: Callable[[Status], None] = lambda _: None) -> Session:
        return Session(rig, planned.task, planned.session, options, show)

    if dry_run:
        return _rehearse(make(), as_json=as_json)
    result = run_session(
        make,
        rig,
        planned.task,
        window=False if as_json and window is None else window,
    )
    tell(result, as_json=as_json)
    return EXIT_STATUS[result.verdict]


def _rehearse(session: Session, *, as_json: bool) -> int:
    from rig.errors import SpringhareError

    try:
        checks, specs = session.rehearse()
    except SpringhareError as error:
        if not as_json:
            raise
        _echo({"checks": session.checks, "error": str(error)})
        return 2
    if as_json:
        _echo({"checks": checks, "streams": specs, "folder": str(session.folder)})
        return 0
    _print_rehearsal(checks, specs)
    click.echo(f"\nready: a session would be written to {session.folder}")
    return 0


def _echo(found: Mapping[str, Any]) -> None:
    import msgspec

    click.echo(json.dumps(msgspec.to_builtins(found), indent=2))


def _print_rehearsal(
    checks: Sequence[Check], specs: dict[str, list[StreamSpec]]
) -> None:
    for check in checks:
        word, remedy = ("ok  ", "") if check.ok else ("WARN", f": {check.remedy}")
        click.echo(f"{word} {check.name}: {check.detail}{remedy}")
    for node, streams in specs.items():
        click.echo(f"ok   {node} opened")
        for spec in streams:
            rate = f"{spec.rate_hz:g} Hz" if spec.rate_hz else "as it comes"
            click.echo(f"       {spec.name}: {rate}")

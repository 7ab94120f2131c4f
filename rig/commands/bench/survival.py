"""``springhare bench survival``: sessions that are killed, and what is left of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console

    from rig.bench.survival.play import Outcome

__all__ = ["survival"]

_MOST_FAULTS = 5
"""Of one trial that are shown; the figures have all."""
_COLUMNS = (
    ("cannot be\nopened", "unopenable"),
    ("committed\nrows lost", "lost"),
    ("published,\nunrecorded", "unrecorded"),
    ("gaps", "gap"),
    ("left\nover", "left_over"),
    ("other\nfaults", "other"),
)


@click.command(short_help="kill -9 of any process of a session, at any instant.")
@click.option(
    "--kills",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="Number of sessions, each of which is struck once.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of all instants.")
@click.option(
    "--victims",
    help="Whom to kill, by name, with commas between; by default everybody in turn.",
)
@click.option(
    "--at-once",
    type=click.IntRange(1, 16),
    default=1,
    show_default=True,
    help="Sessions that run side by side; each asks for two cores.",
)
@click.option(
    "--only", type=click.IntRange(min=0), help="Play only the trial of this number."
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder on the disk to be written to; by default the working folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def survival(
    kills: int,
    seed: int,
    victims: str | None,
    at_once: int,
    only: int | None,
    out: Path | None,
    as_json: bool,
) -> int:
    """Kill sessions and look at what is left of them.

    Each trial runs a real session with simulated devices in processes of its own,
    kills a node, the supervisor or all of them at a random instant, opens the session
    at once with plain h5py, lets the others come to their end, salvages what nobody
    could record, and compares everything with what was ever published.

    Ends with 1 if a trial shows a fault; its session is kept then.
    """
    import json

    from rig.bench.machine import scratch_folder
    from rig.bench.survival import Plan, measure
    from rig.commands.bench.tables import wide_console

    plan = Plan(kills, seed, _chosen(victims), at_once, only)
    with scratch_folder(out, keep=True) as folder:
        found = measure(plan, folder, _tell)
        if not any(folder.iterdir()):
            folder.rmdir()
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        _show(wide_console(), found)
    return 1 if found["summary"]["together"]["faulty"] else 0


def _chosen(victims: str | None) -> tuple[str, ...]:
    from rig.bench.survival import VICTIMS

    chosen = tuple(filter(None, (victims or "").replace(" ", "").split(",")))
    if strange := set(chosen) - set(VICTIMS):
        msg = f"expected some of {', '.join(VICTIMS)}, got {', '.join(sorted(strange))}"
        raise click.BadParameter(msg, param_hint="--victims")
    return chosen or VICTIMS


def _tell(outcome: Outcome) -> None:
    """Say how a trial went, as it ends."""
    trial = outcome.trial
    head = f"{trial.number:4} {trial.victim:10} {trial.phase:7}"
    if not outcome.struck:
        click.echo(f"{head} had ended before it could be killed", err=True)
    else:
        salvage = ""
        if outcome.salvage_ms is not None:
            salvage = f", salvaged in {outcome.salvage_ms:.0f} ms"
        click.echo(
            f"{head} during {outcome.during or 'its first moments'}: "
            f"{outcome.committed} rows committed, {outcome.waiting} in the rings, "
            f"{outcome.recorded} in the end {outcome.verdict or '(no session)'}"
            f"{salvage}; {outcome.seconds:.1f} s",
            err=True,
        )
    for fault in outcome.faults[:_MOST_FAULTS]:
        click.echo(f"     FAULT {fault.kind}: {fault.text}", err=True)
    if outcome.faults:
        click.echo(
            f"     kept in {outcome.folder}; to repeat it, the same command with "
            f"--only {trial.number}",
            err=True,
        )


def _show(console: Console, found: Mapping[str, Any]) -> None:
    from rich.table import Table

    from rig.bench.survival import PHASES
    from rig.commands.bench.tables import conditions

    table = Table(title="Sessions that were struck by kill -9, and what was wrong then")
    table.add_column("victim", no_wrap=True)
    for title in (*PHASES, *(title for title, _ in _COLUMNS), "salvage\nms (median)"):
        table.add_column(title, justify="right", no_wrap=True)
    for victim, sums in found["summary"]["by_victim"].items():
        phases = [str(sums["phases"][phase]["kills"]) for phase in PHASES]
        table.add_row(victim, *phases, *_cells(sums))
    together = found["summary"]["together"]
    kills = [
        sum(
            sums["phases"][phase]["kills"]
            for sums in found["summary"]["by_victim"].values()
        )
        for phase in PHASES
    ]
    table.add_section()
    table.add_row("together", *map(str, kills), *_cells(together))
    console.print(table)
    console.print(
        f"{together['kills']} kills; {together['committed_rows']:,} rows were "
        f"committed then and {together['rows_in_rings_only']:,} only in the rings; "
        f"{together['recorded_rows']:,} are recorded, in {together['segments']:,} "
        "segments"
    )
    console.print(conditions(found["environment"]), soft_wrap=True)
    for trial in found["trials"]:
        for fault in trial["faults"][:_MOST_FAULTS]:
            line = f"FAULT trial {trial['trial']['number']}: {fault['text']}"
            console.print(f"{line} ({trial['folder']})", style="bold red", markup=False)


def _cells(sums: Mapping[str, Any]) -> Iterator[str]:
    for _, name in _COLUMNS:
        yield f"{sums[name]:,}"
    ms = sums["salvage_ms_median"]
    yield "" if ms is None else f"{ms:.0f}"

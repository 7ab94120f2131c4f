"""``springhare bench survival``: sessions that are killed, and what is left of them."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import click

from rig.commands.outputs import OutFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from rich.console import Console

    from rig.bench.survival.play import Outcome

__all__ = ["survival"]

_MOST_FAULTS = 5
"""Of one trial that are shown; the figures have all."""
_COLUMNS = (
    ("rows\ncommitted", "committed_rows"),
    ("in rings\nonly", "rows_in_rings_only"),
    ("of a stream\nat worst", "rows_in_ring_only_worst"),
    ("never\nrecorded", "never_recorded_worst"),
    ("salvage\nms", "salvage_ms_median"),
    ("at\nworst", "salvage_ms_worst"),
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
    default=2,
    show_default=True,
    help="Sessions that run side by side.",
)
@click.option(
    "--only",
    type=click.IntRange(min=0),
    multiple=True,
    help="Play only the trial of this number; may be given several times.",
)
@click.option(
    "--out",
    type=OutFolder(),
    help="Folder on the disk to be written to; by default the working folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def survival(
    kills: int,
    seed: int,
    victims: str | None,
    at_once: int,
    only: tuple[int, ...],
    out: Path | None,
    as_json: bool,
) -> int:
    """Kill sessions and look at what is left of them.

    Each trial runs a real session with simulated devices in processes of its own,
    kills a node, the supervisor or all of them at a random instant, opens the session
    at once with plain h5py, lets the others come to their end, salvages what nobody
    could record, and compares everything with what was ever published.

    Ends with 1 if a trial shows a fault; its session is kept then, also if the bench
    is interrupted.
    """
    import json
    import signal

    from rig.bench.machine import scratch_folder
    from rig.bench.survival import Plan, measure
    from rig.commands.console import wide_console

    plan = Plan(kills, seed, _chosen(victims), at_once, only)
    found = None
    # also when it is told to end, no session may go on
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with scratch_folder(out, keep=True) as folder, _told(len(plan.numbers)) as told:
        with suppress(KeyboardInterrupt):
            found = measure(plan, folder, told)
        if not any(folder.iterdir()):
            folder.rmdir()
    if found is None:
        raise click.Abort
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


@contextmanager
def _told(kills: int) -> Iterator[Callable[[Outcome], None]]:
    """Say how each trial went: a bar where somebody looks, else a line each."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        yield lambda outcome: console.print("\n".join(_lines(outcome)), markup=False)
        return
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn())
    bar = Progress(*columns, TimeRemainingColumn(), console=console, transient=True)
    with bar:
        task = bar.add_task("kills", total=kills)

        def tell(outcome: Outcome) -> None:
            if outcome.faults:
                console.print("\n".join(_lines(outcome)), markup=False)
            bar.advance(task)

        yield tell


def _lines(outcome: Outcome) -> Iterator[str]:
    trial = outcome.trial
    head = f"{trial.number:4} {trial.victim:10} {trial.phase:8}"
    if outcome.struck:
        yield (
            f"{head}while {outcome.during or 'it began'}: "
            f"{outcome.committed:,} rows committed, {outcome.waiting:,} in the rings, "
            f"{outcome.recorded:,} in the end; {outcome.seconds:.1f} s"
        )
    else:
        yield f"{head}had ended before it could be killed"
    for fault in outcome.faults[:_MOST_FAULTS]:
        yield f"     FAULT {fault.kind}: {fault.text}"
    if outcome.faults:
        yield (
            f"     kept in {outcome.folder}; to repeat it: the same command with "
            f"--only {trial.number}"
        )


def _show(console: Console, found: Mapping[str, Any]) -> None:
    from rich.table import Table

    from rig.bench.survival import PHASES
    from rig.commands.bench.tables import conditions

    table = Table(title="kill -9: how often, and what was there then and in the end")
    table.add_column("killed", no_wrap=True)
    for title in (*PHASES, *(title for title, _ in _COLUMNS)):
        table.add_column(title, justify="right", no_wrap=True)
    by_victim, together = found["summary"]["by_victim"], found["summary"]["together"]
    for victim, sums in by_victim.items():
        phases = [_kills(sums["phases"][phase]) for phase in PHASES]
        table.add_row(victim, *phases, *_cells(sums))
    table.add_section()
    sums = [
        sum(victim["phases"][phase]["kills"] for victim in by_victim.values())
        for phase in PHASES
    ]
    table.add_row("together", *map(str, sums), *_cells(together))
    console.print(table)
    console.print(conditions(found["environment"]), soft_wrap=True)
    console.print(
        f"took {found['seconds'] / 60:.1f} min; at worst {together['end_s_worst']:.1f} "
        f"s from a kill until no process was left"
    )
    for trial in found["trials"]:
        for fault in trial["faults"][:_MOST_FAULTS]:
            line = f"FAULT trial {trial['trial']['number']}: {fault['text']}"
            console.print(f"{line} ({trial['folder']})", style="bold red", markup=False)
    word, style = ("FAIL", "bold red") if together["faulty"] else ("PASS", "bold green")
    console.print(f"[{style}]{word}[/]: {_sentence(together)}", soft_wrap=True)


def _kills(sums: Mapping[str, Any]) -> str:
    faulty = f" [bold red]({sums['faulty']} FAIL)[/]" if sums["faulty"] else ""
    return f"{sums['kills']}{faulty}"


def _cells(sums: Mapping[str, Any]) -> Iterator[str]:
    for _, name in _COLUMNS:
        value = sums[name]
        yield "" if value is None else f"{value:,.0f}"


def _sentence(sums: Mapping[str, Any]) -> str:
    """Return what all trials showed."""
    faults, kills = sums["faults"], sums["kills"]
    words = [
        f"{kills} kills, {sums['faulty']} with a fault",
        f"{sums['committed_rows']:,} rows were committed and {faults['lost']:,} lost",
        f"{sums['rows_in_rings_only']:,} were in the rings only and "
        f"{faults['unrecorded']:,} never recorded",
        f"{faults['unopenable']} files could not be opened",
        f"{faults['gap']} gaps in other nodes' data",
        f"{faults['left_over']} things left over",
        f"{faults['other']} other faults",
    ]
    missed = sums["trials"] - kills
    if missed:
        words.append(f"{missed} victims had ended before they could be killed")
    return "; ".join(words)

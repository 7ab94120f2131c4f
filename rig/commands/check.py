"""``springhare check``: reads a recording anew and says whether it is whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rig.recording.inspection import Inspection

__all__ = ["check"]

_EXIT_STATUS = {"PASS": 0, "WARN": 0, "FAIL": 1}
_COLOUR = {"PASS": "green", "WARN": "yellow", "FAIL": "red"}


@click.command(short_help="Tell whether a recording is whole.")
@click.argument("session", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option(
    "--quick", is_flag=True, help="Compare a few pictures of each stream only."
)
def check(session: Path, as_json: bool, quick: bool) -> int:
    """Read a SESSION anew and tell whether it is whole and its ledger closes.

    Every row and every picture is compared with the checksum that was made when it
    was published.

    Ends with 0 for PASS and for WARN (which is said loudly), with 1 for FAIL, and
    with 2 if there is no session.
    """
    import msgspec

    from rig.commands.progress import progress
    from rig.recording.inspection import bytes_to_compare, inspect_recording
    from rig.recording.reader import Recording

    with Recording.open(session) as recording:
        total = 0 if quick else bytes_to_compare(recording)
        with progress("comparing", total) as told:
            inspection = inspect_recording(recording, quick=quick, told=told)
    if as_json:
        text = msgspec.json.format(msgspec.json.encode(inspection), indent=2)
        click.echo(text.decode())
    else:
        _tell(inspection)
    return _EXIT_STATUS[inspection.verdict]


def _tell(inspection: Inspection) -> None:
    from rich.text import Text

    from rig.commands.console import wide_console
    from rig.commands.ledger_table import ledger_table
    from rig.messages import BY_HAND

    console = wide_console()
    console.print(
        f"{inspection.session_id} ({inspection.state}), "
        f"{sum(s.rows for s in inspection.streams.values()):,} rows in "
        f"{sum(s.segments for s in inspection.streams.values())} segments, "
        f"{sum(s.verified for s in inspection.streams.values()):,} compared with "
        "their checksums",
        markup=False,
    )
    console.print(ledger_table(inspection.ledger))
    for rule, outcomes in inspection.outcomes.items():
        who = "by hand" if rule == BY_HAND else f"rule {rule}"
        console.print(Text(f"{who}: {outcomes.text}"))
    for note in inspection.notes:
        console.print(Text(f"note at {note.at_s:.3f} s: {note.words}"))
    for finding in inspection.findings:
        where = f"{finding.stream}: " if finding.stream else ""
        line = f"{finding.severity} {where}{finding.text}"
        console.print(Text(line, _COLOUR[finding.severity]))
    colour = _COLOUR[inspection.verdict]
    console.print(
        Text.assemble(
            "\n", (inspection.verdict, f"bold {colour}"), f": {inspection.reason}"
        )
    )

"""``springhare recover``: makes a session whole that ended badly."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["recover"]

_EXIT_STATUS = {"PASS": 0, "WARN": 0, "FAIL": 1}


@click.command(short_help="Make a recording whole that ended badly.")
@click.argument("session", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Compare every row and picture with its checksum, not only the last ones.",
)
def recover(session: Path, as_json: bool, dry_run: bool, everything: bool) -> int:
    """Make a SESSION whole whose recording was killed, or whose computer stopped.

    What is still in memory is recorded first. Then session.h5 is written anew, so that
    it shows what is there, and a ledger says what is not. The files in segments/ are
    not changed, and the old session.h5 is kept as session.before-recovery.h5.

    After a power cut, all is there that was recorded more than about a second before
    it: the time between two syncs of the disk, and the time that these take. What came
    later is compared with its checksums, and the end that does not agree is left out.

    Ends with 0 for PASS and for WARN (which is said loudly), with 1 for FAIL, and with
    2 if there is no session, or if it is being recorded.
    """
    import logging

    import msgspec

    from rig.commands.progress import progress
    from rig.commands.recovery_table import tell
    from rig.recorder.rescue import rescue_memory
    from rig.recording.layout import SESSION_FILE
    from rig.recording.recovery import recover_session

    # all that it would say is in the report
    logging.getLogger("rig.recorder").addHandler(logging.NullHandler())
    folder = session.parent if session.name == SESSION_FILE else session
    rescue = rescue_memory(folder, dry_run=dry_run)
    report = recover_session(
        folder,
        everything=everything,
        dry_run=dry_run,
        memory_waits=bool(rescue.waiting),
        watched=lambda total: progress("comparing", total),
    )
    report = rescue.told_in(report)
    if as_json:
        text = msgspec.json.format(msgspec.json.encode(report), indent=2)
        click.echo(text.decode())
    else:
        tell(report)
    return _EXIT_STATUS[report.verdict]

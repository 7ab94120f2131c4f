"""``springhare schema``: the generated schemas of the config files and messages.

Editors complete and check the YAML files with them; a program in another language
reads from `messages.json` how the rows of a stream lie in memory and on disk.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from rig.commands.outputs import OutFolder, require_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rig.messages import StreamKind

__all__ = ["schema", "schemas"]


def schemas() -> dict[str, Mapping[str, Any]]:
    """Return every schema by its file's name, without the ending."""
    import msgspec

    from rig import messages
    from rig.bus.remote_messages import StreamReply, StreamRequest
    from rig.config.fault_script import FaultScript
    from rig.config.rig import RigConfig
    from rig.config.session import SessionConfig
    from rig.config.task import TaskConfig

    types = [
        messages.StreamSpec,
        messages.Message,
        StreamRequest,
        StreamReply,
        *messages.RECORDS.values(),
    ]
    _, components = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    return {
        "rig": RigConfig.model_json_schema(),
        "task": TaskConfig.model_json_schema(),
        "session": SessionConfig.model_json_schema(),
        "faults": FaultScript.model_json_schema(),
        "messages": {
            "title": "Records and messages",
            "contract_version": messages.CONTRACT_VERSION,
            "rows": {kind: _row(kind) for kind in messages.RECORDS},
            "$defs": components,
        },
    }


def _row(kind: StreamKind) -> Mapping[str, Any]:
    """Return how a row of one kind of stream lies in memory: little-endian."""
    from rig.messages import RECORDS, row_dtype

    record = RECORDS[kind]
    dtype = row_dtype(record)
    fields = dtype.fields or {}
    return {
        "record": record.__name__,
        "itemsize": dtype.itemsize,
        "fields": [
            {"name": name, "dtype": fields[name][0].str, "offset": fields[name][1]}
            for name in dtype.names or ()
        ],
    }


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


@click.command(short_help="Print, write or check the schemas of files and messages.")
@click.argument("name", required=False)
@click.option(
    "--write",
    type=OutFolder(),
    help="Write every schema into this folder.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
@click.option(
    "--check",
    "check",
    is_flag=True,
    help="Compare with the examples' schema folder; status 1 when one is out of date.",
)
def schema(name: str | None, write: Path | None, force: bool, check: bool) -> int:
    """Print the schema NAME (rig, task, session, faults, messages), or all of them.

    Point your editor at one, and it completes and checks your files while you type:
    the example files do so in their first line.
    """
    from rig.config.examples import examples_folder

    found = schemas()
    if name is not None and name not in found:
        msg = f"Expected one of {', '.join(found)}, got {name!r}"
        raise click.BadParameter(msg, param_hint="NAME")
    if name is not None:
        found = {name: found[name]}
    if write is not None:
        _write(found, write, force=force)
        click.echo(f"wrote {', '.join(found)} to {write}")
        return 0
    if check:
        return _compare(found, examples_folder() / "schema")
    click.echo(_text(found[name] if name is not None else found), nl=False)
    return 0


def _write(
    found: Mapping[str, Mapping[str, Any]], folder: Path, *, force: bool
) -> None:
    """Write all of them, or none where one is in the way."""
    folder.mkdir(exist_ok=True)
    files = {folder / f"{key}.json": content for key, content in found.items()}
    for path in files:
        require_file(path, "--write", force=force)
    for path, content in files.items():
        path.write_text(_text(content), encoding="utf-8")


def _compare(found: Mapping[str, Mapping[str, Any]], folder: Path) -> int:
    stale = [
        key
        for key, content in found.items()
        if not (path := folder / f"{key}.json").exists()
        or path.read_text(encoding="utf-8") != _text(content)
    ]
    for key in stale:
        click.echo(f"{folder / key}.json is out of date", err=True)
    if stale:
        click.echo(
            f"write them anew: springhare schema --write {folder} --force", err=True
        )
    return 1 if stale else 0

"""``springhare bench``: what this machine can do, measured on this machine.

One file per benchmark; what they need is imported when they run. Those of other
packages are entry points in the group `springhare.benches`, loaded when asked for.
"""

from __future__ import annotations

import click

from rig.commands.bench.geometry import geometry
from rig.commands.bench.group import Benchmarks
from rig.commands.bench.monitor import monitor
from rig.commands.bench.reading import reading
from rig.commands.bench.recorder import recorder
from rig.commands.bench.survival import survival
from rig.commands.bench.sustained import sustained
from rig.commands.bench.transport import transport

__all__ = ["bench"]


@click.group(cls=Benchmarks, short_help="Measure this machine.")
def bench() -> None:
    """Measure what this machine can do."""


for command in (
    transport,
    recorder,
    sustained,
    reading,
    survival,
    geometry,
    monitor,
):
    bench.add_command(command)

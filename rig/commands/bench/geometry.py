"""``springhare bench geometry``: from the views of one moment to points in space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["geometry"]

_TITLES = {
    "numba": "Springhare, numba",
    "numpy": "Springhare, NumPy",
    "opencv": "OpenCV and NumPy, linear",
}


@click.command(short_help="Points in space from simultaneous views.")
@click.option("--points", type=click.IntRange(1, 1000), default=10, show_default=True)
@click.option("--cameras", type=click.IntRange(2, 16), default=4, show_default=True)
@click.option(
    "--calls",
    type=click.IntRange(min=10),
    default=3000,
    show_default=True,
    help="How often each way is taken, in turns with the others.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def geometry(points: int, cameras: int, calls: int, as_json: bool) -> None:
    """Time triangulation, undistortion and outliers included.

    The simulated mouse jumps before calibrated cameras; keypoints have 1 px of noise,
    5 % are up to 150 px off and 5 % are missing. The usual way, OpenCV's undistortion
    and a linear solution in NumPy, is measured where OpenCV is installed; it uses
    wrong views like right ones.
    """
    import json

    from rig.bench.geometry import Plan, measure
    from rig.commands.bench.tables import tell

    found = measure(Plan(points=points, cameras=cameras, calls=calls), tell)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        _show(found)


def _show(found: Mapping[str, Any]) -> None:
    from rich.table import Table

    from rig.commands.bench.tables import conditions
    from rig.commands.console import wide_console

    plan, ratios = found["plan"], found["ratio_to_opencv"]
    table = Table(
        title=f"{plan['points']} points, {plan['cameras']} cameras, "
        f"{plan['calls']} calls in turns"
    )
    table.add_column("way", no_wrap=True)
    for title in ("p50 us", "p99 us", "of OpenCV's p50", "p50 mm", "p95 mm", "unknown"):
        table.add_column(title, justify="right", no_wrap=True)
    for name, way in found["ways"].items():
        ratio = ratios.get(name)
        table.add_row(
            _TITLES[name],
            f"{way['p50_us']:.1f}",
            f"{way['p99_us']:.1f}",
            "" if ratio is None else f"{ratio['p50_us']:.2f}",
            f"{way['p50_mm']:.2f}",
            f"{way['p95_mm']:.2f}",
            f"{100 * way['unknown']:.1f} %",
        )
    console = wide_console()
    console.print(table)
    views = found["views"]
    console.print(
        f"ready after {found['ready_s']:.1f} s; to bring the poses of a moment "
        f"together takes {views['p50_us']:.0f} us (p99 {views['p99_us']:.0f})"
    )
    console.print(
        f"wanted: {found['target_us']:.0f} us for 10 points and 4 cameras; "
        f"{conditions(found['environment'])}",
        soft_wrap=True,
    )

"""``springhare demo``: a whole experiment, watched, with no hardware.

Two Basler cameras, played by Basler's own emulator behind the real driver, see
the simulated mouse jump; simulated Harp boards stream its EMG, the force plate
and the microscope's frame clock through the real Harp client; every frame goes
to the pose network, a rule on the pose fires the laser, and one session holds it
all. With ``--video`` the emulated camera plays a film of yours, with ``--model``
your DeepLabCut export sees it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from rig.commands.outputs import OutFolder

__all__ = ["demo"]

_FILE = click.Path(exists=True, path_type=Path)


@click.command(short_help="Watch a whole experiment run, without any hardware.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=20.0,
    show_default=True,
    help="Length of the recording.",
)
@click.option(
    "--cameras",
    type=click.IntRange(1, 4),
    default=2,
    show_default=True,
    help="Number of cameras.",
)
@click.option(
    "--fps",
    type=click.FloatRange(1, 120),
    default=100.0,
    show_default=True,
    help="Frames per second of each camera.",
)
@click.option(
    "--out",
    type=OutFolder(),
    default=Path("springhare-demo"),
    show_default=True,
    help="Where the session is written.",
)
@click.option("--headless", is_flag=True, help="No live table and no window.")
@click.option(
    "--window/--no-window",
    default=None,
    help="Open the monitor's window; by default where there is a display.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the world.")
@click.option("--video", type=_FILE, help="A film for the camera to play.")
@click.option("--model", type=_FILE, help="A DeepLabCut export, or an ONNX model.")
@click.option("--unblind", is_flag=True, help="Show which fires are shams, live.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def demo(
    seconds: float,
    cameras: int,
    fps: float,
    out: Path,
    headless: bool,
    window: bool | None,
    seed: int,
    video: Path | None,
    model: Path | None,
    unblind: bool,
    as_json: bool,
) -> int:
    """Run a whole experiment without hardware and record it.

    The exit status is 0 for PASS and WARN, 1 for FAIL, 2 when it could not be run.
    """
    from rig.commands.demo_setup import DemoRequest, prepare
    from rig.commands.running import EXIT_STATUS, run_session, tell
    from rig.supervisor.plan import Options
    from rig.supervisor.session import Session

    request = DemoRequest(
        seconds=seconds,
        cameras=cameras,
        fps=fps,
        out=out.resolve(),
        seed=seed,
        video=video,
        model=model,
    )
    with tempfile.TemporaryDirectory(prefix="springhare-demo-") as folder:
        setup = prepare(request, Path(folder), quiet=headless)
        result = run_session(
            lambda show: Session(
                setup.rig,
                setup.task,
                setup.session,
                Options(
                    simulate=True, seconds=seconds, keep_truth=True, unblind=unblind
                ),
                show,
            ),
            setup.rig,
            setup.task,
            quiet=headless,
            window=False if as_json and window is None else window,
        )
    tell(result, as_json=as_json)
    if not as_json:
        click.echo(f"look closer: springhare check {result.folder}")
    return EXIT_STATUS[result.verdict]

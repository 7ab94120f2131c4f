"""Commands about one session as it was recorded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import click

from offline.picture_file import PictureFile
from rig.commands.outputs import OutFile, OutFolder, may_replace

__all__ = ["align", "calibrate_latency", "compress", "latency", "picture", "rules"]


@click.command(short_help="Put a session on one clock, with errors and a verdict.")
@click.argument(
    "sources", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True)
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--dry-run", is_flag=True, help="Only tell; write nothing.")
@click.option(
    "--max-drift-ppm",
    type=click.FloatRange(1, 5000),
    default=200.0,
    show_default=True,
    help="Largest difference of two clocks' rates that is believed.",
)
@click.option(
    "--calibration",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Latency calibration; by default the rig's newest one before the session.",
)
@click.option("--no-cues", is_flag=True, help="Do not look at pixels (faster).")
@click.option(
    "--column",
    "columns",
    multiple=True,
    help="Files: column, array or stream that holds times; may be given several times.",
)
@click.option(
    "--unit",
    type=click.Choice(["s", "ms", "us", "ns"]),
    help="Files: unit of times that do not say theirs.",
)
@click.option("--reference", help="Files: train that the others are brought to.")
@click.option(
    "--out",
    type=OutFolder(),
    help="Files: folder of the results; by default beside the first file.",
)
def align(
    sources: tuple[Path, ...],
    as_json: bool,
    dry_run: bool,
    max_drift_ppm: float,
    calibration: Path | None,
    no_cues: bool,
    columns: tuple[str, ...],
    unit: Literal["s", "ms", "us", "ns"] | None,
    reference: str | None,
    out: Path | None,
) -> int:
    """Put SOURCES on one clock: sessions, or other people's files of pulse times.

    Of a session it writes derived/aligned.h5, the time and error of every element,
    and derived/sync-report.html. Files are tables (CSV, NumPy), XDF and Harp .bin;
    their results go beside the first of them. The exit status is 1 for FAIL.
    """
    from offline.alignment.command import Wish, run

    wish = Wish(
        sources=sources,
        max_drift_ppm=max_drift_ppm,
        calibration=calibration,
        cues=not no_cues,
        dry_run=dry_run,
        as_json=as_json,
        columns=columns,
        unit=unit,
        reference=reference,
        out=out,
    )
    return run(wish)


@click.command(short_help="Draw a session as one picture.")
@click.argument("session", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=PictureFile(),
    help="Image file; by default derived/picture.png in the session.",
)
@may_replace
@click.option("--from", "first_s", type=float, default=0.0, help="First second shown.")
@click.option("--to", "last_s", type=float, default=10.0, show_default=True)
def picture(session: Path, out: Path | None, first_s: float, last_s: float) -> int:
    """Draw what a SESSION recorded: muscles, force, pose, stimuli, frames."""
    from offline.picture import draw
    from rig.errors import SessionError
    from rig.recording.reader import Recording

    with Recording.open(session) as recording:
        folder = session if session.is_dir() else session.parent
        path = out or folder / "derived" / "picture.png"
        try:
            path.parent.mkdir(exist_ok=True)
            count = draw(recording, path, first_s, last_s)
        except OSError as error:
            msg = f"Expected to write {path}, got {error.strerror}"
            raise SessionError(msg) from error
    click.echo(f"{count} tracks in {path}")
    return 0


@click.command(short_help="Fold a finished session into one compressed file.")
@click.argument("session", type=click.Path(path_type=Path))
@click.option(
    "--filter",
    "filter_name",
    type=click.Choice(["gzip", "szip", "jpegls", "bitshuffle", "none"]),
    default="gzip",
    show_default=True,
    help="What packs the pixels: gzip opens anywhere; szip is smaller and faster, "
    "jpegls the smallest, bitshuffle the fastest; what they need to be read is in the "
    "README of offline.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=os.cpu_count() or 1,
    show_default="one a core",
    help="Processes that pack.",
)
@click.option("--keep-raw", is_flag=True, help="Do not remove the segments.")
@click.option("--dry-run", is_flag=True, help="Only estimate, from samples.")
@click.option(
    "--video",
    "codec",
    type=click.Choice(["ffv1", "h264"]),
    help="Also write a video per camera into derived/video: ffv1 keeps every bit, "
    "h264 is small.",
)
@click.option("--video-only", is_flag=True, help="Write videos and fold nothing.")
@click.option(
    "--crf",
    type=click.IntRange(0, 51),
    default=18,
    show_default=True,
    help="Quality of h264: smaller is better and bigger.",
)
@click.option(
    "--measure",
    "only_measure",
    is_flag=True,
    help="Only compare filters, on frames of SESSION, which may also be a film.",
)
@click.option(
    "--noise",
    "noises",
    type=click.FloatRange(0),
    multiple=True,
    help="With --measure: also with so much noise added (standard deviation, in grey "
    "levels); may be given several times.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def compress(
    session: Path,
    filter_name: str,
    workers: int,
    keep_raw: bool,
    dry_run: bool,
    codec: Literal["ffv1", "h264"] | None,
    video_only: bool,
    crf: int,
    only_measure: bool,
    noises: tuple[float, ...],
    as_json: bool,
) -> int:
    """Fold a finished SESSION into one self-contained session.h5, without loss.

    The new file is decoded whole and compared with what was recorded, bit for bit,
    before it takes the place of the old one and the segments are removed. Stopped at
    any moment, the session can be read; run again, it goes on.
    """
    from offline.archive.command import Wish, run

    wish = Wish(
        session=session,
        filter=filter_name,
        workers=workers,
        keep_raw=keep_raw,
        dry_run=dry_run,
        codec=codec or ("ffv1" if video_only else None),
        video_only=video_only,
        crf=crf,
        measure=only_measure,
        noises=noises,
        as_json=as_json,
    )
    return run(wish)


@click.command(short_help="Measure the constant delay of each stream of a rig.")
@click.argument("session", required=False, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--rig",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Rig file: a session is recorded with it first, and then measured.",
)
@click.option(
    "--task",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What runs meanwhile, for LEDs on lines that only a rule fires.",
)
@click.option("--simulate", is_flag=True, help="Replace every device by its twin.")
@click.option(
    "--seconds",
    type=click.FloatRange(5, 3600),
    default=30.0,
    show_default=True,
    help="Length of the recording.",
)
@click.option(
    "--out",
    type=OutFolder(),
    help="Write below this folder instead of the rig's data_root.",
)
@click.option("--dry-run", is_flag=True, help="Only measure; store nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def calibrate_latency(
    session: Path | None,
    rig: Path | None,
    task: Path | None,
    simulate: bool,
    seconds: float,
    out: Path | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Measure how long after the truth each stream has it, with a pulsed line.

    Before it: let each camera see an LED on the sync line (led in the rig file), wire
    the line to a channel of each signal (test_pulse) and to an input of each board
    (sync_source). A SESSION that was recorded so can be measured as well. What was
    measured is kept in the data root, below calibrations, and springhare align takes
    it off. The exit status is 1 where nothing could be measured.
    """
    from offline.delays.command import Wish, run

    if (session is None) == (rig is None):
        msg = "expected a SESSION to measure, or --rig to record one: one of the two"
        raise click.UsageError(msg)
    if session is not None and (simulate or task or out):
        msg = "expected --simulate, --task and --out with --rig only"
        raise click.UsageError(msg)
    wish = Wish(
        session=session,
        rig=rig,
        task=task,
        simulate=simulate,
        seconds=seconds,
        out=out,
        dry_run=dry_run,
        as_json=as_json,
    )
    return run(wish)


@click.command(short_help="Tell how long a session's loop took, stage by stage.")
@click.argument("session", type=click.Path(path_type=Path))
@click.option(
    "--task",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Judge by the latency_budget of this task file, not of the session's own.",
)
@click.option(
    "--picture",
    type=PictureFile(),
    help="Draw a waterfall of the stages, the session, and all times.",
)
@click.option(
    "--out",
    type=OutFile(),
    help="Write the figures into this file as well, as JSON.",
)
@may_replace
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def latency(
    session: Path,
    task: Path | None,
    picture: Path | None,
    out: Path | None,
    as_json: bool,
) -> int:
    """Tell how long the loop of a SESSION took, from the light to the edge.

    Every pose and every fired decision, stage by stage: exposure, arrival, taken from
    the ring, network, published, command sent, edge at the board, acknowledgement.
    Where the session is aligned (springhare align), exposures and edges are placed by
    that; else as they were mapped live. The exit status is 1 where the latency_budget
    of the task is broken.
    """
    from offline.loop_latency.command import Wish, run

    wish = Wish(session=session, task=task, picture=picture, out=out, as_json=as_json)
    return run(wish)


@click.group(short_help="Tell what a task's rules do, in words and on sessions.")
def rules() -> None:
    """Tell what a task's rules do."""


@rules.command("check", short_help="Explain rules, and play them on sessions.")
@click.argument("task", type=click.Path(path_type=Path, exists=True))
@click.argument("sessions", nargs=-1, type=click.Path(path_type=Path))
@click.option("--rule", "names", multiple=True, help="Only this rule; several times.")
@click.option(
    "--rig",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Rig file that the task must fit, and by whose pictures it is judged; by "
    "default it is judged by the first session's.",
)
@click.option(
    "--truth",
    "truths",
    multiple=True,
    metavar="RULE=EVENT",
    help="When the rule should fire: an event of --labels; of a simulated session also "
    "take_off, landing, onset, or condition, which is taken by itself: the moments at "
    "which the rule's condition begins to hold of the simulated body.",
)
@click.option(
    "--labels",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="CSV with the columns event and time_s (since the session's start), frame or "
    "host_ns; or a CollectedData table of DeepLabCut.",
)
@click.option(
    "--within-ms",
    type=click.FloatRange(min=0, min_open=True),
    show_default="100, times the slowness of a slowed simulation",
    help="A fire that is farther from an event is a false one.",
)
@click.option(
    "--armed",
    type=click.Choice(["recorded", "always"]),
    help="By default as recorded for the session's own task, always for another.",
)
@click.option(
    "--picture",
    "drawn",
    type=PictureFile(),
    help="Draw the rules' signals, thresholds and fires, and what was true.",
)
@may_replace
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
def rules_check(
    task: Path,
    sessions: tuple[Path, ...],
    names: tuple[str, ...],
    rig: Path | None,
    truths: tuple[str, ...],
    labels: Path | None,
    within_ms: float | None,
    armed: Literal["recorded", "always"] | None,
    drawn: Path | None,
    as_json: bool,
) -> int:
    """Explain the rules of TASK; with SESSIONS, play them on what was recorded.

    TASK is a task file, or a session, for the task that it was recorded with.
    Without SESSIONS each rule is told in words, and what looks wrong in it; a task that
    does not fit its model or the --rig is refused, as springhare run would; and a
    session as TASK is played itself. A session
    is played through the same step as live, without a network: the poses, signals and
    times are the recorded ones. Its own task must decide as it did; another one shows
    what would have been. Where the truth is known (a simulated session, or --labels)
    it says how early, how late and how often wrong. The exit status is 1 where a
    session's own task does not decide as it did.
    """
    from offline.rules_check.command import Wish, run

    pairs = [truth.partition("=") for truth in truths]
    if any(not (rule and event) for rule, _, event in pairs):
        msg = f"expected RULE=EVENT for --truth, got {' and '.join(truths)}"
        raise click.UsageError(msg)
    wish = Wish(
        task=task,
        sessions=sessions,
        rig=rig,
        rules=names,
        truths={rule: event for rule, _, event in pairs},
        labels=labels,
        within_ms=within_ms,
        armed=armed,
        picture=drawn,
        as_json=as_json,
    )
    return run(wish)

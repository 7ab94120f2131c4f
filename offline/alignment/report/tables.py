"""The rest, as tables: what was lost, second cues, latencies, counts, files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offline.alignment import units
from offline.alignment.report.markup import Html, details, join, table, tag
from offline.alignment.report.streams import is_delayed
from offline.alignment.report.verdict import badge, plural

if TYPE_CHECKING:
    from offline.alignment.result import Alignment, Cue, LostRun, StreamSummary

__all__ = ["counts", "cues", "files", "latencies", "lost"]

_STALE = "changed since: repeat it"
_UNKNOWN = "not known"
_SHOWN_RUNS = 12
"""Losses that are shown one by one, unfolded; of more, these are the longest."""
_MOST_RUNS = 2000
"""Losses that are shown at all; every one is in aligned.h5."""


def lost(alignment: Alignment) -> Html:
    """Return what is not in the recording: which, when, how many, and why."""
    runs = [(one, run) for one in alignment.streams for run in one.losses]
    missing = sum(one.lost for one in alignment.streams)
    listed = sum(run.count for _, run in runs)
    parts: list[str] = []
    if not missing and not runs:
        parts.append(tag("p", "Nothing was lost."))
    elif len(runs) <= _SHOWN_RUNS:
        parts.append(_runs(runs))
    else:
        parts.append(_by_cause(runs))
        longest = sorted(runs, key=lambda pair: -pair[1].count)[:_SHOWN_RUNS]
        parts.append(details(f"The {_SHOWN_RUNS} longest runs", _runs(longest)))
        title = f"All {units.count(len(runs))} runs"
        parts.append(details(title, _all(runs), class_="long"))
    if missing > listed:
        unlisted = plural(missing - listed, "lost element")
        words = f"Of {unlisted} nothing is known but that they are missing."
        parts.append(tag("p", words))
    return tag("section", tag("h2", "What was lost"), *parts, id="lost")


def cues(alignment: Alignment) -> Html:
    """Return what an independent look at the same moments says."""
    rows = [_cue(one) for one in alignment.cues]
    titles = ["", "Cue", "Camera", "Against", ">Offset", ">Of one event (sd)"]
    titles += [">In frames", ">Events", ">Frames off", "In words"]
    if rows:
        part = table(titles, rows)
    else:
        part = tag(
            "p",
            "No second cue was looked at. A light that follows the sync line, in the "
            "picture of a camera, would show that no frame is off by one.",
        )
    return tag("section", tag("h2", "Second cue"), part, id="cues")


def latencies(alignment: Alignment) -> Html:
    """Return the constant delays that were taken off, and whose are not known."""
    known = [one.latency for one in alignment.streams if one.latency]
    parts: list[str] = []
    if known:
        titles = ["Stream", ">Taken off", ">± 95 %", ">Pulses", "By", "Measured", "Rig"]
        rows = [
            [
                one.stream,
                units.signed(one.delay_ns),
                units.band(one.sd_ns),
                units.count(one.count),
                one.method,
                units.date(one.made_utc),
                "unchanged" if one.rig_matches else tag("b", _STALE),
            ]
            for one in known
        ]
        parts.append(table(titles, rows))
    unknown = [
        one.stream
        for one in alignment.streams
        if one.latency is None and is_delayed(one)
    ]
    if unknown:
        names = join((tag("code", name) for name in unknown), ", ")
        command = tag("code", "springhare calibrate-latency")
        parts.append(
            tag(
                "p",
                tag("b", "Not calibrated: "),
                names,
                ". A constant delay of the device (readout, filter, cable) is still in "
                "these times, and not in their ± 95 %. ",
                command,
                " measures it.",
            )
        )
    parts = parts or [tag("p", "No stream has a delay that could be measured.")]
    return tag("section", tag("h2", "Latency"), *parts, id="latency")


def counts(alignment: Alignment) -> Html:
    """Return the raw counts of each stream."""
    heading = tag("h2", "Raw counts")
    named = alignment.counts
    names = list(dict.fromkeys(name for numbers in named.values() for name in numbers))
    if not names:
        none = tag("p", "No counts were kept.")
        return tag("section", heading, none, id="counts")
    rows = [
        [stream, *(_number(numbers.get(name)) for name in names)]
        for stream, numbers in named.items()
    ]
    titles = ["Stream", *(f">{name}" for name in names)]
    return tag("section", heading, table(titles, rows), id="counts")


def files(alignment: Alignment) -> Html:
    """Return what was read and by which programs, to the bit."""
    hashes = [
        [tag("code", path), tag("code", digest, class_="hash")]
        for path, digest in alignment.sha256.items()
    ]
    versions = [_version(name, version) for name, version in alignment.versions.items()]
    parts = [table(["File", "SHA-256"], hashes)] if hashes else []
    if not hashes:
        parts.append(tag("p", "No file was hashed."))
    parts.append(tag("p", join(versions, " ")) if versions else Html())
    about = (
        f"Session time counts from {alignment.origin_ns} ns on the clock of "
        f"{alignment.reference}. Times and errors of every element: aligned.h5, beside "
        "this page."
    )
    heading = tag("h2", "Files and versions")
    return tag("section", heading, *parts, tag("p", about, class_="note"), id="files")


def _by_cause(runs: list[tuple[StreamSummary, LostRun]]) -> Html:
    """Return what was lost of each stream for each cause, the most first."""
    found: dict[tuple[str, str], list[int]] = {}
    for one, run in runs:
        found.setdefault((one.stream, run.cause), []).append(run.count)
    ordered = sorted(found.items(), key=lambda item: -sum(item[1]))
    rows = [
        [
            stream,
            cause or _UNKNOWN,
            units.count(sum(lengths)),
            units.count(len(lengths)),
            units.count(max(lengths)),
        ]
        for (stream, cause), lengths in ordered
    ]
    return table(["Stream", "Cause", ">Lost", ">Runs", ">Longest run"], rows)


def _all(runs: list[tuple[StreamSummary, LostRun]]) -> Html:
    shown = _runs(runs[:_MOST_RUNS])
    if len(runs) <= _MOST_RUNS:
        return shown
    more = f"{units.count(len(runs) - _MOST_RUNS)} more are in aligned.h5."
    return join([shown, tag("p", more)])


def _runs(runs: list[tuple[StreamSummary, LostRun]]) -> Html:
    titles = ["Stream", ">Frame ID or sample", ">Session time", ">Run", "Cause"]
    return table(titles, (_run(*pair) for pair in runs))


def _run(stream: StreamSummary, run: LostRun) -> list[str]:
    last = run.first_id + run.count - 1
    ids = f"{run.first_id}" if run.count == 1 else f"{run.first_id} … {last}"
    lasts = ""
    if stream.rate_hz:
        lasts = f" ({units.length(run.count / stream.rate_hz)})"
    return [
        stream.stream,
        ids,
        units.moment(run.time_s),
        f"{units.count(run.count)}{lasts}",
        run.cause or _UNKNOWN,
    ]


def _cue(one: Cue) -> list[str]:
    frames = units.DASH
    if one.offset_frames is not None:
        frames = units.named("_frames", one.offset_frames)
    return [
        badge(one.level),
        {"led": "LED", "motion": "motion"}[one.name],
        one.stream,
        one.against,
        units.signed(one.offset_ns),
        units.size(one.sd_ns),
        frames,
        units.count(one.events),
        units.whole(one.shift_frames),
        units.tight(one.words),
    ]


def _number(value: int | None) -> str:
    return "" if value is None else units.count(value)


def _version(name: str, version: str) -> Html:
    return tag("span", f"{name} ", tag("b", version), class_="version")

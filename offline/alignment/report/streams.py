"""The table of streams: how well each one's times are known, and by which clocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offline.alignment import units
from offline.alignment.report.markup import Html, details, join, table, tag
from offline.alignment.report.sparks import spark
from offline.alignment.report.verdict import icon, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from offline.alignment.result import (
        AlignedStream,
        Alignment,
        StreamSummary,
    )

__all__ = ["is_delayed", "is_housekeeping", "stream_anchors", "streams_section"]

_ORDER = (
    "frames",
    "samples",
    "events",
    "poses",
    "points",
    "decisions",
    "acknowledgements",
)
"""Kinds as people look for them; the others come behind."""
_DELAYED = ("frames", "samples")
_HOUSEKEEPING = ("estimates", "features", "clocks", "losses", "node_events")
_TITLES = (
    "Stream",
    ">± 95 %",
    ">worst minute",
    ">lost",
    "over the session*",
    "path of clocks",
    "latency taken off",
)


def is_housekeeping(stream: StreamSummary) -> bool:
    """Say whether a stream tells of the rig rather than of the animal."""
    return stream.stream.partition("/")[0] in _HOUSEKEEPING


def stream_anchors(alignment: Alignment) -> dict[str, str]:
    """Return where on the page each stream is shown."""
    return {one.stream: f"stream-{k}" for k, one in enumerate(alignment.streams)}


def streams_section(alignment: Alignment, streams: Mapping[str, AlignedStream]) -> Html:
    """Return a row for each stream; the rig's own ones folded while they are fine."""
    if not alignment.streams:
        none = tag("p", "There are no streams.")
        return tag("section", tag("h2", "Streams"), none, id="streams")
    ordered = sorted(alignment.streams, key=_place)
    fine = [is_housekeeping(one) and one.level == "PASS" for one in ordered]
    folded = [one for one, is_fine in zip(ordered, fine, strict=True) if is_fine]
    shown = [one for one, is_fine in zip(ordered, fine, strict=True) if not is_fine]
    begins = [one.first_s for one in alignment.streams if one.first_s == one.first_s]
    ends = [one.last_s for one in alignment.streams if one.last_s == one.last_s]
    span = (min(begins, default=0.0), max(ends, default=0.0))
    anchors = stream_anchors(alignment)
    parts = [_rows(shown, streams, span, anchors)] if shown else []
    if folded:
        title = f"{plural(len(folded), 'stream')} that tell of the rig itself"
        parts.append(details(title, _rows(folded, streams, span, anchors)))
    note = tag(
        "p",
        "* ± 95 % between 0 and its largest; red: lost. ± 95 %: in 95 of 100 cases the "
        "true session time of an element lies so near to the stated one. It does not "
        "hold a constant delay that nobody has measured (see ",
        tag("a", "latency", href="#latency"),
        ").",
        class_="note",
    )
    return tag("section", tag("h2", "Streams"), *parts, note, id="streams")


def is_delayed(stream: StreamSummary) -> bool:
    """Say whether a stream's device delays it, by a constant that can be measured."""
    return stream.kind in _DELAYED


def latency_words(stream: StreamSummary) -> str:
    """Return what was taken off a stream's times, and how that is known."""
    latency = stream.latency
    if latency is None:
        return "not calibrated" if is_delayed(stream) else units.DASH
    shown = f"{units.signed(latency.delay_ns)} ({latency.method})"
    return shown if latency.rig_matches else f"{shown}, measured on another rig file"


def _place(stream: StreamSummary) -> int:
    return _ORDER.index(stream.kind) if stream.kind in _ORDER else len(_ORDER)


def _rows(
    shown: Iterable[StreamSummary],
    streams: Mapping[str, AlignedStream],
    span: tuple[float, float],
    anchors: Mapping[str, str],
) -> Html:
    return table(
        _TITLES,
        [_row(one, streams.get(one.stream), span, anchors) for one in shown],
        class_="streams",
    )


def _row(
    one: StreamSummary,
    times: AlignedStream | None,
    span: tuple[float, float],
    anchors: Mapping[str, str],
) -> list[str]:
    name = tag(
        "div",
        icon(one.level),
        tag("b", one.stream),
        tag("span", one.kind, class_="kind"),
        class_="name",
        id=anchors[one.stream],
    )
    path = join(one.path or (one.clock,), " → ")
    if not one.unique:
        path = join([path, tag("span", "ambiguous", class_="bad")], " ")
    latency = latency_words(one)
    stale = one.latency is None or not one.latency.rig_matches
    return [
        join([name, tag("p", units.tight(one.sentence))]),
        tag("strong", units.band(one.sd_ns)),
        units.band(one.worst_sd_ns),
        units.share_of(one.lost, one.recorded + one.lost),
        spark(one, times, span),
        path,
        tag("span", latency, class_="soft" if stale else None),
    ]

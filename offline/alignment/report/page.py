"""The page as a whole: one file that needs nothing but a browser.

It loads nothing and runs nothing, and says so to the browser, which then would not
even if a recording had brought something along.
"""

from __future__ import annotations

from importlib.resources import files as resources
from typing import TYPE_CHECKING

from offline.alignment.report import tables
from offline.alignment.report.markup import Html, tag
from offline.alignment.report.relations import relation_anchors, relations_section
from offline.alignment.report.streams import stream_anchors, streams_section
from offline.alignment.report.verdict import findings, hero

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offline.alignment.result import AlignedStream, Alignment, Evidence

__all__ = ["page"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_CHAPTERS = (
    ("findings", "Findings"),
    ("streams", "Streams"),
    ("relations", "Clocks"),
    ("lost", "Lost"),
    ("cues", "Second cue"),
    ("latency", "Latency"),
    ("counts", "Counts"),
    ("files", "Files"),
)


def page(
    alignment: Alignment,
    evidence: Mapping[tuple[str, str], Evidence],
    streams: Mapping[str, AlignedStream],
) -> str:
    """Return the report of an alignment as HTML.

    Parameters
    ----------
    alignment
        Its figures.
    evidence
        The pairs behind each relation, by source and target.
    streams
        The times of each stream, by name.
    """
    anchors = stream_anchors(alignment) | relation_anchors(alignment)
    body = tag(
        "main",
        hero(alignment),
        _chapters(),
        findings(alignment, anchors),
        streams_section(alignment, streams),
        relations_section(alignment, evidence),
        tables.lost(alignment),
        tables.cues(alignment),
        tables.latencies(alignment),
        tables.counts(alignment),
        tables.files(alignment),
    )
    html = tag("html", _head(alignment), tag("body", body), lang="en")
    return f"<!DOCTYPE html>\n{html}\n"


def _head(alignment: Alignment) -> Html:
    style = (
        resources(__name__.rpartition(".")[0])
        .joinpath("style.css")
        .read_text(encoding="utf-8")
    )
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{alignment.level} · {alignment.source} · sync report"),
        tag("style", Html(style)),
    )


def _chapters() -> Html:
    links = [tag("a", name, href=f"#{anchor}") for anchor, name in _CHAPTERS]
    return tag("nav", *links, aria_label="Chapters")

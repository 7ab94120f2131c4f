"""The sync report: one page that shows why an alignment may be trusted, or not.

`page` puts it together from the verdict, the table of streams, a section of
`pictures` for each two clocks, and tables. The figures are those of `Alignment`;
nothing is measured here but what a picture needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from offline.alignment.report.page import page
from rig.recording.disk import replace_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from offline.alignment.result import AlignedStream, Alignment, Evidence

__all__ = ["write_report"]


def write_report(
    path: Path,
    alignment: Alignment,
    evidence: Mapping[tuple[str, str], Evidence],
    streams: Mapping[str, AlignedStream],
) -> None:
    """Write the report of an alignment, as a file that needs nothing beside it.

    Parameters
    ----------
    path
        The page to write; a page that is there is replaced as a whole.
    alignment
        Its figures.
    evidence
        The pairs behind each relation, by source and target.
    streams
        The times of each stream, by name.
    """
    html = page(alignment, evidence, streams)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, html.encode())

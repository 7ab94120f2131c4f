"""Other people's recordings: tables of pulse times, XDF, Harp logs.

::

    file ─ reader ─ trains ─ groups of one clock ─ matched, fitted ─ Aligned
            │                    │                      │
        unit, column       order, restarts       unique, or refused

Labs have old sessions. Their files say less than ours: so what a number means is
taken from what says it, a match must be unique, and what is refused is said in words.
"""

from __future__ import annotations

from offline.alignment.foreign.align import align_files, align_trains
from offline.alignment.foreign.reading import is_foreign, read_files
from offline.alignment.foreign.train import Options, Train
from offline.alignment.foreign.writing import output_files, write_tables

__all__ = [
    "Options",
    "Train",
    "align_files",
    "align_trains",
    "is_foreign",
    "output_files",
    "read_files",
    "write_tables",
]

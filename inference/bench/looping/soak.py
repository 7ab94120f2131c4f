"""The loop for a long time: as quick at the end as at the beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inference.bench.looping.run import run
from inference.bench.looping.work import Way
from rig.bench.machine import Conditions

if TYPE_CHECKING:
    from inference.bench.looping.run import Asked

__all__ = ["soak"]

_MINUTE_NS = 60_000_000_000
_WANTED = 1.1


def soak(asked: Asked) -> dict[str, Any]:
    """Let the loop run once, and return its figures minute by minute.

    Raises
    ------
    SpringhareError
        If a process cannot go on.
    """
    conditions = Conditions()
    times = run(Way(), asked)
    minute = (times.started_ns - times.started_ns[0]) // _MINUTE_NS
    whole = max(round(asked.seconds / 60), 1)
    minutes = [
        {
            "frames": int(np.count_nonzero(minute == k)),
            **{
                f"p{percent}_us": round(float(value), 1)
                for percent, value in zip(
                    (50, 99),
                    np.percentile(times.decided_ns[minute == k] / 1e3, (50, 99)),
                    strict=True,
                )
            },
        }
        for k in range(whole)
    ]
    ratio = round(minutes[-1]["p99_us"] / minutes[0]["p99_us"], 3)
    name = "p99 of the last minute / of the first"
    return {
        "environment": {
            **conditions.noted(),
            "rate_hz": asked.rate_hz,
            "shape": list(asked.shape),
            "network": asked.model or f"{asked.network_ms:g} ms",
            "foreign_load": asked.load,
            "fifo": asked.fifo,
        },
        "minutes": minutes,
        "skipped": times.skipped,
        "targets": [
            {"name": name, "value": ratio, "wanted": _WANTED, "met": ratio <= _WANTED}
        ],
    }

"""How long things took in a session, from the stamps in its own rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rig.recording.reader import Recording

__all__ = ["Latency", "latencies"]


class Latency(msgspec.Struct, frozen=True):
    """A duration that was measured many times."""

    count: int
    p50_ms: float
    p99_ms: float
    max_ms: float

    @staticmethod
    def of(durations_ns: NDArray[np.int64]) -> Latency:
        """Return the figures of some durations, at least one."""
        p50, p99 = np.percentile(durations_ns, [50, 99]) / 1e6
        return Latency(
            len(durations_ns),
            round(float(p50), 3),
            round(float(p99), 3),
            round(float(durations_ns.max()) / 1e6, 3),
        )


def latencies(recording: Recording) -> dict[str, Latency]:
    """Return how long each stage took, by a name that says from where to where.

    Exposure is its middle. What was not recorded is left out.
    """
    found: dict[str, NDArray[np.int64]] = {}
    for name, spec in recording.streams.items():
        rows = recording.rows(name)
        if spec.kind == "poses":
            camera = name.removeprefix("poses/")
            found[f"{camera}: exposure to pose"] = rows["host_ns"] - rows["exposure_ns"]
            found[f"{camera}: arrival to pose"] = rows["host_ns"] - rows["arrival_ns"]
            network = rows["inferred_ns"] - rows["dequeued_ns"]
            found[f"{camera}: the network"] = network
        elif spec.kind == "acknowledgements":
            done = rows[rows["status"] == b"done"]
            age = done["age_ns"] + done["edge_host_ns"] - done["sent_ns"]
            found["command sent to edge"] = done["edge_host_ns"] - done["sent_ns"]
            found["exposure to edge"] = age
    return {name: Latency.of(ns) for name, ns in found.items() if len(ns)}

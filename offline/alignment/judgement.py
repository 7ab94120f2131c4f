"""The figures of an alignment, judged: of each stream, and of all."""

from __future__ import annotations

from datetime import datetime
from hashlib import file_digest
from typing import TYPE_CHECKING

import numpy as np

from offline.alignment.checks import Looked, check_latency, check_relation, check_stream
from offline.alignment.result import (
    NO_TIME,
    Alignment,
    Finding,
    StreamSummary,
    worst,
)
from offline.alignment.sentences import stream_sentence, whole_sentence
from offline.alignment.summaries import worst_minute
from rig.recording.sidecar import installed_versions
from sync.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offline.alignment.recorded import Recorded
    from offline.alignment.result import Cue, Latency, RelationSummary
    from offline.alignment.streams import Placed, Session

__all__ = ["judge", "own_versions"]

_COUNTED = {"frames", "samples", "events", "poses"}
"""Kinds of streams that may lose elements."""
_DELAYED = {"frames", "samples"}
"""Kinds whose constant delay matters."""
_VERSIONS = ("springhare", "numpy", "h5py")


def judge(
    session: Session,
    placed: Mapping[str, Placed],
    relations: Sequence[RelationSummary],
    cues: tuple[Cue, ...],
) -> Alignment:
    """Return what is to be said of a session whose streams are in place."""
    recorded = session.recorded
    findings: list[Finding] = []
    for relation in relations:
        of_it = tuple(one for one in cues if _device(one.stream) == relation.source)
        findings += check_relation(relation, recorded.rig.alignment, of_it)
    streams: list[StreamSummary] = []
    for name in recorded.recording.streams:
        stream, found = _stream(session, name, placed, relations, findings)
        streams.append(stream)
        findings += found
    findings += _uncalibrated(session, streams)
    findings += [_of_cue(cue, cues) for cue in cues]
    return Alignment(
        source=recorded.info.session_id,
        started_utc=recorded.info.started_utc,
        made_utc=utc_now().isoformat(),
        reference=session.tree.reference,
        origin_ns=session.origin_ns,
        level=worst(finding.level for finding in findings),
        sentence=whole_sentence(streams, findings, session.tree.reference),
        findings=tuple(findings),
        relations=tuple(relations),
        streams=tuple(streams),
        cues=cues,
        counts=_counts(recorded, placed),
        sha256=_hashes(recorded),
        versions=own_versions(),
    )


def own_versions() -> dict[str, str]:
    """Return the versions of what makes an alignment."""
    installed = installed_versions()
    return {name: installed[name] for name in _VERSIONS if name in installed}


def _device(stream: str) -> str:
    return stream.split("/")[1] if "/" in stream else stream


def _of_cue(cue: Cue, cues: tuple[Cue, ...]) -> Finding:
    """Return what a cue means; motion is not asked where an LED has answered."""
    told = any(
        one.name == "led" and one.level == "PASS" and one.stream == cue.stream
        for one in cues
    )
    return Finding(
        check="cue_frames",
        subject=cue.stream,
        level="PASS" if told else cue.level,
        value=None if cue.offset_frames is None else abs(cue.offset_frames),
        words=cue.words,
    )


def _uncalibrated(session: Session, streams: Sequence[StreamSummary]) -> list[Finding]:
    """Say once of all streams that their constant delay is not known."""
    names = [
        one.stream
        for one in streams
        if one.kind in _DELAYED and one.recorded and one.latency is None
    ]
    if not names:
        return []
    words = (
        f"the constant delays of {', '.join(names)} were never measured and are in "
        "their times: springhare calibrate-latency measures them"
    )
    return [
        Finding(
            check="calibration_age_days",
            subject="latency",
            level="WARN",
            value=None,
            words=words,
        )
    ]


def _stream(
    session: Session,
    name: str,
    placed: Mapping[str, Placed],
    relations: Sequence[RelationSummary],
    before: Sequence[Finding],
) -> tuple[StreamSummary, list[Finding]]:
    """Return a stream's summary, and what was found of it."""
    if name not in placed:
        return _without_time(session.recorded, name, relations)
    recorded, one = session.recorded, placed[name]
    kind = recorded.recording.streams[name].kind
    timed = one.stream.time_ns != NO_TIME
    times = one.stream.time_ns[timed] / 1e9
    sd_ns = one.stream.sd_ns[timed].astype(np.float64)
    path = session.tree.path(one.clock)
    on_path = [r for r in relations if r.primary and r.source in path[:-1]]
    verdict = "unique" if all(r.verdict == "unique" for r in on_path) else "ambiguous"
    lost = sum(run.count for run in one.lost)
    median = float(np.median(sd_ns)) if len(sd_ns) else float("nan")
    rate = recorded.recording.attributes(name).get("rate_hz")
    rate_hz = float(rate) if rate and kind != "clocks" else None
    findings: list[Finding] = []
    if kind in _COUNTED:
        looked = Looked(
            name, one.recorded, lost, median, 1e9 / rate_hz if rate_hz else None
        )
        findings += check_stream(looked, recorded.rig.alignment)
    latency = session.latencies.get(name)
    if latency is not None:
        age_s = _age_s(latency, recorded.info.started_utc)
        findings.append(check_latency(name, latency, age_s, recorded.rig.alignment))
    subjects = {r.subject for r in on_path}
    mine = [*findings, *(found for found in before if found.subject in subjects)]
    return StreamSummary(
        stream=name,
        kind=kind,
        clock=one.clock,
        path=path,
        level=worst(found.level for found in mine),
        sentence=stream_sentence(name, kind, median, lost, verdict),
        recorded=one.recorded,
        lost=lost,
        rate_hz=rate_hz,
        sd_ns=median,
        worst_sd_ns=worst_minute(times, sd_ns),
        first_s=float(times[0]) if len(times) else float("nan"),
        last_s=float(times[-1]) if len(times) else float("nan"),
        unique=verdict == "unique",
        losses=one.lost,
        latency=latency,
    ), findings


def _without_time(
    recorded: Recorded, name: str, relations: Sequence[RelationSummary]
) -> tuple[StreamSummary, list[Finding]]:
    spec = recorded.recording.streams[name]
    rows = len(recorded.rows(name))
    why = [one.reason for one in relations if spec.node in {one.source, one.target}]
    words = f"no time: {why[0] if why else 'nothing joins its clock to another'}"
    found = Finding(check="joined", subject=name, level="FAIL", value=None, words=words)
    nan = float("nan")
    return StreamSummary(
        stream=name,
        kind=spec.kind,
        clock=spec.node,
        path=(spec.node,),
        level="FAIL" if rows else "PASS",
        sentence=f"{name}: {words}" if rows else f"{name}: nothing recorded",
        recorded=rows,
        lost=0,
        rate_hz=None,
        sd_ns=nan,
        worst_sd_ns=nan,
        first_s=nan,
        last_s=nan,
        unique=False,
    ), [found] if rows else []


def _age_s(latency: Latency, started_utc: str) -> float:
    made, started = map(datetime.fromisoformat, (latency.made_utc, started_utc))
    return (started - made).total_seconds()


def _counts(
    recorded: Recorded, placed: Mapping[str, Placed]
) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for name in recorded.recording.streams:
        one = {"rows": len(recorded.rows(name))}
        if name in placed:
            one["elements"] = len(placed[name].stream.time_ns)
            one["lost"] = sum(run.count for run in placed[name].lost)
        counts[name] = one
    return counts


def _hashes(recorded: Recorded) -> dict[str, str]:
    path = recorded.recording.folder / "session.json"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return {path.name: file_digest(file, "sha256").hexdigest()}

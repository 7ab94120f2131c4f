"""What alignments are made of: simulated trains, matched and fitted as in a session."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest

from offline.alignment.result import (
    NO_TIME,
    AlignedStream,
    Alignment,
    Candidate,
    Evidence,
    Finding,
    LostRun,
    RelationSummary,
    StreamSummary,
    worst,
)
from sync.drift import fit_clock, held_out, split_at_resets
from sync.matching import match_pulses

NONE = np.zeros(0)
EMPTY = Evidence(
    NONE.astype(np.int64), NONE.astype(np.int64), *(NONE for _ in range(9))
)


_VOID = {"meta", "link", "br", "hr", "img"}


@dataclass
class Case:
    """What `write_report` takes."""

    alignment: Alignment
    evidence: dict[tuple[str, str], Evidence] = field(default_factory=dict)
    streams: dict[str, AlignedStream] = field(default_factory=dict)


def train(n, rate_hz=1.0, seed=0, regular=False, dither_ns=0):
    """Times of n pulses of a generator, in ns."""
    rng = np.random.default_rng(seed)
    mean = 1e9 / rate_hz
    if not regular:
        gaps = rng.uniform(0.1 * mean, 1.9 * mean, n)
        return np.rint(np.cumsum(gaps)).astype(np.int64)
    moved = rng.uniform(-dither_ns, dither_ns, n) if dither_ns else 0
    return np.rint(np.arange(1, n + 1) * mean + moved).astype(np.int64)


def logged(
    pulses_ns, seed, jitter_ns=50e3, ppm=0.0, offset_ns=0, miss=0.0, spurious=0.0
):
    """What a device logs of a train, by its own wandering clock."""
    rng = np.random.default_rng(seed)
    kept = pulses_ns[rng.random(len(pulses_ns)) >= miss]
    more = rng.uniform(pulses_ns[0], pulses_ns[-1], int(spurious * len(pulses_ns)))
    times = np.sort(np.concatenate([kept, more.astype(np.int64)]))
    s = times * 1e-9
    wave = 0.3 * 1200 / (2 * np.pi) * (1 - np.cos(2 * np.pi * s / 1200 + seed))
    drift_ns = 1e3 * (ppm * s + wave)
    stamps = times + drift_ns + rng.normal(0, jitter_ns, len(times)) + offset_ns
    return np.sort(np.rint(stamps).astype(np.int64))


def relation(source, target, source_ns, target_ns, how="pulses", **figures):
    """Two logs brought together: the figures and the pairs behind them."""
    match = match_pulses(source_ns, target_ns)
    candidates = tuple(
        Candidate(
            shift_pulses=c.shift_pulses,
            shift_ns=c.shift_ns,
            matched=c.matched,
            residual_ns=c.residual_ns,
            z=c.z,
            ratio=c.ratio,
        )
        for c in match.candidates
    )
    common = {
        "source": source,
        "target": target,
        "how": how,
        "verdict": match.verdict,
        "reason": match.reason,
        "candidates": candidates,
        "z": match.z,
        "ratio": match.ratio,
    }
    if match.verdict != "unique":
        lone = {"source_only": len(source_ns), "target_only": len(target_ns)}
        empty = replace(
            EMPTY,
            source_only_s=(source_ns - source_ns[0]) * 1e-9,
            target_only_s=target_ns * 1e-9,
        )
        nan = float("nan")
        summary = RelationSummary(
            **common | lone | figures,
            pulses=0,
            segments=0,
            residual_ns=nan,
            jitter_ns=nan,
            nis=nan,
            drift_ppm=nan,
            drift_change_ppm_per_h=nan,
            constant_sd_ns=0.0,
            sd_ns=nan,
            worst_sd_ns=nan,
            longest_gap_s=nan,
            held_out=0,
            held_out_rms_ns=None,
            held_out_coverage=None,
        )
        return summary, empty
    return _fitted(common | figures, match, source_ns, target_ns)


def _fitted(common, match, source_ns, target_ns):
    i, j = match.source_index, match.target_index
    a, b = source_ns[i], target_ns[j]
    model = fit_clock(a, b)
    parts = split_at_resets(a, b)
    which = np.repeat(np.arange(len(parts)), [p.stop - p.start for p in parts])
    mapped, sd = model(a, which)
    ppm = np.concatenate(
        [s.skew_ppm(a[p]) for s, p in zip(model.segments, parts, strict=True)]
    )
    out = held_out(a, b)
    time_s = b * 1e-9
    at = {int(s): t for s, t in zip(a, time_s, strict=True)}
    residual = (b - mapped).astype(np.float64)
    evidence = Evidence(
        source_ns=a,
        target_ns=b,
        time_s=time_s,
        residual_ns=residual,
        sd_ns=sd,
        ppm=ppm,
        source_only_s=np.interp(np.setdiff1d(np.arange(len(source_ns)), i), i, time_s),
        target_only_s=np.delete(target_ns, j) * 1e-9,
        held_out_s=np.array([at[int(s)] for s in out.source_ns]),
        held_out_error_ns=out.error_ns,
        held_out_band_ns=out.band_ns,
    )
    first = model.segments[0]
    summary = RelationSummary(
        **{"constant_sd_ns": 0.0} | common,
        pulses=len(i),
        source_only=len(evidence.source_only_s),
        target_only=len(evidence.target_only_s),
        segments=len(model.segments),
        residual_ns=1.4826 * float(np.median(np.abs(residual))),
        jitter_ns=first.jitter.information_variance**0.5,
        nis=first.nis,
        drift_ppm=float(np.mean(ppm)),
        drift_change_ppm_per_h=1.8,
        sd_ns=float(np.median(sd)),
        worst_sd_ns=float(np.max(sd)),
        longest_gap_s=float(np.max(np.diff(time_s))),
        held_out=len(out.error_ns),
        held_out_rms_ns=out.rms_ns if len(out.error_ns) else None,
        held_out_coverage=out.coverage if len(out.error_ns) else None,
    )
    return summary, evidence


def frames(
    name, level="PASS", rate_hz=100.0, span_s=600.0, lost=(), sd_ns=6e3, **figures
):
    """A camera's stream."""
    n = int(rate_hz * span_s)
    time_ns = np.rint(np.arange(n) * 1e9 / rate_hz).astype(np.int64)
    row = np.arange(n)
    for run in lost:
        row[run.first_id : run.first_id + run.count] = -1
    where = np.linspace(-1, 1, n)
    sd = (sd_ns * (1 + where**8)).astype(np.float32)
    gone = sum(run.count for run in lost)
    summary = StreamSummary(
        **{
            "stream": name,
            "kind": "frames",
            "clock": "left",
            "path": ("left", "daq"),
            "level": level,
            "sentence": f"{name}: frames known to ± 12 µs (95 %), {gone} lost, "
            "alignment unique",
            "recorded": n - gone,
            "lost": gone,
            "rate_hz": rate_hz,
            "sd_ns": float(np.median(sd)),
            "worst_sd_ns": float(np.max(sd)),
            "first_s": 0.0,
            "last_s": span_s,
            "unique": True,
            "losses": tuple(lost),
        }
        | figures
    )
    return summary, AlignedStream(name, time_ns, sd, row, np.arange(n))


def stream(
    name, kind, clock="daq", path=("daq",), n=500, span_s=600.0, sd_ns=300.0, **figures
):
    """Any other stream."""
    time_ns = np.linspace(0, span_s * 1e9, n).astype(np.int64)
    sd = np.full(n, sd_ns, np.float32)
    if kind == "acknowledgements":
        time_ns[::7], sd[::7] = NO_TIME, np.nan
    summary = StreamSummary(
        **{
            "stream": name,
            "kind": kind,
            "clock": clock,
            "path": path,
            "level": "PASS",
            "sentence": f"{name}: {kind} known to ± 0.6 µs (95 %)",
            "recorded": n,
            "lost": 0,
            "rate_hz": None,
            "sd_ns": sd_ns,
            "worst_sd_ns": sd_ns,
            "first_s": 0.0,
            "last_s": span_s,
            "unique": True,
        }
        | figures
    )
    return summary, AlignedStream(name, time_ns, sd)


def finding(check, subject, level, value, words):
    return Finding(check=check, subject=subject, level=level, value=value, words=words)


def loss(first_id, count, cause="", rate_hz=100.0):
    return LostRun(
        first_id=first_id, count=count, time_s=first_id / rate_hz, cause=cause
    )


def whole(relations, streams, findings=(), sentence="", **figures):
    """An alignment of these parts."""
    level = worst(one.level for one in findings)
    alignment = Alignment(
        **{
            "source": "2026-11-21_19-41-02_reach",
            "started_utc": "2026-11-21T19:41:02Z",
            "made_utc": "2026-11-21T21:03:44Z",
            "reference": "daq",
            "origin_ns": 8_123_456_789,
            "level": level,
            "sentence": sentence
            or "camera left: frames known to ± 12 µs (95 %), 7 lost, alignment unique",
            "findings": tuple(findings),
            "relations": tuple(summary for summary, _ in relations),
            "streams": tuple(summary for summary, _ in streams),
            "counts": {
                summary.stream: {"recorded": summary.recorded, "lost": summary.lost}
                for summary, _ in streams
            },
            "sha256": {
                "session.h5": "5f2b" * 16,
                "session.json": "0c91" * 16,
            },
            "versions": {"springhare": "0.1.0", "numpy": np.__version__, "format": "1"},
        }
        | figures
    )
    return Case(
        alignment,
        {(summary.source, summary.target): pairs for summary, pairs in relations},
        {summary.stream: times for summary, times in streams},
    )


@pytest.fixture(scope="session")
def build():
    """What makes the parts of an alignment."""
    return SimpleNamespace(
        train=train,
        logged=logged,
        relation=relation,
        frames=frames,
        stream=stream,
        finding=finding,
        loss=loss,
        whole=whole,
        case=Case,
    )


@dataclass
class Node:
    """An element."""

    tag: str
    attributes: dict = field(default_factory=dict)
    children: list = field(default_factory=list)

    def all(self, tag=None, **attributes):
        """The elements below of a tag, with attributes (``class_`` among others)."""
        wanted = {key.rstrip("_"): value for key, value in attributes.items()}
        found = []
        for child in self.children:
            if isinstance(child, str):
                continue
            if tag in {None, child.tag} and child.has(wanted):
                found.append(child)
            found += child.all(tag, **attributes)
        return found

    def one(self, tag=None, **attributes):
        (found,) = self.all(tag, **attributes)
        return found

    def has(self, wanted):
        for key, value in wanted.items():
            held = self.attributes.get(key) or ""
            if value not in (held.split() if key == "class" else [held]):
                return False
        return True

    @property
    def text(self):
        parts = [c if isinstance(c, str) else c.text for c in self.children]
        return "".join(parts)

    @property
    def own(self):
        return "".join(c for c in self.children if isinstance(c, str))


class Reader(HTMLParser):
    """Reads a page, and refuses one whose elements are not closed in order."""

    def __init__(self):
        super().__init__()
        self.root = Node("")
        self.open = [self.root]

    def handle_starttag(self, tag, attrs):
        assert len({key for key, _ in attrs}) == len(attrs), attrs
        node = Node(tag, dict(attrs))
        self.open[-1].children.append(node)
        if tag not in _VOID:
            self.open.append(node)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop().tag == tag

    def handle_data(self, data):
        self.open[-1].children.append(data)


@pytest.fixture(scope="session")
def read():
    """Reads HTML into elements."""

    def reader(html):
        parser = Reader()
        parser.feed(html)
        parser.close()
        assert parser.open == [parser.root]
        return parser.root

    return reader

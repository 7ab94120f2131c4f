"""A section for each two clocks that were brought together: figures, then pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offline.alignment import units
from offline.alignment.report.markup import Html, details, table, tag
from offline.alignment.report.pictures import can_draw, pictures_of
from offline.alignment.report.verdict import icon, level_of, plural
from offline.alignment.result import worst

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offline.alignment.report.pictures import Picture
    from offline.alignment.result import Alignment, Evidence, Level, RelationSummary

__all__ = ["relation_anchors", "relations_section"]

_HOW = {
    "sync_line": "by a sync line with barcodes",
    "pulses": "by pulses that both have seen",
    "triggers": "by triggers and the frames they made",
    "exposures": "by the camera's exposure line",
    "exchanges": "by questions and answers between host and device",
    "online": "by the map that ran live",
}
_VERDICTS = {
    "unique": ("unique", "no other fits."),
    "ambiguous": ("AMBIGUOUS", "the pulses do not tell which one is right."),
    "no_match": ("NO MATCH", "none fits."),
}
_SECOND = "A second way between clocks that are joined already, as a check."


def relation_anchors(alignment: Alignment) -> dict[str, str]:
    """Return where on the page each relation is shown, the first of each two clocks."""
    anchors: dict[str, str] = {}
    for k, one in enumerate(alignment.relations):
        anchors.setdefault(one.subject, f"relation-{k}")
    return anchors


def relations_section(
    alignment: Alignment, evidence: Mapping[tuple[str, str], Evidence]
) -> Html:
    """Return how the clocks were brought together."""
    parts = [
        _relation(alignment, one, k, _evidence_of(alignment, one, evidence))
        for k, one in enumerate(alignment.relations)
    ]
    if not parts:
        words = (
            f"There is one clock only ({alignment.reference}): nothing had to be "
            "brought together."
        )
        parts = [tag("p", words)]
    elif not can_draw():
        words = (
            "The pictures are left out, since matplotlib is not installed: "
            'pip install "springhare[offline]" and align again.'
        )
        parts.insert(0, tag("p", words, class_="note"))
    heading = tag("h2", "How the clocks were brought together")
    return tag("section", heading, *parts, id="relations")


def _evidence_of(
    alignment: Alignment,
    relation: RelationSummary,
    evidence: Mapping[tuple[str, str], Evidence],
) -> Evidence | None:
    """Return the pairs of a relation; of two ways between two clocks, the primary's."""
    ends = (relation.source, relation.target)
    ways = [one for one in alignment.relations if (one.source, one.target) == ends]
    ways.sort(key=lambda one: not one.primary)
    return evidence.get(ends) if ways[0] is relation else None


def _relation(
    alignment: Alignment, relation: RelationSummary, k: int, pairs: Evidence | None
) -> Html:
    level = _level(alignment, relation)
    heading = tag(
        "h3",
        icon(level),
        tag("span", f"{relation.source} → {relation.target}"),
        tag("small", _HOW.get(relation.how, relation.how)),
    )
    drawn = pictures_of(relation, pairs, f"f{k}") if pairs and can_draw() else []
    parts = [heading, _verdict(relation), _facts(relation)]
    if pairs is None:
        parts.append(tag("p", "The pairs behind these figures are not at hand."))
    parts += _shown(drawn)
    parts += [_weighed(relation)] if relation.candidates else []
    return tag("article", *parts, class_="relation", id=f"relation-{k}")


def _level(alignment: Alignment, relation: RelationSummary) -> Level:
    subject = relation.subject
    judged = any(
        one.check == "ambiguity" and one.subject == subject
        for one in alignment.findings
    )  # where a second cue settles it, it is no failure any more
    sure = judged or relation.verdict == "unique"
    return worst(["PASS" if sure else "FAIL", level_of(alignment, subject)])


def _verdict(relation: RelationSummary) -> Html:
    word, usual = _VERDICTS[relation.verdict]
    reason = units.tight(relation.reason or usual)
    parts = ["Alignment ", tag("b", word), f": {reason}"]
    if not relation.primary:
        parts.append(" " + _SECOND)
    if relation.disagreement_ns is not None:
        differs = units.size(relation.disagreement_ns)
        parts.append(f" It differs by {differs} (median) from the first.")
    class_ = "reason" if relation.verdict == "unique" else "reason bad"
    return tag("p", *parts, class_=class_)


def _facts(relation: RelationSummary) -> Html:
    covered = units.percent(relation.held_out_coverage)
    held_out = units.count(relation.held_out)
    ends = f"{relation.source} + {relation.target}"
    weighed = bool(relation.candidates or relation.z)
    lone = [units.count(n) for n in (relation.source_only, relation.target_only)]
    facts = [
        ("pairs", units.count(relation.pulses), "in the fit"),
        ("only in one", " + ".join(lone), ends),
        ("relation, ± 95 %", units.band(relation.sd_ns), "median"),
        ("worst minute", units.band(relation.worst_sd_ns), "± 95 %"),
        ("residual", units.size(relation.residual_ns), "robust sd"),
        ("jitter", units.size(relation.jitter_ns), "sd, as fitted"),
        ("NIS", units.compact(relation.nis), "1: errors honest"),
        ("drift", units.ppm(relation.drift_ppm), "mean"),
        (
            "drift changes",
            units.ppm_per_h(relation.drift_change_ppm_per_h),
            "at most",
        ),
        ("longest gap", units.length(relation.longest_gap_s), "without a pair"),
        ("segments", units.count(relation.segments), "1 + resets"),
        ("held out", units.size(relation.held_out_rms_ns), f"rms of {held_out}"),
        ("coverage", covered, "of the 95 % band"),
        ("z", units.score(relation.z if weighed else None), "of the nearest rival"),
        (
            "2nd : 1st",
            units.compact(relation.ratio if weighed else None),
            "1: a rival fits too",
        ),
    ]
    if relation.constant_sd_ns:
        unseen = units.band(relation.constant_sd_ns)
        facts.insert(4, ("constant part", unseen, "pairs cannot show it"))
    cells = [
        tag("div", tag("dt", name), tag("dd", value), tag("dd", hint, class_="hint"))
        for name, value, hint in facts
    ]
    return tag("dl", *cells, class_="facts")


def _shown(pictures: list[Picture]) -> list[str]:
    """Return the pictures, and below them why others are missing."""
    drawn = [
        tag(
            "figure",
            tag("h4", one.title),
            one.svg,
            tag("figcaption", one.caption),
        )
        for one in pictures
        if one.svg is not None
    ]
    missing = [
        tag("li", tag("b", one.title), f": {one.caption}")
        for one in pictures
        if one.svg is None
    ]
    parts: list[str] = [tag("div", *drawn, class_="plots")] if drawn else []
    return parts + ([tag("ul", *missing, class_="note")] if missing else [])


def _weighed(relation: RelationSummary) -> Html:
    rows = [
        [
            units.whole(one.shift_pulses),
            units.signed(one.shift_ns),
            units.count(one.matched),
            units.size(one.residual_ns),
            units.score(one.z) if one.shift_pulses or one.shift_ns else units.DASH,
            units.compact(one.ratio),
        ]
        for one in relation.candidates
    ]
    titles = [">shift in pulses", ">in time", ">pairs", ">residual", ">z", ">2nd : 1st"]
    title = f"All {plural(len(rows), 'alignment')} that were weighed"
    return details(title, table(titles, rows), class_="long")

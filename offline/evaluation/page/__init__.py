"""The page of an evaluation: one file that needs nothing but a browser.

It looks like the sync report, whose style it takes, and like it loads and runs nothing.
"""

from __future__ import annotations

from importlib.resources import files as resources
from typing import TYPE_CHECKING

from offline.alignment.report.markup import Html, join, tag
from offline.alignment.report.verdict import icon
from offline.evaluation.page import tables
from offline.evaluation.page.plots import (
    groups_plot,
    parts_plot,
    pck_plot,
    reliability_plot,
)
from offline.evaluation.page.worst import worst_frames
from offline.evaluation.words import drawn_words

if TYPE_CHECKING:
    from pathlib import Path

    from offline.evaluation.judging import Judged
    from offline.evaluation.result import Evaluation

__all__ = ["page"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_NOTHING = Html()
_STYLES = (
    ("offline.alignment.report", "style.css"),
    ("offline.evaluation.page", "page.css"),
)
_SETS = {
    "all": "All labelled frames",
    "chosen": "The chosen frames",
    "test": "Test: frames that were kept apart",
    "train": "Train: frames that were learnt from",
}


def page(found: Evaluation, folder: Path, above: Html = _NOTHING) -> str:
    """Return an evaluation as HTML.

    Parameters
    ----------
    found
        Its figures.
    folder
        Of the project: the worst frames are taken from it.
    above
        What is to stand over it.

    Raises
    ------
    LabelError
        If a picture cannot be read any more.
    """
    body = tag(
        "main",
        above,
        _hero(found),
        _chapters(found),
        *(_set(judged, found, folder, k) for k, judged in enumerate(found.sets)),
        tables.speed(found),
        tables.training(found),
        tables.remarks(found),
        tables.how(found),
    )
    html = tag("html", _head(found), tag("body", body), lang="en")
    return f"<!DOCTYPE html>\n{html}\n"


def _head(found: Evaluation) -> Html:
    style = "\n".join(
        resources(package).joinpath(name).read_text(encoding="utf-8")
        for package, name in _STYLES
    )
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{found.project} · evaluation of pose models"),
        tag("style", Html(style)),
    )


def _hero(found: Evaluation) -> Html:
    parts = [tag("h1", f"{' and '.join(found.names)} on {found.project}")]
    level = "plain"
    if found.doubts:
        level = "warn"
        word = "These are no errors on unseen frames"
        parts.insert(0, tag("p", icon("WARN", silent=True), word, class_="large"))
        parts += [
            tag("p", tag("b", f"{model}, {name}: "), f"{why}.", class_="doubt")
            for name, model, why in found.doubts
        ]
        words = (
            "Figures of frames that a model has learnt are smaller than its error on "
            "any others: do not quote them as its error."
        )
        parts.append(tag("p", words))
    facts = (
        ("frames", f"{len(found.images)}"),
        ("body parts", ", ".join(found.parts)),
        ("labelled by", found.scorer),
        ("made", f"{found.made_utc} UTC"),
    )
    about = [tag("div", tag("dt", name), tag("dd", told)) for name, told in facts]
    inner = tag("div", *parts, tag("dl", *about, class_="about"))
    return tag("header", inner, class_=f"hero {level}")


def _chapters(found: Evaluation) -> Html:
    links = [
        tag("a", _SETS[judged.name].partition(":")[0], href=f"#set-{k}")
        for k, judged in enumerate(found.sets)
    ]
    others = (
        ("speed", "Speed"),
        ("training", "Trained on"),
        ("remarks", "Remarks"),
        ("how", "How"),
    )
    links += [tag("a", name, href=f"#{anchor}") for anchor, name in others]
    return tag("nav", *links, aria_label="Chapters")


def _set(judged: Judged, found: Evaluation, folder: Path, k: int) -> Html:
    doubted = [model for name, model, _ in found.doubts if name == judged.name]
    warning = (
        [tag("p", f"May have been trained on: {', '.join(doubted)}.", class_="bad")]
        if doubted
        else []
    )
    plots = [
        _figure("Error of each part", parts_plot(judged, found), _PARTS, "wide"),
        _figure("Share of points within a distance (PCK)", pck_plot(judged), _PCK),
        _figure("Is the likelihood honest?", reliability_plot(judged), _RELIABLE),
        _figure(f"Each of the {judged.group_kind}", groups_plot(judged), _GROUPS),
    ]
    return tag(
        "section",
        tag("h2", _SETS[judged.name]),
        *warning,
        tables.overall(judged),
        tag("p", f"{drawn_words(judged)}.", class_="note"),
        tables.gated(judged, found),
        tables.comparisons(judged),
        tag("div", *plots, class_="plots"),
        tables.parts(judged, found),
        tables.groups(judged),
        worst_frames(judged, found, folder),
        id=f"set-{k}",
    )


def _figure(title: str, svg: Html, caption: str, class_: str | None = None) -> Html:
    return tag(
        "figure",
        join([tag("h4", title), svg, tag("figcaption", caption)]),
        class_=class_,
    )


_PARTS = (
    "A dot is a point, a box its middle half, the thick line the median, the bar below "
    "it the median's 95 % interval. The scale is logarithmic; points nearer than its "
    "beginning lie on it."
)
_GROUPS = "Median error and its 95 % interval, from the frames of that one alone."
_PCK = "Of the labelled points. Dashed: what passes the gates, of all labelled points."
_RELIABLE = (
    "Points in bins of likelihood, a larger dot has more of them. On the diagonal a "
    "likelihood of 0.9 means that nine of ten points are within 10 px; below it the "
    "model is surer than it should be."
)

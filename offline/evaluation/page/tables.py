"""The tables of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offline.alignment.report.markup import Html, details, join, table, tag
from offline.evaluation.words import DASH, bytes_, interval, p_value, percent, px

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offline.evaluation.figures import Figures
    from offline.evaluation.judging import Judged
    from offline.evaluation.resampling import Estimate
    from offline.evaluation.result import Evaluation

__all__ = [
    "comparisons",
    "gated",
    "groups",
    "how",
    "overall",
    "parts",
    "remarks",
    "speed",
    "training",
]

_FIGURES = (
    ">points",
    ">median (px)",
    ">mean (px)",
    ">RMSE (px)",
    ">90 % within (px)",
    ">≤ 5 px (%)",
    ">≤ 10 px (%)",
)


def overall(judged: Judged) -> Html:
    """Return the figures of each model."""
    rows = [
        [
            _named(k, model.name),
            *_cells(model.overall),
            px(model.calibration.ece),
        ]
        for k, model in enumerate(judged.models)
    ]
    titles = ("Model", *_FIGURES, ">calibration error")
    return table(titles, rows, class_="overall")


def gated(judged: Judged, found: Evaluation) -> Html:
    """Return the figures after the gates; nothing where there are none."""
    rows = [
        [
            _named(k, model.name),
            _with(model.gated.kept, is_share=True),
            *_cells(model.gated.overall),
        ]
        for k, model in enumerate(judged.models)
        if model.gated
    ]
    if not rows:
        return Html()
    limits = found.limits
    asked: list[str] = []
    if limits.likelihood is not None:
        asked.append(f"likelihood {limits.likelihood:g} or more")
    if limits.jump_px is not None:
        asked.append(f"within {limits.jump_px:g} px of the pose's middle")
    words = f"After the gates ({' and '.join(asked)})"
    titles = ("Model", ">kept (%)", *_FIGURES)
    return join([tag("h4", words), table(titles, rows, class_="gated")])


def comparisons(judged: Judged) -> Html:
    """Return the models against the first; nothing of one alone."""
    if not judged.comparisons:
        return Html()
    rows = [
        [
            f"{one.other} less {one.first}",
            ", ".join(one.parts) or DASH,
            f"{one.paired.n}",
            _with(one.paired.median_difference_px),
            px(one.paired.mean_difference_px),
            p_value(one.paired.p),
            p_value(one.p_holm),
        ]
        for one in judged.comparisons
    ]
    titles = (
        "Compared",
        "on",
        ">points",
        ">medians' difference (px)",
        ">mean of frames (px)",
        ">p",
        ">p (Holm)",
    )
    words = (
        "Less than 0: better than the first. p: signs of the differences between "
        f"{judged.drawn} flipped at random (two-sided); Holm's holds for all tests of "
        "this table together."
    )
    note = tag("p", words, class_="note")
    return join([table(titles, rows, class_="compared"), note])


def parts(judged: Judged, found: Evaluation) -> Html:
    """Return the figures of each part, folded away."""
    rows = [
        [part, _named(k, model.name), *_cells(model.parts[part])]
        for part in found.parts
        for k, model in enumerate(judged.models)
        if part in model.parts
    ]
    return details(
        "Each part in figures",
        table(("Part", "Model", *_FIGURES), rows, class_="parts"),
    )


def groups(judged: Judged) -> Html:
    """Return the figures of each video or animal, folded away."""
    rows = [
        [group, _named(k, model.name), *_cells(model.groups[group])]
        for group in judged.models[0].groups
        for k, model in enumerate(judged.models)
    ]
    one = judged.group_kind.removesuffix("s").capitalize()
    told = table((one, "Model", *_FIGURES), rows, class_="groups")
    return details(f"Each of the {judged.group_kind} in figures", told)


def speed(found: Evaluation) -> Html:
    """Return what each model's file is, and how quick it was here."""
    rows = [
        [
            _named(k, name),
            facts.engine,
            facts.provider,
            "×".join(map(str, one.size_px)),
            f"{one.looks}",
            f"{one.median_ms:.2f}",
            f"{one.p99_ms:.2f}",
            bytes_(facts.bytes),
            "" if facts.parameters is None else f"{facts.parameters:,}",
            tag("code", facts.sha256, class_="hash"),
        ]
        for k, (name, facts, one) in enumerate(
            zip(found.names, found.facts, found.speeds, strict=True)
        )
    ]
    titles = (
        "Model",
        "engine",
        "provider",
        "picture (px)",
        ">looks",
        ">median (ms)",
        ">p99 (ms)",
        ">file",
        ">parameters",
        "sha256",
    )
    machine = found.machine
    words = (
        f"One frame at a time, models in turns, after warm-up, on all {machine.cores} "
        f"cores. Load average {machine.load_before:.2f} before and "
        f"{machine.load_after:.2f} after, the models' own work among it: on a busy "
        "machine all take longer."
    )
    note = tag("p", words, class_="note")
    told = table(titles, rows, class_="speed")
    return tag("section", tag("h2", "Speed on this machine"), told, note, id="speed")


def training(found: Evaluation) -> Html:
    """Return what each model was trained on."""
    rows = [
        [_named(k, name), facts.trained.words]
        for k, (name, facts) in enumerate(zip(found.names, found.facts, strict=True))
    ]
    told = table(("Model", "Trained on"), rows, class_="trained")
    return tag("section", tag("h2", "Trained on"), told, id="training")


def remarks(found: Evaluation) -> Html:
    """Return what else must be known."""
    told: Sequence[Html] = [tag("li", remark) for remark in found.remarks]
    shown = tag("ul", *told) if told else tag("p", "None.")
    return tag("section", tag("h2", "Remarks"), shown, id="remarks")


def how(found: Evaluation) -> Html:
    """Return how the figures were made."""
    terms = found.terms
    words = (
        f"{terms.repeats} draws, seed {terms.seed}, pictures shrunk by "
        f"{found.resize:g}. An error is the distance between the label and the "
        "prediction, in px of the whole picture; RMSE is the root of the mean squared "
        "distance, which a few points that are far off make. Bootstrap: Efron & "
        "Tibshirani 1993, Field & Welsh 2007. Sign-flip test: Good 2005, Phipson & "
        "Smyth 2010. Several tests: Holm 1979. Calibration error: Naeini et al. 2015, "
        "Guo et al. 2017. PCK: Yang & Ramanan 2013."
    )
    text = tag("p", words, class_="note")
    return tag("section", tag("h2", "How this was made"), text, id="how")


def _named(k: int, name: str) -> Html:
    return tag("span", tag("i", class_=f"s{k % 6} key"), tag("b", name), class_="model")


def _cells(figures: Figures) -> list[str]:
    lengths = (figures.median_px, figures.mean_px, figures.rmse_px, figures.q90_px)
    shares = (figures.within_5px, figures.within_10px)
    return [
        f"{figures.n}",
        *(_with(one) for one in lengths),
        *(_with(one, is_share=True) for one in shares),
    ]


def _with(estimate: Estimate, *, is_share: bool = False) -> Html:
    """Return a figure above its interval."""
    value = (percent if is_share else px)(estimate.value)
    ends = interval(estimate, is_share=is_share)
    return join([tag("span", value, class_="value"), tag("small", ends)])

"""Learning curves as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.errors import SpringhareError

if TYPE_CHECKING:
    from pathlib import Path

    from offline.training.progress import Progress

__all__ = ["draw_curves"]

_TRAIN, _TEST = "#0072b2", "#d55e00"
"""Apart for everybody (Okabe and Ito)."""


def draw_curves(progress: Progress, path: Path, title: str) -> None:
    """Draw what was lost at each epoch, and the error of the test frames.

    Raises
    ------
    SpringhareError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.ticker import LogLocator
    except ImportError as error:
        msg = f'Expected matplotlib for learning curves, got {error}: pip install "'
        msg += 'springhare[offline]"'
        raise SpringhareError(msg) from error
    figure = Figure((9, 4), layout="constrained")
    FigureCanvasAgg(figure)
    loss, error_px = figure.subplots(1, 2)
    for curve, colour, word in (
        (progress.train_loss, _TRAIN, "learnt from"),
        (progress.test_loss, _TEST, "test"),
    ):
        loss.plot(
            list(curve),
            list(curve.values()),
            color=colour,
            label=word,
            marker="." if len(curve) < 40 else "",
        )
    loss.set(xlabel="epoch", ylabel="loss", yscale="log", title="loss")
    loss.legend(frameon=False)
    rmse = progress.test_rmse_px
    error_px.plot(list(rmse), list(rmse.values()), color=_TEST, marker=".")
    error_px.set(xlabel="epoch", ylabel="px", title="RMSE of the test, no gates")
    error_px.set(yscale="log")  # from hundreds of px to two
    error_px.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    error_px.yaxis.set_major_formatter("{x:g}")
    error_px.yaxis.set_minor_formatter("")
    for axes in (loss, error_px):
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title, fontsize=10)
    figure.savefig(path, dpi=130)

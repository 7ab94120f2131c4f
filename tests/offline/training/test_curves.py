import numpy as np
from PIL import Image

from offline.training.curves import draw_curves
from offline.training.progress import Progress


def test_curves_are_drawn_in_their_colours(tmp_path):
    path = tmp_path / "curves.png"
    epochs = range(1, 61)
    progress = Progress(
        train_loss={k: 1 / k for k in epochs},
        test_loss={k: 2 / k for k in epochs[::5]},
        test_rmse_px={k: 50 / k for k in epochs[::5]},
    )
    draw_curves(progress, path, "a training")
    seen = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)
    for colour in ((0, 0x72, 0xB2), (0xD5, 0x5E, 0)):
        assert (seen == colour).all(axis=1).sum() > 100


def test_nothing_learnt_yet_is_no_fault(tmp_path):
    draw_curves(Progress(), tmp_path / "curves.png", "a training")
    assert (tmp_path / "curves.png").exists()

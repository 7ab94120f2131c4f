"""A tiny project: two blobs of light on small pictures, where each is known."""

from pathlib import PurePosixPath

import numpy as np
import pytest
from PIL import Image

from offline.dataset.adding import new_project
from offline.dataset.labels import Labels
from offline.dataset.tables import write_table

PARAMETERS = """\
about: the smallest that learns
net_type: resnet_50
backbone_channels: 512
updates:
  model.backbone.model_name: resnet10t
  data.train.crop_sampling.width: 64
  data.train.crop_sampling.height: 48
  train_settings.batch_size: 4
epochs: {epochs}
"""


@pytest.fixture
def project(tmp_path):
    """A folder with 24 labelled pictures of 64x48 px."""
    random = np.random.default_rng(0)
    folder = tmp_path / "blobs"
    new_project(folder, task="blobs", scorer="me", bodyparts=["nose", "hip"])
    place = folder / "labeled-data" / "left"
    place.mkdir()
    y, x = np.mgrid[:48, :64]
    images, xy_px = [], random.uniform((10, 10), (54, 38), (24, 2, 2))
    for k, parts in enumerate(xy_px):
        picture = random.normal(40, 5, (48, 64))
        for (at_x, at_y), light in zip(parts, (200, -40), strict=True):
            far = (x - at_x) ** 2 + (y - at_y) ** 2
            picture += light * np.exp(-far / 18)
        images.append(PurePosixPath("labeled-data", "left", f"img{k:04d}.png"))
        seen = np.clip(picture, 0, 255).astype(np.uint8)
        Image.fromarray(seen).save(folder / images[-1])
    write_table(place, Labels(tuple(images), ("nose", "hip"), xy_px), "me")
    return folder


@pytest.fixture
def parameters(tmp_path):
    """Write a small set of parameters for so many epochs."""

    def write(epochs=4):
        path = tmp_path / "tiny.yaml"
        path.write_text(PARAMETERS.format(epochs=epochs))
        return path

    return write

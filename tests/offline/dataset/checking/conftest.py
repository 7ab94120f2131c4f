"""A clean project of known truth: a mouse of seven parts that walks over a floor."""

from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pytest
from PIL import Image, ImageDraw

from offline.dataset.labels import Labels
from offline.dataset.tables import write_table

PARTS = ("nose", "leftear", "rightear", "hip_L", "hip_R", "tailbase", "tailtip")
SHAPE = np.array([50, 38 - 12j, 38 + 12j, -8 - 15j, -8 + 15j, -28, -55])
WIDTH, HEIGHT, COUNT = 360, 280, 24
CONFIG = "Task: walk\nscorer: me\nbodyparts: [{}]\nskeleton: []\n"


def walk(count=COUNT, seed=0):
    """Return (count, parts, 2): labels with a person's jitter, the tail swings."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(-np.pi, np.pi, count)
    centre = rng.uniform(70, WIDTH - 70, count) + 1j * rng.uniform(
        70, HEIGHT - 70, count
    )
    body = SHAPE * (1 + 0.05 * rng.standard_normal((count, 1)))
    body[:, -1] += 8j * rng.standard_normal(count)
    found = centre[:, None] + np.exp(1j * angle)[:, None] * body
    found += rng.normal(0, 1, found.shape) + 1j * rng.normal(0, 1, found.shape)
    return np.stack([found.real, found.imag], axis=2)


def drawn(xy_px, rng):
    """Return the picture of an animal: dark on a bright floor, with noise."""
    picture = Image.new("L", (WIDTH, HEIGHT), 180)
    pen = ImageDraw.Draw(picture)
    place = [tuple(xy) for xy in xy_px]
    for a, b, thick in ((0, 5, 26), (1, 2, 10), (3, 4, 12), (5, 6, 8)):
        pen.line([place[a], place[b]], fill=40, width=thick)
    for x, y in place:
        pen.ellipse((x - 5, y - 5, x + 5, y + 5), fill=50)
    noise = rng.normal(0, 2, (HEIGHT, WIDTH))
    return np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8)


@dataclass
class Mouse:
    """Labels and pictures that a test may spoil before they are written."""

    labels: Labels
    pictures: list[np.ndarray]

    @property
    def xy_px(self):
        return self.labels.xy_px

    def image(self, k):
        return self.labels.images[k]


@pytest.fixture
def mouse():
    """A clean walk."""
    xy_px, rng = walk(), np.random.default_rng(1)
    images = tuple(
        PurePosixPath(f"labeled-data/walk/img{k:03d}.png") for k in range(COUNT)
    )
    return Mouse(Labels(images, PARTS, xy_px), [drawn(xy, rng) for xy in xy_px])


@pytest.fixture
def written(tmp_path):
    """Write a project; return its folder."""

    def write(mouse, *bare):
        folder = tmp_path / "project"
        place = folder / "labeled-data" / "walk"
        place.mkdir(parents=True)
        (folder / "config.yaml").write_text(CONFIG.format(", ".join(PARTS)))
        for image, picture in zip(mouse.labels.images, mouse.pictures, strict=True):
            Image.fromarray(picture).save(folder / image)
        for name, picture in bare:
            Image.fromarray(picture).save(place / name)
        write_table(place, mouse.labels, "me")
        return folder

    return write

"""The bundled network: small enough for one processor core, and what it learns.

An encoder down to 1/32 sees the whole mouse, a decoder back up to 1/8 says for each
cell of 8x8 pixels how likely a body part is near (heat map) and where exactly it is
from the cell's centre (offset), as DeepLabCut does. The decoding is in the graph: a
frame goes in, keypoints come out.
"""

from __future__ import annotations

import torch  # noqa: TID253 - reached from the training script only
from torch import nn  # noqa: TID253
from torch.nn import functional  # noqa: TID253

__all__ = ["LOCREF_STDEV_PX", "STRIDE_PX", "PoseNetwork", "loss_of"]

STRIDE_PX = 8
LOCREF_STDEV_PX = 8.0
"""Offsets are learnt in units of this."""

_RADIUS_PX = 11.0
"""A cell is near a body part when its centre is."""
_MULTIPLE = 16
"""Of the halved picture, so that every halving leaves whole cells."""

_NEIGHBOUR_ROW = torch.tensor([-1, -1, -1, 0, 0, 0, 1, 1, 1])
_NEIGHBOUR_COLUMN = torch.tensor([-1, 0, 1, -1, 0, 1, -1, 0, 1])
_MIDDLE = 4
"""Of the nine, the best cell itself."""


def _layer(inputs: int, outputs: int, size: int = 3, step: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, step, size // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class PoseNetwork(nn.Module):
    """uint8 frames (n, height, width) in, keypoints of the first one out.

    Parameters
    ----------
    parts
        Number of body parts.
    """

    def __init__(self, parts: int) -> None:
        super().__init__()
        self.parts = parts
        self.stem = _layer(1, 16, 5, 2)
        self.down8 = _layer(16, 32, 3, 2)
        self.down16 = _layer(32, 48, 3, 2)
        deep = (_layer(64, 64) for _ in range(3))
        self.down32 = nn.Sequential(_layer(48, 64, 3, 2), *deep)
        self.up16 = nn.Conv2d(64, 48, 1)
        self.mix16 = _layer(48, 48)
        self.up8 = nn.Conv2d(48, 32, 1)
        self.mix8 = _layer(32, 32)
        self.head = nn.Conv2d(32, 3 * parts, 1)
        nn.init.constant_(self.head.bias[:parts], -4.0)  # pyright: ignore[reportOptionalSubscript]

    def maps(self, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits (n, parts, h, w) and offsets (n, parts, 2, h, w)."""
        # Halved first: all that follows has a quarter of the pixels to do.
        image = functional.avg_pool2d(frames.float().unsqueeze(1), 2)
        image = (image - 127.0) / 64.0
        height, width = image.shape[2], image.shape[3]
        missing = (0, (-width) % _MULTIPLE, 0, (-height) % _MULTIPLE)
        image = functional.pad(image, missing)
        at8 = self.down8(self.stem(image))
        at16 = self.down16(at8)
        up = functional.interpolate(self.up16(self.down32(at16)), scale_factor=2.0)
        at16 = self.mix16(functional.relu(at16 + up))
        up = functional.interpolate(self.up8(at16), scale_factor=2.0)
        out = self.head(self.mix8(functional.relu(at8 + up)))
        heat, offsets = out[:, : self.parts], out[:, self.parts :]
        return heat, offsets.unflatten(1, (self.parts, 2))

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Return x px, y px and likelihood (parts, 3) in the first frame.

        The best cell and its neighbours vote for the place, each with its own
        likelihood: offsets of several cells are more exact than one.
        """
        heat, offsets = self.maps(frames)
        rows, columns = heat.shape[2], heat.shape[3]
        sure = heat[0].flatten(1)
        best = sure.argmax(dim=1, keepdim=True)
        best_row = torch.div(best, columns, rounding_mode="floor")
        row = (best_row + _NEIGHBOUR_ROW).clamp(min=0)
        row = torch.minimum(row, torch.as_tensor(rows - 1))
        column = (best - best_row * columns + _NEIGHBOUR_COLUMN).clamp(min=0)
        column = torch.minimum(column, torch.as_tensor(columns - 1))
        near = row * columns + column
        votes = torch.sigmoid(sure.gather(1, near))
        likelihood = votes[:, _MIDDLE : _MIDDLE + 1]
        votes = votes / votes.sum(dim=1, keepdim=True)
        x, y = (offsets[0, :, k].flatten(1).gather(1, near) for k in (0, 1))
        x = (votes * (LOCREF_STDEV_PX * x + _centre(column))).sum(dim=1, keepdim=True)
        y = (votes * (LOCREF_STDEV_PX * y + _centre(row))).sum(dim=1, keepdim=True)
        return torch.cat([x, y, likelihood], dim=1)


def _centre(cell: torch.Tensor) -> torch.Tensor:
    """Return a cell's centre in px: integer coordinates are pixel centres."""
    return cell * float(STRIDE_PX) + 0.5 * (STRIDE_PX - 1)


def loss_of(
    network: PoseNetwork, frames: torch.Tensor, keypoints_px: torch.Tensor
) -> torch.Tensor:
    """Return how wrong the network is.

    Parameters
    ----------
    network
        In training.
    frames
        (n, height, width) uint8.
    keypoints_px
        (n, parts, 2); off the frame where a part is not in it.
    """
    heat, offsets = network.maps(frames)
    rows, columns = heat.shape[2:]
    centre_x = _centre(torch.arange(columns, dtype=torch.float32))[None, None, None, :]
    centre_y = _centre(torch.arange(rows, dtype=torch.float32))[None, None, :, None]
    dx = keypoints_px[:, :, 0, None, None] - centre_x
    dy = keypoints_px[:, :, 1, None, None] - centre_y
    away2 = dx * dx + dy * dy
    near = (away2 < _RADIUS_PX**2).float()
    cross = functional.binary_cross_entropy_with_logits(heat, near, reduction="none")
    # Nearly all cells are empty: what is near counts as much as all the rest.
    sure = torch.sigmoid(heat.detach())
    focus = (sure - near).abs()
    heat_loss = (cross * focus).sum() / near.sum().clamp(min=1.0)
    wanted = torch.stack([dx.expand_as(near), dy.expand_as(near)], dim=2)
    wrong = functional.smooth_l1_loss(
        offsets, wanted / LOCREF_STDEV_PX, reduction="none", beta=0.05
    )
    offset_loss = (wrong.sum(dim=2) * near).sum() / near.sum().clamp(min=1.0)
    return heat_loss + offset_loss

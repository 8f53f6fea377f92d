"""Makes pictures of feature maps, to see what a network sees."""

import torch
import torch.nn.functional as F
from torch import Tensor

ACROSS, CELL = 2, 32
"""Channels in a row of a mosaic, of as many rows, and a channel's side in px."""

SAMPLES = 4
"""Pixels of a large map that are looked at for one pixel of its mosaic, on each side."""

GAP = 128
"""Gray of the line between two channels."""

SIDE = ACROSS * CELL
"""Side in px of a mosaic."""


def most_varied(features: Tensor, count: int) -> Tensor:
    """Return the ``count`` most varied channels of a map (C, H, W), or all, as float (n, H, W) without NaN.

    They keep their order among themselves, so that one which stays stays in its place.
    """
    spread = features.flatten(1).std(dim=1).nan_to_num()
    chosen = spread.topk(min(count, len(features))).indices.sort().values
    return features[chosen].float().nan_to_num()


def black_to_white(channels: Tensor) -> Tensor:
    """Stretch each of the channels (n, H, W) from black to white: uint8 (n, H, W)."""
    least, greatest = channels.amin((1, 2), keepdim=True), channels.amax((1, 2), keepdim=True)
    return (255 * (channels - least) / (greatest - least).clamp_min(1e-6)).byte()


def mosaic(features: Tensor) -> Tensor:
    """Return the most varied channels of a map (C, H, W), each from black to white: uint8 (SIDE, SIDE)."""
    every = max(1, min(features.shape[1:]) // (SAMPLES * CELL))
    chosen = most_varied(features[:, ::every, ::every], ACROSS**2)
    cells = F.interpolate(chosen[None], (CELL, CELL), mode="area")[0]
    sheet = torch.zeros(ACROSS**2, CELL, CELL, dtype=torch.uint8, device=features.device)
    sheet[: len(cells)] = black_to_white(cells)
    sheet[:, -1] = sheet[:, :, -1] = GAP
    return sheet.view(ACROSS, ACROSS, CELL, CELL).transpose(1, 2).reshape(SIDE, SIDE)

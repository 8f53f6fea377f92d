"""Small pictures of feature maps, to see what a network sees while it learns."""

import torch
import torch.nn.functional as F
from torch import Tensor

ACROSS, CELL = 2, 32
"""Channels in a row of a mosaic, of as many rows, and a channel's side in px."""

GAP = 128
"""Gray of the line between two channels."""

SIDE = ACROSS * CELL
"""Side in px of a mosaic."""


def mosaic(features: Tensor) -> Tensor:
    """Return the most varied channels of a map (C, H, W), each from black to white: uint8 (SIDE, SIDE).

    They keep their order among themselves, so that one which stays stays in its place.
    """
    spread = features.flatten(1).std(dim=1).nan_to_num()
    count = min(ACROSS**2, len(features))
    chosen = features[spread.topk(count).indices.sort().values].nan_to_num()
    cells = F.interpolate(chosen[None].float(), (CELL, CELL), mode="area")[0]
    least, greatest = cells.amin((1, 2), keepdim=True), cells.amax((1, 2), keepdim=True)
    shares = (cells - least) / (greatest - least).clamp_min(1e-6)
    sheet = torch.zeros(ACROSS**2, CELL, CELL, dtype=torch.uint8, device=features.device)
    sheet[:count] = (255 * shares).byte()
    sheet[:, -1] = sheet[:, :, -1] = GAP
    return sheet.view(ACROSS, ACROSS, CELL, CELL).transpose(1, 2).reshape(SIDE, SIDE)

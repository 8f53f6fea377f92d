"""What a page offers is what there is."""

from unet_demo.choices import NETWORK_NAMES
from unet_demo.networks import NETWORKS


def test_the_networks_offered_are_those_that_can_be_made():
    assert tuple(NETWORKS) == NETWORK_NAMES

"""Rooms that are imported when they are first used."""

import pytest

from unet_demo.ui import later


@pytest.mark.parametrize("name", later.__all__)
def test_a_room_is_there_when_it_is_asked_for(name):
    path = later.IN_FOLDERS.get(name, name)
    assert getattr(later, name).__name__ == f"unet_demo.{path}"


def test_all_rooms_can_be_loaded_at_once():
    for name in later.__all__:
        vars(later).pop(name, None)  # as before its first use
    later.load_all()
    assert set(later.__all__) <= vars(later).keys()


def test_another_name_is_no_room():
    with pytest.raises(AttributeError, match="has no attribute 'kitchen'"):
        later.kitchen  # noqa: B018

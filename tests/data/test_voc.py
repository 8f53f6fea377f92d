"""Pascal VOC's photos and masks."""

import numpy as np
import pytest
from PIL import Image
from tiny import write_voc

from unet_demo.data.errors import DataError
from unet_demo.data.voc import load_photos, reduced, sampling_weights


@pytest.fixture
def voc(tmp_path):
    return write_voc(tmp_path)


def test_a_split_holds_its_photos_in_the_order_of_its_list(voc):
    assert load_photos(voc, "train").names == [f"2007_{number:06}" for number in range(4)]
    assert load_photos(voc, "val").names == ["2007_000004", "2007_000005"]


def test_masks_are_ids_and_void(voc):
    photos = load_photos(voc, "val")
    assert [np.unique(ids).tolist() for ids in photos.labels] == [[0, 5, 255], [0, 6, 255]]
    assert photos.images[0].shape == (40, 60, 3) and photos.labels[0].shape == (40, 60)


def test_reduced_masks_hold_no_new_id(voc):
    photos = load_photos(voc, "val", longest=23)
    assert photos.images[0].shape == (15, 23, 3) and photos.labels[0].shape == (15, 23)
    assert set(np.unique(photos.labels[0])) <= {0, 5, 255}


def test_small_photos_are_not_enlarged():
    assert reduced((60, 40), 100) == (60, 40)
    assert reduced((60, 40), 0) == (60, 40)


@pytest.mark.parametrize("inside", ["", "VOCdevkit", "VOCdevkit/VOC2012"])
def test_the_folder_may_be_given_from_outside_or_inside(voc, inside):
    assert len(load_photos(voc / inside, "val")) == 2


def test_a_folder_without_voc_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(DataError, match=r"holds no VOCdevkit.*give --data the folder into which"):
        load_photos(tmp_path, "val")


def test_an_unknown_split_is_refused(voc):
    with pytest.raises(DataError, match="There is no split 'test' of VOC; use one of train, val"):
        load_photos(voc, "test")


def test_a_missing_list_is_refused(voc):
    with pytest.raises(DataError, match="The list of the split 'trainval' is missing"):
        load_photos(voc, "trainval")


def test_a_broken_photo_is_named(voc):
    (voc / "VOCdevkit/VOC2012/JPEGImages/2007_000005.jpg").write_bytes(b"no photo")
    with pytest.raises(DataError, match=r"2007_000005\.jpg or its mask cannot be read"):
        load_photos(voc, "val")


def test_a_mask_of_another_size_is_refused(voc):
    path = voc / "VOCdevkit/VOC2012/SegmentationClass/2007_000004.png"
    Image.fromarray(np.zeros((4, 4), np.uint8), "P").save(path)
    with pytest.raises(DataError, match=r"2007_000004\.jpg and its mask are not of the same size"):
        load_photos(voc, "val")


def test_photos_of_rare_classes_are_drawn_more_often():
    """Three photos of class 1, one of class 2: √3 times as often."""
    labels = [np.array([[0, ids]], np.uint8) for ids in (1, 1, 1, 2)]
    weights = sampling_weights(labels, 3)
    assert weights.sum() == pytest.approx(1)
    assert weights[3] / weights[0] == pytest.approx(3**0.5)


def test_a_photo_of_nothing_but_background_and_void_can_be_drawn_too():
    weights = sampling_weights([np.array([[0, 255]], np.uint8), np.array([[1]], np.uint8)], 3)
    assert (weights > 0).all()

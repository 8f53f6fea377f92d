"""Pascal VOC's photos and masks."""

import numpy as np
import pytest
from PIL import Image
from tiny import write_voc

from unet_demo.data import DataError
from unet_demo.data.voc import has_list, load_photos, reduced, sampling_weights, weights_by_class
from unet_demo.render import colour_mask
from unet_demo.tasks import VOC


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


@pytest.mark.parametrize("split", ["trainval", "test"])
def test_a_list_that_is_not_there_is_refused_and_those_that_are_named(voc, split):
    with pytest.raises(
        DataError, match=rf"no list of the split '{split}'.*but train, val; use one"
    ):
        load_photos(voc, split)


def test_a_list_of_ones_own_is_read_too(voc):
    lists = voc / "VOCdevkit/VOC2012/ImageSets/Segmentation"
    (lists / "mine.txt").write_text("2007_000003\n")
    assert has_list(voc, "mine") and not has_list(voc, "yours")
    photos = load_photos(voc, "val") + load_photos(voc, "mine")
    assert photos.names == ["2007_000004", "2007_000005", "2007_000003"]
    assert len(photos.images) == len(photos.labels) == 3


def test_a_broken_photo_is_named(voc):
    (voc / "VOCdevkit/VOC2012/JPEGImages/2007_000005.jpg").write_bytes(b"no photo")
    with pytest.raises(DataError, match=r"2007_000005\.jpg cannot be read"):
        load_photos(voc, "val")


def test_a_mask_of_another_size_is_refused(voc):
    path = voc / "VOCdevkit/VOC2012/SegmentationClass/2007_000004.png"
    Image.fromarray(np.zeros((4, 4), np.uint8), "P").save(path)
    with pytest.raises(DataError, match=r"2007_000004\.png is 4×4 px and its photo 60×40"):
        load_photos(voc, "val")


def rewrite_masks(voc, change):
    """Each mask's ids become what ``change`` makes of them: an array, or a picture."""
    for path in (voc / "VOCdevkit/VOC2012/SegmentationClass").iterdir():
        mask = change(np.asarray(Image.open(path)))
        (mask if isinstance(mask, Image.Image) else Image.fromarray(mask)).save(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda ids: ids.astype(np.uint16),
        lambda ids: colour_mask(ids, VOC.palette),
        lambda ids: Image.fromarray(colour_mask(ids, VOC.palette)).convert("RGBA"),
        lambda ids: np.repeat(ids[..., None], 3, axis=-1),
    ],
    ids=["16 bits", "RGB", "RGBA", "gray as RGB"],
)
def test_masks_may_be_saved_in_other_modes(voc, change):
    rewrite_masks(voc, change)
    ids = load_photos(voc, "val").labels[1]
    assert ids[0, [0, 30, 59]].tolist() == [6, 255, 0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda ids: ids * np.uint8(7), r'^"2007_00000\d.png" holds the label \d+, but the ids'),
        (lambda ids: ids.astype(np.uint16) + 256, r'^"2007_00000\d.png" holds the label 256'),
        (
            lambda ids: np.where(ids == 0, 0, 255).astype(np.uint8),
            r"^The 2 masks of the split 'val', such as 2007_000004.png, hold nothing but 0 and 255,",
        ),
        (lambda ids: ids * np.uint8(0), "hold nothing but 0, and 255 is void"),
    ],
    ids=["ids above the classes", "16 bits", "0 and 255", "background"],
)
def test_masks_that_cannot_be_learnt_or_scored_are_refused_by_name(voc, change, words):
    rewrite_masks(voc, change)
    with pytest.raises(DataError, match=words):
        load_photos(voc, "val")


def test_255_is_void_in_a_mask_without_objects_if_others_hold_some(voc):
    path = voc / "VOCdevkit/VOC2012/SegmentationClass/2007_000004.png"
    ids = np.asarray(Image.open(path))
    Image.fromarray(np.where(ids == 0, 0, 255).astype(np.uint8)).save(path)
    assert set(np.unique(load_photos(voc, "val").labels[0])) == {0, 255}


@pytest.mark.parametrize(
    "folder", ["SegmentationClass/2007_000004.png", "JPEGImages/2007_000004.jpg"]
)
@pytest.mark.parametrize("cut", [True, False])
def test_a_file_that_is_cut_short_or_missing_is_named(voc, folder, cut):
    path = voc / "VOCdevkit/VOC2012" / folder
    whole = path.read_bytes()
    path.unlink()
    if cut:
        path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=path.name):
        load_photos(voc, "val")


def test_the_folder_may_be_a_link_of_any_name(voc, tmp_path):
    (tmp_path / "link").symlink_to(voc / "VOCdevkit/VOC2012")
    assert len(load_photos(tmp_path / "link", "val")) == 2


def test_a_list_without_names_is_refused(voc):
    (voc / "VOCdevkit/VOC2012/ImageSets/Segmentation/val.txt").write_text("\n")
    with pytest.raises(DataError, match=r"val\.txt names no photo"):
        load_photos(voc, "val")


def test_a_photo_is_turned_upright_if_its_mask_is(voc):
    path = voc / "VOCdevkit/VOC2012/JPEGImages/2007_000004.jpg"
    image = Image.open(path)
    exif = image.getexif()
    exif[274] = 8  # turn left
    image.transpose(Image.Transpose.ROTATE_270).save(path, exif=exif, quality=95)
    assert load_photos(voc, "val").images[0].shape == (40, 60, 3)


def test_photos_of_rare_classes_are_drawn_more_often():
    """Three photos of class 1, one of class 2: √3 times as often."""
    labels = [np.array([[0, ids]], np.uint8) for ids in (1, 1, 1, 2)]
    weights = sampling_weights(labels, 3)
    assert weights.sum() == pytest.approx(1)
    assert weights[3] / weights[0] == pytest.approx(3**0.5)


def test_a_photo_of_nothing_but_background_and_void_can_be_drawn_too():
    weights = sampling_weights([np.array([[0, 255]], np.uint8), np.array([[1]], np.uint8)], 3)
    assert (weights > 0).all()


def test_a_share_of_the_photos_is_drawn_class_by_class():
    """Three photos of class 1, one of class 2, one of nothing: two thirds by class."""
    labels = [np.array([[0, ids]], np.uint8) for ids in (1, 1, 1, 2, 255)]
    weights = weights_by_class(labels, 4, 2 / 3)
    one, two, nothing = 1 / 9 + 1 / 15, 1 / 3 + 1 / 15, 1 / 15
    assert weights == pytest.approx([one, one, one, two, nothing])


def test_photos_without_any_object_are_drawn_alike():
    assert weights_by_class([np.zeros((1, 2), np.uint8)] * 2, 3, 0.75) == pytest.approx([0.5, 0.5])

"""Recipe → batches."""

from itertools import chain

import numpy as np
import pytest
import torch

from unet_demo.data.augment import Flips, Light, PhotoAugment, Warp, objects_pasted
from unet_demo.data.isbi import Frames
from unet_demo.data.shapes import SceneOptions
from unet_demo.data.voc import Photos
from unet_demo.data.weight_map import weight_map
from unet_demo.training.batches import (
    FrameBatches,
    Normalisation,
    PhotoBatches,
    SceneBatches,
    Shuffled,
    WithWeightMaps,
    to_tensor,
)

COLOURS = Normalisation((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
GRAY = Normalisation((0.5,), (0.5,))


def frame_batches(seed: int = 0) -> FrameBatches:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 40, 40, 1), np.uint8)
    frames = Frames(pixels, (pixels[..., 0] > 99).astype(np.uint8), (0, 1, 2, 3))
    return FrameBatches(frames, 3, seed, GRAY, Warp(32), Light())


def test_pixels_become_channels_first_in_0_to_1():
    images = np.array([[[[0, 51, 255]]]], np.uint8)
    expected = torch.tensor([0, 0.2, 1]).view(1, 3, 1, 1)
    assert torch.allclose(to_tensor(images), expected)


def test_normalising_shifts_and_scales_each_channel():
    images = torch.tensor([0.0, 0.5, 1.0]).view(1, 3, 1, 1)
    assert Normalisation((0.0, 0.5, 0.5), (1.0, 1.0, 0.25))(images).flatten().tolist() == [0, 0, 2]


def test_normalising_can_be_undone():
    images = torch.rand(2, 3, 4, 4)
    colours = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert torch.allclose(colours.undo(colours(images)), images, atol=1e-6)


def test_scenes_take_turns_among_their_kinds():
    batches = SceneBatches((SceneOptions(size=32), SceneOptions(size=48)), 2, 0, COLOURS)
    assert [tuple(batches(step)[0].shape) for step in range(3)] == [
        (2, 3, 32, 32),
        (2, 3, 48, 48),
        (2, 3, 32, 32),
    ]
    assert batches(1)[1].shape == (2, 48, 48)


def test_frames_give_crops_and_their_labels():
    images, labels = frame_batches()(0)
    assert images.shape == (3, 1, 32, 32) and labels.shape == (3, 32, 32)
    assert images.min() >= -1 and images.max() <= 1
    assert set(labels.unique().tolist()) == {0, 1}


def test_a_batch_of_frames_is_a_pure_function_of_seed_and_step():
    images, labels = frame_batches()(5)
    again, same = frame_batches()(5)
    assert torch.equal(images, again) and torch.equal(labels, same)
    assert not torch.equal(images, frame_batches()(6)[0])
    assert not torch.equal(images, frame_batches(seed=1)(5)[0])


def photo_batches(weights: tuple[float, ...] = (0.5, 0.5), **changes: object) -> PhotoBatches:
    images = [np.full((20, 30, 3), value, np.uint8) for value in (0, 255)]
    labels = [np.full((20, 30), value, np.uint8) for value in (3, 7)]
    photos = Photos(images, labels, ["dark", "bright"])
    augment = PhotoAugment(32, scale=(1.0, 1.0), brightness=0, contrast=0)
    settings = {"count": 8, "seed": 0, "normalisation": COLOURS, "augment": augment, **changes}
    return PhotoBatches(photos, np.array(weights), **settings)


def test_photos_give_crops_and_their_labels():
    images, labels = photo_batches()(0)
    assert images.shape == (8, 3, 32, 32) and labels.shape == (8, 32, 32)
    assert set(labels.unique().tolist()) == {3, 7, 255}


def test_photos_are_drawn_by_their_weights():
    _, labels = photo_batches(weights=(1.0, 0.0))(0)
    assert set(labels.unique().tolist()) == {3, 255}


def test_crops_of_photos_grow_with_the_steps():
    batches = photo_batches(growth=((0, 16), (5, 24), (9, 32)))
    assert [batches(step)[1].shape[-1] for step in (0, 4, 5, 8, 9, 50)] == [16, 16, 24, 24, 32, 32]


def test_a_batch_of_photos_is_a_pure_function_of_seed_and_step():
    augment = PhotoAugment(32)
    images, labels = photo_batches(augment=augment)(5)
    again, same = photo_batches(augment=augment)(5)
    assert torch.equal(images, again) and torch.equal(labels, same)
    assert not torch.equal(images, photo_batches(augment=augment)(6)[0])
    assert not torch.equal(images, photo_batches(augment=augment, seed=1)(5)[0])


def test_pasted_objects_cover_what_stood_there_and_background_and_void_do_not():
    onto = torch.zeros(3, 1, 4), torch.tensor([[1, 1, 1, 0]])
    other = torch.ones(3, 1, 4), torch.tensor([[0, 255, 2, 2]])
    photo, ids = objects_pasted(onto, other)
    assert photo[0].tolist() == [[0, 0, 1, 1]]
    assert ids.tolist() == [[1, 1, 2, 2]]


def test_a_share_of_the_crops_gets_the_objects_of_the_one_before():
    alone, pasted = (photo_batches(paste=paste)(0) for paste in (0.0, 0.5))
    pairs = zip(pasted[1], alone[1], alone[1].roll(1, 0), strict=True)
    changed = [(one, before) for one, own, before in pairs if not torch.equal(one, own)]
    assert 0 < len(changed) < 8
    for one, before in changed:
        assert torch.equal(one[before != 255], before[before != 255])
    assert not torch.equal(pasted[0], alone[0])


# --- epochs, and weights ---


def test_an_epoch_shows_each_picture_once_and_ends_with_a_smaller_batch():
    order = Shuffled(21, 5, seed=0)
    batches = [order(step) for step in range(2 * order.steps)]
    assert [len(batch) for batch in batches[:5]] == [5, 5, 5, 5, 1]
    first, second = (list(chain(*epoch)) for epoch in (batches[:5], batches[5:]))
    assert sorted(first) == sorted(second) == list(range(21))
    assert first != second != list(range(21))


def test_the_last_smaller_batch_can_be_left_out():
    order = Shuffled(21, 5, seed=0, drop_last=True)
    assert [len(order(step)) for step in range(order.steps)] == [5, 5, 5, 5]


def test_an_order_is_a_pure_function_of_seed_and_step():
    assert Shuffled(50, 8, 1)(9) == Shuffled(50, 8, 1)(9) != Shuffled(50, 8, 2)(9)


def test_frames_in_an_order_come_once_an_epoch():
    pixels = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1).repeat(32, 1).repeat(32, 2)
    frames = Frames(pixels, pixels[..., 0] % 2, (0, 1, 2, 3))
    batches = FrameBatches(frames, 3, 0, GRAY, Warp(32), Light(), Flips(), Shuffled(4, 3, 0))
    seen = [value for step in (0, 1) for value in batches(step)[0][:, 0, 0, 0].tolist()]
    assert len(seen) == len(set(seen)) == 4


def test_photos_in_an_order_come_once_an_epoch():
    _, labels = photo_batches(order=Shuffled(2, 8, 0))(0)
    assert len(labels) == 2 and {3, 7} <= set(labels.unique().tolist())


@pytest.mark.parametrize("batches", [frame_batches(), photo_batches()], ids=["frames", "photos"])
def test_any_batch_can_have_the_weight_map_of_its_labels(batches):
    images, labels, weights = WithWeightMaps(batches)(3)
    plain_images, plain_labels = batches(3)
    assert torch.equal(images, plain_images) and torch.equal(labels, plain_labels)
    assert np.array_equal(weights[0].numpy(), weight_map(labels[0].numpy()))

"""Recipe → batches."""

import numpy as np
import torch

from unet_demo.data.augment_settings import Light, PhotoAugment, Warp
from unet_demo.data.isbi import Frames
from unet_demo.data.shapes import SceneOptions
from unet_demo.data.voc import Photos
from unet_demo.training.batches import FrameBatches, PhotoBatches
from unet_demo.training.scene_batches import Normalisation, SceneBatches, to_tensor

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

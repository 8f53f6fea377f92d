"""Circles and rectangles."""

import numpy as np
import pytest

from unet_demo.data.shapes import (
    BACKGROUND,
    CIRCLE,
    RECTANGLE,
    SceneOptions,
    article_scene,
    random_scene,
    scene_batch,
)

PLAIN = SceneOptions(size=96, noise=0)


def scenes(options: SceneOptions, count: int = 20) -> list[tuple[np.ndarray, np.ndarray]]:
    return [random_scene(options, np.random.default_rng(seed)) for seed in range(count)]


def test_the_articles_picture_is_a_red_disk_and_a_green_rectangle_on_black():
    image, labels = article_scene()
    assert image.shape == (256, 256, 3) and labels.shape == (256, 256)
    for label, colour in ((BACKGROUND, (0, 0, 0)), (CIRCLE, (255, 0, 0)), (RECTANGLE, (0, 255, 0))):
        assert (image[labels == label] == colour).all()


def test_the_articles_disk_lies_at_64_64_with_radius_40():
    rows, columns = np.nonzero(article_scene()[1] == CIRCLE)
    assert (rows.mean(), columns.mean()) == (64, 64)
    assert len(rows) == pytest.approx(np.pi * 40**2, rel=0.01)


def test_the_articles_rectangle_lies_at_120_120_and_is_50_by_80():
    rows, columns = np.nonzero(article_scene()[1] == RECTANGLE)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (120, 169, 120, 199)


def test_the_same_seed_draws_the_same_scene_and_another_seed_another():
    first, again, other = (random_scene(PLAIN, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_a_batch_is_a_pure_function_of_seed_and_step():
    images, labels = scene_batch(PLAIN, 3, seed=5, step=7)
    again, _ = scene_batch(PLAIN, 3, seed=5, step=7)
    next_step, _ = scene_batch(PLAIN, 3, seed=5, step=8)
    assert images.shape == (3, 96, 96, 3) and labels.shape == (3, 96, 96)
    assert images.dtype == labels.dtype == np.uint8
    assert np.array_equal(images, again) and not np.array_equal(images, next_step)


def test_both_shapes_occur_and_nothing_else():
    assert set(np.unique([labels for _, labels in scenes(PLAIN)])) == {
        BACKGROUND,
        CIRCLE,
        RECTANGLE,
    }


def test_with_colour_as_a_clue_circles_are_reddish_and_rectangles_greenish_on_black():
    for image, labels in scenes(SceneOptions(size=96, noise=0, colour_is_clue=True)):
        red, green, _ = np.moveaxis(image.astype(int), -1, 0)
        assert (red > green)[labels == CIRCLE].all()
        assert (green > red)[labels == RECTANGLE].all()
        assert not image[labels == BACKGROUND].any()


def test_without_the_clue_either_shape_may_be_redder_than_green():
    for kind in (CIRCLE, RECTANGLE):
        pixels = np.concatenate([image[labels == kind] for image, labels in scenes(PLAIN)])
        redder = (pixels[:, 0] > pixels[:, 1]).mean()
        assert 0.2 < redder < 0.8


def test_a_shape_stands_out_from_its_background_by_60_at_least():
    for image, labels in scenes(PLAIN):
        if (labels == BACKGROUND).any():
            background = image[labels == BACKGROUND][0].astype(int)
            difference = np.abs(image[labels != BACKGROUND] - background).max(axis=-1)
            assert difference.min() >= 59  # a step of rounding less


def test_without_overlap_each_shape_keeps_its_whole_area():
    options = SceneOptions(size=96, count=(4, 4), radius=(0.1, 0.1), overlap=False)
    apart = SceneOptions(size=96, count=(1, 1), radius=(0.1, 0.1))
    smallest = min((labels != BACKGROUND).sum() for _, labels in scenes(apart, 40))
    for _, labels in scenes(options):
        assert (labels != BACKGROUND).sum() >= 3 * smallest


def test_no_shape_at_all_is_a_plain_background():
    _, labels = random_scene(SceneOptions(count=(0, 0)), np.random.default_rng(0))
    assert not labels.any()


@pytest.mark.parametrize(
    "change",
    [{"noise": 20.0}, {"blur": 2.0}, {"shading": 80.0}],
    ids=lambda change: next(iter(change)),
)
def test_noise_blur_and_shading_change_the_picture_and_not_the_labels(change):
    plain = SceneOptions(size=96, noise=0)
    other = SceneOptions(**{"size": 96, "noise": 0, **change})
    (image, labels), (changed, same) = (
        random_scene(options, np.random.default_rng(3)) for options in (plain, other)
    )
    assert np.array_equal(labels, same)
    assert not np.array_equal(image, changed)

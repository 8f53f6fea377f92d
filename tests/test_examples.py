"""Pictures to try, without a network."""

from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import files
from pathlib import Path

import numpy as np
import pytest

from unet_demo import examples
from unet_demo.checkpoints import read_index
from unet_demo.data.images import read_picture
from unet_demo.examples import EXAMPLES, THUMBNAIL, load_example, load_thumbnail, offered_examples
from unet_demo.training.recipes import RECIPES

every_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)


@every_example
def test_an_example_is_a_picture_and_perhaps_its_truth(example):
    loaded = load_example(example.name)
    pages, truth = loaded.picture.slices, loaded.truth and loaded.truth.labels
    assert loaded.picture.name == example.name
    assert pages.dtype == np.uint8 and pages.ndim == 4 and pages.shape[-1] in (1, 3)
    if truth is not None:
        task = RECIPES[example.checkpoint].card.task
        assert truth.dtype == np.uint8 and truth.shape == pages.shape[:3]
        assert set(np.unique(truth)) <= set(range(len(task.classes)))


@every_example
def test_an_example_names_a_checkpoint_that_has_a_recipe(example):
    assert example.checkpoint in RECIPES


@every_example
def test_a_thumbnail_is_a_small_colour_picture_of_the_same_shape(example):
    small, page = load_thumbnail(example.name), load_example(example.name).picture.slices[0]
    assert small.dtype == np.uint8 and small.shape[2] == 3
    assert max(small.shape) == min(THUMBNAIL, max(page.shape))
    assert small.shape[0] / small.shape[1] == pytest.approx(page.shape[0] / page.shape[1], rel=0.02)


def test_a_stack_is_not_drawn_for_its_thumbnail():
    examples._make.cache_clear()
    load_thumbnail.cache_clear()
    load_thumbnail("stack")
    assert examples._make.cache_info().misses == 1
    assert load_example("membranes").picture.slices.shape[0] == 1
    assert examples._make.cache_info().misses == 1


def test_the_example_that_stands_for_a_first_page_is_that_page():
    for example in EXAMPLES:
        if example.first_slice:
            first = load_example(example.first_slice).picture.slices[0]
            assert np.array_equal(load_example(example.name).picture.slices[0], first)


def test_only_examples_whose_checkpoint_is_bundled_are_offered(monkeypatch):
    monkeypatch.setattr(examples, "offered_names", lambda: ["shapes", "voc-pretrained"])
    offered = {example.checkpoint for example in offered_examples()}
    assert offered == {"shapes", "voc-pretrained"}


def test_what_is_bundled_has_an_example_to_open_with():
    assert EXAMPLES[0] in offered_examples()
    assert {example.checkpoint for example in offered_examples()} <= set(read_index())


@pytest.mark.parametrize(
    ("name", "package", "file"),
    [
        ("coins", "scikit-image", "skimage/data/coins.png"),
        ("person", "scikit-image", "skimage/data/astronaut.png"),
        ("cat", "scikit-image", "skimage/data/chelsea.png"),
        ("motorcycle", "scikit-image", "skimage/data/motorcycle_left.png"),
        ("bus", "gradio", "gradio/media_assets/images/bus.png"),
    ],
)
def test_a_photograph_comes_with_an_installed_package_and_needs_no_network(name, package, file):
    installed = [entry for entry in files(package) or () if entry.as_posix() == file]
    pixels = read_picture(Path(installed[0].locate())).slices
    assert np.array_equal(load_example(name).picture.slices, pixels)


def test_no_two_examples_have_one_name():
    assert len({example.name for example in EXAMPLES}) == len(EXAMPLES)


def test_what_is_synthetic_says_so():
    assert all("synthetic" in e.caption for e in EXAMPLES if e.checkpoint == "isbi")


def test_there_is_a_stack_with_more_than_one_slice():
    assert len(load_example("stack").picture.slices) > 1


def test_an_example_is_made_once_for_all_who_come_at_once():
    examples._make.cache_clear()
    with ThreadPoolExecutor(4) as visitors:
        brought = list(visitors.map(load_example, ["shapes"] * 4))
    assert all(one is brought[0] for one in brought)


def test_an_example_is_the_same_at_every_start():
    first = load_example("shapes").picture.slices
    examples._make.cache_clear()
    assert np.array_equal(load_example("shapes").picture.slices, first)


def test_an_unknown_example_is_a_key_error():
    with pytest.raises(KeyError):
        load_example("unicorn")

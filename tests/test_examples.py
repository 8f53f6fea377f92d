"""Pictures to try, without a network."""

import numpy as np
import pytest

from unet_demo.examples import EXAMPLES, load_example
from unet_demo.recipes import RECIPES

every_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)


@every_example
def test_an_example_is_a_picture_and_perhaps_its_truth(example):
    loaded = load_example(example.name)
    pages, truth = loaded.picture.pages, loaded.truth
    assert loaded.picture.name == example.name
    assert pages.dtype == np.uint8 and pages.ndim == 4 and pages.shape[-1] in (1, 3)
    if truth is not None:
        task = RECIPES[example.checkpoint].task
        assert truth.dtype == np.uint8 and truth.shape == pages.shape[:3]
        assert set(np.unique(truth)) <= set(range(len(task.classes)))


@every_example
def test_an_example_names_a_checkpoint_that_has_a_recipe(example):
    assert example.checkpoint in RECIPES


def test_no_two_examples_have_one_name():
    assert len({example.name for example in EXAMPLES}) == len(EXAMPLES)


def test_what_is_synthetic_says_so():
    assert all("synthetic" in e.caption for e in EXAMPLES if e.checkpoint == "isbi")


def test_there_is_a_stack_with_more_than_one_slice():
    assert len(load_example("stack").picture.pages) > 1


def test_an_example_is_made_once():
    assert load_example("article") is load_example("article")


def test_an_example_is_the_same_at_every_start():
    first = load_example("shapes").picture.pages
    load_example.cache_clear()
    assert np.array_equal(load_example("shapes").picture.pages, first)


def test_an_unknown_example_is_a_key_error():
    with pytest.raises(KeyError):
        load_example("cat")

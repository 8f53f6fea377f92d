"""The data sets: their parts, drawn by lists or at random, and what they are scored on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from tiny import binary_checkpoint, voc_checkpoint, with_options, write_voc

from unet_demo.checkpoints import Checkpoint, find_offered, read_card
from unet_demo.data import DataError, Fold, RandomSplit
from unet_demo.data.voc import fitted, load_photos, pasted, stretched
from unet_demo.inference import Predictor
from unet_demo.training.datasets import DATASETS, ArticlePart, Isbi, Shapes, Voc, evaluate
from unet_demo.training.recipe import in_fold
from unet_demo.training.recipes import AS_PUBLISHED, RECIPES
from unet_demo.training.runs import prepare

BUNDLED = ("shapes", "isbi", "isbi-elastic", "voc-pretrained", "voc", "voc-resnet50", "voc-color")

THIRDS = {"train": 0.5, "val": 0.2, "test": 0.3, "seed": 0}


@pytest.fixture(scope="module")
def voc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_voc(tmp_path_factory.mktemp("voc"))


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("isbi")
    labels = np.full((10, 32, 32), 255, np.uint8)
    labels[:, 15:17] = 0
    for name, pages in (("train-volume", labels // 2), ("train-labels", labels)):
        tifffile.imwrite(folder / f"{name}.tif", pages, photometric="minisblack")
    return folder


def with_recipe(checkpoint: Checkpoint, **recipe: object) -> Predictor:
    card = replace(checkpoint.card, recipe=recipe)
    return Predictor(Checkpoint(card, checkpoint.network), "cpu", torch.float32)


def test_a_checkpoint_of_a_random_split_is_scored_on_the_parts_that_its_recipe_drew(volume):
    predictor = with_recipe(binary_checkpoint(), data="isbi", split=THIRDS)
    expected = RandomSplit(**THIRDS)
    for part, count in (("train", 5), ("val", 2), ("test", 3)):
        numbers = expected.numbers(10, part)
        assert len(numbers) == count
        told = evaluate(predictor, volume, part, tta=False).scored_on
        assert told == f"ISBI 2012 frames {', '.join(map(str, numbers))}, drawn at random"


def test_a_part_that_the_recipe_did_not_draw_is_refused(volume):
    predictor = with_recipe(binary_checkpoint(), data="isbi", split={"train": 0.7, "val": 0.3})
    with pytest.raises(DataError, match=r"no split 'test' .* use one of train, val, all\."):
        evaluate(predictor, volume, "test")


@pytest.mark.parametrize(
    "split",
    [
        {"train": "most"},
        ["train"],
        {"half": 1},
        {"train": 1, "seed": "x"},
        {"fold": 0, "folds": 5},
        {"fold": "1", "folds": 5},
    ],
)
def test_a_split_that_a_card_describes_wrongly_is_refused(volume, split):
    predictor = with_recipe(binary_checkpoint(), data="isbi", split=split)
    with pytest.raises(DataError, match=r"does not say which of its data"):
        evaluate(predictor, volume)


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_checkpoint_that_knew_no_splits_is_scored_by_its_data_sets_own_lists(name):
    card = read_card(find_offered(name))
    data = DATASETS[card.recipe["data"]].of(card.recipe)
    assert data in (Isbi(), Voc(), Shapes(RECIPES["shapes"].scenes))


def test_too_few_pictures_for_a_part_are_told():
    with pytest.raises(DataError, match="2 pictures are too few to draw the part 'val'"):
        RandomSplit(0.8, 0.1, 0.1).numbers(2, "val")
    with pytest.raises(DataError, match="6 pictures are too few"):
        RandomSplit(50, 10).numbers(6, "train")


def test_folds_are_connected_and_each_picture_validates_once():
    folds = [Fold(number, 4) for number in (1, 2, 3, 4)]
    parts = [fold.numbers(10, "val") for fold in folds]
    assert parts == [[0, 1], [2, 3, 4], [5, 6], [7, 8, 9]]
    for fold, part in zip(folds, parts, strict=True):
        assert fold.numbers(10, "train") == [n for n in range(10) if n not in part]
    with pytest.raises(DataError, match="3 pictures are too few for 4 folds"):
        folds[0].numbers(3, "val")
    with pytest.raises(DataError, match="no split 'test' of a fold"):
        folds[0].numbers(10, "test")


@pytest.mark.parametrize("name", ["isbi", "isbi-elastic", "voc", "voc-pretrained"])
def test_a_fold_is_trained_by_nothing_that_saw_it(name):
    recipe = in_fold(RECIPES[name], 2, 5)
    assert not (recipe.start or recipe.teacher or recipe.soft_labels or recipe.more_lists)
    assert not recipe.choose_by


def test_a_random_split_of_voc_draws_from_both_of_its_lists(voc):
    split = RandomSplit(0.5, 0.5)
    parts = [load_photos(voc, part, drawn=split).names for part in ("train", "val")]
    both = [name for part in ("train", "val") for name in load_photos(voc, part).names]
    assert sorted(parts[0] + parts[1]) == sorted(both)
    assert [len(part) for part in parts] == [3, 3]
    assert load_photos(voc, "train", drawn=RandomSplit(2, 1)).names != parts[0]


def test_article_4_watches_one_of_its_training_photos(voc):
    recipe = AS_PUBLISHED["voc-color"]
    part = Voc(recipe.split, recipe.watched).validation(voc)
    everything = load_photos(voc, "train", drawn=recipe.split)
    assert len(everything) == 6
    assert part.photos.names == [everything.names[90 % 6]]
    assert "trained on" in part.scored_on


def test_article_1_is_scored_and_shown_on_its_own_picture():
    recipe = AS_PUBLISHED["shapes"]
    data = Shapes(recipe.scenes, recipe.article_scene)
    assert isinstance(data.validation(None), ArticlePart)
    assert isinstance(data.load(None, "val"), ArticlePart)
    assert len(list(data.validation(None).stills(recipe))) == 1


def test_only_what_is_kept_back_is_tested(volume):
    assert Isbi().test(volume) is None
    assert Isbi(RandomSplit(0.7, 0.3)).test(volume) is None
    assert len(Isbi(RandomSplit(**THIRDS)).test(volume).frames.images) == 3


def test_a_checkpoint_of_a_random_split_of_voc_is_scored_on_it(voc):
    split = {"train": 0.5, "val": 0.5}
    predictor = with_recipe(voc_checkpoint(), data="voc", split=split)
    told = evaluate(predictor, voc, tta=False).scored_on
    assert told == "the 3 photos of VOC 2012's part 'val', drawn at random (1.7% void)"


def test_the_label_takes_nearest_pixels_and_article_4s_photo_blends():
    ids = np.zeros((40, 60), np.uint8)
    ids[:, 30:] = 15
    photo = np.repeat(ids[..., None] * 10, 3, axis=-1)
    for framing, blends in ((stretched, False), (pasted, True)):
        picture, labels = framing(photo, ids, 25)
        assert picture.shape == (25, 25, 3) and set(np.unique(labels)) == {0, 15}
        assert (len(np.unique(picture)) > 2) == blends
    assert fitted(photo, ids, 30)[1].shape == (20, 30)


def test_the_validation_loss_is_that_of_the_recipe_without_chance(volume):
    recipe = replace(AS_PUBLISHED["isbi"], split=RandomSplit(**THIRDS))
    recipe = with_options(recipe, width=2)
    experiment = prepare(recipe, volume, "cpu")
    network = recipe.new_network().eval()
    frames = experiment.validation.frames
    with torch.inference_mode():
        images = torch.from_numpy(frames.images).permute(0, 3, 1, 2).float() / 255
        logits = network((images - 0.5) / 0.5)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            logits[:, 0], torch.from_numpy(frames.labels).float()
        )
    assert experiment.loss(network) == pytest.approx(float(loss), rel=1e-5)
    assert experiment.loss(network) == experiment.validate(network)["loss"]

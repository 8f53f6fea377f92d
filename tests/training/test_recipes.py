"""The recipes: ours, those for a GPU, and the articles' own."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from tiny import with_options, write_voc

from unet_demo.checkpoints import CheckpointError, open_checkpoint
from unet_demo.data import DataError
from unet_demo.data.augment import ArticleAugmentation
from unet_demo.evaluation.report import SHEET_SIDE
from unet_demo.networks import create_network
from unet_demo.networks.base import parameter_count
from unet_demo.training.batches import Normalisation
from unet_demo.training.datasets import with_taught_frames
from unet_demo.training.loop import StepDone, Trainer, fit
from unet_demo.training.recipe import Recipe
from unet_demo.training.recipes import AS_PUBLISHED, FOR_GPU, RECIPES
from unet_demo.training.runs import RunError, prepare, train

VARIANTS = [
    pytest.param(recipe, id=f"{recipe.card.name}-{variant}")
    for variant, book in (("ours", RECIPES), ("gpu", FOR_GPU), ("published", AS_PUBLISHED))
    for recipe in book.values()
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory):
    """A folder with a tiny VOC and a tiny ISBI volume."""
    folder = write_voc(tmp_path_factory.mktemp("data"))
    rng = np.random.default_rng(0)
    for name, frames in (("train-volume", 25), ("test-volume", 3)):
        pixels = rng.integers(0, 256, (frames, 64, 64), np.uint8)
        tifffile.imwrite(folder / f"{name}.tif", pixels, photometric="minisblack")
    labels = np.full((25, 64, 64), 255, np.uint8)
    labels[:, 30:32] = 0
    tifffile.imwrite(folder / "train-labels.tif", labels, photometric="minisblack")
    return folder


def shrunk(recipe: Recipe) -> Recipe:
    """The same with a network of width 2, a batch of 2 and small crops."""
    article = recipe.article_augmentation
    if isinstance(article, ArticleAugmentation):
        article = replace(article, crop=32)
    return replace(
        with_options(recipe, width=2),
        batch=2,
        teacher="",
        start="",
        soft_labels="",
        scenes=tuple(replace(scene, size=32) for scene in recipe.scenes[:1]),
        warp=replace(recipe.warp, crop=32),
        photo=replace(recipe.photo, crop=32),
        article_augmentation=article,
        growth=(),
        fit=replace(recipe.fit, steps=2, validate_every=2, warm_up=0, precision="float32"),
    )


def test_every_checkpoint_of_the_design_has_a_recipe():
    names = {"shapes", "isbi", "isbi-elastic", "voc", "voc-resnet50", "voc-color"}
    assert set(AS_PUBLISHED) == names
    assert set(RECIPES) == names | {"voc-pretrained"}
    assert set(FOR_GPU) == names - {"shapes"}


@pytest.mark.parametrize("recipe", VARIANTS)
def test_a_recipe_trains_on_its_data_and_validates(recipe, data):
    recipe = shrunk(recipe)
    experiment = prepare(recipe, data, "cpu")
    trainer = Trainer(recipe.new_network(), recipe.taught or recipe.card.task, recipe.fit)
    events = list(fit(trainer, [experiment.batch_of(step) for step in range(2)]))
    assert all(np.isfinite(event.loss) for event in events if isinstance(event, StepDone))
    # 48 scenes take seconds, and tests/test_evaluation.py scores some.
    if recipe.data != "shapes" or recipe.article_scene:
        scores = experiment.validate(trainer.evaluated.eval())
        assert np.isfinite(scores["loss"]) and recipe.choose_by in {"", *scores}
        rows, _, channels = experiment.sheet(trainer.evaluated.eval()).shape
        assert (rows, channels) == (3 * SHEET_SIDE, 3)


@pytest.mark.parametrize(
    "recipe", [*RECIPES.values(), *FOR_GPU.values()], ids=lambda r: r.card.name
)
def test_a_float16_file_stays_below_20_mb(recipe):
    with torch.device("meta"):
        network = create_network(recipe.card.network, **recipe.card.options)
    assert 2 * parameter_count(network) < 19.5e6


def test_the_articles_networks_have_their_own_width():
    assert {recipe.card.options["width"] for recipe in AS_PUBLISHED.values()} == {64}


def test_published_voc_counts_void_as_its_last_class(data):
    recipe = shrunk(AS_PUBLISHED["voc"])
    _, labels, *_ = prepare(recipe, data, "cpu").batch_of(0)
    assert 255 not in labels.unique() and 21 in labels.unique()


def test_published_photos_are_stretched_and_pasted(data):
    stretched, pasted = (
        prepare(shrunk(AS_PUBLISHED[name]), data, "cpu").batch_of(0)[0]
        for name in ("voc", "voc-color")
    )
    assert (pasted[:, :, -5:] == 0).all()  # 60×40 photos leave a third of the square black
    assert (stretched[:, :, -5:] != 0).all()


def test_a_teacher_labels_what_nobody_has_and_leaves_out_what_it_is_not_sure_of(binary, data):
    from unet_demo.data.isbi import load_frames, load_unlabelled
    from unet_demo.inference import Predictor

    labelled, images = load_frames(data, "train"), load_unlabelled(data)
    teacher = Predictor(binary, "cpu", torch.float32)
    frames = with_taught_frames(labelled, images, teacher)
    assert len(frames.images) == len(frames.labels) == 2 * 21 + 3
    probabilities = teacher.predict(images, tta=True).probabilities[:, 0]
    assert (frames.labels[-3:][np.abs(probabilities - 0.5) < 0.2] == 255).all()
    assert (frames.labels[-3:][probabilities > 0.7] == 1).all()
    assert (frames.labels[-3:][probabilities < 0.3] == 0).all()


def test_further_lists_train_too_where_they_are(data, tmp_path):
    folder = shutil.copytree(data, tmp_path / "data")
    (folder / "VOCdevkit/VOC2012/ImageSets/Segmentation/val-extra.txt").write_text("2007_000003")
    recipe = shrunk(RECIPES["voc-pretrained"])
    batches = [prepare(recipe, where, "cpu").batch_of for where in (data, folder)]
    assert [len(each.photos) for each in batches] == [4, 5]


def test_a_recipe_with_a_teacher_asks_for_the_unlabelled_slices(data, tmp_path):
    for name in ("train-volume.tif", "train-labels.tif"):
        (tmp_path / name).write_bytes((data / name).read_bytes())
    with pytest.raises(DataError, match=r"test-volume\.tif not found"):
        prepare(RECIPES["isbi-elastic"], tmp_path, "cpu")


# --- a checkpoint to begin with, and one whose probabilities are learned ---


def test_a_recipe_can_begin_with_a_checkpoints_weights():
    recipe = RECIPES["voc"]
    begun, kept = recipe.new_network().state_dict(), open_checkpoint(recipe.start)
    assert all(torch.equal(begun[key], each) for key, each in kept.network.state_dict().items())


@pytest.mark.parametrize("start", ["shapes", "voc-resnet50"])
def test_a_start_of_another_network_is_refused(start):
    with pytest.raises(CheckpointError, match=f"{start!r} is of another network"):
        replace(RECIPES["voc"], start=start).new_network()


def test_soft_labels_of_other_classes_are_refused():
    with pytest.raises(CheckpointError, match="'isbi' knows other classes than the recipe 'voc'"):
        replace(RECIPES["voc"], soft_labels="isbi").soft_teacher(torch.device("cpu"))


def test_a_soft_teacher_sees_the_pictures_as_it_was_taught_to():
    recipe = RECIPES["voc"]
    teacher, known = recipe.soft_teacher(torch.device("cpu")), open_checkpoint(recipe.soft_labels)
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        logits = known.network.eval()(Normalisation(known.card.mean, known.card.std)(pictures))
    soft = teacher(recipe.normalisation(pictures))
    assert soft.shape == (2, 21, 64, 64)
    expected = known.card.task.class_probabilities(logits)
    assert (soft - expected).abs().mean() <= 0.005  # bfloat16 arithmetic


def test_a_run_learns_from_its_recipes_soft_labels(data, tmp_path):
    recipe = shrunk(RECIPES["voc"])
    with_soft = replace(recipe, soft_labels="voc-pretrained")
    first_losses = {
        next(event.loss for event in train(each, data, folder) if isinstance(event, StepDone))
        for each, folder in ((recipe, tmp_path / "hard"), (with_soft, tmp_path / "soft"))
    }
    assert len(first_losses) == 2


def test_a_card_names_the_file_that_a_run_began_with_and_not_its_folder():
    recipe = replace(RECIPES["shapes"], start="/home/ann/own.safetensors")
    assert recipe.scored_card({}, "").recipe["start"] == "own.safetensors"


def test_a_run_that_cannot_start_says_why(data, tmp_path):
    recipe = replace(shrunk(RECIPES["voc"]), start="isbi")
    with pytest.raises(RunError, match="'isbi' is of another network"):
        list(train(recipe, data, tmp_path / "run"))

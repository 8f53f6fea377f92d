"""Scores of a checkpoint on pictures whose truth is known."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import RECIPE, shapes_checkpoint, voc_checkpoint, write_voc

from unet_demo.checkpoints import Checkpoint
from unet_demo.data import DataError
from unet_demo.data.isbi import Frames
from unet_demo.data.shapes import VALIDATION_SEED, SceneOptions
from unet_demo.data.voc import load_photos
from unet_demo.evaluation.evaluate import (
    EVEN_MIOU,
    FRESH_SEED,
    Case,
    class_scores,
    evaluate_frames,
    evaluate_photos,
    evaluate_scenes,
)
from unet_demo.inference import Predictor
from unet_demo.segmentation import open_predictor
from unet_demo.tasks import VOID
from unet_demo.training.datasets import Shapes, evaluate
from unet_demo.training.recipes import RECIPES

SCENES = (SceneOptions(size=32), SceneOptions(size=48))


def predictor(checkpoint: Checkpoint) -> Predictor:
    return Predictor(checkpoint, "cpu", torch.float32)


def frames(count: int = 2) -> Frames:
    """Four cells each, parted by membranes of two pixels that are darker."""
    labels = np.ones((count, 32, 32), np.uint8)
    labels[:, 15:17] = labels[:, :, 15:17] = 0
    return Frames((labels * 200 + 20)[..., None], labels, tuple(range(21, 21 + count)))


def test_class_scores_name_the_mean_the_accuracy_and_each_class():
    scores = class_scores(np.array([[3, 1], [0, 4]]), ("membrane", "cell"))
    assert scores == pytest.approx(
        {
            "mIoU": (3 / 4 + 4 / 5) / 2,
            "pixel accuracy": 7 / 8,
            "IoU membrane": 3 / 4,
            "Dice membrane": 6 / 7,
            "IoU cell": 4 / 5,
            "Dice cell": 8 / 9,
        }
    )


def test_a_class_that_never_occurs_has_no_score():
    assert math.isnan(class_scores(np.array([[5, 0], [0, 0]]), ("a", "b"))["IoU b"])


def test_frames_are_scored_by_v_rand_v_info_and_pixels(binary):
    scores = evaluate_frames(predictor(binary), frames(), tta=False)
    assert {"V_rand", "V_info", "threshold", "mIoU", "IoU membrane", "Dice cell interior"} <= set(
        scores
    )
    assert all(0 <= scores[name] <= 1 for name in ("V_rand", "V_info", "threshold", "mIoU"))


def brightness() -> Checkpoint:
    """Finds cells by nothing but how bright a pixel is."""
    checkpoint = shapes_checkpoint()

    class Brightness(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 20 * x

    card = replace(checkpoint.card, task=RECIPES["isbi"].card.task, mean=(0.5,), std=(0.5,))
    return Checkpoint(card, Brightness())


def test_a_network_that_sees_the_membranes_scores_1():
    scores = evaluate_frames(predictor(brightness()), frames(), tta=True)
    assert scores["V_rand"] == scores["V_info"] == scores["mIoU"] == 1


def test_void_in_frames_counts_for_nothing():
    half_void = frames()
    half_void.images[:, :15, :15] = 20  # dark, as if one cell of four were membrane
    half_void.labels[:, :15, :15] = VOID
    scores = evaluate_frames(predictor(brightness()), half_void, tta=True)
    assert scores["V_rand"] == scores["V_info"] == scores["mIoU"] == 1


def test_scenes_are_scored_by_their_classes(shapes):
    scores = evaluate_scenes(predictor(shapes), SCENES, 4)
    assert {"mIoU", "pixel accuracy", "IoU circle", "Dice rectangle"} <= set(scores)


def test_the_same_seed_gives_the_same_score_and_another_seed_another(shapes):
    one = predictor(shapes)
    first, again = (evaluate_scenes(one, SCENES, 4, seed=1) for _ in range(2))
    assert first == again != evaluate_scenes(one, SCENES, 4, seed=2)


def test_the_scoring_scenes_are_neither_those_of_training_nor_of_choosing():
    assert len({FRESH_SEED, VALIDATION_SEED, RECIPES["shapes"].fit.seed}) == 3


def test_the_scenes_of_a_recipe_come_back_from_its_card(tmp_path):
    card = RECIPE.scored_card({}, "")
    again = type(card).from_json(card.to_json())
    assert Shapes.of(again.recipe).scenes == RECIPE.scenes


def test_evaluating_by_the_card_says_what_it_was_scored_on(shapes):
    evaluation = evaluate(predictor(shapes), None, tta=False)
    assert evaluation.scored_on == "200 scenes that no training has seen"
    assert not evaluation.tta


def test_progress_is_told(shapes):
    told: list[int] = []
    evaluate_scenes(predictor(shapes), SCENES, 4, progress=lambda done, total: told.append(done))
    assert len(told) == 4


def test_a_checkpoint_that_needs_data_asks_for_its_folder(binary):
    with pytest.raises(DataError, match="needs its data set; give its folder as --data"):
        evaluate(predictor(binary), None)


def test_a_folder_without_the_files_is_refused(binary, tmp_path):
    with pytest.raises(DataError, match=r"train-volume\.tif and train-labels\.tif not found"):
        evaluate(predictor(binary), tmp_path)


@pytest.mark.parametrize("recipe", [{}, {"data": "voc 1812"}], ids=str)
def test_a_checkpoint_of_unknown_data_is_refused(binary, recipe):
    other = Checkpoint(replace(binary.card, recipe=recipe), binary.network)
    with pytest.raises(DataError, match="does not say which data it was made for"):
        evaluate(predictor(other), Path("."))


@pytest.mark.parametrize(
    "scenes",
    [{}, {"scenes": None}, {"scenes": []}, {"scenes": [{"sise": 3}]}, {"scenes": [3]}],
    ids=str,
)
def test_a_checkpoint_that_does_not_say_its_scenes_is_refused(shapes, scenes):
    card = replace(shapes.card, recipe={"data": "shapes", **scenes})
    with pytest.raises(DataError, match=r"does not say which scenes .*; train it again\."):
        evaluate(predictor(Checkpoint(card, shapes.network)), None)


def test_the_bundled_shapes_checkpoint_reaches_its_score_on_fresh_scenes():
    predictor = open_predictor("shapes", "cpu")
    scores = evaluate_scenes(
        predictor, Shapes.of(predictor.card.recipe).scenes, 40, seed=20_260_101
    )
    assert scores["mIoU"] >= 0.96  # 0.98 is promised for 200 scenes; 40 others scatter


class TruthTeller(torch.nn.Module):
    """Calls bright pixels class 5 and dark ones background."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = torch.zeros(len(x), 22, *x.shape[-2:])
        logits[:, 5] = 50 * x[:, 0]
        return logits


def test_photos_are_scored_over_all_at_their_own_size_and_without_void(tmp_path):
    photos = load_photos(write_voc(tmp_path), "val")
    card = replace(voc_checkpoint().card, side=0)
    scores = evaluate_photos(predictor(Checkpoint(card, TruthTeller())), photos)
    assert scores["IoU background"] > 0.99
    assert scores["IoU bottle"] > 0.49  # one photo is of bottles; the other, of a bus, is wrong
    assert scores["IoU bus"] == 0
    assert math.isnan(scores["IoU cat"])
    # Background, bottle and bus, each in its own photos.
    assert scores[EVEN_MIOU] == pytest.approx((1 + 1 + 0) / 3, abs=0.01)


def test_evaluating_photos_by_the_card_names_the_split(tmp_path):
    evaluation = evaluate(predictor(voc_checkpoint()), write_voc(tmp_path), tta=False)
    assert evaluation.scored_on == "the 2 photos of VOC 2012's val list (1.7% void)"
    assert evaluation.void == 1 / 60  # a column of each photo


def test_whoever_wants_to_keep_the_cases_is_told_each(tmp_path):
    cases: list[Case] = []
    evaluate(predictor(voc_checkpoint()), write_voc(tmp_path), tta=False, keep=cases.append)
    assert [case.name for case in cases] == ["2007_000004", "2007_000005"]
    assert cases[0].picture.shape == (40, 60, 3) and cases[0].truth.shape == (40, 60)
    assert cases[0].probabilities.shape == (21, 40, 60) and cases[0].labels.shape == (40, 60)


def test_frames_and_scenes_are_told_too(binary, shapes):
    cases: list[Case] = []
    evaluate_frames(predictor(binary), frames(), tta=False, keep=cases.append)
    evaluate_scenes(predictor(shapes), SCENES, 2, keep=cases.append)
    names = ["frame-21", "frame-22", "scene-1-001", "scene-2-001"]
    assert [case.name for case in cases] == names

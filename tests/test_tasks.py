"""What a network's outputs mean, and what teaches it."""

import json
import math

import numpy as np
import pytest
import torch

from unet_demo.tasks import (
    ISBI,
    LOSSES,
    SHAPES,
    VOC,
    VOC_COLOUR,
    VOID,
    VOID_COLOUR,
    BinaryTask,
    MulticlassTask,
    Task,
    task_from_dict,
    task_to_dict,
    voc_palette,
)

OUTPUTS = {ISBI: 1, SHAPES: 3, VOC: 22, VOC_COLOUR: 3}
"""Channels of the logits that the articles' networks give for each task."""

every_task = pytest.mark.parametrize("task", OUTPUTS, ids=lambda task: task.kind)
every_loss = pytest.mark.parametrize("loss", LOSSES)


def logits_for(task: Task, *size: int) -> torch.Tensor:
    torch.manual_seed(0)
    return 3 * torch.randn(2, OUTPUTS[task], *size)


def targets_for(task: Task, *size: int) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randint(len(task.classes), (2, *size), dtype=torch.uint8)


def perfect_logits(task: Task, targets: torch.Tensor) -> torch.Tensor:
    """Logits that say the targets with near certainty."""
    if task.kind == "colour":
        colours = torch.tensor(task.palette)[targets.long()].permute(0, 3, 1, 2) / 255
        return colours.logit(eps=1e-6)
    if task.kind == "binary":
        certain = targets.unsqueeze(1)
    else:
        certain = torch.nn.functional.one_hot(targets.long(), OUTPUTS[task]).permute(0, 3, 1, 2)
    return 40 * (certain.float() - 0.5)


@pytest.mark.parametrize(
    ("label", "colour"),
    [
        (0, (0, 0, 0)),
        (1, (128, 0, 0)),
        (2, (0, 128, 0)),
        (3, (128, 128, 0)),
        (8, (64, 0, 0)),
        (15, (192, 128, 128)),
        (16, (0, 64, 0)),
        (20, (0, 64, 128)),
        (VOID, VOID_COLOUR),
    ],
)
def test_the_voc_palette_is_the_published_one(label, colour):
    assert voc_palette(256)[label] == colour


def test_voc_has_21_classes_of_21_colours():
    assert len(VOC.classes) == len(VOC.palette) == len(set(VOC.palette)) == 21


@every_task
def test_a_task_survives_the_way_through_json(task):
    assert task_from_dict(json.loads(json.dumps(task_to_dict(task)))) == task


@pytest.mark.parametrize(
    "change",
    [{"kind": "ternary"}, {"kind": None}, {"classes": None}, {"palette": [1, 2]}, {"palette": []}],
    ids=str,
)
def test_a_broken_description_of_a_task_is_refused(change):
    with pytest.raises(ValueError):
        task_from_dict(task_to_dict(SHAPES) | change)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": ["binary"]},
        {"kind": "binary"},
        {"classes": [], "palette": []},
        {"classes": ["x"] * 256, "palette": [[0, 0, 0]] * 256},
        {"classes": ["a", "b", 3]},
        {"palette": [[0, 0, 256]] * 3},
        {"palette": [[0, 0, -1]] * 3},
        {"palette": [[0, 0, 0.5]] * 3},
        {"palette": ["abc"] * 3},
        {"background": 3},
        {"background": -1},
        {"background": "0"},
        {"background": math.inf},
    ],
    ids=lambda change: str(change)[:40],
)
def test_a_value_of_another_type_or_out_of_its_range_is_refused(change):
    with pytest.raises(ValueError):
        task_from_dict(task_to_dict(SHAPES) | change)


def test_255_classes_are_as_many_as_there_can_be():
    task = MulticlassTask(("x",) * 255, ((0, 0, 0),) * 255)
    assert task.outputs == task.maps == 255


@every_task
def test_a_networks_outputs_past_those_of_the_task_are_passed_over(task):
    logits = logits_for(task, 4, 5)
    more = torch.cat([logits[:, : task.outputs], torch.full((2, 2, 4, 5), 100.0)], dim=1)
    probabilities = task.probabilities(more)
    assert torch.allclose(probabilities, task.probabilities(logits), rtol=1e-4)
    assert probabilities.shape[1] == task.maps


def test_as_many_colours_as_classes_are_required():
    with pytest.raises(ValueError, match="2 classes, but 1 colours"):
        BinaryTask(classes=("a", "b"), palette=((0, 0, 0),))


@every_task
def test_probabilities_are_float32_in_0_to_1_and_one_a_class(task):
    probabilities = task.probabilities(logits_for(task, 4, 5).bfloat16())
    assert probabilities.shape == (2, 1 if task.kind == "binary" else len(task.classes), 4, 5)
    assert probabilities.dtype == torch.float32
    assert probabilities.min() >= 0 and probabilities.max() <= 1


@every_task
def test_class_probabilities_sum_to_one(task):
    sums = task.class_probabilities(logits_for(task, 4, 5)).sum(dim=1)
    assert torch.allclose(sums, torch.ones(2, 4, 5))


@every_task
def test_certain_logits_give_back_their_labels(task):
    targets = targets_for(task, 6, 7)
    labels = task.labels(task.probabilities(perfect_logits(task, targets)).numpy())
    assert labels.dtype == np.uint8
    assert np.array_equal(labels, targets.numpy())


@every_task
def test_confidence_is_the_probability_of_the_chosen_label(task):
    logits = logits_for(task, 4, 5)
    probabilities = task.probabilities(logits).numpy()
    chosen = torch.from_numpy(task.labels(probabilities)).long().unsqueeze(1)
    expected = task.class_probabilities(logits).gather(1, chosen)[:, 0]
    assert np.allclose(task.confidence(probabilities), expected)


def test_a_binary_threshold_includes_its_own_value():
    probabilities = np.array([[[[0.29, 0.3, 0.31]]]], np.float32)
    threshold = float(np.float32(0.3))
    assert ISBI.labels(probabilities, threshold).tolist() == [[[0, 1, 1]]]


def test_an_output_for_void_is_never_predicted():
    logits = torch.zeros(1, 22, 2, 2)
    logits[:, 21] = 100
    assert VOC.labels(VOC.probabilities(logits).numpy()).max() < 21


def test_the_colour_task_gives_back_the_nearest_palette_colour():
    torch.manual_seed(0)
    colours = torch.rand(1, 3, 30, 30)
    palette = torch.tensor(VOC_COLOUR.palette) / 255
    distances = torch.cdist(colours[0].flatten(1).T, palette)
    labels = VOC_COLOUR.labels(VOC_COLOUR.probabilities(colours.logit()).numpy())
    assert np.array_equal(labels.ravel(), distances.argmin(dim=1).numpy())


@every_loss
@every_task
def test_void_pixels_do_not_count_in_the_loss(task, loss):
    targets = targets_for(task, 8, 8)
    targets[:, :3] = VOID
    logits = logits_for(task, 8, 8)
    changed = logits.clone()
    changed[:, :, :3] = 50
    assert task.loss(logits, targets, loss).item() == pytest.approx(
        task.loss(changed, targets, loss).item(), rel=1e-6
    )


@every_loss
@every_task
def test_void_pixels_get_no_gradient(task, loss):
    targets = targets_for(task, 8, 8)
    targets[:, :3] = VOID
    logits = logits_for(task, 8, 8).requires_grad_()
    task.loss(logits, targets, loss).backward()
    assert not logits.grad[:, :, :3].any()
    assert logits.grad[:, :, 3:].any()


@every_loss
@every_task
def test_a_batch_of_nothing_but_void_has_no_loss(task, loss):
    targets = torch.full((2, 8, 8), VOID, dtype=torch.uint8)
    logits = logits_for(task, 8, 8).requires_grad_()
    value = task.loss(logits, targets, loss)
    value.backward()
    assert value.item() == 0
    assert not logits.grad.any()


@every_loss
@every_task
def test_certain_and_right_logits_have_less_loss_than_certain_and_wrong_ones(task, loss):
    targets = targets_for(task, 8, 8)
    right = perfect_logits(task, targets)
    assert task.loss(right, targets, loss) < task.loss(right.flip(-1), targets, loss)


@pytest.mark.parametrize("task", [ISBI, SHAPES, VOC], ids=lambda task: task.kind)
def test_the_loss_of_a_perfect_answer_is_nought(task):
    targets = targets_for(task, 8, 8)
    assert task.loss(perfect_logits(task, targets), targets).item() == pytest.approx(0, abs=1e-5)


def test_the_cross_entropy_with_certain_probabilities_is_that_with_labels():
    logits, labels = logits_for(SHAPES, 6, 6), targets_for(SHAPES, 6, 6)
    labels[:, 0] = VOID
    certain = torch.zeros(2, 3, 6, 6)
    certain.scatter_(1, labels.long().clamp(max=2)[:, None], 1.0)
    soft = SHAPES.soft_cross_entropy(logits, certain, labels)
    assert soft == pytest.approx(float(SHAPES.loss(logits, labels, "cross-entropy")), rel=1e-4)


@every_task
def test_the_cross_entropy_with_probabilities_is_least_for_the_logits_that_give_them(task):
    logits, labels = logits_for(task, 6, 6), targets_for(task, 6, 6)
    given = task.class_probabilities(logits)
    own, others = (
        task.soft_cross_entropy(some, given, labels) for some in (logits, logits.flip(0))
    )
    assert own < others


@pytest.mark.parametrize(("task", "classes"), [(ISBI, 2), (SHAPES, 3), (VOC, 21)])
def test_cross_entropy_of_even_logits_is_the_logarithm_of_the_number_of_classes(task, classes):
    even = torch.zeros(2, OUTPUTS[task], 8, 8)
    loss = task.loss(even, targets_for(task, 8, 8), "cross-entropy")
    assert loss.item() == pytest.approx(math.log(classes), rel=1e-5)


def test_soft_dice_is_that_of_hard_masks_where_the_network_is_certain():
    targets = torch.zeros(1, 10, 10, dtype=torch.uint8)
    targets[:, :5] = 1
    predicted = torch.zeros_like(targets)
    predicted[:, 2:7] = 1
    loss = ISBI.loss(perfect_logits(ISBI, predicted), targets, "dice")
    # 30 of 50 pixels overlap in either class; 1 is added above and below the line.
    assert loss.item() == pytest.approx(1 - (2 * 30 + 1) / (50 + 50 + 1), abs=1e-4)


def test_dice_leaves_out_the_classes_that_do_not_occur():
    targets = torch.ones(1, 8, 8, dtype=torch.uint8)
    assert SHAPES.loss(perfect_logits(SHAPES, targets), targets, "dice").item() == pytest.approx(
        0, abs=1e-5
    )


@every_task
def test_both_is_the_sum_of_cross_entropy_and_dice(task):
    logits, targets = logits_for(task, 8, 8), targets_for(task, 8, 8)
    parts = task.loss(logits, targets, "cross-entropy") + task.loss(logits, targets, "dice")
    assert task.loss(logits, targets, "both").item() == pytest.approx(parts.item())


@every_loss
@every_task
def test_weights_of_one_change_no_loss(task, loss):
    logits, targets = logits_for(task, 8, 8), targets_for(task, 8, 8)
    targets[:, :2] = VOID
    weighted = task.loss(logits, targets, loss, torch.ones(2, 8, 8))
    assert weighted.item() == pytest.approx(task.loss(logits, targets, loss).item(), rel=1e-6)


@every_task
def test_a_pixel_of_weight_0_counts_as_little_as_a_void_one(task):
    logits, targets = logits_for(task, 8, 8), targets_for(task, 8, 8)
    weights = torch.ones(2, 8, 8)
    weights[:, :3] = 0
    void = targets.clone()
    void[:, :3] = VOID
    assert task.loss(logits, targets, "cross-entropy", weights).item() == pytest.approx(
        task.loss(logits, void, "cross-entropy").item(), rel=1e-6
    )


@every_task
def test_a_pixel_of_weight_3_counts_as_much_as_three(task):
    logits, targets = logits_for(task, 1, 4), targets_for(task, 1, 4)
    weights = torch.tensor([1.0, 3, 1, 1]).expand(2, 1, 4)
    thrice = torch.tensor([0, 1, 1, 1, 2, 3])
    assert task.loss(logits, targets, "cross-entropy", weights).item() == pytest.approx(
        task.loss(logits[..., thrice], targets[..., thrice], "cross-entropy").item(), rel=1e-6
    )


@every_task
def test_a_void_pixels_weight_says_nothing(task):
    logits, targets = logits_for(task, 8, 8), targets_for(task, 8, 8)
    targets[:, :3] = VOID
    weights = torch.ones(2, 8, 8)
    heavy = weights.clone()
    heavy[:, :3] = 100
    assert torch.equal(
        task.loss(logits, targets, "both", weights), task.loss(logits, targets, "both", heavy)
    )


@every_task
def test_dice_weighs_all_pixels_alike(task):
    logits, targets = logits_for(task, 8, 8), targets_for(task, 8, 8)
    weighted = task.loss(logits, targets, "dice", torch.rand(2, 8, 8))
    assert torch.equal(weighted, task.loss(logits, targets, "dice"))


@pytest.mark.parametrize("weight", [0, 1e-30, 1e6])
@every_task
def test_weights_of_any_size_give_a_finite_gradient(task, weight):
    logits = logits_for(task, 8, 8).requires_grad_()
    targets = targets_for(task, 8, 8)
    targets[:, 0] = VOID
    loss = task.loss(logits, targets, "cross-entropy", torch.full((2, 8, 8), float(weight)))
    loss.backward()
    assert loss.isfinite() and logits.grad.isfinite().all()
    assert bool(logits.grad.any()) == (weight > 0)


def test_weights_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"weights are \(1, 2, 2\) and the labels \(2, 2, 2\)"):
        SHAPES.loss(
            torch.zeros(2, 3, 2, 2),
            torch.zeros(2, 2, 2, dtype=torch.uint8),
            weights=torch.ones(1, 2, 2),
        )


def test_an_unknown_loss_is_refused_and_the_known_ones_named():
    with pytest.raises(ValueError, match=r"there is no loss 'hinge'.*dice"):
        SHAPES.loss(torch.zeros(1, 3, 2, 2), torch.zeros(1, 2, 2), "hinge")


def test_tasks_of_another_kind_are_not_equal():
    assert MulticlassTask(ISBI.classes, ISBI.palette) != BinaryTask(ISBI.classes, ISBI.palette)

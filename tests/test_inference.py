"""Predictor: any size, whole or in tiles, and what happens when it is stopped or memory runs out."""

import threading
from collections.abc import Collection
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from skimage import data
from tiny import binary_checkpoint, settle, voc_checkpoint
from torch import Tensor

from unet_demo.checkpoints import WEIGHTS, Checkpoint, CheckpointError, load_checkpoint
from unet_demo.data.images import PictureError
from unet_demo.devices import DeviceError
from unet_demo.examples import load_example, offered_examples
from unet_demo.inference import (
    BLEND,
    HALO,
    MAX_RESULT_BYTES,
    TILES,
    Cancelled,
    Prediction,
    Predictor,
    fade,
    fold_batch_norm,
    resize_image,
    scaled_size,
    tile_starts,
)
from unet_demo.networks import create_network
from unet_demo.networks.articles import IsbiUNet
from unet_demo.networks.base import GRID

CAMERA = data.camera()[None, ..., None]

ONE_PASS = (4096,)
SMALL_TILES = (256,)

NETWORKS = {
    "IsbiUNet": ({}, 1e-3),
    "ShapesUNet": ({}, 1e-3),
    "ClassicUNet": ({"bilinear": False}, 1e-3),
    "ResNetUNet": ({}, 1e-3),
    # Its strided and transposed 3×3 convolutions reach further than the halo.
    "StridedUNet": ({}, 2e-3),
    # The articles upsample with aligned corners, which stretches a map by its own size: tiles of a
    # picture can never agree exactly with the whole.
    "VocUNet": ({}, 0.05),
}
"""Options, and how far tiles may be from the whole picture in probability."""


def predictor(checkpoint: Checkpoint, tiles: tuple[int, ...] = ONE_PASS) -> Predictor:
    return Predictor(checkpoint, "cpu", torch.float32, tiles)


def difference(a: Prediction, b: Prediction) -> float:
    return float(np.abs(a.probabilities - b.probabilities).max())


# --- any size, any channels ---


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (17, 31), (64, 64), (300, 100)], ids=str)
def test_a_page_of_any_size_gives_probabilities_of_its_size(binary, size):
    prediction = predictor(binary).predict(np.full((2, *size, 1), 7, np.uint8))
    assert prediction.probabilities.shape == (2, 1, *size)
    assert prediction.probabilities.dtype == np.float32
    assert ((prediction.probabilities > 0) & (prediction.probabilities < 1)).all()


def test_a_gray_page_serves_a_network_for_colours(shapes):
    gray = predictor(shapes).predict(CAMERA[:, :40, :40])
    colour = predictor(shapes).predict(np.repeat(CAMERA[:, :40, :40], 3, axis=-1))
    assert gray.probabilities.shape == (1, 3, 40, 40)
    assert difference(gray, colour) == 0


def test_a_page_in_colours_serves_a_network_for_gray(binary):
    page = data.astronaut()[None, :40, :50]
    assert predictor(binary).predict(page).probabilities.shape == (1, 1, 40, 50)


def test_the_slices_of_a_stack_do_not_depend_on_each_other(binary):
    stack = np.concatenate([CAMERA[:, :60, :60], CAMERA[:, 200:260, 200:260]])
    together = predictor(binary).predict(stack)
    alone = predictor(binary).predict(stack[1:])
    assert np.array_equal(together.slice(1).probabilities, alone.probabilities)


def test_the_page_is_normalised_as_the_card_says(binary):
    darker = replace(binary, card=replace(binary.card, mean=(0.2,), std=(0.1,)))
    page = CAMERA[:, :32, :32]
    assert difference(predictor(binary).predict(page), predictor(darker).predict(page)) > 0.01


@pytest.mark.parametrize("margin", [0, 32])
def test_the_margin_of_the_card_is_mirrored_picture(shapes, margin):
    with_margin = replace(shapes, card=replace(shapes.card, margin=margin))
    page = CAMERA[:, :64, :96]
    around = ((0, 0), (margin, margin), (margin, margin), (0, 0))
    padded = predictor(shapes).predict(np.pad(page, around, mode="reflect")).probabilities
    inside = padded[:, :, margin : margin + 64, margin : margin + 96]
    assert np.abs(predictor(with_margin).predict(page).probabilities - inside).max() < 1e-5


def test_labels_take_the_checkpoints_threshold_unless_another_is_given(binary):
    prediction = predictor(binary).predict(CAMERA[:, :64, :64])
    probabilities = prediction.probabilities[:, 0]
    assert np.array_equal(prediction.labels(), probabilities >= binary.card.threshold)
    assert np.array_equal(prediction.labels(0.6), probabilities >= 0.6)
    assert prediction.labels().dtype == np.uint8


def test_confidence_is_the_probability_of_the_label(shapes):
    prediction = predictor(shapes).predict(CAMERA[:, :64, :64])
    assert np.array_equal(prediction.confidence(), prediction.probabilities.max(axis=1))


def test_a_prediction_names_its_device_and_its_time(binary):
    prediction = predictor(binary).predict(CAMERA[:, :32, :32])
    assert prediction.device == "cpu" and prediction.seconds > 0 and prediction.notes == ()


def test_a_device_that_is_not_there_is_refused(binary):
    for name in ("cuda:99", "toaster"):
        with pytest.raises(DeviceError, match=name):
            Predictor(binary, name)


# --- tiles ---


@pytest.mark.parametrize("network", NETWORKS)
def test_tiles_give_what_the_whole_picture_gives(network):
    options, tolerance = NETWORKS[network]
    checkpoint = binary_checkpoint(network, **options)
    page = CAMERA[:, :330, :290]
    whole = predictor(checkpoint, ONE_PASS).predict(page)
    tiled = predictor(checkpoint, SMALL_TILES).predict(page)
    assert whole.probabilities.std() > 0.01
    assert 0 < difference(whole, tiled) < tolerance


@pytest.mark.parametrize("tile", TILES)
@pytest.mark.parametrize("length", [96, 256, 272, 496, 784, 2000], ids=str)
def test_tiles_lie_on_the_grid_and_cover_the_length_with_their_halos(length, tile):
    starts = tile_starts(length, tile)
    side = min(tile, length)
    assert starts[0] == 0 and starts[-1] + side == length
    assert all(start % GRID == 0 for start in starts)
    assert all(b - a <= tile - 2 * HALO for a, b in pairwise(starts))


@pytest.mark.parametrize("length", [256, 272, 496, 784], ids=str)
def test_every_pixel_is_decided_by_some_tile(length):
    weights = np.zeros(length)
    for start in tile_starts(length, 256):
        weights[start : start + 256] += fade(256, start > 0, start + 256 < length)
    assert weights.min() >= 1


def test_a_tile_has_no_say_within_the_networks_reach_of_a_neighbours_border():
    weights = fade(256, True, False)
    reach = HALO - BLEND // 2
    assert not weights[:reach].any() and weights[reach] > 0
    assert (weights[HALO + BLEND // 2 :] == 1).all()


# --- faster, and the same ---


@pytest.mark.parametrize("network", [*NETWORKS, "ClassicUNet-bilinear"])
def test_folding_batch_norm_changes_nothing(network):
    name, _, bilinear = network.partition("-")
    plain = binary_checkpoint(
        name, **({"bilinear": bool(bilinear)} if name == "ClassicUNet" else {})
    )
    folded = fold_batch_norm(plain.network)
    picture = torch.randn(1, 1, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(folded(picture), plain.network(picture), atol=1e-4)
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in folded.modules())


def test_folding_leaves_the_checkpoints_network_alone(binary):
    before = {name: value.clone() for name, value in binary.network.state_dict().items()}
    fold_batch_norm(binary.network)
    after = binary.network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_network_without_batch_norm_is_folded_too():
    checkpoint = binary_checkpoint(batch_norm=False)
    page = CAMERA[:, :32, :32]
    assert predictor(checkpoint).predict(page).probabilities.shape == (1, 1, 32, 32)


def test_bfloat16_is_close_to_float32(binary):
    page = CAMERA[:, :128, :128]
    coarse = Predictor(binary, "cpu", torch.bfloat16).predict(page)
    assert coarse.probabilities.dtype == np.float32
    assert 0 < difference(coarse, predictor(binary).predict(page)) < 0.03


# --- averaging over turns and mirrors ---


@pytest.mark.parametrize(
    "turn",
    [lambda page: page[:, :, ::-1], lambda page: page[:, ::-1], lambda page: page.swapaxes(1, 2)],
    ids=["left-right", "upside-down", "transposed"],
)
def test_averaged_a_mirrored_picture_gives_the_mirrored_prediction(binary, turn):
    page = CAMERA[:, 100:164, 100:180]
    straight = predictor(binary).predict(page, tta=True)
    mirrored = predictor(binary).predict(np.ascontiguousarray(turn(page)), tta=True)
    expected = turn(straight.probabilities.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    assert np.abs(mirrored.probabilities - expected).max() < 1e-5


@pytest.mark.parametrize(
    ("size", "scale", "expected"),
    [((300, 400), 1.0, (36, 48)), ((400, 300), 0.5, (24, 18)), ((1, 1000), 1.0, (1, 48))],
    ids=str,
)
def test_a_photos_longest_side_is_brought_to_the_cards(size, scale, expected):
    assert scaled_size(*size, 48, scale) == expected


def test_a_card_without_a_side_leaves_the_size():
    assert scaled_size(17, 31, 0, 1.0) == (17, 31)


@pytest.mark.parametrize("size", [(30, 48), (200, 320), (7, 5), (1, 1)], ids=str)
def test_a_photo_of_any_size_gives_probabilities_of_its_size_that_sum_to_1(size):
    page = np.random.default_rng(0).integers(0, 256, (1, *size, 3), np.uint8)
    probabilities = predictor(voc_checkpoint()).predict(page).probabilities
    assert probabilities.shape == (1, 21, *size)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-4)


def test_a_large_photo_gives_what_its_reduction_gives():
    one = predictor(voc_checkpoint())
    photo = data.astronaut()
    small = resize_image(photo, (48, 48))
    large = one.predict(photo[None]).probabilities[0].transpose(1, 2, 0)
    expected = one.predict(small[None]).probabilities[0].transpose(1, 2, 0)
    reduced = np.stack(
        [resize_image((255 * large[..., k : k + 1]).astype(np.uint8), (48, 48)) for k in range(21)]
    )
    assert np.abs(reduced[..., 0] / 255 - expected.transpose(2, 0, 1)).mean() < 0.01


def test_averaging_goes_over_the_cards_scales_and_its_symmetry_alone():
    """A photo turned upside down is no photo, so only its mirror image counts."""
    passes: list[int] = []
    one = predictor(voc_checkpoint(scales=(0.5, 1.0, 1.5)))
    one.predict(data.astronaut()[None], tta=True, progress=lambda done, total: passes.append(total))
    assert passes == [6] * 6


def test_one_pass_sees_a_page_at_the_cards_scale():
    page = data.astronaut()[None, :96, :96]
    small = predictor(voc_checkpoint(side=24)).predict(page).probabilities
    half = predictor(voc_checkpoint(side=48, scale=0.5)).predict(page).probabilities
    np.testing.assert_array_equal(half, small)


def test_averaging_over_scales_is_the_mean_of_the_predictions_at_each():
    page = data.astronaut()[None, :96, :96]
    single = [predictor(voc_checkpoint(side=side)).predict(page, tta=True) for side in (24, 48)]
    both = predictor(voc_checkpoint(side=48, scales=(0.5, 1.0))).predict(page, tta=True)
    mean = (single[0].probabilities + single[1].probabilities) / 2
    np.testing.assert_allclose(both.probabilities, mean, atol=1e-6)


def test_averaging_is_the_mean_of_the_eight_views(binary):
    page = CAMERA[0, 100:164, 100:164, 0]
    views = []
    for mirrored in (False, True):
        for turns in range(4):
            view = np.rot90(page[:, ::-1] if mirrored else page, turns)
            one = predictor(binary).predict(np.ascontiguousarray(view)[None, ..., None])
            back = np.rot90(one.probabilities[0, 0], -turns)
            views.append(back[:, ::-1] if mirrored else back)
    averaged = predictor(binary).predict(page[None, ..., None], tta=True)
    assert np.abs(averaged.probabilities[0, 0] - np.mean(views, axis=0)).max() < 1e-5


# --- progress and cancelling ---


@pytest.mark.parametrize(
    ("size", "tta", "total"), [((64, 64), False, 2), ((64, 64), True, 16), ((250, 100), False, 6)]
)
def test_progress_counts_the_passes_of_all_slices_tiles_and_views(binary, size, tta, total):
    told: list[tuple[int, int]] = []
    pages = np.zeros((2, *size, 1), np.uint8)
    predictor(binary, SMALL_TILES).predict(
        pages, tta=tta, progress=lambda done, of: told.append((done, of))
    )
    assert told == [(done, total) for done in range(1, total + 1)]


def test_a_cancelled_prediction_ends_after_the_pass_under_way(binary):
    cancelled = threading.Event()
    told = []

    def progress(done: int, total: int) -> None:
        told.append(done)
        if done == 3:
            cancelled.set()

    with pytest.raises(Cancelled):
        predictor(binary).predict(
            np.zeros((9, 32, 32, 1), np.uint8), progress=progress, cancelled=cancelled
        )
    assert told == [1, 2, 3]


# --- out of memory ---


class HungryUNet(IsbiUNet):
    """Takes more memory than there is for a picture over 300 px; in float64 for any picture."""

    def forward(self, x: Tensor, dropped_skips: Collection[int] = ()) -> Tensor:
        if max(x.shape[-2:]) > 300 or x.dtype == torch.float64:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return super().forward(x, dropped_skips)


@pytest.fixture
def hungry(binary) -> Checkpoint:
    return Checkpoint(binary.card, settle(HungryUNet(1, 1, 4)))


def test_out_of_memory_falls_back_to_smaller_tiles_and_says_so(binary, hungry):
    page = CAMERA[:, :330, :290]
    prediction = predictor(hungry, (512, 384, 256)).predict(page)
    assert prediction.notes == (
        "The GPU ran out of memory, so the picture was segmented in 256-px tiles.",
    )
    assert difference(prediction, predictor(binary, SMALL_TILES).predict(page)) == 0


def test_out_of_memory_even_in_small_tiles_falls_back_to_the_cpu_and_says_so(hungry):
    # float64 stands for the GPU: the fall-back to the CPU chooses the CPU's own precision.
    prediction = Predictor(hungry, "cpu", torch.float64).predict(CAMERA[:, :100, :100])
    assert prediction.notes == (
        "The GPU ran out of memory even for small tiles, so the CPU did the work.",
    )
    assert np.isfinite(prediction.probabilities).all()


def test_a_picture_that_fits_nowhere_is_refused_in_a_sentence(hungry):
    with pytest.raises(
        MemoryError, match=r"too large for this machine's memory; make it smaller\."
    ):
        predictor(hungry, ONE_PASS).predict(CAMERA[:, :330, :290])


class ExcessiveUNet(IsbiUNet):
    """Asks the CPU for a pebibyte, which torch refuses with a bare RuntimeError."""

    def forward(self, x: Tensor, dropped_skips: Collection[int] = ()) -> Tensor:
        return torch.empty(2**50, dtype=torch.uint8)


def test_a_picture_that_does_not_fit_on_the_cpu_is_refused_in_a_sentence(binary):
    with pytest.raises(MemoryError, match=r"too large for this machine's memory"):
        Predictor(Checkpoint(binary.card, ExcessiveUNet(1, 1, 4)), "cpu").predict(CAMERA)


def test_a_stack_whose_result_would_not_fit_is_refused_before_it_begins(shapes):
    pages = np.broadcast_to(np.uint8(0), (300, 1000, 1000, 1))
    told: list[int] = []
    with pytest.raises(PictureError, match=r"take 3\.4 GiB of memory, .* fewer or smaller pages\."):
        predictor(shapes).predict(pages, progress=lambda done, total: told.append(done))
    assert told == []


def test_the_largest_result_that_is_allowed_is_not_refused(binary):
    pages = MAX_RESULT_BYTES // (4 * 1000 * 1000)
    predictor(binary).check_size(np.broadcast_to(np.uint8(0), (pages, 1000, 1000, 1)))


def test_a_thin_picture_is_refused_whose_margins_would_not_fit(binary):
    page = np.broadcast_to(np.uint8(0), (1, 1, 40_000_000, 1))
    with pytest.raises(PictureError, match=r"take 47\.7 GiB of memory"):
        predictor(binary).predict(page)


def test_a_page_that_its_network_sees_enlarged_is_refused_where_that_would_not_fit(binary):
    card = replace(binary.card, scales=(1.0, 10.0))
    page = np.broadcast_to(np.uint8(0), (1, 4000, 4000, 1))
    enlarging = predictor(Checkpoint(card, binary.network))
    enlarging.check_size(page)
    with pytest.raises(PictureError, match=r"take 23\.9 GiB of memory"):
        enlarging.predict(page, tta=True)


def begins(asked: Predictor, shape: tuple[int, ...], tta: bool) -> bool:
    """Whether a prediction of black pages is not refused for the time it would take."""
    called_off = threading.Event()
    called_off.set()
    try:
        asked.predict(np.zeros(shape, np.uint8), tta=tta, cancelled=called_off)
    except PictureError as error:
        assert "minutes of this shared machine, more than the 2 that it may" in str(error)
        return False
    except Cancelled:
        return True
    raise AssertionError("it was not cancelled")


def test_on_a_space_a_prediction_that_would_take_minutes_is_refused(monkeypatch):
    isbi = Predictor(load_checkpoint(WEIGHTS / "isbi.safetensors"), "cpu")
    large = (1, 2000, 2000, 1)
    assert begins(isbi, large, tta=True)
    monkeypatch.setenv("SPACE_ID", "someone/unet_demo")
    assert not begins(isbi, large, tta=True)
    assert begins(isbi, large, tta=False)
    assert begins(isbi, (1, 512, 512, 1), tta=True)


def test_on_a_space_every_example_may_be_segmented_and_averaged(monkeypatch):
    monkeypatch.setenv("SPACE_ID", "someone/unet_demo")
    for example in offered_examples():
        asked = Predictor(load_checkpoint(WEIGHTS / f"{example.checkpoint}.safetensors"), "cpu")
        assert begins(asked, load_example(example.name).picture.slices.shape, tta=True)


def test_on_a_space_many_pages_take_their_time_however_small_they_are(binary, monkeypatch):
    small = predictor(binary)
    monkeypatch.setenv("SPACE_ID", "someone/unet_demo")
    assert begins(small, (100, 8, 8, 1), tta=True)
    assert not begins(small, (2000, 8, 8, 1), tta=True)


def test_a_predictor_may_be_shared_by_threads(binary):
    shared = predictor(binary)
    pages = [CAMERA[:, i : i + 64, i : i + 64] for i in range(0, 160, 20)]
    expected = [shared.predict(page) for page in pages]
    found: dict[int, Prediction] = {}
    threads = [
        threading.Thread(target=lambda i=i, page=page: found.update({i: shared.predict(page)}))
        for i, page in enumerate(pages)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(difference(found[i], one) == 0 for i, one in enumerate(expected))


def test_an_unsettled_network_is_predicted_with_in_evaluation_mode(binary):
    training = Checkpoint(binary.card, create_network("IsbiUNet", width=4).train())
    page = CAMERA[:, :32, :32]
    assert difference(predictor(training).predict(page), predictor(training).predict(page)) == 0


@pytest.mark.parametrize("share", ["all", "some"])
def test_a_network_that_gives_nan_is_told_rather_than_shown_as_a_mask(share):
    checkpoint = binary_checkpoint()
    with torch.no_grad():
        for weights in checkpoint.network.parameters():
            weights.mul_(1e30 if share == "all" else 1)
    ready = predictor(checkpoint)
    if share == "some":
        gives = ready._ready.network.forward

        def forward(pictures: Tensor, *given: object) -> Tensor:
            logits = gives(pictures, *given)
            logits[..., 40:43, 40:43] = torch.nan
            return logits

        ready._ready.network.forward = forward
    with pytest.raises(CheckpointError, match="gives no numbers"):
        ready.predict(CAMERA[:, :64, :64])

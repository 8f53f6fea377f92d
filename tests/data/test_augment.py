"""Random geometry and light: picture and mask move together."""

import numpy as np
import pytest
import torch

from unet_demo.data.augment import (
    EFFECTS,
    MEAN_COLOUR,
    TURNS,
    ArticleAugmentation,
    Flips,
    Light,
    PhotoAugment,
    Warp,
    article_augment,
    augment_photo,
    elastic_displacement,
    motion_blur,
    optical_distortion,
    recolour,
    relight,
    sample,
    warp_grid,
    warp_pair,
)
from unet_demo.tasks import VOID

STILL = Warp(64, rotation=0, scale=(1, 1), mirror=False, elastic=0)


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def blobs(count: int = 4, side: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    """Smooth pictures (N, 1, H, W) in 0..1 and the labels (N, H, W) of what is bright in them."""
    coarse = torch.rand(count, 1, 5, 5, generator=dice(9))
    images = torch.nn.functional.interpolate(
        coarse, size=(side, side), mode="bicubic", align_corners=True
    ).clamp(0, 1)
    return images, (images[:, 0] > 0.5).to(torch.uint8)


def test_a_warp_that_does_nothing_gives_back_picture_and_mask():
    images, labels = blobs()
    moved, ids = warp_pair(images, labels, STILL, dice())
    assert torch.allclose(moved, images, atol=1e-4)
    assert torch.equal(ids, labels)


@pytest.mark.parametrize(
    "warp",
    [
        Warp(48, rotation=180, scale=(1, 1), mirror=False, elastic=0),
        Warp(48, rotation=0, scale=(0.5, 2), mirror=False, elastic=0),
        Warp(48, rotation=0, scale=(1, 1), mirror=True, elastic=0),
        Warp(48, rotation=0, scale=(1, 1), mirror=False, elastic=5),
        Warp(48),
    ],
    ids=["rotation", "scale", "mirror", "elastic", "all"],
)
def test_the_mask_goes_where_the_picture_goes(warp):
    images, labels = blobs(16)
    moved, ids = warp_pair(images, labels, warp, dice())
    assert moved.shape == (16, 1, 48, 48) and ids.shape == (16, 48, 48)
    agree = ((moved[:, 0] > 0.5) == ids.bool()).float().mean()
    assert agree > 0.98
    assert not torch.equal(moved[..., :48, :48], images[..., :48, :48])


def test_a_warped_mask_holds_no_label_that_was_not_there():
    labels = torch.tensor([0, 7, 255], dtype=torch.uint8)[
        torch.randint(3, (4, 64, 64), generator=dice())
    ]
    _, ids = warp_pair(torch.rand(4, 1, 64, 64), labels, Warp(64), dice())
    assert ids.dtype == torch.uint8
    assert set(ids.unique().tolist()) == {0, 7, 255}


def test_a_mirroring_warp_mirrors_about_half_of_the_pictures():
    ramp = torch.linspace(0, 1, 64).expand(200, 1, 64, 64)
    warp = Warp(64, rotation=0, scale=(1, 1), mirror=True, elastic=0)
    moved, _ = warp_pair(ramp, ramp[:, 0].to(torch.uint8), warp, dice())
    mirrored = (moved[:, 0, 0, 0] > moved[:, 0, 0, -1]).float().mean()
    assert 0.4 < mirrored < 0.6


@pytest.mark.parametrize("draw", ["warp", "light"])
def test_the_same_generator_draws_the_same_and_another_another(draw):
    images, labels = blobs()

    def drawn(seed: int) -> torch.Tensor:
        if draw == "warp":
            return warp_pair(images, labels, Warp(48), dice(seed))[0]
        return relight(images, Light(), dice(seed))

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


def test_crops_lie_within_the_picture():
    warp = Warp(32, rotation=0, scale=(1, 1), mirror=False, elastic=0)
    grid = warp_grid(100, 80, 50, warp, dice())
    assert grid.shape == (100, 32, 32, 2)
    assert grid.min() >= 0
    assert grid[..., 0].max() <= 49 and grid[..., 1].max() <= 79
    assert grid[:, 0, 0, 1].std() > 5


def test_beyond_the_border_the_picture_is_mirrored():
    picture = torch.arange(5.0).view(1, 1, 1, 5).expand(1, 1, 5, 5)
    columns = torch.arange(-2.0, 7.0)
    positions = torch.stack([columns, torch.full((9,), 2.0)], -1).view(1, 1, 9, 2)
    values = sample(picture, positions, mode="nearest")
    assert values.flatten().tolist() == [2, 1, 0, 1, 2, 3, 4, 3, 2]


def test_elastic_displacements_are_as_large_as_their_sigma_and_smooth():
    moves = elastic_displacement(300, 65, 65, 10.0, dice())
    assert moves.shape == (300, 2, 65, 65)
    # The corners and the middle are the coarse grid's own normal numbers.
    assert moves[..., ::32, ::32].std().item() == pytest.approx(10, rel=0.05)
    assert moves.diff(dim=-1).abs().max() < 4


@pytest.mark.parametrize("light", [Light(), Light(contrast=1, brightness=1, gamma=2, noise=1)])
def test_relit_pictures_stay_within_0_and_1(light):
    lit = relight(blobs()[0], light, dice())
    assert lit.min() >= 0 and lit.max() <= 1


def test_each_picture_of_a_batch_gets_its_own_light():
    lit = relight(torch.full((8, 1, 4, 4), 0.5), Light(noise=0), dice())
    assert len(set(lit.mean(dim=(1, 2, 3)).tolist())) == 8


def test_no_light_at_all_changes_nothing():
    images, _ = blobs()
    assert torch.allclose(relight(images, Light(0, 0, 0, 0), dice()), images, atol=1e-6)


STRONG = ArticleAugmentation(
    96, elastic=4, blur=5, distortion=0.3, noise=0.05, contrast=0.2, probability=1
)

PLAIN = dict(brightness=0, contrast=0, saturation=0, grayscale=0)
"""A photo's colours stay as they are."""

CHANGES = EFFECTS | TURNS

every_change = pytest.mark.parametrize("change", CHANGES)


def map_of_ids(count: int, height: int, width: int) -> torch.Tensor:
    """Regions of the ids 0, 1 and 2, uint8 (N, H, W), as different in every corner."""
    coarse = torch.rand(count, 1, 4, 5, generator=dice(8))
    smooth = torch.nn.functional.interpolate(
        coarse, size=(height, width), mode="bicubic", align_corners=True
    )
    return (3 * smooth[:, 0]).clamp(0, 2).to(torch.uint8)


def assert_shows(pictures: torch.Tensor, ids: torch.Tensor, border: int = 2) -> None:
    """The pictures (N, H, W), whose values are ids, show what the mask says, away from borders."""
    window = 2 * border + 1
    around = ids.float().unfold(1, window, 1).unfold(2, window, 1).flatten(3)
    # Next to the edge of the picture a border may lie just out of sight: not looked at either.
    pictures, ids = (each[:, border:-border, border:-border] for each in (pictures, ids))
    inside = (around.amax(-1) == around.amin(-1)) & (ids != VOID)
    assert inside.sum() > 0.1 * (ids != VOID).sum()
    assert torch.equal(pictures.round()[inside], ids.float()[inside])


@every_change
def test_a_change_of_article_2_moves_picture_and_mask_alike(change):
    labels = map_of_ids(6, 96, 96)
    images = labels.unsqueeze(1) / 2
    for seed in range(5):
        changed, ids = CHANGES[change](images, labels, STRONG, dice(seed))
        assert changed.shape == images.shape and changed.min() >= 0 and changed.max() <= 1
        assert not torch.equal(changed, images)
        assert_shows(2 * changed[:, 0], ids, border=4)


@every_change
def test_a_change_of_article_2_invents_no_id(change):
    labels = torch.tensor([0, 7, VOID], dtype=torch.uint8)[
        torch.randint(3, (4, 64, 64), generator=dice())
    ]
    _, ids = CHANGES[change](torch.rand(4, 1, 64, 64), labels, STRONG, dice())
    assert ids.dtype == torch.uint8
    assert set(ids.unique().tolist()) == {0, 7, VOID}


@pytest.mark.parametrize("effect", ["motion blur", "Gaussian noise", "contrast"])
def test_blur_noise_and_contrast_leave_the_mask_alone(effect):
    images, labels = blobs()
    assert torch.equal(EFFECTS[effect](images, labels, STRONG, dice())[1], labels)


def test_a_lens_moves_points_by_the_cube_of_their_distance_from_the_middle():
    columns = torch.linspace(0, 1, 65).expand(1, 1, 65, 65)
    # This seed's lens draws the corners inwards, where there is something to read.
    read_at, _ = optical_distortion(columns, columns[:, 0], STRONG, dice(3))
    middle, halfway, corner = (read_at - columns)[0, 0].diagonal()[[32, 48, 64]].tolist()
    assert middle == pytest.approx(0, abs=1e-5)
    assert -0.15 <= corner < -0.1
    assert halfway == pytest.approx(corner / 8, rel=0.1)  # bicubic bends a ramp a little


def test_a_moving_dot_becomes_a_line_around_it():
    dot = torch.zeros(1, 1, 33, 33)
    dot[..., 16, 16] = 1
    still = torch.arange(33.0)
    lengths = []
    for seed in range(20):
        line = motion_blur(dot, dot[:, 0], STRONG, dice(seed))[0][0, 0]
        assert line.sum().item() == pytest.approx(1, abs=1e-4)
        for axis in (0, 1):
            assert (line.sum(axis) * still).sum().item() == pytest.approx(16, abs=1e-3)
        y, x = line.nonzero().float().T
        lengths.append((x.max() - x.min()).hypot(y.max() - y.min()).item())
    assert max(lengths) > 4 and min(lengths) < 3


def test_an_augmentation_of_no_strength_only_turns():
    images, labels = blobs(40)
    weak = ArticleAugmentation(
        64, elastic=0, blur=0, distortion=0, noise=0, contrast=0, probability=1
    )
    changed, ids = article_augment(images, labels, weak, dice())
    unturned = [images.flip(-1), images.flip(-2), *(images.rot90(k, (-2, -1)) for k in (1, 2, 3))]
    fits = torch.stack([(changed - one).abs().amax((1, 2, 3)) < 1e-3 for one in unturned])
    # Each picture is turned in one way, and every way is some picture's.
    assert (fits.sum(0) == 1).all()
    assert fits.any(1).all()
    assert torch.equal((changed[:, 0] > 0.5).to(torch.uint8), ids)


def test_each_picture_gets_its_own_effect():
    flat = torch.full((40, 1, 32, 32), 0.25)
    flat[..., 16:] = 0.75
    only_noise = ArticleAugmentation(32, elastic=0, blur=0, distortion=0, contrast=0, probability=1)
    noisy = article_augment(flat, flat[:, 0], only_noise, dice())[0]
    # Of four effects, drawn alike, only one has any strength.
    share = ((noisy - 0.5).abs() - 0.25).abs().amax((1, 2, 3)).gt(1e-3).float().mean()
    assert 0.1 < share < 0.45


@pytest.mark.parametrize("size", [(96, 96), (120, 150), (70, 200)])
def test_the_augmentation_of_article_2_gives_square_crops_of_picture_and_mask(size):
    labels = map_of_ids(8, *size)
    changed, ids = article_augment(labels.unsqueeze(1) / 2, labels, STRONG, dice())
    assert changed.shape == (8, 1, 96, 96) and ids.shape == (8, 96, 96)
    assert set(ids.unique().tolist()) <= {0, 1, 2}
    assert_shows(2 * changed[:, 0], ids, border=4)


def test_article_0_flips_picture_and_label_together_and_both_ways():
    labels = map_of_ids(40, 32, 32)[:1].repeat(40, 1, 1)
    images, ids = article_augment(labels.unsqueeze(1) / 2, labels, Flips(), dice())
    assert torch.equal((2 * images[:, 0]).round().to(torch.uint8), ids)
    one = labels[0]
    ways = [one, one.flip(-1), one.flip(-2), one.flip(-1, -2)]
    shares = [sum(torch.equal(each, way) for each in ids) / 40 for way in ways]
    assert sum(shares) == 1 and min(shares) > 0.1


def test_article_2_changes_half_of_the_pictures_in_each_of_three_ways():
    images, labels = blobs(64)
    still = ArticleAugmentation(64, elastic=0, blur=0, distortion=0, noise=0, contrast=0)
    changed, _ = article_augment(images, labels, still, dice())
    unturned = ((changed - images).abs().amax((1, 2, 3)) < 1e-3).float().mean()
    assert 0.3 < unturned < 0.7


def photo_of(labels: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3): the mask's own picture, 100 gray levels an id."""
    return np.repeat(100 * labels[..., None], 3, axis=-1)


@pytest.mark.parametrize("scale", [(0.4, 0.4), (1, 1), (2, 2), (0.5, 2)], ids=str)
@pytest.mark.parametrize("size", [(300, 200), (150, 384), (60, 70)], ids=str)
def test_a_photo_and_its_mask_move_together(size, scale):
    labels = map_of_ids(1, *size)[0].numpy()
    rng = dice()
    for _ in range(10):
        augment = PhotoAugment(128, scale=scale, **PLAIN)
        photo, ids = augment_photo(photo_of(labels), labels, augment, rng)
        assert_shows(photo[:1] / 100, ids[None])


@pytest.mark.parametrize("size", [(500, 333), (20, 30), (400, 3), (1, 1)], ids=str)
def test_a_photo_of_any_size_gives_bytes_of_the_crops_size_and_no_new_id(size):
    values = np.random.default_rng(0)
    labels = values.choice(np.array([0, 5, 20], np.uint8), size)
    image = values.integers(256, size=(*size, 3), dtype=np.uint8)
    for seed in range(10):
        photo, ids = augment_photo(image, labels, PhotoAugment(64), dice(seed))
        assert photo.shape == (3, 64, 64) and ids.shape == (64, 64)
        assert photo.dtype == ids.dtype == torch.uint8
        assert set(ids.unique().tolist()) <= {*labels.ravel().tolist(), VOID}


def test_a_photo_as_large_as_its_crop_and_unchanged_stays_what_it_is():
    labels = map_of_ids(1, 64, 64)[0].numpy()
    image = np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype=np.uint8)
    augment = PhotoAugment(64, scale=(1, 1), mirror=False, **PLAIN)
    photo, ids = augment_photo(image, labels, augment, dice())
    assert np.array_equal(photo.permute(1, 2, 0), image)
    assert np.array_equal(ids, labels)


def test_around_a_small_photo_there_is_the_mean_colour_and_void():
    labels = np.ones((100, 200), np.uint8)
    white = np.full((100, 200, 3), 255, np.uint8)
    places = set()
    for seed in range(20):
        augment = PhotoAugment(64, scale=(0.5, 0.5), **PLAIN)
        photo, ids = augment_photo(white, labels, augment, dice(seed))
        shown = ids == 1
        rows, columns = shown.nonzero().T
        places.add((rows.min().item(), columns.min().item()))
        # The longest side is half of the crop's.
        assert rows.unique().numel() == 16 and columns.unique().numel() == 32
        assert shown.sum() == 16 * 32 and (ids[~shown] == VOID).all()
        assert (photo[:, shown] == 255).all()
        assert (photo[:, ~shown] == torch.tensor(MEAN_COLOUR).view(3, 1)).all()
    assert len(places) > 15


def test_a_large_photo_is_cut_anywhere_and_fills_its_crop():
    ramp = np.linspace(0, 255, 200).astype(np.uint8)
    image = np.stack(np.broadcast_arrays(ramp, ramp[:, None], np.uint8(0)), -1)
    augment = PhotoAugment(64, scale=(2, 2), mirror=False, **PLAIN)
    corners = []
    for seed in range(60):
        photo, ids = augment_photo(image, np.zeros((200, 200), np.uint8), augment, dice(seed))
        assert not ids.any()
        corners.append(photo[:2, 0, 0].float())
    least, most = torch.stack(corners).aminmax(dim=0)
    # Half of the photo is seen, so its first pixel lies in the first half.
    assert (least < 10).all() and (most > 115).all() and (most < 132).all()


def test_a_crop_laid_over_an_object_shows_it_however_small_each_class_as_often():
    labels = np.zeros((300, 500), np.uint8)
    labels[100:102, 200:202], labels[290:, 400:] = 5, 7
    unreduced = 500 / 64
    augment = PhotoAugment(64, scale=(unreduced, unreduced), on_object=1, **PLAIN)
    shown = [
        set(augment_photo(photo_of(labels), labels, augment, dice(n))[1].unique().tolist())
        for n in range(200)
    ]
    assert all(ids & {5, 7} for ids in shown)
    assert 0.4 < sum(5 in ids for ids in shown) / 200 < 0.6


def test_a_crop_of_a_photo_without_objects_is_laid_anywhere():
    labels = np.zeros((30, 30), np.uint8)
    augment = PhotoAugment(64, scale=(2, 2), on_object=1, **PLAIN)
    assert not augment_photo(photo_of(labels), labels, augment, dice())[1].any()


def test_about_half_of_the_photos_are_mirrored():
    labels = np.zeros((64, 64), np.uint8)
    labels[:, 32:] = 1
    augment = PhotoAugment(64, scale=(1, 1), **PLAIN)
    mirrored = [
        augment_photo(photo_of(labels), labels, augment, dice(n))[1][0, 0] for n in range(200)
    ]
    assert 0.4 < sum(mirrored) / 200 < 0.6


def seen(photo: torch.Tensor, changes: dict, count: int = 40) -> torch.Tensor:
    """(count, 3, H, W): the photo in ``count`` colourings of nothing but the changes."""
    augment = PhotoAugment(8, **(PLAIN | changes))
    return torch.stack([recolour(photo, augment, dice(n)) for n in range(count)]).float()


def test_brightness_lies_within_its_strength():
    gray = torch.full((3, 8, 8), 100, dtype=torch.uint8)
    levels = seen(gray, {"brightness": 0.4})[:, 0, 0, 0]
    assert 60 <= levels.min() < 70 and 130 < levels.max() <= 140


def test_contrast_moves_away_from_the_mean_and_back():
    half = torch.full((3, 8, 8), 100, dtype=torch.uint8)
    half[..., 4:] = 200
    photos = seen(half, {"contrast": 0.4})
    gaps = photos[:, 0, 0, 7] - photos[:, 0, 0, 0]
    assert (photos.mean((1, 2, 3)) - 150).abs().max() <= 1
    assert 58 <= gaps.min() < 70 and 130 < gaps.max() <= 142


@pytest.mark.parametrize(("change", "strength"), [("saturation", 0.4), ("hue", 0.2)])
def test_saturation_and_hue_leave_gray_gray_and_change_a_colour(change, strength):
    red = torch.tensor([200, 100, 100], dtype=torch.uint8).view(3, 1, 1).expand(3, 8, 8)
    gray = torch.full((3, 8, 8), 100, dtype=torch.uint8)
    assert seen(red, {change: strength})[:, :, 0, 0].unique(dim=0).shape[0] > 20
    assert (seen(gray, {change: strength}) - 100).abs().max() <= 1


def test_as_many_photos_turn_gray_as_are_to():
    red = torch.tensor([200, 100, 50], dtype=torch.uint8).view(3, 1, 1).expand(3, 8, 8)
    photos = seen(red, {"grayscale": 0.25}, 200)
    is_gray = (photos == photos[:, :1]).flatten(1).all(1)
    assert 0.17 < is_gray.float().mean() < 0.33
    assert torch.equal(photos[~is_gray][0], red.float())


@pytest.mark.parametrize("draw", ["photo", "article"])
def test_random_numbers_come_from_the_given_generator_alone(draw):
    labels = map_of_ids(6, 96, 96)

    def drawn(seed: int) -> torch.Tensor:
        if draw == "article":
            return article_augment(labels.unsqueeze(1) / 2, labels, STRONG, dice(seed))[0]
        mask = labels[0].numpy()
        return augment_photo(photo_of(mask), mask, PhotoAugment(64, hue=0.1), dice(seed))[0]

    before = torch.random.get_rng_state()
    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))
    assert torch.equal(torch.random.get_rng_state(), before)

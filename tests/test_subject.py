"""What a picture shows is told from its pixels: drawn scenes, membranes, photos in colour and in gray."""

import os
from pathlib import Path

import numpy as np
import pytest
from skimage import data as skimage_data

from unet_demo.checkpoints import find_checkpoint, read_card, read_index
from unet_demo.data.em import synthetic_em
from unet_demo.data.images import read_picture
from unet_demo.data.isbi import load_frames
from unet_demo.data.shapes import SceneOptions, random_scene
from unet_demo.data.voc import load_photos
from unet_demo.examples import EXAMPLES, Example, load_example
from unet_demo.live.settings import PRESETS
from unet_demo.segmentation import FITTING, better_checkpoint, subject_of
from unet_demo.tasks import ISBI, SHAPES, VOC, Task

PHOTOS = ("astronaut.png", "coffee.png", "motorcycle_right.png", "rocket.jpg", "camera.png")

SCENES = [preset.scenes for preset in PRESETS.values() if preset.scenes]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_is_of_the_task_that_its_checkpoint_knows(example: Example) -> None:
    assert subject_of(load_example(example.name).picture.slices[0]) == example.task


@pytest.mark.parametrize("size", [128, 512])
def test_synthetic_micrographs_are_membranes_whatever_their_size(size: int) -> None:
    for seed in range(3):
        (page,), _ = synthetic_em(size, seed=seed)
        assert subject_of(page[..., None]) == ISBI
        assert subject_of(np.repeat(page[..., None], 3, axis=2)) == ISBI


@pytest.mark.parametrize("name", PHOTOS)
def test_photos_are_of_things(name: str) -> None:
    picture = read_picture(Path(skimage_data.data_dir) / name)
    assert subject_of(picture.slices[0]) == VOC


@pytest.mark.parametrize("options", SCENES, ids=str)
def test_drawn_scenes_are_shapes(options: SceneOptions) -> None:
    rng = np.random.default_rng(0)
    told = [subject_of(random_scene(options, rng)[0]) for _ in range(10)]
    assert told.count(SHAPES) >= 9  # one of much noise may be told wrong


def test_every_bundled_checkpoint_is_for_something_that_can_be_told() -> None:
    tasks = [read_card(find_checkpoint(name)).task for name in read_index()]
    assert all(task.classes in FITTING for task in tasks)


@pytest.mark.parametrize(
    ("example", "task", "better"),
    [
        ("membranes", SHAPES, "isbi"),
        ("membranes", ISBI, None),
        ("cat", ISBI, "voc-pretrained"),
        ("shapes", VOC, "shapes"),
    ],
)
def test_a_better_checkpoint_is_named_only_where_another_is_plainly_wrong(
    example: str, task: Task, better: str | None
) -> None:
    assert better_checkpoint(load_example(example).picture.slices[0], task) == better


def folder(variable: str) -> str:
    """Where the environment says that a published data set lies; none is part of the project."""
    return os.environ.get(variable) or pytest.skip(f"{variable} names no folder")


@pytest.mark.slow
def test_twenty_slices_of_isbi_are_membranes() -> None:
    slices = load_frames(folder("UNET_DEMO_ISBI")).images[:20]
    assert [subject_of(np.atleast_3d(one)) for one in slices] == [ISBI] * 20


@pytest.mark.slow
def test_fifty_photos_of_voc_are_of_things() -> None:
    photos = load_photos(folder("UNET_DEMO_VOC"), "val", only=range(50)).images
    told = [subject_of(photo) for photo in photos]
    print(f"{told.count(VOC)} of {len(told)}")
    assert told.count(VOC) >= 49


@pytest.mark.slow
def test_fifty_scenes_are_shapes() -> None:
    rng = np.random.default_rng(0)
    told = [subject_of(random_scene(SCENES[n % len(SCENES)], rng)[0]) for n in range(50)]
    print(f"{told.count(SHAPES)} of {len(told)}")
    assert told.count(SHAPES) >= 47

"""A lesson as a person watches it, who paints meanwhile."""

import math
from dataclasses import replace

import numpy as np
import pytest

from unet_demo.checkpoints import load_checkpoint, save_checkpoint
from unet_demo.data.images import Picture
from unet_demo.inference import Predictor
from unet_demo.live.play import LiveError
from unet_demo.tasks import VOID
from unet_demo.teach.lesson import Lesson
from unet_demo.teach.settings import LOCAL, TeachSettings
from unet_demo.teach.strokes import COLOURS, TeachError

TINY = TeachSettings(width=4, crop=32, batch=2)
BRIEF = replace(LOCAL, steps=3)


def halves(pages: int = 1, height: int = 40, width: int = 48) -> Picture:
    """Draw pictures that are dark on the left and bright on the right."""
    slices = np.full((pages, height, width, 1), 60, np.uint8)
    slices[:, :, width // 2 :] = 200
    return Picture(slices, "halves", ())


def painted(picture: Picture) -> np.ndarray:
    """Paint a stroke of each class on the first slice."""
    labels = np.full(picture.slices.shape[:3], VOID, np.uint8)
    middle = labels.shape[2] // 2
    labels[0, 8:11, 4:14], labels[0, 8:11, middle + 4 : middle + 14] = 0, 1
    return labels


def lesson_of(picture: Picture, **changes) -> Lesson:
    return Lesson(picture, painted(picture), replace(TINY, **changes), BRIEF, device="cpu")


def test_a_lesson_learns_to_tell_what_strokes_show():
    picture = halves()
    truth = (picture.slices[..., 0] > 100).astype(np.uint8)
    limits = replace(LOCAL, steps=40)
    lesson = Lesson(picture, painted(picture), replace(TINY, width=8), limits, truth, "cpu")
    *_, last = lesson.play()
    assert last.state == "finished"
    assert last.validation.truth_miou > 0.9
    assert last.validation.labels.shape == last.validation.uncertainty.shape == (40, 48)


def test_strokes_painted_while_a_lesson_rests_are_learned_with_its_next_step():
    picture = halves()
    lesson = lesson_of(picture)
    *_, first = lesson.play(1)
    more = painted(picture)
    more[0, 20:30, 20:30] = 1
    lesson.set_labels(more)
    *_, last = lesson.play()
    assert first.state == "paused"
    assert last.painted[1] == first.painted[1] + 100
    assert len(last.losses) == 3


def test_strokes_that_cannot_be_learned_from_leave_those_before():
    lesson = lesson_of(halves())
    before = lesson.strokes
    with pytest.raises(TeachError, match="Nothing is painted"):
        lesson.set_labels(np.full((40, 48), VOID, np.uint8))
    assert lesson.strokes is before


def test_nothing_is_learned_where_the_picture_has_no_value():
    picture = halves()
    void = np.zeros((1, 40, 48), bool)
    void[:, :, 24:] = True
    with pytest.raises(TeachError, match="Only 'background' is painted"):
        lesson_of(replace(picture, void=void))


@pytest.mark.parametrize(("side", "most", "words"), [(20, 10**6, "20×20"), (40, 1000, "million")])
def test_a_picture_that_is_too_small_or_too_large_is_refused(side: int, most: int, words: str):
    picture = Picture(np.zeros((1, side, side, 1), np.uint8), "x", ())
    labels = np.full((side, side), VOID, np.uint8)
    labels[2, 2], labels[4, 4] = 0, 1
    with pytest.raises(TeachError, match=words):
        Lesson(picture, labels, TINY, replace(BRIEF, pixels=most), device="cpu")


def test_a_class_may_be_added_to_a_lesson():
    picture = halves()
    lesson = lesson_of(picture)
    list(lesson.play(1))
    lesson.set_classes(("left", "right", "rim"), COLOURS)
    more = painted(picture)
    more[0, 20:30, 20:30] = 2
    lesson.set_labels(more)
    *_, last = lesson.play()
    assert last.painted[:3] == (30, 30, 100)
    assert lesson.predict_all().task.classes == ("left", "right", "rim")


def test_all_slices_are_segmented_with_progress():
    lesson = lesson_of(halves(3))
    list(lesson.play())
    passes: list[tuple[int, int]] = []
    prediction = lesson.predict_all(lambda done, total: passes.append((done, total)))
    assert prediction.labels().shape == (3, 40, 48)
    assert passes[-1][0] == passes[-1][1]


def test_what_was_learned_opens_like_any_other_checkpoint(tmp_path):
    picture = halves()
    lesson = lesson_of(picture)
    list(lesson.play())
    checkpoint = lesson.checkpoint()
    save_checkpoint(tmp_path / "taught.safetensors", checkpoint.network, checkpoint.card)
    opened = load_checkpoint(tmp_path / "taught.safetensors")
    there = Predictor(opened, "cpu").predict(picture.slices)
    # The file's float16, and bfloat16 where the processor has it, round single pixels far.
    assert np.abs(there.probabilities - lesson.predict_all().probabilities).mean() < 0.005
    assert "60 pixels of 2 classes" in opened.card.summary
    assert not opened.card.scores


def test_another_slice_is_looked_at_while_a_lesson_rests():
    lesson = lesson_of(halves(2))
    list(lesson.play(1))
    assert lesson.look(1).slice == 1


def test_a_lesson_in_training_is_looked_at_by_itself_alone():
    lesson = lesson_of(halves())
    snapshots = lesson.play()
    next(snapshots)
    with pytest.raises(LiveError, match="still in training"):
        lesson.look(0)
    snapshots.close()


def test_a_press_rests_after_its_time_and_may_be_repeated():
    picture = halves()
    limits = replace(LOCAL, steps=5000, at_once=0.01)
    lesson = Lesson(picture, painted(picture), TINY, limits, device="cpu")
    for _ in range(2):
        *_, last = lesson.play()
        assert last.state == "paused"
        assert str(last.notes[0]).startswith("One press trains for 0.01 seconds")


def test_a_lesson_that_rests_for_another_reason_does_not_speak_of_the_time_of_a_press():
    lesson = lesson_of(halves())
    *_, last = lesson.play(1)
    assert last.state == "paused" and "One press" not in " ".join(map(str, last.notes))


@pytest.mark.parametrize(("looking", "training"), [(0.1, 0.4), (0.3, 0.7), (2.0, 4.0)])
def test_it_looks_once_a_second_where_that_leaves_two_thirds_of_the_time_to_learn(
    looking: float, training: float
):
    assert lesson_of(halves()).rest_after(looking) == pytest.approx(training)


def test_a_large_picture_is_learned_at_a_smaller_size_and_shown_at_its_own():
    picture = halves(1, 96, 128)
    limits = replace(BRIEF, side=64)
    lesson = Lesson(picture, painted(picture), TINY, limits, device="cpu")
    *_, last = lesson.play()
    assert last.validation.labels.shape == (96, 128)
    assert "learned at 64×48" in " ".join(last.notes)
    assert lesson.predict_all().labels().shape == (1, 96, 128)


@pytest.mark.parametrize("start", ["shapes", "isbi"])
def test_a_lesson_begins_with_what_a_checkpoint_knows(start):
    from unet_demo.checkpoints import find_checkpoint

    lesson = lesson_of(halves(), start=find_checkpoint(start))
    *_, last = lesson.play(1)
    assert last.step == 1
    assert lesson.predict_all().probabilities.shape == (1, 2, 40, 48)


def test_another_lesson_goes_on_from_the_state_of_a_resting_one():
    picture = halves()
    first = lesson_of(picture)
    list(first.play(1))
    state = first.state()
    second = state.anew()
    second.load_state(state)
    *_, there = second.play()
    *_, here = first.play()
    assert there.losses == here.losses


def scored(picture: Picture, truth: np.ndarray) -> Lesson:
    return Lesson(picture, painted(picture), TINY, BRIEF, truth, "cpu")


def test_a_truth_is_scored_only_while_its_ids_mean_the_same_classes():
    lesson = scored(halves(), painted(halves()))
    known = lesson.settings.task.classes
    assert lesson.look(0).truth_miou >= 0
    lesson.set_classes((*known, "third"), COLOURS)
    assert lesson.look(0).truth_miou >= 0
    lesson.set_classes((known[1], known[0], "third"), COLOURS)
    assert math.isnan(lesson.look(0).truth_miou) and not lesson.card().scores
    assert math.isnan(lesson.state().anew().look(0).truth_miou)


def test_a_truth_of_more_classes_than_are_taught_gives_no_score():
    truth = painted(halves())
    truth[0, 30, 30] = 2
    assert math.isnan(scored(halves(), truth).look(0).truth_miou)


def test_of_a_stack_the_card_names_the_slice_that_was_scored():
    lesson = scored(halves(2), np.zeros((2, 40, 48), np.uint8))
    lesson.watch(1)
    list(lesson.play(1))
    assert lesson.card().scored_on == "slice 2 of 2 of the taught picture itself"


def test_where_the_picture_has_no_value_a_look_has_no_class_and_no_score():
    picture = halves()
    void = np.zeros((1, 40, 48), bool)
    void[:, 30:] = True
    lesson = scored(replace(picture, void=void), np.where(void, 0, VOID).astype(np.uint8))
    look = lesson.look(0)
    assert (look.labels == VOID).tolist() == void[0].tolist()
    assert not look.uncertainty[void[0]].any()
    assert math.isnan(look.truth_miou)


def test_the_curve_shows_validations_by_strokes_that_are_kept_out_and_the_card_counts_the_others():
    picture = halves(1, 192, 384)
    lesson = lesson_of(picture)
    *_, first = lesson.play(1)
    many = painted(picture)
    many[0, 4::32, :192], many[0, 4::32, 192:] = 0, 1
    lesson.set_labels(many)
    *_, last = lesson.play(1)
    assert first.validation and not first.validations
    assert [step for step, _, _ in last.validations] == [last.step] == [2]
    taught = int((lesson.strokes.taught != VOID).sum())
    assert taught < sum(last.painted)
    assert f"({taught:,} pixels" in lesson.card().summary


def test_strokes_that_come_while_earlier_ones_are_read_are_not_lost(tmp_path):
    class Interrupted(Lesson):
        def set_classes(self, names, colours):
            super().set_classes(names, colours)
            sent.write_bytes(b"newer")

    picture, sent = halves(), tmp_path / "requests.npz"
    lesson = Interrupted(picture, painted(picture), TINY, BRIEF, device="cpu")
    names, colours = np.array(["left", "right"]), np.array(COLOURS[:2])
    told = lesson.strokes.to_arrays()
    np.savez(sent, watched=np.array(0), names=names, colours=colours, **told)
    lesson.hear(tmp_path / "requests")
    assert lesson.settings.task.classes == ("left", "right")
    assert sent.read_bytes() == b"newer"

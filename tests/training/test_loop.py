"""The one training loop: what it yields, how it ends, and how it goes on after a break."""

import math
import os
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
import torch

from unet_demo import tasks
from unet_demo.data.shapes import SceneOptions
from unet_demo.networks import Network, create_network
from unet_demo.networks.base import he_initialise
from unet_demo.saving import partial_of, replacing
from unet_demo.tasks import VOID
from unet_demo.training.batches import Normalisation, SceneBatches
from unet_demo.training.loop import (
    OPTIMISERS,
    PRECISIONS,
    Batch,
    Diverged,
    Event,
    Finished,
    FitOptions,
    StepDone,
    Trainer,
    Validated,
    fit,
    load_batches,
    share_of_rate,
)

SCENES = SceneBatches((SceneOptions(size=32),), 2, 0, Normalisation((0.5,) * 3, (0.25,) * 3))

CALM_RATES = {"Adam": 5e-3, "AdamW": 5e-3, "RMSprop": 2e-3, "SGD": 5e-2}


def trainer(
    steps: int = 6, seed: int = 0, *, batch_norm: bool = True, **options: object
) -> Trainer:
    torch.manual_seed(seed)
    network = create_network("ShapesUNet", width=2, batch_norm=batch_norm)
    he_initialise(network)
    return Trainer(
        network, tasks.SHAPES, FitOptions(steps=steps, **{"validate_every": 3, **options})
    )


def batches(start: int = 0, steps: int = 6) -> Iterable[Batch]:
    return load_batches(SCENES, start, steps)


def losses(events: Iterable[Event]) -> list[float]:
    return [event.loss for event in events if isinstance(event, StepDone)]


def no_scores(network: Network) -> dict[str, float]:
    return {}


def weights_of(network: torch.nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


# --- what happens, in which order ---


def test_a_validation_follows_each_epoch_and_the_last_step():
    kinds = [type(event).__name__ for event in fit(trainer(5), batches(), no_scores)]
    assert kinds == [*["StepDone"] * 3, "Validated", *["StepDone"] * 2, "Validated", "Finished"]


def test_a_step_tells_its_number_its_rate_and_its_time():
    options = {"warm_up": 4, "rate": 1e-3}
    steps = [
        event for event in fit(trainer(3, **options), batches()) if isinstance(event, StepDone)
    ]
    assert [event.step for event in steps] == [1, 2, 3]
    assert [event.rate for event in steps] == pytest.approx([0.25e-3, 0.5e-3, 0.75e-3])
    assert all(event.seconds > 0 for event in steps)


def test_a_loop_that_ran_through_was_not_stopped():
    assert list(fit(trainer(2), batches()))[-1] == Finished(2, stopped=False)


def test_the_validated_network_is_in_evaluation_mode_and_trains_on_afterwards():
    modes = []
    one = trainer(6)
    for event in fit(one, batches(), lambda network: {"training": float(network.training)}):
        if isinstance(event, Validated):
            modes.append(event.scores["training"])
        elif isinstance(event, StepDone):
            assert one.network.training
    assert modes == [0, 0]


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_a_validation_changes_no_loss(ema):
    def look(network: Network) -> dict[str, float]:
        with torch.inference_mode():
            return {"mean": float(network(torch.ones(1, 3, 32, 32)).mean())}

    looked = losses(fit(trainer(ema=ema), batches(), look))
    assert looked == losses(fit(trainer(ema=ema), batches()))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_no_torch_context_is_open_between_two_events(precision):
    for _ in fit(trainer(4, precision=precision, ema=0.9), batches(), no_scores):
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
        assert not torch.is_autocast_enabled("cpu")


def test_a_stop_is_answered_before_the_next_step():
    stop = threading.Event()
    seen = []
    for event in fit(trainer(), batches(), stop=stop):
        seen.append(event)
        stop.set()
    assert isinstance(seen[0], StepDone)
    assert seen[1:] == [Finished(1, stopped=True)]


# --- the same numbers every time ---


def test_the_same_seed_gives_the_same_losses():
    assert losses(fit(trainer(), batches())) == losses(fit(trainer(), batches()))


def test_another_seed_gives_other_losses():
    assert losses(fit(trainer(), batches())) != losses(fit(trainer(seed=1), batches()))


def test_worker_processes_make_the_same_batches():
    here, there = list(batches(2, 5)), list(load_batches(SCENES, 2, 5, workers=2))
    assert all(torch.equal(a, b) for one, two in zip(here, there, strict=True)
               for a, b in zip(one, two, strict=True))  # fmt: skip


def test_two_steps_draw_different_pictures():
    first, second = batches(0, 2)
    assert not torch.equal(first[0], second[0])


@pytest.mark.parametrize(
    ("optimiser", "ema", "precision"),
    [
        ("Adam", 0.0, "float32"),
        ("AdamW", 0.9, "bfloat16"),
        ("RMSprop", 0.9, "fastest"),
        ("SGD", 0.9, "float32"),
    ],
)
def test_a_resumed_training_continues_exactly(tmp_path, optimiser, ema, precision):
    options = {
        "optimiser": optimiser, "ema": ema, "precision": precision,
        "momentum": 0.9, "schedule": "cosine", "rate": 1e-2,
    }  # fmt: skip
    whole = trainer(**options)
    expected = losses(fit(whole, batches()))

    first = trainer(**options)
    for batch in batches(0, 3):
        first.train_step(*batch)
    first.save(tmp_path / "state.pt")
    second = trainer(seed=9, **options)
    second.resume(tmp_path / "state.pt")
    assert losses(fit(second, batches(3))) == expected[3:]
    assert torch.equal(weights_of(second.evaluated), weights_of(whole.evaluated))


def test_a_resumed_training_remembers_its_plateau_and_accumulates_on(tmp_path):
    options = {
        "schedule": "plateau", "patience": 1, "accumulate": 2, "validate_every": 1, "rate": 1e-2,
        "plateau_score": "mIoU",
    }  # fmt: skip

    def run(one: Trainer, start: int, end: int) -> list[StepDone]:
        drawn = load_batches(SCENES, 2 * start, 2 * end)
        events = fit(one, drawn, lambda network: {"mIoU": 0.5})
        return [event for event in events if isinstance(event, StepDone)]

    whole = run(trainer(**options), 0, 6)
    first = trainer(**options)
    run(first, 0, 2)
    first.save(tmp_path / "state.pt")
    second = trainer(seed=9, **options)
    second.resume(tmp_path / "state.pt")
    assert second.schedule.state_dict() == first.schedule.state_dict()
    resumed = run(second, 2, 6)
    assert [(event.loss, event.rate) for event in resumed] == [
        (event.loss, event.rate) for event in whole[2:]
    ]
    assert resumed[0].rate > resumed[-1].rate


# --- rates and optimisers ---


def rates(**options: object) -> list[float]:
    fit_options = FitOptions(steps=100, **options)
    return [share_of_rate(step, fit_options) for step in range(100)]


def test_a_constant_rate_stays():
    assert set(rates()) == {1.0}


def test_a_warm_up_rises_in_equal_steps_to_the_whole_rate():
    assert rates(warm_up=4)[:6] == [0.25, 0.5, 0.75, 1, 1, 1]


def test_a_cosine_falls_from_the_whole_rate_after_the_warm_up_towards_nought():
    fallen = rates(schedule="cosine", warm_up=10)[10:]
    assert fallen[0] == 1 and fallen[45] == pytest.approx(0.5) and fallen[-1] < 1e-3
    assert fallen == sorted(fallen, reverse=True)


def test_a_cosine_does_not_rise_again_past_the_last_step():
    assert share_of_rate(150, FitOptions(steps=100, schedule="cosine")) == 0


def test_steps_divide_the_rate_by_ten():
    assert rates(schedule="step", decay_every=40)[::20] == pytest.approx([1, 1, 0.1, 0.1, 0.01])


def test_a_plateau_lowers_the_rate_of_the_steps_after_it():
    one = trainer(schedule="plateau", patience=0, validate_every=2)
    used = [
        event.rate
        for event in fit(one, batches(), lambda network: {"loss": 1.0})
        if isinstance(event, StepDone)
    ]
    assert used == pytest.approx([1e-3] * 4 + [1e-4] * 2)


def test_a_plateau_of_a_score_that_no_validation_gives_is_refused():
    one = trainer(schedule="plateau", plateau_score="Dice", validate_every=1)
    with pytest.raises(ValueError, match=r"follows the score 'Dice'.*gives only .*mIoU"):
        list(fit(one, batches(), lambda network: {"mIoU": 1.0}))


@pytest.mark.parametrize(
    ("optimiser", "loss"),
    [*((name, "cross-entropy") for name in OPTIMISERS), ("Adam", "dice"), ("Adam", "both")],
)
def test_every_optimiser_lowers_every_loss(optimiser, loss):
    one = trainer(optimiser=optimiser, rate=CALM_RATES[optimiser], loss=loss)
    batch = SCENES(0)
    seen = [one.train_step(*batch) for _ in range(25)]
    assert seen[-1] < 0.9 * seen[0]


def test_a_slow_part_learns_at_its_share_of_the_rate():
    slow = trainer(optimiser="SGD", momentum=0.0, rate=0.1, slow_part="bottleneck", slowness=0.25)
    plain = trainer(optimiser="SGD", momentum=0.0, rate=0.1)
    before = {name: value.clone() for name, value in plain.network.named_parameters()}
    for each in (slow, plain):
        each.train_step(*SCENES(0))
    moved = dict(slow.network.named_parameters())
    for name, value in plain.network.named_parameters():
        share = 0.25 if name.startswith("bottleneck") else 1.0
        expected = before[name] + share * (value - before[name])
        assert torch.allclose(moved[name], expected, atol=1e-6), name


def test_clipping_bounds_the_length_of_a_step():
    one = trainer(optimiser="SGD", rate=1.0, momentum=0.0, clip_norm=0.01)
    before = weights_of(one.network)
    one.train_step(*SCENES(0))
    assert (weights_of(one.network) - before).norm().item() == pytest.approx(0.01, rel=1e-3)


def test_clipping_bounds_every_value_of_the_gradient():
    one = trainer(optimiser="SGD", rate=1.0, momentum=0.0, clip_value=0.01)
    before = weights_of(one.network)
    one.train_step(*SCENES(0))
    changes = (weights_of(one.network) - before).abs()
    assert changes.max().item() == pytest.approx(0.01, rel=1e-3)
    assert (changes > 0.0099).sum() > 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"optimiser": "Lion"}, "no optimiser 'Lion'.*AdamW"),
        ({"schedule": "sawtooth"}, "no schedule 'sawtooth'.*cosine"),
        ({"precision": "float8"}, "no precision 'float8'.*bfloat16"),
        ({"steps": 0}, "at least 1"),
        ({"validate_every": 0}, "at least 1"),
        ({"accumulate": 0}, "at least 1"),
        ({"patience": -1}, "at least 0"),
        ({"rate": 0.0}, "rate above 0"),
        ({"rate": math.nan}, "rate above 0"),
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        FitOptions(**{"steps": 1, **change})


# --- accumulated batches, and weights of pixels ---


def unlike_parts(weighted: bool) -> list[Batch]:
    """Three batches that differ in how many pictures, void pixels and weights they have."""
    parts = []
    for number, count in enumerate((2, 1, 2)):
        images, labels = (tensor[:count] for tensor in SCENES(number))
        labels = labels.clone()
        labels[:, : 10 * number] = VOID
        weights = (1 + number) * torch.rand(labels.shape)
        parts.append((images, labels, weights) if weighted else (images, labels))
    return parts


@pytest.mark.parametrize("weighted", [False, True])
def test_accumulated_batches_give_the_step_of_one_that_holds_all_their_pictures(weighted):
    options = {"optimiser": "SGD", "rate": 1.0, "momentum": 0.0, "batch_norm": False}
    torch.manual_seed(0)
    parts = unlike_parts(weighted)
    joined = [torch.cat(tensors) for tensors in zip(*parts, strict=True)]
    one, other = trainer(**options), trainer(**options)
    before = weights_of(one.network)
    assert one.train_on(parts) == pytest.approx(other.train_step(*joined), rel=1e-6)
    assert torch.allclose(weights_of(one.network), weights_of(other.network), atol=1e-6)
    assert (weights_of(one.network) - before).abs().max() > 1e-3


def test_a_batch_that_is_all_void_adds_nothing():
    one, other = (trainer(batch_norm=False, optimiser="SGD", rate=1.0) for _ in range(2))
    images, labels = SCENES(0)
    nothing = (images, torch.full_like(labels, VOID))
    one.train_on([(images, labels), nothing])
    other.train_on([(images, labels)])
    assert torch.allclose(weights_of(one.network), weights_of(other.network), atol=1e-3)
    assert math.isfinite(one.train_on([nothing]))


def test_a_step_takes_as_many_batches_as_it_accumulates():
    one = trainer(3, accumulate=2)
    drawn = []
    events = fit(one, (drawn.append(number) or SCENES(number) for number in range(6)))
    assert [event.step for event in events if isinstance(event, StepDone)] == [1, 2, 3]
    assert drawn == list(range(6))


def test_pixels_of_no_weight_teach_nothing():
    images, labels = SCENES(0)
    half = torch.zeros(labels.shape)
    half[:, :16] = 1
    void = labels.clone()
    void[:, 16:] = VOID
    one, other = trainer(), trainer()
    assert one.train_step(images, labels, half) == pytest.approx(other.train_step(images, void))
    assert torch.allclose(weights_of(one.network), weights_of(other.network), atol=1e-5)


def test_a_loop_hands_weights_to_the_loss():
    images, labels = SCENES(0)
    light = torch.where(labels == 0, 0.01, 1.0)
    plain = losses(fit(trainer(1), [(images, labels)]))
    assert losses(fit(trainer(1), [(images, labels, light)])) != plain


def test_soft_labels_are_half_of_the_loss():
    images, labels = SCENES(0)
    even = torch.full((2, 3, 32, 32), 1 / 3)
    hard, half = trainer(loss="cross-entropy"), trainer(loss="cross-entropy")
    half.soft_labels = lambda asked: even if asked is images else pytest.fail("other pictures")
    with torch.no_grad():
        logits = trainer().network.train()(images)
        soft = float(tasks.SHAPES.soft_cross_entropy(logits, even, labels))
    expected = (hard.train_step(images, labels) + soft) / 2
    assert half.train_step(images, labels) == pytest.approx(expected, rel=1e-5)


# --- averaged weights ---


def test_the_average_follows_the_weights_by_its_decay():
    one = trainer(ema=0.75)
    expected = None
    for batch in batches():
        one.train_step(*batch)
        weights = weights_of(one.network)
        expected = weights if expected is None else 0.75 * expected + 0.25 * weights
    assert torch.allclose(weights_of(one.evaluated), expected, atol=1e-6)


def test_without_averaging_the_network_itself_is_evaluated():
    one = trainer()
    assert one.evaluated is one.network


# --- when it goes wrong ---


def poisoned(at: int) -> Iterable[Batch]:
    """Batches of which one holds a NaN."""
    for step, (images, targets) in enumerate(batches(), start=1):
        yield (images * math.nan if step == at else images), targets


@pytest.mark.parametrize("ema", [0.0, 0.9])
@pytest.mark.parametrize(("at", "restored"), [(1, 0), (5, 3)])
def test_a_loss_that_is_no_number_ends_the_loop_at_the_last_good_weights(ema, at, restored):
    one = trainer(ema=ema)
    *before, last = fit(one, poisoned(at), no_scores)
    assert isinstance(last, Diverged)
    assert (last.step, last.restored_step) == (at, restored)
    assert math.isnan(last.loss) and len(losses(before)) == at - 1
    assert one.step == restored
    good = trainer(ema=ema)
    list(fit(good, batches(0, restored)))
    assert torch.equal(weights_of(one.evaluated), weights_of(good.evaluated))


@pytest.mark.parametrize("epoch", [1, 3])
@pytest.mark.parametrize("ema", [0.0, 0.9])
@pytest.mark.parametrize("rate", [1e10, 3e38])
def test_after_a_rate_that_is_far_too_high_the_weights_are_finite(rate, ema, epoch):
    one = trainer(20, optimiser="SGD", rate=rate, ema=ema, validate_every=epoch)
    *_, last = fit(one, batches(0, 20), no_scores)
    assert isinstance(last, Diverged)
    for network in (one.network, one.evaluated):
        assert all(t.isfinite().all() for t in network.state_dict().values())


@pytest.mark.parametrize(("steps", "epoch"), [(1, 1), (3, 1), (1, 5)])
def test_weights_that_are_no_numbers_are_told_at_the_step_that_left_them(steps, epoch):
    one = trainer(steps, optimiser="SGD", rate=3e38, validate_every=epoch)
    (event,) = fit(one, batches(0, steps), no_scores)
    assert isinstance(event, Diverged) and math.isnan(event.loss)
    assert (event.step, event.restored_step) == (1, 0)


def test_statistics_that_overflow_are_told_at_the_step_that_made_them_do_so():
    wild = {"optimiser": "SGD", "rate": 1e10, "validate_every": 20}
    *before, last = fit(trainer(20, **wild), batches(0, 20))
    assert isinstance(last, Diverged) and math.isnan(last.loss)
    assert last.step == len(losses(before)) + 1 < 20
    calm = trainer(last.step - 1, **wild)
    list(fit(calm, batches(0, last.step - 1)))
    assert all(t.isfinite().all() for t in calm.network.state_dict().values())
    images, _ = SCENES(last.step - 1)
    assert calm.network.train()(images).isfinite().all()  # so that the loss would not tell


# --- on disk ---


def test_a_save_replaces_the_old_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "state.pt"
    killed = partial_of(path).with_name(
        partial_of(path).name.replace(path.suffix, f"0{path.suffix}")
    )
    killed.write_bytes(b"from a save that was killed")
    os.utime(killed, (0, 0))
    path.write_bytes(b"old")
    trainer().save(path)
    trainer(seed=1).resume(path)
    assert [file.name for file in tmp_path.iterdir()] == ["state.pt"]


def test_two_that_save_one_file_at_once_leave_that_of_either(tmp_path):
    path, first = tmp_path / "note.txt", threading.Event()

    def write_slowly() -> None:
        with replacing(path) as file:
            file.write_text("slow")
            first.set()
            assert done.wait(60)

    done = threading.Event()
    slow = threading.Thread(target=write_slowly)
    slow.start()
    assert first.wait(60)
    with replacing(path) as file:
        file.write_text("fast")
    assert path.read_text() == "fast"
    done.set()
    slow.join()
    assert path.read_text() == "slow" and list(tmp_path.iterdir()) == [path]


def written(path: Path, **options: object) -> Path:
    one = trainer(**options)
    one.train_step(*SCENES(0))
    one.save(path)
    return path


@pytest.mark.parametrize("damage", ["cut", "empty", "other"])
def test_a_state_that_is_no_state_is_refused(tmp_path, damage):
    path = written(tmp_path / "state.pt")
    data = {"cut": path.read_bytes()[:-10], "empty": b"", "other": b"\x80\x04pickle" * 9}[damage]
    path.write_bytes(data)
    with pytest.raises(ValueError, match="damaged"):
        trainer().resume(path)


def test_the_state_of_another_network_is_refused(tmp_path):
    path = written(tmp_path / "state.pt")
    other = Trainer(create_network("ShapesUNet", width=4), tasks.SHAPES, FitOptions(steps=1))
    with pytest.raises(ValueError, match="other settings"):
        other.resume(path)


def test_a_state_without_averaged_weights_does_not_serve_a_run_that_averages(tmp_path):
    path = written(tmp_path / "state.pt")
    with pytest.raises(ValueError, match="other settings"):
        trainer(ema=0.9).resume(path)

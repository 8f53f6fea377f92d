"""The command line: train, cross-validate, evaluate, bundle, benchmark, predict, teach, publish and serve.

A caller's mistake ends with one plain sentence on standard error and exit status 2.
"""

import errno
import io
import json
import os
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Annotated, Literal, TextIO

from huggingface_hub import SpaceHardware
from tqdm import tqdm
from typer import Argument, BadParameter, Exit, Option, Typer, TyperException

from . import __version__
from .checkpoints import (
    HUB_VARIABLE,
    WEIGHTS,
    find_checkpoint,
    open_checkpoint,
    read_index,
    save_checkpoint,
)
from .data import DataError, PictureError
from .data.images import read_picture
from .data.truth import read_truth_of
from .devices import memory_errors, pick_device, usable_cores
from .environment import DEVICE_VARIABLE, PORTS, ServeError, check_settings, take_host
from .evaluation.benchmark import REPEATS, ROUNDS, SIDE, time_checkpoint, time_startup
from .evaluation.evaluate import Evaluation, Scores
from .evaluation.report import CaseFolder
from .exports import prediction_paths, write_colours, write_prediction
from .inference import Predictor, Progress
from .live.benchmark import compare_skips
from .publishing import prepare, prepare_space
from .segmentation import SegmentRequest, open_predictor, plain_words, segment
from .teach import benchmark as teaching
from .teach.files import read_labels
from .teach.lesson import Lesson
from .teach.settings import LOCAL as TEACH_LIMITS
from .teach.settings import TEACH_ERRORS, TeachSettings
from .training import RunError
from .training.bundle import HEADLINES, bundle
from .training.datasets import DATASETS, Voc, evaluate
from .training.loop import PRECISIONS, Diverged, Finished, StepDone, Validated
from .training.recipe import Recipe, in_fold
from .training.recipes import AS_PUBLISHED, FOR_GPU, QUICK, RECIPES
from .training.runs import FinalScores, Lengths, RunEvent, RunFolder, Started, train
from .uploading import ZERO_GPU, Publication, PublishError, publish

EXPECTED_ERRORS = (*TEACH_ERRORS, DataError, RunError, ServeError)
"""Errors whose message is meant for the person at the keyboard."""

INTERRUPTED = 130
"""Exit status of a command that Ctrl-C ended."""

SECONDS_BAR = "{desc}{percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f} s{postfix}"
"""How the bar of a lesson looks, which has seconds instead of steps."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Numbers of the errors by which a disk says that it is full."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status: 0 done, 2 a caller's mistake, 130 interrupted."""
    output, errors = Output(sys.stdout), Output(sys.stderr)
    with redirect_stdout(output), redirect_stderr(errors):
        try:
            with memory_errors():
                status = app(arguments, prog_name="unet_demo", standalone_mode=False) or 0
        except TyperException as error:
            words = error.format_message().rstrip(".")
            print(f"unet_demo: {words}; add --help to see what it takes.", file=sys.stderr)
            return 2
        except (*EXPECTED_ERRORS, OSError) as error:
            tell(error)
            return 2
        if status == INTERRUPTED:
            print("unet_demo: interrupted", file=sys.stderr)
        elif output.error:
            print(
                f"unet_demo: not all of the output could be written ({output.error.strerror}), but"
                " everything else was done.",
                file=sys.stderr,
            )
            return 2
        return status


def tell(error: Exception, name: str = "") -> None:
    """Print one sentence on standard error, after the name of the file that it is about, if any."""
    if isinstance(error, OSError) and not isinstance(error, EXPECTED_ERRORS):
        what = f"{error.filename!r}" if error.filename else "A file"
        advice = "make room there" if error.errno in NO_ROOM else "give another path"
        words = f"{what} cannot be read or written ({error.strerror or error}); {advice}."
    else:
        words = plain_words(error)
    print(f"unet_demo: {name}{': ' if name else ''}{words}", file=sys.stderr)


app = Typer(
    help="Segment pictures with U-Nets.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def print_version(wanted: bool) -> None:
    """Print the version and end, where that is wanted."""
    if wanted:
        print(f"unet_demo {__version__}")
        raise Exit


@app.callback()
def top(
    version: Annotated[
        bool, Option("--version", callback=print_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Segment pictures with U-Nets."""


def one_of(names: Collection[str]) -> Callable[[str | None], str | None]:
    """Return a callback that accepts these names and None."""

    def check(name: str | None) -> str | None:
        if name is not None and name not in names:
            raise BadParameter(f"{name!r} is not one of {', '.join(sorted(names))}.")
        return name

    return check


Checkpoint = Annotated[
    str,
    Argument(
        metavar="CHECKPOINT",
        help="A bundled name, the path of a .safetensors file, or owner/repo[@revision].",
    ),
]
RecipeName = Annotated[
    str, Argument(metavar="RECIPE", callback=one_of(RECIPES), help=", ".join(sorted(RECIPES)))
]
Data = Annotated[Path | None, Option(help="Folder of the data set (shapes needs none).")]
Device = Annotated[
    str | None, Option(help=f"cpu, cuda, cuda:1 …; default: {DEVICE_VARIABLE}, else a GPU if any.")
]
RANDOM_WEIGHTS = "random"
"""What ``train --start`` takes besides a checkpoint."""

AsPublished = Annotated[bool, Option("--as-published", help="The article's own recipe.")]
ForGpu = Annotated[bool, Option("--for-gpu", help="A wider network and a longer run.")]


def chosen_recipe(name: str, as_published: bool, for_gpu: bool) -> Recipe:
    """Return the recipe that a command names. Raises RunError if there is no such variant."""
    if as_published and for_gpu:
        raise RunError("--as-published and --for-gpu are two variants; leave one of them out.")
    recipes = AS_PUBLISHED if as_published else FOR_GPU if for_gpu else RECIPES
    if name not in recipes:
        raise RunError(f"There is no such variant of {name!r}; its bundled recipe is the only one.")
    return recipes[name]


def changed_recipe(
    recipe: Recipe,
    precision: str | None,
    width: int | None,
    start: str | None,
    weight_map: bool,
    split: bool,
    quick: bool,
) -> Recipe:
    """Return a recipe with the changes of ``train``'s options. Raises RunError for changes that do not fit."""
    if precision:
        recipe = replace(recipe, fit=replace(recipe.fit, precision=precision))
    if width is not None:
        options = {**recipe.card.options, "width": width}
        recipe = replace(recipe, card=replace(recipe.card, options=options))
    if start is not None:
        recipe = replace(recipe, start="" if start == RANDOM_WEIGHTS else start)
    if weight_map:
        if recipe.taught:
            raise RunError(
                f"The article of {recipe.card.name!r} teaches void as a class, and the weight map leaves"
                " void out; leave out --weight-map, or --as-published."
            )
        recipe = replace(recipe, weight_map=True)
    if split:
        published = AS_PUBLISHED.get(recipe.card.name)
        if published is None or published.split is None:
            raise RunError(
                f"No article splits the data of {recipe.card.name!r}; leave out --split."
            )
        recipe = replace(recipe, split=published.split, watched=published.watched)
    if quick:
        if DATASETS[recipe.data] is not Voc:
            raise RunError(
                f"Only the recipes of VOC have a quick check, not {recipe.card.name!r}; give it few"
                " --steps instead."
            )
        recipe = replace(recipe, split=QUICK, watched=())
    return recipe


def make_folder(folder: Path) -> None:
    """Make a folder for results before they are computed. Raises OSError if it cannot be written to."""
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


@app.command("train")
def run_train(
    name: RecipeName,
    out: Annotated[Path, Option(help="Folder of the run.")],
    data: Data = None,
    resume: Annotated[bool, Option("--resume", help="Continue the run in --out.")] = False,
    steps: Annotated[int | None, Option(help="Fewer or more than the recipe's.")] = None,
    epoch: Annotated[int | None, Option(help="Steps between validations.")] = None,
    precision: Annotated[
        str | None,
        Option(
            callback=one_of(PRECISIONS), help=f"{', '.join(PRECISIONS)}; default: the recipe's."
        ),
    ] = None,
    width: Annotated[
        int | None, Option(min=1, help="Channels of the network's first level.")
    ] = None,
    start: Annotated[
        str | None,
        Option(
            metavar="CHECKPOINT",
            help=f"Weights to begin with, of the same network, or {RANDOM_WEIGHTS}; default: the recipe's.",
        ),
    ] = None,
    weight_map: Annotated[
        bool, Option("--weight-map", help="Weigh the loss by the paper's map of touching cells.")
    ] = False,
    split: Annotated[
        Literal["as-published"] | None, Option(help="The article's split, drawn at random.")
    ] = None,
    quick: Annotated[
        bool, Option("--quick", help="VOC: 50 photos train, 10 validate, as in the article.")
    ] = False,
    keep_epochs: Annotated[
        bool, Option("--keep-epochs", help="Keep the checkpoint of each validation.")
    ] = False,
    save_pictures: Annotated[
        bool, Option("--save-pictures", help="Keep each validation's pictures as PNG.")
    ] = False,
    as_published: AsPublished = False,
    for_gpu: ForGpu = False,
    workers: Annotated[int, Option(min=0, help="Processes that make batches.")] = 0,
    device: Device = None,
) -> int:
    """Train a checkpoint by its recipe."""
    recipe = chosen_recipe(name, as_published, for_gpu)
    recipe = changed_recipe(recipe, precision, width, start, weight_map, bool(split), quick)
    if DATASETS[recipe.data].needs_folder and data is None:
        raise DataError(
            f"The recipe {recipe.card.name!r} needs its data set; give its folder as --data."
        )
    refuse_unused_data(data, recipe.data)
    events = train(
        recipe,
        data,
        out,
        resume=resume,
        device=pick_device(device),
        workers=workers,
        lengths=Lengths(steps, epoch),
        keep_epochs=keep_epochs,
        save_pictures=save_pictures,
    )
    # The bar starts with the first event, after all that can go wrong before the first step. Of
    # several processes only the main one yields events.
    started = next(events, None)
    if not isinstance(started, Started):
        return 0
    if resume and not started.step:
        print(
            f"unet_demo: {str(out)!r} holds no run to resume; a new one is started there.",
            file=sys.stderr,
        )
    for fault in recipe.faults:
        print(f"As published, but: {fault}", file=sys.stderr)
    return follow(started, events, out, sys.stdout)


def follow(started: Started, events: Iterator[RunEvent], out: Path, lines: TextIO) -> int:
    """Show a training as a bar, and write its validations as lines. Return the exit status: 1 if it diverged."""
    total = started.recipe.fit.steps
    with tqdm(total=total, initial=started.step, unit="step", dynamic_ncols=True) as bar:
        for event in events:
            if isinstance(event, StepDone):
                bar.update(event.step - bar.n)
                bar.set_postfix_str(f"loss {event.loss:.4f}", refresh=False)
            elif isinstance(event, Validated):
                scores = in_words({**event.training, **event.scores})
                bar.write(f"step {event.step}, on {started.scored_on}: {scores}", lines)
            elif isinstance(event, Diverged):
                bar.write(
                    f"The loss became {event.loss} at step {event.step}: the learning rate is too"
                    f" high for these settings. The weights of step {event.restored_step} are kept.",
                    lines,
                )
                return 1
            elif isinstance(event, Finished):
                bar.write(f"finished after {event.step} steps: {out}", lines)
            elif isinstance(event, FinalScores):
                bar.write(f"{event.scored_on}: {in_words(event.scores)}", lines)
    return 0


@app.command("cross-validate")
def run_cross_validate(
    name: RecipeName,
    out: Annotated[Path, Option(help="Folder of the runs, one a fold; what is there goes on.")],
    data: Data = None,
    folds: Annotated[int, Option(min=2, help="Parts of the pictures.")] = 5,
    steps: Annotated[int | None, Option(help="Of each fold; default: the recipe's.")] = None,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object.")] = False,
    device: Device = None,
) -> int:
    """Train a recipe once a fold, and score each network on the fold that it never saw.

    Nothing is chosen on a fold: the last network is scored. It begins with random weights and has
    no teacher, since the bundled checkpoints saw other folds.
    """
    if not DATASETS[RECIPES[name].data].needs_folder:
        raise DataError("Scenes are drawn afresh, without end: they need no folds; use train.")
    if data is None:
        raise DataError(f"The recipe {name!r} needs its data set; give its folder as --data.")
    scored: list[tuple[Evaluation, Evaluation]] = []
    for fold in range(1, folds + 1):
        recipe = in_fold(RECIPES[name], fold, folds)
        place = out / f"fold-{fold}"
        lengths = Lengths(steps, recipe.fit.steps if steps is None else steps)
        events = train(
            recipe, data, place, resume=True, device=pick_device(device), lengths=lengths
        )
        started = next(events, None)
        if isinstance(started, Started) and follow(started, events, place, sys.stderr):
            return 1
        predictor = open_predictor(str(RunFolder(place, recipe).best), device)
        with progress_bar("scoring") as progress:
            single = evaluate(predictor, data, tta=False, progress=progress)
            scored.append((single, evaluate(predictor, data, tta=True, progress=progress)))
    print_folds(name, scored, as_json)
    return 0


def print_folds(name: str, scored: Sequence[tuple[Evaluation, Evaluation]], as_json: bool) -> None:
    """Print the headlines of each fold in one pass and averaged, and their means over the folds."""
    folds = [
        {
            f"{score} {how}": each.scores[score]
            for each, how in zip(pair, ("one pass", "averaged"), strict=True)
            for score in HEADLINES
            if score in each.scores
        }
        for pair in scored
    ]
    means = {score: fmean(fold[score] for fold in folds) for score in folds[0]}
    told = [(single.scored_on, fold) for (single, _), fold in zip(scored, folds, strict=True)]
    if as_json:
        listed = [{"scored_on": where, "scores": fold} for where, fold in told]
        print(json.dumps({"recipe": name, "folds": listed, "mean": means}, indent=2))
        return
    for where, fold in told:
        print(f"{where}: {in_words(fold)}")
    print(f"{name}, mean of {len(folds)} folds: {in_words(means)}")


@app.command("evaluate")
def run_evaluate(
    checkpoint: Checkpoint,
    data: Data = None,
    split: Annotated[
        str, Option(help="train, val or all; VOC: any list that it holds; scenes: val.")
    ] = "val",
    no_tta: Annotated[bool, Option("--no-tta", help="Without test-time averaging.")] = False,
    save: Annotated[
        Path | None, Option(metavar="DIR", help="Also write each picture, label and output there.")
    ] = None,
    overwrite: Annotated[
        bool, Option("--overwrite", help="Replace files that are in --save's folder already.")
    ] = False,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object.")] = False,
    device: Device = None,
) -> None:
    """Score a checkpoint on known truth."""
    predictor = open_predictor(checkpoint, device)
    refuse_unused_data(data, str(predictor.card.recipe.get("data")))
    cases = None
    if save:
        make_folder(save)
        if not overwrite:
            refuse_to_mix(save)
        cases = CaseFolder(save, predictor.card.task)
    with progress_bar("evaluating") as progress:
        evaluation = evaluate(predictor, data, split, tta=not no_tta, progress=progress, keep=cases)
    if cases:
        cases.finish()
    if as_json:
        print(json.dumps(evaluation_as_json(checkpoint, evaluation), indent=2))
    else:
        print(f"{predictor.card.name} on {evaluation.scored_on}:")
        for name, value in evaluation.scores.items():
            print(f"  {name:28} {value:.4f}")
        print(f"  {'void, not scored':28} {evaluation.void:.4f}")


def evaluation_as_json(checkpoint: str, evaluation: Evaluation) -> dict[str, object]:
    """Return the text of --json; a score without a value (of a class that never occurs) is null."""
    scores = {name: value if value == value else None for name, value in evaluation.scores.items()}
    return {
        "checkpoint": checkpoint,
        "scored_on": evaluation.scored_on,
        "tta": evaluation.tta,
        "void": evaluation.void,
        "scores": scores,
    }


@app.command("bundle")
def run_bundle(
    name: RecipeName,
    run: Annotated[Path, Argument(help="Folder of the run.")],
    data: Data = None,
    as_published: AsPublished = False,
    for_gpu: ForGpu = False,
    device: Device = None,
) -> None:
    """Enter a run's best checkpoint into weights/."""
    recipe = chosen_recipe(name, as_published, for_gpu)
    refuse_unused_data(data, recipe.data)
    make_folder(WEIGHTS)
    read_index(WEIGHTS)  # a damaged one is refused before the work
    with progress_bar("scoring") as progress:
        evaluation = bundle(recipe, run, data, device, progress)
    print(f"{name}: {in_words(evaluation.scores)}")


@app.command("benchmark")
def run_benchmark(
    what: Annotated[
        Literal["checkpoints", "startup", "skips", "watching", "inside", "teach"],
        Argument(
            help="A picture; a start of the program until its first result; what skips are good"
            " for; what it costs a training to be watched; the answers of Look inside; or what strokes"
            " teach."
        ),
    ] = "checkpoints",
    device: Device = None,
) -> None:
    """Time the bundled checkpoints, or a start of the program; or train with skips and without.

    Plain float32 torch against this program's Predictor, on one picture. A start against that of a
    script that imports gradio and torch, shows an empty page and predicts once. The preset "Why
    skips?" with its skip connections against the same without, from ten seeds. A training that a
    served Train page shows against the same one alone: OMP_NUM_THREADS=1 leaves a core free. Each
    topic of Look inside with each checkpoint, at most 256×256 px, on the CPU. A network that strokes
    teach for half a minute against a random forest, which needs scikit-learn.
    """
    # Both are checked before anything is printed.
    pick_device(device)
    if what == "startup":
        print_startup()
        return
    if what == "skips":
        print_skips(device)
        return
    if what == "watching":
        print_watching()
        return
    if what == "inside":
        print_inside()
        return
    if what == "teach":
        print_teach(device)
        return
    names = read_index()
    print(f"one {SIDE}×{SIDE} picture, median of {REPEATS}")
    for name in names:
        timing = time_checkpoint(open_checkpoint(name), device)
        print(
            f"{name:10} {timing.parameters:>12,} parameters"
            f"   plain float32 {timing.plain_seconds * 1000:7.0f} ms"
            f"   here {timing.predictor_seconds * 1000:7.0f} ms"
            f"   {timing.speed_up:5.2f} times faster on {timing.device}"
        )


def print_startup() -> None:
    """Print this program's time from a start to the first result against a bare script's."""
    print(f"from a start to the first result, median of {ROUNDS}", flush=True)
    timing = time_startup()
    print(
        f"bare script {timing.bare_seconds:.1f} s   here {timing.seconds:.1f} s"
        f"   {timing.ratio:.2f} times as long"
    )


def print_skips(device: str | None) -> None:
    """Print what runs with skips and without came to, and how often the skips won."""
    print(
        'preset "why-skips", with skips | without: mIoU, share of right pixels at outlines, CPU time'
    )
    won = []
    for pair in compare_skips(device=device):
        won.append(pair.skips.miou > pair.none.miou)
        told = (
            f"{one.miou:.3f}  {one.outlines:.3f}  {one.seconds:5.1f} s"
            for one in (pair.skips, pair.none)
        )
        print(f"seed {pair.seed}   " + "   |   ".join(told), flush=True)
    print(f"skips won {sum(won)} of {len(won)}")


def print_watching() -> None:
    """Print steps a second and CPU time of a training alone, and of one that a page shows."""
    from .ui.train.benchmark import time_watching  # imports gradio, which no other command needs

    timing = time_watching()
    print(
        f"alone {timing.alone_rate:.2f} steps a second   watched {timing.watched_rate:.2f}"
        f"   watching costs {timing.cost:.1%} of them, and {timing.work:.1%} more CPU time"
        f"   the chart's first change {timing.first_seconds:.2f} s after the press"
        f"   with {timing.threads} threads on {usable_cores()} cores"
    )


def print_inside() -> None:
    """Print how long each topic of Look inside takes for an answer, with each checkpoint."""
    from .ui.inside.benchmark import REPEATS, time_answers

    print(f"an answer of each topic, median of {REPEATS}, on {usable_cores()} cores")
    for answer in time_answers():
        print(
            f"{answer.checkpoint:12} {answer.topic:10} {answer.side}×{answer.side}"
            f" {answer.seconds * 1000:6.0f} ms   CPU time {answer.cpu_seconds * 1000:6.0f} ms"
        )


def print_teach(device: str | None) -> None:
    """Print what the strokes of each example teach a forest and a network, and what 50 presses take."""
    print(
        f"mIoU of the whole picture, a network's after {teaching.SECONDS} s; on a busy machine, where it"
        " has few cores to itself, that says little",
        flush=True,
    )
    for one in teaching.compare(device):
        told = [
            f"{one.name:10} {one.painted:.2%} painted   forest {one.forest_miou:.3f}",
            lesson_words("random weights", one.random),
        ]
        if one.tuned:
            told.append(lesson_words(one.start, one.tuned))
        print("   ".join(told), flush=True)
    used = [bytes_ / 2**20 for bytes_ in teaching.memory_of_presses(device)]
    print(
        f"memory after press 5 {used[4]:.0f} MiB, after {len(used) // 2} {used[len(used) // 2 - 1]:.0f}"
        f" MiB, after {len(used)} {used[-1]:.0f} MiB"
    )


def lesson_words(start: str, learned: teaching.Learned) -> str:
    """Write what a lesson came to."""
    return (
        f"{start} {learned.miou:.3f} ({learned.steps} steps on {learned.cores:.1f} cores, first prediction"
        f" after {learned.first_seconds:.1f} s, {learned.looks:.1f} a second)"
    )


@app.command("publish")
def run_publish(
    repo: Annotated[str, Argument(metavar="OWNER/REPO", help="Made if it is not there.")],
    space: Annotated[
        str | None,
        Option(metavar="OWNER/SPACE", help="Also set up a Space there that runs the demo."),
    ] = None,
    hardware: Annotated[
        SpaceHardware | None,
        Option(
            metavar="NAME",
            help=f"Of the Space: cpu-basic, t4-small …; default: {ZERO_GPU.value}, which is free, for"
            " a new one.",
        ),
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Only print what would go.")] = False,
    private: Annotated[bool, Option("--private", help="Make what is new private.")] = False,
    message: Annotated[
        str | None, Option(help="Of the commit; default: names the version.")
    ] = None,
    revision: Annotated[
        str | None, Option(help="A branch, made if it is not there; default: main.")
    ] = None,
) -> None:
    """Send checkpoints and demo to the Hub."""
    if hardware and not space:
        raise PublishError("--hardware is that of a Space; say which one with --space.")
    checkpoints = prepare(WEIGHTS, repo, revision)
    steps = [(checkpoints, f"{HUB_VARIABLE}={checkpoints.address} offers them by name")]
    if space:
        demo = prepare_space(checkpoints, space, private=private, hardware=hardware)
        steps.append((demo, f"{demo.page} runs the demo when it is built"))
    for publication, hint in steps:
        if dry_run:
            done = f"would go to {publication.address}; nothing was sent"
        else:
            address = publish(publication, message, private, print_removed)
            done = f"are at {address}; {hint}"
        print_publication(publication, done)


def print_removed(path: str) -> None:
    """Print a line for a removed file of an earlier publication."""
    print(f"{'removed':>20}  {path}")


def print_publication(publication: Publication, done: str) -> None:
    """Print a line for each file and each variable, and what was done with them."""
    for path, data in publication.files.items():
        print(f"{len(data):>14,} bytes  {path}")
    for name, value in publication.variables.items():
        print(f"{'variable':>20}  {name}={value}")
    print(f"{publication.size:>14,} bytes in {len(publication.files)} files {done}")


@app.command("predict")
def run_predict(
    checkpoint: Checkpoint,
    files: Annotated[
        list[Path],
        Argument(metavar="FILE", help="Pictures: any file that the page takes, and whole stacks."),
    ],
    out: Annotated[Path, Option(help="Folder of the masks.")],
    probabilities: Annotated[bool, Option("--probabilities", help="Also write NAME.npy.")] = False,
    colours: Annotated[
        bool, Option("--colours", help="Also write NAME-colours.png, what voc-color paints.")
    ] = False,
    overwrite: Annotated[
        bool, Option("--overwrite", help="Replace files that are there already.")
    ] = False,
    tta: Annotated[bool, Option("--tta", help="Average over rotations, flips and scales.")] = False,
    device: Device = None,
) -> int:
    """Segment picture files."""
    predictor = open_predictor(checkpoint, device)
    if colours:
        predictor.check_paints()
    written: set[Path] = set()
    for file in files:  # all are checked first, so that a broken one does not stop the work halfway
        slices = read_picture(file).slices
        predictor.check_size(slices)
        targets = prediction_paths(
            out, file.stem, len(slices), probabilities=probabilities, colours=colours
        )
        if doubled := written.intersection(targets):
            raise PictureError(
                f"Two of the files would write {min(doubled).name!r}; rename one, or run them one"
                " by one."
            )
        written.update(targets)
        refuse_to_overwrite(targets, files, overwrite)
    make_folder(out)
    status = 0
    for file in files:
        try:
            predict_file(file, predictor, out, probabilities, colours, tta)
        except (*EXPECTED_ERRORS, OSError) as error:  # the other files are still segmented
            tell(error, file.name)
            status = 2
    return status


def predict_file(
    file: Path, predictor: Predictor, out: Path, probabilities: bool, colours: bool, tta: bool
) -> None:
    """Write a file's mask, and print what was done to it. Raises EXPECTED_ERRORS and OSError."""
    request = SegmentRequest(read_picture(file), None, predictor.card.name, tta)
    with progress_bar(file.name) as progress:
        result = segment(request, lambda _: predictor, progress=progress)
    for note in result.notes():
        print(f"{file.name}: {note}", file=sys.stderr)
    for path in write_prediction(out, file.stem, result.prediction, probabilities=probabilities):
        print(path)
    if colours:
        with progress_bar(f"{file.name}, colours") as progress:
            painted = predictor.paint(request.picture.slices, tta=tta, progress=progress)
        print(write_colours(out, file.stem, painted))


@app.command("teach")
def run_teach(
    file: Annotated[Path, Argument(metavar="PICTURE", help="Any file that the page takes.")],
    strokes: Annotated[
        Path,
        Argument(metavar="LABELS", help="Its mask of class ids, 255 where nothing is painted."),
    ],
    out: Annotated[
        Path, Option(help="Folder of the mask and of the checkpoint, taught.safetensors.")
    ],
    start: Annotated[
        str | None,
        Option(metavar="CHECKPOINT", help="What to go on from; default: random weights."),
    ] = None,
    seconds: Annotated[float, Option(min=1, help="How long to train.")] = 30,
    classes: Annotated[str, Option(metavar="NAME,NAME…", help="Names of the ids 0, 1 …")] = "",
    truth: Annotated[Path | None, Option(help="Ground truth, to score by.")] = None,
    overwrite: Annotated[
        bool, Option("--overwrite", help="Replace files that are there already.")
    ] = False,
    device: Device = None,
) -> None:
    """Teach a network one picture by strokes on it, and segment the whole."""
    picture = read_picture(file)
    names = tuple(name.strip() for name in classes.split(",") if name.strip())
    labels, task = read_labels(strokes, names, picture)
    limits = replace(TEACH_LIMITS, seconds=seconds)
    settings = TeachSettings(task, find_checkpoint(start) if start else None)
    shape = picture.slices.shape[:3]
    known = read_truth_of(truth, task, shape, picture.orientations) if truth else None
    lesson = Lesson(picture, labels, settings, limits, known, device)
    taught = out / "taught.safetensors"
    masks = prediction_paths(out, file.stem, len(picture.slices))
    inputs = [file, strokes, *([truth] if truth else ())]
    refuse_to_overwrite([taught, *masks], inputs, overwrite)
    make_folder(out)
    print_lesson(lesson)
    with progress_bar(file.name) as progress:
        prediction = lesson.predict_all(progress)
    if truth:
        print(f"on the whole picture: mIoU {lesson.truth_miou(prediction.labels()):.4f}")
    checkpoint = lesson.checkpoint()
    save_checkpoint(taught, checkpoint.network, checkpoint.card)
    for path in (*write_prediction(out, file.stem, prediction), taught):
        print(path)


def print_lesson(lesson: Lesson) -> None:
    """Train to the end, with a bar, and print how it went."""
    with tqdm(total=lesson.limits.seconds, bar_format=SECONDS_BAR, dynamic_ncols=True) as bar:
        for snapshot in lesson.play():
            bar.update(min(snapshot.seconds, bar.total) - bar.n)
            if snapshot.loss is not None:
                bar.set_postfix_str(f"step {snapshot.step}, loss {snapshot.loss:.3f}")
    look = snapshot.validation
    for note in snapshot.notes:
        print(note, file=sys.stderr)
    scores = {"loss": look.loss, "mIoU": look.miou} if look and look.held_out else {}
    if scores:
        print(
            f"step {snapshot.step}, on {snapshot.held_out:.0%} of the strokes: {in_words(scores)}"
        )
    else:
        print(f"step {snapshot.step}, loss {snapshot.loss:.4f}")


@app.command("serve")
def run_serve(
    host: Annotated[
        str | None,
        Option(help="Address to listen at; default: GRADIO_SERVER_NAME, else 127.0.0.1."),
    ] = None,
    port: Annotated[
        int | None,
        Option(
            min=PORTS[0],
            max=PORTS[-1],
            help="Default: GRADIO_SERVER_PORT, else the first free one from 7860.",
        ),
    ] = None,
    share: Annotated[
        bool, Option("--share", help="Also by a public address at gradio.live.")
    ] = False,
    mcp: Annotated[
        bool, Option("--mcp", help="Also to agents, as an MCP server; UNET_DEMO_MCP=1 does so too.")
    ] = False,
) -> None:
    """Serve the demo's page to browsers, until it is interrupted."""
    check_settings(host)
    host = take_host(host)
    try:
        # Here, and nowhere else in this file: all other commands run without Gradio.
        from .ui.api.mcp import mcp_wanted
        from .ui.serve import launch
    except ModuleNotFoundError as error:
        if error.name != "gradio":
            raise
        raise ServeError(
            "The page needs Gradio, which is not installed; pip install gradio."
        ) from error
    launch(server_name=host, server_port=port, share=share or None, mcp_server=mcp or mcp_wanted())


def refuse_unused_data(folder: Path | None, data: str) -> None:
    """Raise DataError if a data set was given to a command that draws scenes."""
    if data in DATASETS and not DATASETS[data].needs_folder and folder is not None:
        raise DataError("Scenes are drawn afresh and need no data set; leave out --data.")


def refuse_to_overwrite(
    targets: Sequence[Path], inputs: Sequence[Path], overwrite: bool = False
) -> None:
    """Raise PictureError if a result would replace an input picture, or any file without ``overwrite``."""
    pictures = {file.resolve() for file in inputs}
    for target in targets:
        if target.resolve() in pictures:
            raise PictureError(
                f"The mask would overwrite the picture {target.name!r} itself; give another folder"
                " as --out."
            )
        if target.exists() and not overwrite:
            raise PictureError(
                f"{str(target)!r} is there already; add --overwrite to replace it, or give another"
                " folder as --out."
            )


def refuse_to_mix(folder: Path) -> None:
    """Raise DataError if a folder for an evaluation's files already holds a file."""
    there = min(folder.iterdir(), default=None)
    if there:
        raise DataError(
            f"{str(folder)!r} holds files already, {there.name!r} for one; add --overwrite to"
            " replace what has the same name, or give an empty folder as --save."
        )


class Output(io.TextIOBase):
    """Standard output or error that outlives its reader: what it can no longer write is left out.

    The first error is kept. A character that the terminal cannot spell is written as its escape.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self.stream = stream
        self.error: OSError | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The name of the stream's encoding."""
        return self.stream.encoding or "utf-8"

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return self.stream.isatty()

    def fileno(self) -> int:
        """Return the stream's file descriptor."""
        return self.stream.fileno()

    def write(self, text: str) -> int:
        """Write and flush, at once."""
        if self.error is None:
            shown = text.encode(self.encoding, "backslashreplace").decode(self.encoding)
            try:
                self.stream.write(shown)
                self.stream.flush()
            except OSError as error:
                self.error = error
                # Text left in its buffer would raise again when Python ends.
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
        return len(text)


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """Show a predictor's passes as a bar on standard error, from the first pass on."""
    with ExitStack() as opened:
        bar: tqdm | None = None

        def show(done: int, total: int) -> None:
            nonlocal bar
            if bar is None:
                bar = tqdm(desc=title, total=total, unit="pass", dynamic_ncols=True)
                opened.enter_context(bar)
            if done <= bar.n:  # a new count starts
                bar.reset(total)
            bar.update(done - bar.n)

        yield show


def in_words(scores: Scores) -> str:
    """Write scores as 'mIoU 0.9812, …'; scores without a value are left out."""
    return ", ".join(f"{name} {value:.4f}" for name, value in scores.items() if value == value)

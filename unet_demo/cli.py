"""The command line: train, evaluate, bundle, benchmark, predict, publish and serve.

A mistake of the caller's ends in one plain sentence on standard error and exit status 2.
"""

import argparse
import errno
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from huggingface_hub import SpaceHardware
from tqdm import tqdm

from . import segmentation
from .checkpoints import HUB_VARIABLE, WEIGHTS, open_checkpoint, read_index
from .constants import VERSION
from .data.errors import DataError, PictureError
from .data.images import read_picture
from .devices import memory_errors, pick_device
from .environment import DEVICE_VARIABLE, PORTS, ServeError, check_settings, take_host
from .evaluation.benchmark import REPEATS, SIDE, time_checkpoint
from .evaluation.evaluate import Evaluation, Scores
from .evaluation.report import CaseFolder
from .exports import prediction_paths, write_colours, write_prediction
from .inference import Predictor, Progress
from .publishing import prepare
from .segmentation import open_predictor, plain_words
from .space import prepare_space
from .training.bundle import bundle
from .training.datasets import DATASETS, Voc, evaluate
from .training.distributed import launched_rank
from .training.loop import PRECISIONS, Diverged, Finished, StepDone, Validated
from .training.recipe import Recipe
from .training.recipes import AS_PUBLISHED, FOR_GPU, QUICK, RECIPES
from .training.runs import FinalScores, Lengths, RunError, RunFolder, Started, train
from .uploading import ZERO_GPU, Publication, PublishError, publish

CHECKPOINT_HELP = "a bundled name, the path of a .safetensors file, or owner/repo[@revision]"

EXPECTED_ERRORS = (*segmentation.EXPECTED_ERRORS, DataError, RunError, ServeError)
"""Errors whose message is meant for the person at the keyboard."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Numbers of the errors by which a disk says that it is full."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0 done, 2 a mistake of the caller's, 130 interrupted."""
    output, errors = Output(sys.stdout), Output(sys.stderr)
    with redirect_stdout(output), redirect_stderr(errors):
        options = parser().parse_args(arguments)
        try:
            with memory_errors():
                status = options.command(options)
        except (*EXPECTED_ERRORS, OSError) as error:
            tell(error)
            return 2
        except KeyboardInterrupt:
            print("unet_demo: interrupted", file=sys.stderr)
            return 130
        if output.error:
            print(
                f"unet_demo: not all of the output could be written ({output.error.strerror}), but"
                " everything else was done.",
                file=sys.stderr,
            )
            return 2
        return status


def tell(error: Exception, name: str = "") -> None:
    """Print one sentence on standard error, for the file of that name if there is one."""
    if isinstance(error, OSError) and not isinstance(error, EXPECTED_ERRORS):
        what = f"{error.filename!r}" if error.filename else "A file"
        advice = "make room there" if error.errno in NO_ROOM else "give another path"
        words = f"{what} cannot be read or written ({error.strerror or error}); {advice}."
    else:
        words = plain_words(error)
    print(f"unet_demo: {name}{': ' if name else ''}{words}", file=sys.stderr)


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    top = argparse.ArgumentParser(prog="unet_demo", description="Segment pictures with U-Nets.")
    top.add_argument("--version", action="version", version=f"unet_demo {VERSION}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    add_train_options(commands.add_parser("train", help="train a checkpoint by its recipe"))
    add_evaluate_options(commands.add_parser("evaluate", help="score a checkpoint on known truth"))
    add_bundle_options(
        commands.add_parser("bundle", help="enter a run's best checkpoint into weights/")
    )
    add_benchmark_options(commands.add_parser("benchmark", help="time the bundled checkpoints"))
    add_publish_options(
        commands.add_parser("publish", help="send the bundled checkpoints to the Hub")
    )
    add_predict_options(commands.add_parser("predict", help="segment picture files"))
    add_serve_options(commands.add_parser("serve", help="serve the demo's page to browsers"))
    return top


def add_train_options(command: argparse.ArgumentParser) -> None:
    """The options of ``train``."""
    command.add_argument("recipe", choices=sorted(RECIPES), help="which checkpoint to train")
    command.add_argument("--data", type=Path, help="folder of the data set (shapes needs none)")
    command.add_argument("--out", type=Path, required=True, help="folder of the run")
    command.add_argument("--resume", action="store_true", help="continue the run in --out")
    command.add_argument("--steps", type=int, help="fewer or more steps than the recipe's")
    command.add_argument("--epoch", type=int, help="steps between validations")
    command.add_argument("--precision", choices=PRECISIONS, help="default: the recipe's")
    command.add_argument("--width", type=int, help="channels of the network's first level")
    command.add_argument(
        "--weight-map",
        action="store_true",
        help="weigh the loss by the paper's map of touching cells",
    )
    command.add_argument(
        "--split", choices=("as-published",), help="the article's split, drawn at random"
    )
    command.add_argument(
        "--quick", action="store_true", help="VOC: 50 photos train, 10 validate, as in the article"
    )
    command.add_argument(
        "--keep-epochs", action="store_true", help="keep the checkpoint of each validation"
    )
    command.add_argument(
        "--save-pictures", action="store_true", help="keep each validation's pictures as PNG"
    )
    add_variants(command)
    command.add_argument("--workers", type=count, default=0, help="processes that make batches")
    add_device(command)
    command.set_defaults(command=run_train)


def add_evaluate_options(command: argparse.ArgumentParser) -> None:
    """The options of ``evaluate``."""
    command.add_argument("checkpoint", help=CHECKPOINT_HELP)
    command.add_argument("--data", type=Path, help="folder of the data set (shapes needs none)")
    command.add_argument(
        "--split",
        default="val",
        help="train, val (default) or all; VOC: any list that it holds; scenes: val",
    )
    command.add_argument("--no-tta", action="store_true", help="without test-time averaging")
    command.add_argument(
        "--save", type=Path, metavar="DIR", help="also write each picture, label and output there"
    )
    command.add_argument(
        "--overwrite", action="store_true", help="replace files that are in --save's folder already"
    )
    command.add_argument("--json", action="store_true", help="print one JSON object")
    add_device(command)
    command.set_defaults(command=run_evaluate)


def add_bundle_options(command: argparse.ArgumentParser) -> None:
    """The options of ``bundle``."""
    command.add_argument("recipe", choices=sorted(RECIPES), help="which checkpoint it is")
    command.add_argument("run", type=Path, help="folder of the run")
    command.add_argument("--data", type=Path, help="folder of the data set (shapes needs none)")
    add_variants(command)
    add_device(command)
    command.set_defaults(command=run_bundle)


def add_benchmark_options(command: argparse.ArgumentParser) -> None:
    """The options of ``benchmark``."""
    add_device(command)
    command.set_defaults(command=run_benchmark)


def add_publish_options(command: argparse.ArgumentParser) -> None:
    """The options of ``publish``."""
    command.add_argument("repo", metavar="OWNER/REPO", help="made if it is not there")
    command.add_argument(
        "--space", metavar="OWNER/SPACE", help="also set up a Space there that runs the demo"
    )
    command.add_argument(
        "--hardware",
        type=SpaceHardware,
        metavar="NAME",
        help=f"of the Space: cpu-basic, t4-small …; default: {ZERO_GPU.value}, which is free, for a new one",
    )
    command.add_argument("--dry-run", action="store_true", help="only print what would go")
    command.add_argument("--private", action="store_true", help="make what is new private")
    command.add_argument("--message", help="of the commit; default: names the version")
    command.add_argument("--revision", help="a branch, made if it is not there; default: main")
    command.set_defaults(command=run_publish)


def add_predict_options(command: argparse.ArgumentParser) -> None:
    """The options of ``predict``."""
    command.add_argument("checkpoint", help=CHECKPOINT_HELP)
    command.add_argument("files", type=Path, nargs="+", metavar="FILE")
    command.add_argument("--out", type=Path, required=True, help="folder of the masks")
    command.add_argument("--probabilities", action="store_true", help="also write NAME.npy")
    command.add_argument(
        "--colours", action="store_true", help="also write NAME-colours.png, what voc-color paints"
    )
    command.add_argument(
        "--overwrite", action="store_true", help="replace files that are there already"
    )
    command.add_argument("--tta", action="store_true", help="average over turns, mirrors and sizes")
    add_device(command)
    command.set_defaults(command=run_predict)


def add_serve_options(command: argparse.ArgumentParser) -> None:
    """The options of ``serve``."""
    command.add_argument(
        "--host", help="address to listen at; default: GRADIO_SERVER_NAME, else 127.0.0.1"
    )
    command.add_argument(
        "--port", type=port, help="default: GRADIO_SERVER_PORT, else the first free one from 7860"
    )
    command.add_argument(
        "--share", action="store_true", help="also by a public address at gradio.live"
    )
    command.add_argument(
        "--mcp",
        action="store_true",
        help="also to agents, as an MCP server; UNET_DEMO_MCP=1 does so too",
    )
    command.set_defaults(command=run_serve)


def add_variants(command: argparse.ArgumentParser) -> None:
    """The options that take another recipe of the same name."""
    variants = command.add_mutually_exclusive_group()
    variants.add_argument(
        "--as-published", dest="recipes", action="store_const", const=AS_PUBLISHED,
        help="the article's own recipe",
    )  # fmt: skip
    variants.add_argument(
        "--for-gpu", dest="recipes", action="store_const", const=FOR_GPU,
        help="a wider network and a longer run",
    )  # fmt: skip
    command.set_defaults(recipes=RECIPES)


def chosen_recipe(options: argparse.Namespace) -> Recipe:
    """The recipe that a command's options name. Raises RunError if there is no such variant."""
    if options.recipe not in options.recipes:
        raise RunError(
            f"There is no such variant of {options.recipe!r}; its bundled recipe is the only one."
        )
    return options.recipes[options.recipe]


def recipe_to_train(options: argparse.Namespace) -> Recipe:
    """The recipe that ``train`` is asked for, with its changes. Raises RunError for one that cannot be."""
    recipe = chosen_recipe(options)
    if options.precision:
        recipe = replace(recipe, fit=replace(recipe.fit, precision=options.precision))
    if options.width is not None:
        if options.width < 1:
            raise RunError(f"The width is {options.width}; it is a number of channels, 1 or more.")
        recipe = replace(recipe, options={**recipe.options, "width": options.width})
    if options.weight_map:
        if recipe.taught:
            raise RunError(
                f"The article of {recipe.name!r} teaches void as a class, and the weight map leaves"
                " void out; leave out --weight-map, or --as-published."
            )
        recipe = replace(recipe, weight_map=True)
    if options.split:
        published = AS_PUBLISHED.get(recipe.name)
        if published is None or published.split is None:
            raise RunError(f"No article splits the data of {recipe.name!r}; leave out --split.")
        recipe = replace(recipe, split=published.split, watched=published.watched)
    if options.quick:
        if DATASETS[recipe.data] is not Voc:
            raise RunError(
                f"Only the recipes of VOC have a quick check, not {recipe.name!r}; give it few"
                " --steps instead."
            )
        recipe = replace(recipe, split=QUICK, watched=())
    return recipe


def add_device(command: argparse.ArgumentParser) -> None:
    """The option that every command which computes has."""
    command.add_argument(
        "--device", help=f"cpu, cuda, cuda:1 …; default: {DEVICE_VARIABLE}, else a GPU if any"
    )


def count(text: str) -> int:
    """An option's whole number, 0 or more."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is below 0")
    return number


def port(text: str) -> int:
    """An option's TCP port."""
    number = int(text)
    if number not in PORTS:
        raise argparse.ArgumentTypeError(f"{number} is not from {PORTS[0]} to {PORTS[-1]}")
    return number


def make_folder(folder: Path) -> None:
    """Make a folder for results, before they are computed. Raises OSError if none can be written."""
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


def run_train(options: argparse.Namespace) -> int:
    """Train, with a progress bar that shows the loss and each validation's score."""
    recipe = recipe_to_train(options)
    if DATASETS[recipe.data].needs_folder and options.data is None:
        raise DataError(
            f"The recipe {recipe.name!r} needs its data set; give its folder as --data."
        )
    refuse_unused_data(options, recipe.data)
    new = not RunFolder(options.out, recipe).state.is_file()
    if options.resume and new and launched_rank() == 0:
        print(
            f"unet_demo: {str(options.out)!r} holds no run to resume; a new one is started there.",
            file=sys.stderr,
        )
    events = train(
        recipe,
        options.data,
        options.out,
        resume=options.resume,
        device=pick_device(options.device),
        workers=options.workers,
        lengths=Lengths(options.steps, options.epoch),
        keep_epochs=options.keep_epochs,
        save_pictures=options.save_pictures,
    )
    # The bar comes after what can go wrong before the first step, and where nothing happens not at
    # all: of several processes only the main one tells what does.
    started = next(events, None)
    if not isinstance(started, Started):
        return 0
    for fault in recipe.faults:
        print(f"As published, but: {fault}", file=sys.stderr)
    steps = started.recipe.fit.steps
    with tqdm(total=steps, initial=started.step, unit="step", dynamic_ncols=True) as bar:
        for event in events:
            if isinstance(event, StepDone):
                bar.update(event.step - bar.n)
                bar.set_postfix_str(f"loss {event.loss:.4f}", refresh=False)
            elif isinstance(event, Validated):
                bar.write(f"step {event.step}: {in_words({**event.training, **event.scores})}")
            elif isinstance(event, Diverged):
                bar.write(
                    f"The loss became {event.loss} at step {event.step}: the learning rate is too"
                    f" high for these settings. The weights of step {event.restored_step} are kept."
                )
                return 1
            elif isinstance(event, Finished):
                bar.write(f"finished after {event.step} steps: {options.out}")
            elif isinstance(event, FinalScores):
                bar.write(f"{event.scored_on}: {in_words(event.scores)}")
    return 0


def run_evaluate(options: argparse.Namespace) -> int:
    """Score a checkpoint on a split of the data that it was made for."""
    predictor = open_predictor(options.checkpoint, options.device)
    refuse_unused_data(options, str(predictor.card.recipe.get("data")))
    cases = None
    if options.save:
        make_folder(options.save)
        if not options.overwrite:
            refuse_to_mix(options.save)
        cases = CaseFolder(options.save, predictor.card.task)
    with progress_bar("evaluating") as progress:
        evaluation = evaluate(
            predictor,
            options.data,
            options.split,
            flips=not options.no_tta,
            progress=progress,
            keep=cases,
        )
    if cases:
        cases.finish()
    if options.json:
        print(json.dumps(evaluation_as_json(options.checkpoint, evaluation), indent=2))
    else:
        print(f"{predictor.card.name} on {evaluation.scored_on}:")
        for name, value in evaluation.scores.items():
            print(f"  {name:28} {value:.4f}")
        print(f"  {'void, not scored':28} {evaluation.void:.4f}")
    return 0


def evaluation_as_json(checkpoint: str, evaluation: Evaluation) -> dict[str, object]:
    """What --json prints; a score that does not exist (a class that never occurs) is null."""
    scores = {name: value if value == value else None for name, value in evaluation.scores.items()}
    return {
        "checkpoint": checkpoint,
        "scored_on": evaluation.scored_on,
        "tta": evaluation.flips,
        "void": evaluation.void,
        "scores": scores,
    }


def run_bundle(options: argparse.Namespace) -> int:
    """Score a run's best checkpoint and bundle it."""
    recipe = chosen_recipe(options)
    refuse_unused_data(options, recipe.data)
    make_folder(WEIGHTS)
    read_index(WEIGHTS)  # a damaged one is told of before the work, too
    with progress_bar("scoring") as progress:
        evaluation = bundle(recipe, options.run, options.data, options.device, progress)
    print(f"{options.recipe}: {in_words(evaluation.scores)}")
    return 0


def run_benchmark(options: argparse.Namespace) -> int:
    """A line per bundled checkpoint: plain float32 torch against this program's Predictor."""
    # What is wrong with either is told before anything is printed.
    pick_device(options.device)
    names = read_index()
    print(f"one {SIDE}×{SIDE} picture, median of {REPEATS}")
    for name in names:
        timing = time_checkpoint(open_checkpoint(name), options.device)
        print(
            f"{name:10} {timing.parameters:>12,} parameters"
            f"   plain float32 {timing.plain_seconds * 1000:7.0f} ms"
            f"   here {timing.predictor_seconds * 1000:7.0f} ms"
            f"   {timing.speed_up:5.2f} times faster on {timing.device}"
        )
    return 0


def run_publish(options: argparse.Namespace) -> int:
    """Send the bundled checkpoints to a Hub repository, the demo to a Space; or print what would go."""
    if options.hardware and not options.space:
        raise PublishError("--hardware is that of a Space; say which one with --space.")
    checkpoints = prepare(WEIGHTS, options.repo, options.revision)
    steps = [(checkpoints, f"{HUB_VARIABLE}={checkpoints.address} offers them by name")]
    if options.space:
        space = prepare_space(
            checkpoints, options.space, private=options.private, hardware=options.hardware
        )
        steps.append((space, f"{space.page} runs the demo when it is built"))
    for publication, hint in steps:
        if options.dry_run:
            done = f"would go to {publication.address}; nothing was sent"
        else:
            address = publish(publication, options.message, options.private, print_removed)
            done = f"are at {address}; {hint}"
        print_publication(publication, done)
    return 0


def print_removed(path: str) -> None:
    """A line for a file of an earlier publication that is gone."""
    print(f"{'removed':>20}  {path}")


def print_publication(publication: Publication, done: str) -> None:
    """A line for each file and each variable, and what was done with them."""
    for path, data in publication.files.items():
        print(f"{len(data):>14,} bytes  {path}")
    for name, value in publication.variables.items():
        print(f"{'variable':>20}  {name}={value}")
    print(f"{publication.size:>14,} bytes in {len(publication.files)} files {done}")


def run_predict(options: argparse.Namespace) -> int:
    """Write a mask for each file. Reads them all first, so that a broken one stops nothing halfway."""
    predictor = open_predictor(options.checkpoint, options.device)
    if options.colours:
        predictor.check_paints()
    written: set[Path] = set()
    for file in options.files:
        pages = read_picture(file).pages
        predictor.check_size(pages)
        targets = prediction_paths(
            options.out,
            file.stem,
            len(pages),
            probabilities=options.probabilities,
            colours=options.colours,
        )
        if doubled := written.intersection(targets):
            raise PictureError(
                f"Two of the files would write {min(doubled).name!r}; rename one, or run them one"
                " by one."
            )
        written.update(targets)
        refuse_to_overwrite(targets, options.files, options.overwrite)
    make_folder(options.out)
    return max(predict_file(file, predictor, options) for file in options.files)


def predict_file(file: Path, predictor: Predictor, options: argparse.Namespace) -> int:
    """Write a file's mask, or say why there is none, so that the other files' are still made."""
    try:
        picture = read_picture(file)
        for note in picture.notes:
            print(f"{file.name}: {note}", file=sys.stderr)
        with progress_bar(file.name) as progress:
            prediction = predictor.predict(picture.pages, flips=options.tta, progress=progress).of(
                picture
            )
        for note in prediction.notes:
            print(f"{file.name}: {note}", file=sys.stderr)
        for path in write_prediction(
            options.out, file.stem, prediction, probabilities=options.probabilities
        ):
            print(path)
        if options.colours:
            with progress_bar(f"{file.name}, colours") as progress:
                painted = predictor.paint(picture.pages, flips=options.tta, progress=progress)
            print(write_colours(options.out, file.stem, painted))
    except (*EXPECTED_ERRORS, OSError) as error:
        tell(error, file.name)
        return 2
    return 0


def run_serve(options: argparse.Namespace) -> int:
    """Serve the page until it is interrupted."""
    check_settings(options.host)
    host = take_host(options.host)
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
    launch(
        server_name=host,
        server_port=options.port,
        share=options.share or None,
        mcp_server=options.mcp or mcp_wanted(),
    )
    return 0


def refuse_unused_data(options: argparse.Namespace, data: str) -> None:
    """Raise DataError if a data set was given to what draws its own scenes."""
    if data in DATASETS and not DATASETS[data].needs_folder and options.data is not None:
        raise DataError("Scenes are drawn afresh and need no data set; leave out --data.")


def refuse_to_overwrite(
    targets: Sequence[Path], inputs: Sequence[Path], overwrite: bool = False
) -> None:
    """Raise PictureError if a result would take the place of a picture, or unasked of any file."""
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
    """Raise DataError if a folder for the files of an evaluation holds any file yet."""
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
        """Return whether a terminal shows it."""
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
                # What is left in its buffer would raise once more when Python ends.
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
        return len(text)


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """A bar on standard error that follows a predictor's passes; there is none before the first."""
    with ExitStack() as opened:
        bar: tqdm | None = None

        def show(done: int, total: int) -> None:
            nonlocal bar
            if bar is None:
                bar = tqdm(desc=title, total=total, unit="pass", dynamic_ncols=True)
                opened.enter_context(bar)
            if done <= bar.n:  # what is counted begins anew
                bar.reset(total)
            bar.update(done - bar.n)

        yield show


def in_words(scores: Scores) -> str:
    """'mIoU 0.9812, …' for a line of text; scores that do not exist are left out."""
    return ", ".join(f"{name} {value:.4f}" for name, value in scores.items() if value == value)

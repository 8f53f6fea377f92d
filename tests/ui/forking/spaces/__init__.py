"""Stands in for Hugging Face's ``spaces``: GPU() forks, pickles and gives up as that does on ZeroGPU.

As there, a generator runs in a thread of a process that is forked off when it is called; what it
takes and yields is pickled; an exception arrives as no more than its class's name; and closing the
generator is seen by the process when it next yields.
"""

import multiprocessing
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from multiprocessing.queues import SimpleQueue

LOADED_BEFORE = {name for name in ("torch", "gradio") if name in sys.modules}
"""What should have been imported after this package."""

ASKED: list[float] = []
"""The seconds that were asked for, call by call."""

FORK = multiprocessing.get_context("fork")


def GPU(*, duration):
    """Decorator of a generator function."""

    def decorate(task):
        @wraps(task)
        def forked(*args):
            ASKED.append(duration(*args))
            arguments, answers, stop = SimpleQueue(ctx=FORK), SimpleQueue(ctx=FORK), FORK.Event()
            process = FORK.Process(
                target=_serve, args=(task, arguments, answers, stop), daemon=True
            )
            process.start()
            arguments.put(args)
            try:
                while (answer := answers.get()) is not None:
                    if isinstance(answer, _Failure):
                        raise RuntimeError(answer.name)
                    yield answer
            except GeneratorExit:
                stop.set()
                while answers.get() is not None:
                    pass
                raise
            finally:
                process.join()

        return forked

    return decorate


class _Failure:
    def __init__(self, name: str):
        self.name = name


def _serve(task, arguments, answers, stop) -> None:
    def iterate() -> None:
        generator = task(*arguments.get())
        try:
            for answer in generator:
                if stop.is_set():
                    generator.close()
                    return
                answers.put(answer)
        except Exception as error:  # whatever it is, its name alone crosses over
            answers.put(_Failure(type(error).__name__))

    with ThreadPoolExecutor() as executor:
        executor.submit(iterate)
    answers.put(None)

"""What is asked of a result that is there: slices, scores, files, a link."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from ...data.truth import read_truth_of
from ...exports import EXPORTS
from ...render import View
from ...segmentation import EXPECTED_ERRORS, Truth
from ..files import fresh_folder
from ..html import Update
from ..text import say
from .run import Runner
from .session import Session
from .views import comparison, slice_value


class Results:
    """The handlers of the page's result."""

    def __init__(self, runner: Runner) -> None:
        self.controls = runner.controls
        self.sessions = runner.sessions
        self.runner = runner

    def on_slice(self, request: gr.Request, *view: Any) -> Update:
        """Give the viewer a slice that it does not have; it drops one of an earlier result."""
        session = self.sessions.visitor(request)
        result = session.result
        if result is None:
            return self.runner.nothing(session)
        return {self.controls.viewer: slice_value(result, View(*view))}

    def on_truth(self, request: gr.Request, path: str | None, *view: Any) -> Update:
        """Compare with a ground truth that was dropped, or no longer with one that was taken away.

        One that cannot be compared leaves its box, which so never shows what is not compared.
        """
        session = self.sessions.visitor(request)
        result, emptied = session.result, {self.controls.truth: None} if path else {}
        if result is None:
            return self.runner.nothing(session) | emptied
        truth, task, picture = None, result.card.task, result.request.picture
        if path is not None:
            try:
                shape = picture.slices.shape[:3]
                labels = read_truth_of(path, task, shape, picture.orientations)
            except EXPECTED_ERRORS as error:
                session.empty_box()
                mistake = self.runner.mistake(error, session)
                return self._compared(session, View(*view)) | emptied | mistake
            truth = Truth(labels, task.classes)
        session.compare_with(truth)
        session.boxed = truth
        return self._compared(session, View(*view))

    def _compared(self, session: Session, view: View) -> Update:
        """Set the errors and the scores of a result whose truth has changed."""
        result = session.result
        assert result
        scores = comparison(result, view, session.language)
        return {self.controls.viewer: slice_value(result, view), self.controls.scores: scores}

    def on_compare(self, request: gr.Request, *view: Any) -> Update:
        """Score again: the threshold or the slice has come to rest."""
        session = self.sessions.visitor(request)
        result = session.result
        scores = comparison(result, View(*view), session.language) if result else gr.skip()
        return {self.controls.scores: scores}

    def download(self, kind: str) -> Callable[..., str]:
        """Make the handler that makes a file of this kind."""

        def on_download(request: gr.Request, *view: Any) -> str:
            session = self.sessions.visitor(request)
            result = session.result
            if result is None:
                raise refusal(session)
            made_from = result.made, *view
            earlier, file = session.exports.get(kind, (None, Path()))
            if earlier != made_from or not file.is_file():
                picture, prediction = result.request.picture, result.prediction
                if earlier:
                    file.unlink(missing_ok=True)
                bytes_ = prediction.probabilities.nbytes if kind == "probabilities" else 0
                file = EXPORTS[kind](fresh_folder(bytes_), picture, prediction, View(*view))
                session.exports[kind] = made_from, file
            return str(file)

        return on_download


def refusal(session: Session) -> gr.Error:
    """Say why there is no result, for what Gradio shows as a toast."""
    return gr.Error(say(session.nothing_shown, session.language), print_exception=False)

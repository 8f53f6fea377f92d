"""The Segment page's handlers, step by step: one visitor's requests as they cross on their way."""

import gc
import json
import shutil
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import gradio as gr
import numpy as np
import pytest
import tifffile
from fastapi import Request
from PIL import Image

from unet_demo.checkpoints.hub import sha256_of
from unet_demo.data import PictureError
from unet_demo.data.em import synthetic_em
from unet_demo.examples import EXAMPLES, load_example, offered_examples
from unet_demo.ui.html import alert
from unet_demo.ui.pages import build
from unet_demo.ui.segment import run
from unet_demo.ui.segment.controls import AUTO
from unet_demo.ui.segment.page import INFERENCE, SegmentPage
from unet_demo.ui.segment.session import Session, opening
from unet_demo.ui.segment.views import menu
from unet_demo.ui.server.trainings import TRAINING
from unet_demo.ui.text import say

ANN, BEN = "ann", "ben"
"""Session hashes."""

VIEW = (0.5, 0.2, "fill", 1)
"""Threshold, opacity, marking and slice, as the page sends them."""


OPENING = EXAMPLES[0].name


@pytest.fixture
def page() -> SegmentPage:
    with gr.Blocks() as demo:
        return SegmentPage(demo)


@pytest.fixture
def own_picture(tmp_path: Path) -> Path:
    path = tmp_path / "own.png"
    Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(path)
    return path


def asked(session: str = ANN, query: str = "") -> gr.Request:
    scope = {"type": "http", "headers": [], "query_string": query.encode()}
    return gr.Request(Request(scope), session_hash=session)


def set_to(page: SegmentPage, changed: dict | None = None) -> dict:
    """What the page is set to when it opens, but for what has changed."""
    return {control: control.value for control in page.controls.settings} | (changed or {})


def brings(page: SegmentPage, path: Path, session: str = ANN) -> Iterator[dict]:
    return page.on_picture(set_to(page, {page.controls.picture: str(path)}), asked(session))


def opens(page: SegmentPage, query: str = "") -> Iterator[dict]:
    for update in page.on_open(set_to(page), asked(query=query)):
        if page.addressed in update:
            yield from page.on_addressed(set_to(page), asked(query=query))
        else:
            yield update


def picks(page: SegmentPage, checkpoint: str) -> Iterator[dict]:
    return page.on_checkpoint(set_to(page, {page.controls.checkpoint: checkpoint}), asked())


def all_of(updates: Iterator[dict]) -> dict:
    """What a handler has said in the end."""
    return {component: value for update in updates for component, value in update.items()}


def once_read(updates: Iterator[dict]) -> dict:
    """What follows the word that a picture is read."""
    next(updates)
    return next(updates)


def says_nothing(updates: Iterator[dict], page: SegmentPage) -> bool:
    return all(update == {page.controls.status: gr.skip()} for update in updates)


def seen(page: SegmentPage, session: str = ANN) -> Session:
    return page.sessions.of(session)


def name_shown(page: SegmentPage) -> str:
    result = seen(page).result
    assert result
    return result.request.picture.name


def repository_of(file: Path) -> dict[str, bytes]:
    """What a repository of the Hub's with this one checkpoint holds."""
    index = {"checkpoints": {"far": {"file": "far.safetensors", "sha256": sha256_of(file)}}}
    return {"index.json": json.dumps(index).encode(), "far.safetensors": file.read_bytes()}


def test_an_older_job_says_nothing_though_the_newer_one_has_ended(
    page: SegmentPage, own_picture: Path
) -> None:
    all_of(opens(page))
    older = picks(page, "isbi")
    next(older)
    all_of(brings(page, own_picture))
    assert says_nothing(older, page)
    assert name_shown(page) == "own"


def test_an_older_job_that_a_person_cancelled_says_nothing_after_the_newer_one(
    page: SegmentPage, own_picture: Path
) -> None:
    all_of(opens(page))
    older = picks(page, "isbi")
    next(older)
    page.on_cancel(asked())
    all_of(brings(page, own_picture))
    assert says_nothing(older, page)


def test_reading_a_picture_is_called_off_with_nothing_lost(
    page: SegmentPage, tmp_path: Path
) -> None:
    all_of(opens(page))
    before = seen(page).result
    stack = tmp_path / "stack.tif"
    pages = [Image.new("L", (32, 32), 60 * number) for number in range(4)]
    pages[0].save(stack, save_all=True, append_images=pages[1:])
    updates = brings(page, stack)
    offered = next(updates)
    assert offered[page.controls.cancel].visible
    assert say("segment_reading", "en") in offered[page.controls.status]
    page.on_cancel(asked())
    answer = all_of(updates)
    assert say("segment_cancelled", "en").split(";")[0] in answer[page.controls.status]
    assert answer[page.controls.cancel].visible is False and answer[page.controls.picture] is None
    assert seen(page).result is before


def test_what_was_asked_for_first_but_comes_last_says_nothing(page: SegmentPage) -> None:
    all_of(opens(page))
    later = {page.controls.turn: 20, page.controls.checkpoint: "shapes"}
    earlier = {page.controls.turn: 10, page.controls.checkpoint: "isbi"}
    all_of(page.on_checkpoint(set_to(page, later), asked()))
    assert says_nothing(page.on_checkpoint(set_to(page, earlier), asked()), page)
    assert seen(page).result.request.checkpoint == "shapes"


def test_a_page_that_is_opening_gives_way_to_a_picture_that_was_brought_meanwhile(
    page: SegmentPage, own_picture: Path
) -> None:
    opening.cache_clear()
    updates: list[dict] = []
    thread = threading.Thread(target=lambda: updates.extend(opens(page)))
    thread.start()
    while not seen(page).request:
        assert thread.is_alive()
    mine = brings(page, own_picture)
    next(mine)
    thread.join()
    all_of(mine)
    assert says_nothing(iter(updates), page)
    assert name_shown(page) == "own"


def test_what_a_link_names_is_not_segmented_where_pages_open(page: SegmentPage) -> None:
    query = "checkpoint=isbi&example=stack&flips=1"
    assert list(page.on_open(set_to(page), asked(query=query))) == [{page.addressed: True}]


def test_the_picture_of_the_opening_is_the_one_for_later_wishes(page: SegmentPage) -> None:
    all_of(opens(page))
    session = seen(page)
    assert session.request and session.result
    assert session.request.picture is session.result.request.picture


def test_what_an_address_names_gives_way_while_its_checkpoint_is_fetched(
    page: SegmentPage, own_picture: Path
) -> None:
    older = opens(page, "example=membranes&opacity=0.3")
    assert next(older)[page.controls.opacity] == 0.3
    all_of(brings(page, own_picture))
    assert says_nothing(older, page)
    assert name_shown(page) == "own"


def test_a_checkpoint_that_is_being_fetched_gives_way_to_a_newer_wish(
    page: SegmentPage, own_picture: Path, serve: Callable[..., str], shapes_file: Path
) -> None:
    serve({"ann/unets": repository_of(shapes_file)})
    all_of(opens(page))
    older = page.on_repo(set_to(page, {page.controls.repo: "ann/unets"}), asked())
    assert "ann/unets" in next(older)[page.controls.status]
    all_of(brings(page, own_picture))
    assert says_nothing(older, page)
    assert seen(page).result.request.checkpoint == "shapes"


def test_a_wish_without_a_picture_lets_the_page_open(page: SegmentPage) -> None:
    page.on_greeting(asked())
    stop = seen(page).begin(0)
    said = all_of(picks(page, "isbi"))[page.controls.status]
    assert not stop.is_set()
    assert say("segment_no_picture", "en") in said


def test_a_page_that_the_server_has_forgotten_is_told_to_load_anew_and_keeps_what_it_shows(
    page: SegmentPage,
) -> None:
    page.on_greeting(asked())
    all_of(opens(page))
    page.on_leave(asked())  # the connection broke
    told = {page.controls.status: alert(say("lost_forgotten", "en"), "en")}
    assert all_of(picks(page, "isbi")) == told
    assert page.results.on_slice(asked(), *VIEW) == told
    assert page.results.on_truth(asked(), None, *VIEW) == told
    assert page.results.on_compare(asked(), *VIEW) == {page.controls.scores: gr.skip()}
    with pytest.raises(gr.Error, match="reload the page"):
        page.results.download("labels")(asked(), *VIEW)


LINK = "page=segment&checkpoint=isbi&example=stack&slice=4&flips=1&threshold=0.3"
"""Of an address that names what is to be segmented, and how."""

PAINTED = "&opacity=0.2&style=outline"
"""And how it is to be looked at."""


def test_the_address_is_told_of_what_it_named_while_that_is_segmented(page: SegmentPage) -> None:
    address = dict(parse_qsl(LINK))
    told = next(opens(page, LINK))[page.controls.told]
    assert not told["incomplete"]
    assert told["values"] == {
        "checkpoint": "isbi", "example": "stack", "slice": 4, "flips": True, "threshold": 0.3,
    }  # fmt: skip
    assert set(told["values"]) < set(address)


def test_the_address_is_told_at_once_that_an_own_picture_is_in_none(
    page: SegmentPage, own_picture: Path
) -> None:
    told = once_read(brings(page, own_picture))[page.controls.told]
    assert told["incomplete"] and told["values"]["example"] is None


@pytest.mark.parametrize(
    ("query", "example"),
    [("example=coins&opacity=0.3", "coins"), ("", OPENING), ("utm_source=x", OPENING)],
)
def test_a_step_back_shows_what_that_address_showed(
    page: SegmentPage, query: str, example: str
) -> None:
    page.steps = gr.HTML()
    first = next(page.on_restored(set_to(page, {page.steps: {"query": query}}), asked()))
    assert first[page.controls.told]["values"]["example"] == example
    assert first[page.controls.opacity] == (0.3 if "opacity" in query else 0.6)


def test_after_a_mistake_the_address_is_that_of_the_result_that_stays(
    page: SegmentPage, tmp_path: Path
) -> None:
    before = all_of(opens(page))[page.controls.told]
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"this is no picture")
    after = all_of(brings(page, broken))[page.controls.told]
    assert before["values"] | after["values"] == before["values"]
    assert after["values"]["example"] and not after["incomplete"]


def test_what_the_address_names_is_set_at_once(page: SegmentPage) -> None:
    controls = page.controls
    first = next(opens(page, LINK))
    assert first[controls.checkpoint].value == "isbi"
    assert first[controls.tta] is True
    assert say("segment_running", "en") in first[controls.status]


def test_a_threshold_for_a_checkpoint_that_has_none_is_told_of_with_its_result(
    page: SegmentPage, serve: Callable[..., str], shapes_file: Path
) -> None:
    serve({"ann/unets": repository_of(shapes_file)})
    said = all_of(opens(page, "checkpoint=ann/unets&example=coins&threshold=0.5"))
    assert "threshold=0.5, which was left out" in said[page.controls.status]


def test_errors_for_a_checkpoint_of_other_classes_are_told_of_with_its_result(
    page: SegmentPage, serve: Callable[..., str], shapes_file: Path
) -> None:
    serve({"ann/unets": repository_of(shapes_file)})
    said = all_of(opens(page, "checkpoint=ann/unets&example=membranes&layer=errors"))
    assert "layer=errors, which was left out" in said[page.controls.status]


def test_a_checkpoint_of_the_hubs_is_fetched_again_once_the_cache_has_been_emptied_of_it(
    page: SegmentPage, serve: Callable[..., str], shapes_file: Path, hub_cache: Path
) -> None:
    serve({"ann/unets": repository_of(shapes_file)})
    all_of(opens(page))
    all_of(page.on_repo(set_to(page, {page.controls.repo: "ann/unets"}), asked()))
    all_of(picks(page, "shapes"))
    shutil.rmtree(hub_cache)
    all_of(picks(page, "ann/unets"))
    assert seen(page).result.request.checkpoint == "ann/unets"


def test_somebody_elses_model_on_the_hub_is_opened_by_its_name(
    page: SegmentPage, serve: Callable[..., str], smp_repository: dict[str, bytes]
) -> None:
    serve({"ann/unets": smp_repository})
    all_of(opens(page))
    said = all_of(page.on_repo(set_to(page, {page.controls.repo: "ann/unets"}), asked()))
    assert seen(page).result.request.checkpoint == "ann/unets", said
    assert seen(page).result.card.task.classes == ("sky", "tree", "road")


def test_a_page_that_comes_late_through_the_queue_leaves_alone_what_was_wished_meanwhile(
    page: SegmentPage, own_picture: Path
) -> None:
    mine = brings(page, own_picture)
    once_read(mine)
    assert says_nothing(opens(page), page)
    all_of(mine)
    assert name_shown(page) == "own"


def test_a_visitor_who_comes_does_not_wait_behind_long_segmentations() -> None:
    groups = {fn.fn.__qualname__: fn.concurrency_id for fn in build().fns.values() if fn.fn}
    assert groups["SegmentPage.on_picture"] == groups["SegmentPage.on_addressed"] == INFERENCE
    assert groups["segment_picture"] != INFERENCE
    assert groups["SegmentPage.on_open"] not in (INFERENCE, TRAINING)


def crowd(page: SegmentPage, own_picture: Path) -> None:
    """Ann's result leaves no room for another."""
    page.on_greeting(asked(ANN))
    all_of(brings(page, own_picture, ANN))
    page.sessions.budget.most_bytes = seen(page, ANN).own_bytes


def test_results_are_put_away_to_make_room_and_the_newest_stays(
    page: SegmentPage, own_picture: Path
) -> None:
    crowd(page, own_picture)
    page.sessions.budget.most_bytes -= 1
    left = weakref.ref(seen(page, ANN).result)
    assert left()
    all_of(brings(page, own_picture, BEN))
    gc.collect()
    assert left() is None and seen(page, ANN).request is None
    assert seen(page, BEN).result


def test_what_everybody_sees_first_is_not_put_away(page: SegmentPage, own_picture: Path) -> None:
    all_of(opens(page))
    page.sessions.budget.most_bytes = 0
    all_of(brings(page, own_picture, BEN))
    assert seen(page, ANN).result


def test_a_visitor_whose_result_was_put_away_is_told_so_and_can_go_on(
    page: SegmentPage, own_picture: Path
) -> None:
    crowd(page, own_picture)
    all_of(brings(page, own_picture, BEN))
    told = {page.controls.status: alert(say("segment_put_away", "en"), "en")}
    assert page.results.on_slice(asked(), *VIEW) == told
    assert page.results.on_truth(asked(), None, *VIEW) == told
    assert all_of(picks(page, "isbi")) == told
    with pytest.raises(gr.Error, match="make room"):
        page.results.download("labels")(asked(), *VIEW)
    all_of(brings(page, own_picture, ANN))
    assert page.controls.viewer in page.results.on_slice(asked(), *VIEW)


def test_an_example_stays_at_hand_though_its_result_is_put_away(
    page: SegmentPage, own_picture: Path
) -> None:
    all_of(opens(page, "example=coins"))
    page.sessions.budget.most_bytes = 0
    all_of(brings(page, own_picture, BEN))
    assert seen(page).result is None
    all_of(picks(page, "isbi"))
    assert name_shown(page) == "coins"
    assert seen(page).result.request.checkpoint == "isbi"


def test_what_is_under_way_is_not_put_away(page: SegmentPage, own_picture: Path) -> None:
    crowd(page, own_picture)
    again = picks(page, "isbi")
    next(again)
    all_of(brings(page, own_picture, BEN))
    assert seen(page).result
    all_of(again)
    assert seen(page).result.request.checkpoint == "isbi"
    assert page.controls.viewer in all_of(picks(page, "shapes"))


def test_a_picture_that_was_refused_takes_its_part_of_the_memory(
    page: SegmentPage, own_picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise PictureError("is too large")

    monkeypatch.setattr(run, "segment", refuses)
    all_of(brings(page, own_picture))
    assert seen(page).result is None and seen(page).own_bytes == 48 * 64 * 3
    page.sessions.budget.most_bytes = 0
    all_of(brings(page, own_picture, BEN))
    assert seen(page).request is None
    assert page.results.on_slice(asked(), *VIEW) == {
        page.controls.status: alert(say("segment_put_away", "en"), "en")
    }


def test_a_truth_that_comes_during_a_job_is_compared_with_its_result(
    page: SegmentPage, own_picture: Path, tmp_path: Path
) -> None:
    truth = truth_file(tmp_path, 48, 64)
    all_of(brings(page, own_picture))
    first = seen(page).result
    again = page.on_averaging(set_to(page, {page.controls.tta: True}), asked())
    next(again)
    page.results.on_truth(asked(), str(truth), *VIEW)
    assert "mIoU" in all_of(again)[page.controls.scores]
    assert seen(page).result.made > first.made


def test_a_truth_for_the_old_picture_stays_with_it_when_the_new_one_comes(
    page: SegmentPage, own_picture: Path, tmp_path: Path
) -> None:
    all_of(opens(page))
    truth = truth_file(tmp_path, 512, 512)
    newer = brings(page, own_picture)
    once_read(newer)
    page.results.on_truth(asked(), str(truth), *VIEW)
    assert seen(page).request.truth is None
    all_of(newer)
    assert name_shown(page) == "own" and seen(page).result.truth is None


def test_a_cancelled_job_keeps_the_truth_that_came_meanwhile(
    page: SegmentPage, own_picture: Path, tmp_path: Path
) -> None:
    all_of(opens(page))
    truth = truth_file(tmp_path, 512, 512)
    newer = brings(page, own_picture)
    once_read(newer)
    page.results.on_truth(asked(), str(truth), *VIEW)
    page.on_cancel(asked())
    all_of(newer)
    assert seen(page).request.truth.labels[0, -1, 0] == 1


def truth_file(folder: Path, height: int, width: int) -> Path:
    """A ground truth of two classes, 0 above 1."""
    ids = np.zeros((height, width), np.uint8)
    ids[height // 2 :] = 1
    Image.fromarray(ids).save(folder / "truth.png")
    return folder / "truth.png"


REMOVED = say("segment_truth_put_away", "en")


def test_a_new_picture_empties_the_box_of_the_earlier_ones_truth_and_says_so(
    page: SegmentPage, own_picture: Path, tmp_path: Path
) -> None:
    all_of(opens(page))
    assert (
        "mIoU"
        in page.results.on_truth(asked(), truth_file(tmp_path, 512, 512), *VIEW)[
            page.controls.scores
        ]
    )
    answer = all_of(brings(page, own_picture))
    assert answer[page.controls.truth] is None and REMOVED in answer[page.controls.status]
    assert answer[page.controls.scores] == ""


def test_a_truth_put_away_for_other_classes_is_not_compared_when_its_own_come_back(
    page: SegmentPage, own_picture: Path, tmp_path: Path
) -> None:
    all_of(brings(page, own_picture))
    page.results.on_truth(asked(), truth_file(tmp_path, 48, 64), *VIEW)
    answer = all_of(picks(page, "isbi"))
    assert answer[page.controls.truth] is None and REMOVED in answer[page.controls.status]
    assert all_of(picks(page, "shapes"))[page.controls.scores] == ""


def test_a_truth_stays_in_its_box_while_its_picture_is_segmented_anew(
    page: SegmentPage, own_picture: Path, tmp_path: Path
) -> None:
    all_of(brings(page, own_picture))
    page.results.on_truth(asked(), truth_file(tmp_path, 48, 64), *VIEW)
    answer = all_of(picks(page, "shapes"))
    assert page.controls.truth not in answer and "mIoU" in answer[page.controls.scores]


def test_a_truth_that_cannot_be_compared_leaves_its_box_and_nothing_is_compared(
    page: SegmentPage, own_picture: Path, tmp_path: Path
) -> None:
    all_of(brings(page, own_picture))
    page.results.on_truth(asked(), truth_file(tmp_path, 48, 64), *VIEW)
    answer = page.results.on_truth(asked(), truth_file(tmp_path, 10, 20), *VIEW)
    assert answer[page.controls.truth] is None and answer[page.controls.scores] == ""
    assert "20×10" in answer[page.controls.status]


def test_another_checkpoint_shows_the_slice_that_was_looked_at(
    page: SegmentPage, tmp_path: Path
) -> None:
    stack = tmp_path / "stack.tif"
    tifffile.imwrite(stack, np.zeros((3, 32, 32), np.uint8), photometric="minisblack")
    all_of(brings(page, stack))
    again = set_to(page, {page.controls.checkpoint: "isbi", page.controls.slice: 3})
    assert all_of(page.on_checkpoint(again, asked()))[page.controls.slice].value == 3


def test_jobs_of_whoever_comes_without_a_hash_leave_one_another_alone(
    page: SegmentPage, own_picture: Path
) -> None:
    first = brings(page, own_picture, "")
    next(first)
    all_of(brings(page, own_picture, ""))
    assert page.controls.viewer in all_of(first)


def test_the_box_is_emptied_for_the_next_picture(page: SegmentPage, own_picture: Path) -> None:
    assert once_read(brings(page, own_picture))[page.controls.picture] is None


def test_a_picture_that_cannot_be_read_leaves_the_one_before(
    page: SegmentPage, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"")
    all_of(opens(page))
    update = all_of(brings(page, broken))
    assert update[page.controls.picture] is None
    assert "broken.png" in update[page.controls.status]
    assert name_shown(page) == "membranes"


def test_auto_chooses_the_checkpoint_from_the_picture_and_says_so(
    page: SegmentPage, tmp_path: Path
) -> None:
    file = tmp_path / "cells.tif"
    tifffile.imwrite(file, synthetic_em(128, seed=2)[0])
    said = all_of(brings(page, file))
    assert seen(page).request.checkpoint == "isbi"
    assert said[page.controls.looks_for] == AUTO
    assert "this looks like cell membranes" in said[page.controls.guess]


def test_a_wrong_guess_costs_one_click_and_holds_for_the_next_picture(
    page: SegmentPage, own_picture: Path
) -> None:
    controls = page.controls
    all_of(brings(page, own_picture))
    said = all_of(page.on_looks_for(set_to(page, {controls.looks_for: "voc-pretrained"}), asked()))
    assert seen(page).request.checkpoint == "voc-pretrained"
    assert said[controls.looks_for] == "voc-pretrained" and said[controls.guess] == ""
    chosen = {controls.looks_for: "voc-pretrained", controls.checkpoint: "voc-pretrained"}
    all_of(page.on_picture(set_to(page, {controls.picture: str(own_picture), **chosen}), asked()))
    assert seen(page).request.checkpoint == "voc-pretrained"
    all_of(page.on_looks_for(set_to(page, chosen | {controls.looks_for: AUTO}), asked()))
    assert seen(page).request.checkpoint == "shapes"


def test_while_what_was_chosen_is_looked_for_nothing_undoes_another_choice(
    page: SegmentPage, own_picture: Path
) -> None:
    controls = page.controls
    all_of(brings(page, own_picture))
    chosen = set_to(page, {controls.looks_for: "voc-pretrained"})
    *meanwhile, last = page.on_looks_for(chosen, asked())
    assert meanwhile and not any(controls.looks_for in update for update in meanwhile)
    assert last[controls.looks_for] == "voc-pretrained"


def test_a_checkpoint_of_the_menu_says_what_it_looks_for(page: SegmentPage) -> None:
    all_of(opens(page))
    assert all_of(picks(page, "voc-color"))[page.controls.looks_for] == "voc-pretrained"


def test_the_colours_that_a_network_paints_come_with_its_result_and_a_download(
    page: SegmentPage, own_picture: Path
) -> None:
    all_of(brings(page, own_picture))
    said = all_of(picks(page, "voc-color"))
    assert said[page.controls.viewer]["painted"].startswith("data:image/png")
    assert said[page.controls.downloads["painted"]].visible is True
    with Image.open(page.results.download("painted")(asked(), *VIEW)) as painted:
        assert painted.size == (64, 48)
    said = all_of(picks(page, "voc"))
    assert said[page.controls.viewer]["painted"] is None
    assert said[page.controls.downloads["painted"]].visible is False


def test_the_menu_says_what_each_checkpoint_is_for_and_its_score(page: SegmentPage) -> None:
    labels = dict((name, label) for label, name in menu(tuple(page.controls.names), "en"))
    assert labels["isbi-elastic"].startswith(
        "Cell membranes, with elastic deformation · V_rand 0.98"
    )
    assert "lighter network" in labels["isbi-elastic"]
    assert " · mIoU 0.0" in labels["voc-color"]


def test_scores_of_a_stack_say_what_slices_they_cover(page: SegmentPage) -> None:
    said = all_of(opens(page, "example=stack"))[page.controls.scores]
    assert "Over all 6 slices" in said


def test_what_was_brought_and_shown_goes_with_the_visitor(
    page: SegmentPage, own_picture: Path
) -> None:
    all_of(brings(page, own_picture, ANN))
    all_of(brings(page, own_picture, BEN))
    left = weakref.ref(seen(page, ANN).result)
    page.on_leave(asked(ANN))
    gc.collect()
    assert left() is None
    assert page.sessions.open == (seen(page, BEN),)


def test_a_visitor_who_leaves_during_a_job_leaves_nothing_behind(
    page: SegmentPage, own_picture: Path
) -> None:
    job = brings(page, own_picture)
    next(job)
    page.on_leave(asked())
    all_of(job)
    assert page.sessions.open == ()


def test_an_example_is_never_seen_half_written(page: SegmentPage) -> None:
    folder = Path(page.thumbnails.name)
    for example in offered_examples():
        load_example(example.name)
    thread = threading.Thread(target=page.on_greeting, args=[asked()])
    thread.start()
    sizes: dict[Path, set[int]] = {}
    while thread.is_alive():
        for path in folder.glob("*.png"):
            sizes.setdefault(path, set()).add(path.stat().st_size)
    thread.join()
    assert sizes
    assert all(found == {path.stat().st_size} for path, found in sizes.items())


def test_a_download_is_made_once_for_one_result_and_replaces_the_one_before(
    page: SegmentPage, own_picture: Path
) -> None:
    all_of(brings(page, own_picture))
    download = page.results.download("labels")
    first = Path(download(asked(), *VIEW))
    assert download(asked(), *VIEW) == str(first)
    other = Path(download(asked(), 0.1, *VIEW[1:]))
    assert other.is_file() and not first.exists()


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_the_threshold_can_be_whatever_a_card_may_hold(page: SegmentPage, threshold: float) -> None:
    assert page.controls.threshold.preprocess(threshold) == threshold


def test_the_status_speaks_of_the_mask_at_the_threshold_that_is_shown(page: SegmentPage) -> None:
    status = all_of(opens(page, "threshold=1"))[page.controls.status]
    assert "Everything was labelled" in status
    assert "Everything was labelled" not in all_of(opens(page))[page.controls.status]

"""Stop signals: who calls off whose work, and what the work learns of it."""

from contextlib import ExitStack

from unet_demo.ui.cancelling import Cancellations


def test_newer_work_calls_off_the_work_before() -> None:
    jobs = Cancellations()
    with jobs.begin("ann") as older, jobs.begin("ann") as newer:
        assert older.is_set() and older.superseded
        assert not newer.is_set()


def test_work_is_superseded_even_once_the_newer_work_has_ended() -> None:
    jobs = Cancellations()
    with jobs.begin("ann") as older:
        with jobs.begin("ann"):
            pass
        assert older.superseded


def test_work_that_a_person_called_off_is_not_superseded() -> None:
    jobs = Cancellations()
    with jobs.begin("ann") as signal:
        jobs.cancel("ann")
        assert signal.is_set() and not signal.superseded


def test_newer_work_supersedes_what_a_person_called_off_before() -> None:
    jobs = Cancellations()
    with jobs.begin("ann") as older:
        jobs.cancel("ann")
        with jobs.begin("ann") as newer:
            assert older.superseded
            assert not newer.is_set()


def test_the_end_of_older_work_leaves_the_newer_one_within_reach() -> None:
    jobs = Cancellations()
    with ExitStack() as longer:
        with jobs.begin("ann"):
            newer = longer.enter_context(jobs.begin("ann"))
        jobs.cancel("ann")
        assert newer.is_set()


def test_work_that_has_ended_is_called_off_by_nobody() -> None:
    jobs = Cancellations()
    with jobs.begin("ann") as ended:
        pass
    jobs.cancel("ann")
    with jobs.begin("ann"):
        assert not ended.is_set() and not ended.superseded


def test_another_visitors_work_is_left_alone() -> None:
    jobs = Cancellations()
    with jobs.begin("ann") as ann, jobs.begin("ben"):
        jobs.cancel("ben")
        assert not ann.is_set()

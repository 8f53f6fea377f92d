"""Sessions by their hash, which go with their visitors, or when nobody comes back for them."""

import pytest

from unet_demo.ui.segment.session import Sessions as SegmentSessions
from unet_demo.ui.server.sessions import IDLE_SECONDS, MOST_EMPTY, MOST_OF_AN_ADDRESS, Sessions
from unet_demo.ui.train import session as train_session


class Session:
    """The least that a session is."""

    closed = False
    holds = 0
    own_bytes = 0

    def evict(self) -> None:
        self.own_bytes = 0

    def close(self) -> None:
        self.closed = True


class Clock:
    """Goes on when it is told to."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions[Session]:
    return Sessions(Session, clock)


def test_a_visitor_finds_their_session_again_and_no_other_does(sessions: Sessions) -> None:
    assert sessions.of("ann") is sessions.of("ann")
    assert sessions.of("ann") is not sessions.of("ben")


@pytest.mark.parametrize("nobody", [None, ""])
def test_calls_without_a_hash_share_nothing_and_leave_nothing(sessions: Sessions, nobody) -> None:
    assert sessions.of(nobody) is not sessions.of(nobody)
    sessions.close(nobody)
    assert sessions.open == ()


def test_a_session_is_closed_when_its_visitor_leaves(sessions: Sessions) -> None:
    ann, ben = sessions.of("ann"), sessions.of("ben")
    sessions.close("ann")
    assert ann.closed and not ben.closed
    assert sessions.open == (ben,)


def test_of_too_many_empty_ones_the_one_that_was_idle_for_the_longest_is_closed(
    sessions: Sessions,
) -> None:
    first, second = sessions.of("0"), sessions.of("1")
    for number in range(2, MOST_EMPTY):
        sessions.of(str(number))
    sessions.of("0")
    sessions.of("one more")
    assert second.closed and not first.closed
    assert len(sessions.open) == MOST_EMPTY


def test_one_that_holds_something_goes_for_none_of_another_address(sessions: Sessions) -> None:
    ann = sessions.of("ann", "home")
    ann.holds = 1
    for number in range(2 * MOST_EMPTY):
        sessions.of(str(number), "mob").holds = number % 2
    assert not ann.closed
    assert len(sessions.open) <= 1 + MOST_EMPTY + MOST_OF_AN_ADDRESS


def test_of_too_many_of_an_address_work_under_way_goes_last(sessions: Sessions) -> None:
    busy = sessions.of("busy", "class")
    busy.holds = 2
    held = [sessions.of(str(number), "class") for number in range(MOST_OF_AN_ADDRESS)]
    for one in held:
        one.holds = 1
    sessions.of("one more", "class").holds = 1
    assert [one.closed for one in (busy, *held[:3])] == [False, True, True, False]


def test_a_session_that_nobody_comes_back_for_is_closed(sessions: Sessions, clock: Clock) -> None:
    gone, stays = sessions.of("gone"), sessions.of("stays")
    clock.seconds = IDLE_SECONDS - 1
    sessions.of("stays")
    clock.seconds += 2
    new = sessions.of("new")
    assert gone.closed and not stays.closed
    assert sessions.open == (stays, new)


def test_the_rooms_of_both_pages_know_no_more_than_so_many() -> None:
    for sessions in (SegmentSessions(), train_session.Sessions()):
        for number in range(MOST_EMPTY + 20):
            sessions.of(str(number))
        assert len(sessions.open) == MOST_EMPTY


def test_a_training_session_makes_its_folder_with_its_first_file() -> None:
    session = train_session.Session()
    assert session._folder is None
    folder = session.file("losses.csv").parent
    assert folder.is_dir() and session.file("run.gif").parent == folder
    session.close()
    assert not folder.exists()


def test_one_budget_holds_for_all_pages_and_the_oldest_idle_one_goes_first(clock: Clock) -> None:
    pages = Sessions(Session, clock), Sessions(Session, clock)
    pages[0].budget.share(pages[1])
    pages[0].budget.most_bytes = 100
    held = []
    for number in range(5):
        clock.seconds += 1
        held.append(pages[number % 2].of(str(number)))
        held[-1].own_bytes, held[-1].holds = 30, 1
    held[0].holds = 2
    pages[1].budget.make_room(held[4])
    assert [one.own_bytes for one in held] == [30, 0, 0, 30, 30]

"""Callers who would wait for each other go together, and each is told what became of its own charge."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count

import pytest

from creditapp.ledger import Crowd
from creditapp.ledger.crowd import MOST_TOGETHER
from tests.dev.conftest import eventually

PATIENCE_SECONDS = 20.0


class Refused(Exception):
    pass


class Till:
    """Takes one group at a time, the first of them only when it is let."""

    def __init__(self, *, alone: frozenset[int] = frozenset(), fails: frozenset[int] = frozenset()) -> None:
        self.groups: list[list[int]] = []
        self.open = threading.Event()
        self._alone, self._fails = alone, fails
        self.crowd: Crowd[int, str] = Crowd(self.serve)

    def serve(self, items: Sequence[int]) -> list[str]:
        self.groups.append(list(items))
        assert self.open.wait(PATIENCE_SECONDS)
        if self._fails.intersection(items):
            raise Refused
        if len(items) > 1 and self._alone.intersection(items):
            return []
        return [f"served {item}" for item in items]

    def everybody(self, threads: ThreadPoolExecutor, items: Sequence[int]) -> list[Future[str]]:
        """The first is at the till, the others queue behind it in this order; then it opens."""
        answers = []
        for waiting, item in zip(count(), items):
            answers.append(threads.submit(self.crowd.answer, "account", item))
            assert eventually(lambda: self._stand(waiting), PATIENCE_SECONDS)  # noqa: B023
        self.open.set()
        return answers

    def _stand(self, waiting: int) -> bool:
        return bool(self.groups) and len(self.crowd._queues["account"]) == waiting


def test_who_finds_nobody_at_work_does_not_wait() -> None:
    till = Till()
    till.open.set()

    assert [till.crowd.answer("account", item) for item in (1, 2)] == ["served 1", "served 2"]
    assert till.groups == [[1], [2]]
    assert till.crowd._queues == {}


def test_who_waits_goes_with_all_others_who_wait() -> None:
    till = Till()
    with ThreadPoolExecutor(8) as threads:
        answers = till.everybody(threads, range(8))

        assert [answer.result(PATIENCE_SECONDS) for answer in answers] == [f"served {item}" for item in range(8)]
    assert till.groups == [[0], [1, 2, 3, 4, 5, 6, 7]]
    assert till.crowd._queues == {}


def test_a_group_has_its_limit_and_the_next_follows() -> None:
    till, many = Till(), MOST_TOGETHER + 5
    with ThreadPoolExecutor(many) as threads:
        answers = till.everybody(threads, range(many))

        assert [answer.result(PATIENCE_SECONDS) for answer in answers] == [f"served {item}" for item in range(many)]
    assert [len(group) for group in till.groups] == [1, MOST_TOGETHER, 4]


def test_where_one_keeps_all_from_going_together_each_goes_alone() -> None:
    till = Till(alone=frozenset({3}))
    with ThreadPoolExecutor(5) as threads:
        answers = till.everybody(threads, range(5))

        assert [answer.result(PATIENCE_SECONDS) for answer in answers] == [f"served {item}" for item in range(5)]
    assert till.groups[:2] == [[0], [1, 2, 3, 4]]
    assert sorted(till.groups[2:]) == [[1], [2], [3], [4]]


def test_who_went_together_is_told_of_the_failure_together_and_who_comes_later_is_served() -> None:
    till = Till(fails=frozenset({1}))
    with ThreadPoolExecutor(3) as threads:
        first, *others = till.everybody(threads, range(3))

        assert first.result(PATIENCE_SECONDS) == "served 0"
        for other in others:
            with pytest.raises(Refused):
                other.result(PATIENCE_SECONDS)
    assert till.crowd.answer("account", 9) == "served 9"


def test_who_waits_for_something_else_does_not_wait_here() -> None:
    till = Till()
    with ThreadPoolExecutor(2) as threads:
        one, other = (threads.submit(till.crowd.answer, queue, item) for queue, item in (("a", 1), ("b", 2)))
        assert eventually(lambda: len(till.groups) == 2, PATIENCE_SECONDS)
        till.open.set()

        assert {one.result(PATIENCE_SECONDS), other.result(PATIENCE_SECONDS)} == {"served 1", "served 2"}

"""Callers who would wait for each other go together: while one is at work, the others queue for the next turn.

Nobody is answered before the work is done, so that nothing that was answered can be lost. Who finds nobody at work
does not wait at all.
"""

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

MOST_TOGETHER = 100

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class _Caller(Generic[Item, Answer]):
    """One who waits: for an answer, for an error, or for being the first of the next turn."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.called = threading.Event()
        self.leads: list[_Caller[Item, Answer]] = []
        self.answer: Answer | None = None
        self.error: BaseException | None = None


class Crowd(Generic[Item, Answer]):
    """All who wait in this process, each in the queue of what they wait for."""

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Answer]]) -> None:
        """*work* answers each item it is given, or none at all where they can't be done together: then each goes alone.

        What it raises, all are told.
        """
        self._work = work
        self._lock = threading.Lock()
        self._queues: dict[Hashable, list[_Caller[Item, Answer]]] = {}

    def answer(self, queue_of: Hashable, item: Item) -> Answer:
        """What the work answers to *item*, alone or together with others in the same queue."""
        caller: _Caller[Item, Answer] = _Caller(item)
        with self._lock:
            queue = self._queues.get(queue_of)
            if queue is None:
                self._queues[queue_of] = []
                caller.leads = [caller]
            else:
                queue.append(caller)
        if queue is not None:
            caller.called.wait()
        if caller.leads:
            self._lead(queue_of, caller.leads)
        if caller.error is not None:
            raise caller.error
        return self._work([item])[0] if caller.answer is None else caller.answer

    def _lead(self, queue_of: Hashable, group: Sequence[_Caller[Item, Answer]]) -> None:
        try:
            answers = self._work([caller.item for caller in group])
            for caller, answer in zip(group, answers, strict=False):
                caller.answer = answer
        except BaseException as error:
            for caller in group[1:]:
                caller.error = error
            raise
        finally:
            self._pass_on(queue_of)
            for caller in group[1:]:
                caller.called.set()

    def _pass_on(self, queue_of: Hashable) -> None:
        """Let the first who waits lead the next turn."""
        with self._lock:
            queue = self._queues[queue_of]
            if not queue:
                del self._queues[queue_of]
                return
            self._queues[queue_of] = queue[MOST_TOGETHER:]
        queue[0].leads = queue[:MOST_TOGETHER]
        queue[0].called.set()

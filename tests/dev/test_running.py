"""One part: how long it waits before it is started again, and what it leaves behind."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from creditapp.dev.folder import DataFolder
from creditapp.dev.keeper import Keeper
from creditapp.dev.running import Part, Running
from tests.dev.conftest import eventually, is_alive


@pytest.fixture
def part(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """``part(command...)``: a part that runs a shell command."""
    folder = DataFolder(tmp_path / "data")
    folder.hold()
    made = []

    def of(words: str) -> Running:
        keeper = Keeper("CREDITAPP_DEV=a test of its own", folder.lock or 0)
        made.append(Running(Part("web", ["/bin/sh", "-c", words], {}, lambda: True), folder, keeper))
        return made[-1]

    yield of
    for running in made:
        running.clear_away()
    folder.release()


def ended(running: Running) -> Running:
    running.start()
    assert eventually(lambda: running.has_ended, 10)
    return running


def test_a_part_that_keeps_ending_by_itself_is_tried_again_ever_more_rarely(part: Callable[..., Running]) -> None:
    web = part("exit 3")

    pauses = [ended(web).pause() for _ in range(12)]

    assert pauses == [0, 0, 0, 0, 1, 2, 4, 8, 16, 30, 30, 30]
    assert web.how_it_ended == "ended with exit code 3"


def test_a_part_that_somebody_kills_is_started_again_at_once_however_often(part: Callable[..., Running]) -> None:
    web = part("kill -9 $$")

    assert [ended(web).pause() for _ in range(8)] == [0] * 8
    assert web.how_it_ended == "was ended by SIGKILL"


def test_what_a_dead_part_started_is_ended_before_it_starts_again(part: Callable[..., Running], tmp_path: Path) -> None:
    child = tmp_path / "child"
    web = part(f"sleep 600 & echo $! > {child}; kill -9 $$")
    ended(web)
    pid = int(child.read_text())
    assert is_alive(pid)

    web.clear_away()

    assert eventually(lambda: not is_alive(pid), 5)


def test_a_guard_that_is_told_of_a_group_ends_it_when_its_supervisor_is_gone(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.hold()
    keeper = Keeper("CREDITAPP_DEV=nothing carries this mark", folder.lock or 0)
    keeper.start()
    kept, ended_before = (
        Running(Part(name, ["/bin/sh", "-c", "sleep 600"], {}, lambda: True), folder, keeper)
        for name in ("web", "clock")
    )
    kept.start()
    ended_before.start()
    ended_before.clear_away()
    pid = int((folder.run / "web.pid").read_text())

    keeper.dismiss()  # to the guard this looks like a supervisor that was killed

    assert eventually(lambda: kept.has_ended, 5)
    assert kept.how_it_ended == f"was ended by {signal.Signals.SIGKILL.name}"
    assert not is_alive(pid)
    kept.clear_away()
    folder.release()


def test_the_folder_stays_locked_until_the_guard_has_cleared_away(tmp_path: Path) -> None:
    folder, next_one = DataFolder(tmp_path / "data"), DataFolder(tmp_path / "data")
    folder.hold()
    keeper = Keeper("CREDITAPP_DEV=nothing carries this mark", folder.lock or 0)
    keeper.start()
    os.close(folder.lock or 0)  # as when the supervisor is killed; its guard still holds the folder

    with pytest.raises(Exception, match="already running"):
        next_one.refuse_if_held()
    keeper.dismiss()
    next_one.hold()
    next_one.release()

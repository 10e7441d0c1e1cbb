"""Lots settled lazily are, after every step of any story, what allotting every charge at once would have made them."""

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from creditapp import ledger
from creditapp.db import db
from tests.ledger import door
from tests.ledger.story import Story

pytestmark = pytest.mark.both_databases

STORIES, ALL_STORIES, STEPS = 15, 1_000, 30


def test_lazy_lots_are_equal_to_eager_ones_in_every_story(scratch: Flask, full: bool) -> None:
    Story.stories = Story.steps = 0
    stories = ALL_STORIES if full else STORIES

    run_state_machine_as_test(
        Story,
        settings=settings(
            max_examples=stories,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )

    assert Story.stories >= stories
    assert door.differences() == []
    if full:  # so many stories leave nothing out
        kinds_seen = {kind for (kind,) in db.session.query(ledger.CreditTransaction.transaction_type).distinct()}
        assert kinds_seen == set(ledger.TRANSACTION_TYPES)
    print(f"{Story.stories} stories of {Story.steps / Story.stories:.1f} steps")

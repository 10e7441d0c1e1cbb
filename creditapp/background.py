"""The processes behind the web: the worker, which hears the bell, and the clock, which needs none."""

import logging
import signal
import sys
import threading
import time
from types import FrameType
from typing import NoReturn

import redis
from flask import Flask
from rq import Queue, SimpleWorker
from rq.job import Job
from sqlalchemy.exc import SQLAlchemyError

from creditapp import jobs, schedule
from creditapp.app import create_app
from creditapp.db import db
from creditapp.errors import CreditAppError
from creditapp.jobqueue import QUEUE
from creditapp.wiring import settings

log = logging.getLogger(__name__)

ALLOWED = frozenset(f"creditapp.jobs.{job.__name__}" for job in jobs.JOBS)
RETRY_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 5.0  # whoever is told to stop has ten
USAGE = "Usage: python worker.py [clock]"


class Worker(SimpleWorker):
    """Runs our jobs and nothing else: whoever reaches Redis must not get to run code of their choice."""

    app: Flask

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run the job if it is one of ours, inside a context of its own."""
        if job.func_name not in ALLOWED:
            log.error("refused a job that is not ours")
            job.delete()
            return
        with self.app.app_context():
            self._wait_for_the_database()
            super().execute_job(job, queue)

    def _wait_for_the_database(self) -> None:
        """A job that can't begin is not wasted; where it takes too long, the clock will do what it would have done."""
        give_up = time.monotonic() + LONGEST_WAIT_SECONDS
        while time.monotonic() < give_up:
            try:
                with db.engine.connect():
                    return
            except SQLAlchemyError as error:
                log.warning("the database is away (%s); trying again", type(error).__name__)
                time.sleep(RETRY_SECONDS)


def main(arguments: list[str]) -> int:
    """Be the process that *arguments* ask for; its exit code."""
    if arguments not in ([], ["clock"]):
        print(USAGE, file=sys.stderr)
        return 2
    try:
        app = create_app()
    except CreditAppError as error:
        print(error.sentence, file=sys.stderr)
        return 1
    if arguments == ["clock"]:
        signal.signal(signal.SIGTERM, _leave)
        log.info("the clock ticks")
        schedule.run(app)
    else:
        _work(app)
    return 0


def _work(app: Flask) -> None:
    """Work the queue; while Redis is away, wait for it: the clock does the work meanwhile."""
    with app.app_context():
        url = settings().redis_url
        threading.Thread(target=app.extensions["gateway"].warm, daemon=True).start()
    while True:
        connection = redis.Redis.from_url(url, socket_connect_timeout=2)
        worker = Worker(
            [Queue(QUEUE, connection=connection, serializer="json")],
            connection=connection,
            serializer="json",
            worker_ttl=20,
            job_monitoring_interval=5,
            maintenance_interval=30,
            log_job_description=False,
        )
        worker.app = app
        try:
            worker.work(logging_level="WARNING")
        except (redis.RedisError, OSError) as error:
            log.warning("redis is away (%s); trying again", type(error).__name__)
            time.sleep(RETRY_SECONDS)
        else:
            return  # asked to stop


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)

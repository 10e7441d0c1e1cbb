"""What a view may ask the running program for: its store, its addresses, its parts."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from flask import current_app

from creditapp.polar_stand_in.in_progress import InProgress
from creditapp.polar_stand_in.limits import Limits
from creditapp.polar_stand_in.signing import SecretFile
from creditapp.polar_stand_in.store import Store

if TYPE_CHECKING:
    from creditapp.polar_stand_in.faults import Faults

EXTENSION = "polar_stand_in"


@dataclass(frozen=True)
class Settings:
    """How the program was started."""

    data: Path
    base_url: str
    webhook_url: str
    secrets: SecretFile
    token: str = ""


@dataclass(frozen=True)
class House:
    """The parts that live as long as the program."""

    settings: Settings
    store: Store
    faults: "Faults"
    in_progress: InProgress
    limits: Limits


def house() -> House:
    """The running program's parts."""
    return cast("House", current_app.extensions[EXTENSION])


def store() -> Store:
    """The running program's file."""
    return house().store


def settings() -> Settings:
    """How the program was started."""
    return house().settings

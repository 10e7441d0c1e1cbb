"""``<data>/run/env``: the settings of this instance, for its parts now and for every later ``flask`` command.

What the caller's environment gives wins and is written down too; of what is made here, secrets and Polar's product ids
are the same on every start.
"""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from dotenv import dotenv_values

from creditapp.config import PRODUCT_SETTINGS
from creditapp.dev.folder import DataFolder

NAME, SECRETS_NAME = "env", "webhook-secret"
REPLACING = ("DATABASE_URL", "REDIS_URL", "POLAR_SERVER")
KEPT = ("SECRET_KEY", "POLAR_WEBHOOK_SECRET")
OF_POLAR = ("POLAR_ACCESS_TOKEN", *PRODUCT_SETTINGS.values())
TAKEN_OVER = (*REPLACING, *KEPT, *OF_POLAR, "MAIL_URL", "MAIL_FROM")
PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:@,=+?&")


@dataclass
class InstanceSettings:
    """The settings by name. *replaced* are those that the caller's environment set instead of an embedded part."""

    values: dict[str, str]
    replaced: Sequence[str] = field(default_factory=tuple)

    def write(self, folder: DataFolder) -> None:
        """Write both files."""
        lines = (f"{name}={_quoted(value)}\n" for name, value in self.values.items())
        folder.write(NAME, "# Made by flask dev on each start; the environment wins over it.\n" + "".join(lines))
        folder.write(SECRETS_NAME, self.values["POLAR_WEBHOOK_SECRET"] + "\n")


def decide(folder: DataFolder, environment: Mapping[str, str], *, port: int, polar_port: int) -> InstanceSettings:
    """This start's settings: the environment's, else those of the last start, else fresh ones."""
    given = {name: environment[name] for name in TAKEN_OVER if environment.get(name)}
    replaced = tuple(name for name in REPLACING if name in given)
    remembered = _read(folder.run / NAME)
    stand_in = f"http://127.0.0.1:{polar_port}"
    kept = {name: remembered[name] for name in KEPT if remembered.get(name)}
    if "POLAR_SERVER" not in replaced and remembered.get("POLAR_SERVER", "").startswith("http://127.0.0.1:"):
        kept |= {name: remembered[name] for name in OF_POLAR if remembered.get(name)}
    fresh = {
        "APP_URL": f"http://127.0.0.1:{port}",
        "SECRET_KEY": secrets.token_hex(32),
        "DATABASE_URL": f"sqlite:///{folder.path / 'credits.sqlite'}",
        "REDIS_URL": f"unix://{quote(str(folder.socket()))}?db=0" if "REDIS_URL" not in replaced else "",
        "POLAR_SERVER": stand_in,
        "POLAR_ACCESS_TOKEN": f"polar_oat_{secrets.token_urlsafe(32)}" if "POLAR_SERVER" not in replaced else "",
        "POLAR_WEBHOOK_SECRET": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    return InstanceSettings({**fresh, **kept, **given}, replaced)


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    return {name: value for name, value in dotenv_values(path, interpolate=False).items() if value}


def _quoted(value: str) -> str:
    if PLAIN.issuperset(value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

"""Every setting, typed, read once from the environment and from ``<data>/run/env``."""

import os
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from creditapp.errors import CreditAppError

HOUSE = Path(__file__).resolve().parent
# In a wheel templates, static and migrations lie inside the package; in a checkout beside it.
ROOT = HOUSE if (HOUSE / "templates").is_dir() else HOUSE.parent

SHORTEST_SECRET_KEY = 32
WEAK_SECRET_KEYS = {"dev", "secret", "changeme", "change-me"}


# A package's key and the setting that names its product at Polar.
PRODUCT_SETTINGS = {
    "starter": "POLAR_CREDITS_STARTER_PRODUCT_ID",
    "professional": "POLAR_CREDITS_PRO_PRODUCT_ID",
    "business": "POLAR_CREDITS_BUSINESS_PRODUCT_ID",
    "enterprise": "POLAR_CREDITS_ENTERPRISE_PRODUCT_ID",
    "holiday_bonus": "POLAR_CREDITS_BONUS_PRODUCT_ID",
}


class ConfigError(CreditAppError):
    """A setting is missing or wrong; the sentence names the variable."""

    code, status = "bad_configuration", 500


def data_folder() -> Path:
    """Where this instance keeps its files: ``CREDITAPP_DATA``, else ``instance/`` in the current folder."""
    return Path(os.environ.get("CREDITAPP_DATA") or "instance").absolute()


def sqlalchemy_url(url: str) -> str:
    """The address as SQLAlchemy wants it: hosts hand out ``postgres://`` and ``postgresql://`` alike."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    if not url.startswith(("sqlite://", "postgresql+psycopg://")):
        message = "must begin with sqlite:// or postgresql://"
        raise ValueError(message)
    return url


def _base_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = "must be a whole address such as https://credits.example.com"
        raise ValueError(message)
    return url.rstrip("/")


def _rate(value: str) -> str:
    from limits import parse

    try:
        parse(value)
    except ValueError:
        message = "must be a rate such as 10000/second"
        raise ValueError(message) from None
    return value


def _comma_separated(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class Settings(BaseSettings):
    """One field a variable; the names are the variables' in lower case."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, env_ignore_empty=True)

    data: Path = Field(default_factory=data_folder, validation_alias="CREDITAPP_DATA")
    secret_key: str = Field(default="", repr=False)
    app_url: Annotated[str, AfterValidator(_base_address)] = "http://127.0.0.1:5000"
    database_url: Annotated[str, AfterValidator(sqlalchemy_url)] = Field(default="", repr=False, validate_default=False)
    redis_url: str = Field(default="redis://127.0.0.1:6379/0", repr=False)

    polar_server: str = "sandbox"
    polar_access_token: str = Field(default="", repr=False)
    polar_webhook_secret: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)] = Field(
        default=(), repr=False
    )
    polar_credits_starter_product_id: str | None = None
    polar_credits_pro_product_id: str | None = None
    polar_credits_business_product_id: str | None = None
    polar_credits_enterprise_product_id: str | None = None
    polar_credits_bonus_product_id: str | None = None

    mail_url: str = Field(default="", repr=False)
    mail_from: str = "Credits <credits@localhost>"

    welcome_credits: int = Field(default=100, ge=0)
    bonus_expires_days: int | None = Field(default=90, ge=1)
    low_balance_threshold: int = Field(default=500, ge=0)
    auto_recharge_max_failures: int = Field(default=1, ge=1, le=100)
    api_rate_limit: Annotated[str, AfterValidator(_rate)] = "10000/second"
    clawback_other_lots: bool = True
    clawback_forgive: bool = False
    spend_in_debt: bool = False
    hold_overrun_debt: bool = False
    return_grace_days: int = Field(default=7, ge=0, le=366)
    trusted_proxies: int = Field(default=0, ge=0, le=8)

    @field_validator("polar_server")
    @classmethod
    def _known_server(cls, value: str) -> str:
        return value if value in {"sandbox", "production"} else _base_address(value)

    @field_validator("mail_url")
    @classmethod
    def _smtp(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in {"smtp", "smtps"}:
            message = "must begin with smtp:// or smtps://"
            raise ValueError(message)
        return value

    @property
    def run(self) -> Path:
        """The folder of pid files, sockets and generated settings."""
        return self.data / "run"

    @property
    def exports(self) -> Path:
        """The folder of archives that people asked for."""
        return self.data / "exports"

    @property
    def database(self) -> str:
        """The database's address; SQLite in the data folder where none is given."""
        return self.database_url or f"sqlite:///{self.data / 'credits.sqlite'}"

    @property
    def secure(self) -> bool:
        """Whether people reach us over TLS, so that cookies may insist on it."""
        return self.app_url.startswith("https://")

    @property
    def live(self) -> bool:
        """Whether real money moves; a key says so in its first letters."""
        return self.polar_server == "production"

    @property
    def product_ids(self) -> dict[str, str | None]:
        """Polar's product id of each package, by the package's key."""
        return {key: getattr(self, name.lower()) for key, name in PRODUCT_SETTINGS.items()}

    def check_secret_key(self) -> None:
        """Refuse a key that somebody could guess: it signs every cookie."""
        if len(self.secret_key) < SHORTEST_SECRET_KEY or self.secret_key.lower() in WEAK_SECRET_KEYS:
            message = (
                f"SECRET_KEY is missing or shorter than {SHORTEST_SECRET_KEY} characters. "
                "Make one with: python3 -c 'import secrets; print(secrets.token_hex(32))'"
            )
            raise ConfigError(message)


def load_settings(**given: Any) -> Settings:
    """Read the settings; *given* ones win over the environment, which wins over ``<data>/run/env``.

    Raises ConfigError naming the first variable that is wrong.
    """
    try:
        settings = Settings(_env_file=data_folder() / "run" / "env", **given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).upper() if first["loc"] else "The settings"
        message = f"{name} is wrong: {first['msg'].removeprefix('Value error, ')}."
        raise ConfigError(message) from None
    settings.check_secret_key()
    return settings

"""What a person types on a hosted page: read, checked, and told about in plain words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from creditapp.polar_stand_in.cards import BadCard, Card, card
from creditapp.polar_stand_in.reading import is_email
from creditapp.polar_stand_in.shapes import FULL_ADDRESS_COUNTRIES, STATE_COUNTRIES
from creditapp.polar_stand_in.store import Document

FIELDS = ("email", "card_number", "name", "country", "line1", "city", "postal_code", "state")
LONGEST_FIELD = 256
COUNTRY = re.compile(r"[A-Z]{2}")
STATE = re.compile(r"(?:[A-Z]{2}-)?([A-Z]{2})")
MISSING = {
    "email": "Enter an e-mail address.",
    "country": "Choose a country.",
    "line1": "Enter a street and number.",
    "city": "Enter a city.",
    "postal_code": "Enter a postal code.",
    "state": "Enter a state, such as NY.",
}


@dataclass
class CardForm:
    """The filled-in fields, the card they name, and what is wrong with them by field."""

    values: dict[str, str]
    card: Card | None = None
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def email(self) -> str:
        """The typed e-mail address."""
        return self.values["email"]

    @property
    def name(self) -> str:
        """The typed name."""
        return self.values["name"]

    @property
    def address(self) -> Document:
        """The typed address as Polar keeps it: the state with its country in front."""
        country, state = self.values["country"], self.values["state"].upper()
        if country in STATE_COUNTRIES and (found := STATE.fullmatch(state)):
            state = f"{country}-{found[1]}"
        rest = {name: self.values[name] or None for name in ("line1", "city", "postal_code")}
        return {**rest, "line2": None, "state": state or None, "country": country}


def read(posted: Mapping[str, str], *, card_needed: bool, whole_address: bool, known_email: str | None) -> CardForm:
    """Read the posted fields and check them. A known e-mail address is not asked for again."""
    values = {name: " ".join(posted.get(name, "").split()) for name in FIELDS}
    values["country"] = values["country"].upper()
    values["email"] = known_email or values["email"]
    form = CardForm(values)
    for name, value in values.items():
        if len(value) > LONGEST_FIELD:
            form.errors[name] = f"At most {LONGEST_FIELD} characters."
    if not values["email"]:
        form.errors["email"] = MISSING["email"]
    elif not is_email(values["email"]):
        form.errors["email"] = "This is not an e-mail address. It looks like name@example.com."
    if card_needed:
        try:
            form.card = card(values["card_number"])
        except BadCard as error:
            form.errors["card_number"] = str(error)
    _check_address(form, whole=whole_address)
    return form


def _check_address(form: CardForm, *, whole: bool) -> None:
    country = form.values["country"]
    needed = ["country"]
    if whole or country in FULL_ADDRESS_COUNTRIES:
        needed += ["line1", "city", "postal_code"]
    if country in STATE_COUNTRIES:
        needed.append("state")
    for name in needed:
        if not form.values[name]:
            form.errors[name] = MISSING[name]
    if country and not COUNTRY.fullmatch(country):
        form.errors["country"] = MISSING["country"]
    if country in STATE_COUNTRIES and form.values["state"] and not STATE.fullmatch(form.values["state"].upper()):
        form.errors["state"] = "Enter the state's two letters, such as NY."

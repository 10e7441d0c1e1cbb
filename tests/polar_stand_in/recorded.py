"""What Polar's own server answered and sent, read from the recordings beside the tests."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

FOLDER = Path(__file__).resolve().parents[1] / "polar"
# The client's own keys, and what the card processor adds for a customer that it knows already.
OPEN_KEYS = {"metadata", "customer_metadata", "custom_field_data", "payment_processor_metadata"}

Json = dict[str, Any]


def answer(name: str, folder: str = "sdk_1_0_2") -> Json:
    """The recorded answer's status and JSON body."""
    response = json.loads((FOLDER / "recordings" / folder / f"{name}.json").read_text())["response"]
    return {"status": response["status"], "body": json.loads(response["body"]), "headers": response["headers"]}


def plain(name: str) -> Json:
    """A recorded answer without JSON: its status, its text and its headers."""
    response: Json = json.loads((FOLDER / "recordings" / "snapshot" / f"{name}.json").read_text())["response"]
    return response


def webhook_sample(name: str) -> Json:
    """A webhook that was made up by Polar's published description, where none is recorded."""
    payload: Json = json.loads((FOLDER / "payloads" / f"{name}.json").read_text())
    return payload


def sample(name: str) -> Json:
    """The body of an API answer that was made up by Polar's published description, where none is recorded."""
    body: Json = json.loads((FOLDER / "payloads" / "http" / f"{name}.json").read_text())
    return body


def deliveries(type_: str) -> list[Json]:
    """Every recorded payload of a type."""
    paths = sorted((FOLDER / "recordings" / "sdk_1_0_2").glob(f"[0-9]*_{type_}_*.json"))
    return [json.loads(json.loads(path.read_text())["body"]) for path in paths]


@cache
def webhooks() -> dict[tuple[str, str], Json]:
    """One recorded payload for each type and status."""
    found: dict[tuple[str, str], Json] = {}
    for path in sorted((FOLDER / "recordings" / "sdk_1_0_2").glob("[0-9]*.json")):
        body = json.loads(json.loads(path.read_text())["body"])
        found.setdefault((body["type"], body["data"].get("status", "")), body)
    return found


@cache
def _openapi() -> Json:
    document: Json = json.loads((FOLDER / "openapi.json").read_text())
    return document


def schema_errors(payload: Json) -> list[str]:
    """What in a webhook's body is not as Polar's published description says."""
    operation = _openapi()["webhooks"][payload["type"]]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    validator = Draft202012Validator({**schema, "components": _openapi()["components"]})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(payload)]


def key_differences(ours: Any, theirs: Any, where: str = "$") -> list[str]:
    """Where the keys of two JSON values differ. A value that one side leaves null is not looked into."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if where.rpartition(".")[2] in OPEN_KEYS:
            return []
        if where.endswith(("$.prices", ".data.prices")):  # a map by product id
            return key_differences(list(ours.values()), list(theirs.values()), where + ".*")
        missing = [f"{where}.{key} is missing" for key in theirs if key not in ours]
        extra = [f"{where}.{key} is extra" for key in ours if key not in theirs]
        inside = [
            line for key in ours.keys() & theirs for line in key_differences(ours[key], theirs[key], f"{where}.{key}")
        ]
        return missing + extra + inside
    if isinstance(ours, list) and isinstance(theirs, list) and ours and theirs:
        return key_differences(ours[0], theirs[0], f"{where}[0]")
    return []

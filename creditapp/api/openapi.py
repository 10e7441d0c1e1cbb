"""``/api/openapi.json``: the API described by its own shapes (OpenAPI 3.1)."""

import importlib.metadata
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from creditapp.api import answers
from creditapp.api.call import Call
from creditapp.api.calls import CALLS
from creditapp.api.consume import Insufficient
from creditapp.api.fields import words_of
from creditapp.api.wire import PROBLEM
from creditapp.errors import CreditAppError

ROOT = "/api/credits"
REF = "#/components/schemas/{model}"
JSON = "application/json"
# What the web server itself may answer to any call, and to one with a body.
SERVERS_OWN = {429: "too_many_requests", 500: "broken"}
SERVERS_OWN_WITH_A_BODY = {413: "too_large"}
REASONS = {
    400: "The body can't be read.",
    401: "There is no key, or it does not work any more.",
    402: "Too few credits. Nothing was changed.",
    403: "The key may not do that.",
    404: "There is no such thing, or it is another account's.",
    409: "Not as things stand.",
    413: "The body is larger than 1 MB.",
    415: "The body is not JSON.",
    422: "A field is not as described.",
    429: "Too many calls. Wait as long as Retry-After says.",
    500: "Something broke on our side. The same idempotency key is safe.",
    502: "The payment provider refused.",
    503: "Too busy, or the database or the payment provider can't be reached. Try again in a moment.",
}
HEADERS = {
    "Idempotency-Key": "1 to 255 printable characters. The same request under the same key is done once, for ever, and "
    "gets the first answer again. One space of keys per account over all writes.",
    "Idempotent-Replayed": "`true` where this is the first answer again.",
    "X-Credits-Charged": "Credits that were charged.",
    "X-Credits-Available": "Credits that are left to spend.",
    "Retry-After": "Seconds to wait.",
    "RateLimit-Limit": "Calls that a key has in a window.",
    "RateLimit-Remaining": "Calls that are left of them.",
    "RateLimit-Reset": "Seconds until the next window.",
}
LIMITS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
ABOUT = (
    "Prepaid credits: charge operations, hold credits for work under way, read balance, history and usage. Numbers are "
    "exact to six decimals; ids are strings; times are in UTC. Every refusal is `application/problem+json`."
)


class _Shapes(GenerateJsonSchema):
    """Without titles: a field's name says as much."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


@cache
def document(address: str) -> Mapping[str, Any]:
    """The description of the API that is served at *address*."""
    schemas = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for call in CALLS:
        paths.setdefault(ROOT + call.path, {})[call.method.lower()] = _operation(call)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Credits", "version": importlib.metadata.version("creditapp"), "description": ABOUT},
        "servers": [{"url": address}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key of the account, or of a service.",
                }
            },
        },
    }


def _schemas() -> dict[str, Any]:
    shapes: dict[type[BaseModel], None] = dict.fromkeys([answers.Problem, answers.NotEnough])
    for call in CALLS:
        shapes |= dict.fromkeys([call.answer, *([call.body] if call.body else [])])
    _, found = models_json_schema(
        [(shape, "validation") for shape in shapes], ref_template=REF, schema_generator=_Shapes
    )
    schemas: dict[str, Any] = found["$defs"]
    for name, schema in schemas.items():
        schema.pop("title", None)
        _explain(name, schema)
    return schemas


def _explain(shape: str, schema: dict[str, Any]) -> None:
    for name, described in schema.get("properties", {}).items():
        if words := words_of(shape, name):
            described["description"] = words


def _operation(call: Call) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": call.name,
        "summary": call.title,
        "description": f"{call.does} Scope: `{call.scope}`.",
        "parameters": _parameters(call),
        "responses": _responses(call),
    }
    if call.body:
        content: dict[str, Any] = {"schema": _ref(call.body)}
        if call.example:
            content["example"] = dict(call.example)
        operation["requestBody"] = {"required": call.body_required, "content": {JSON: content}}
    return operation


def _parameters(call: Call) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {
            "name": part[1:-1],
            "in": "path",
            "required": True,
            "description": words_of("", part[1:-1]),
            "schema": {"type": "string", "pattern": "^[0-9]{1,19}$"},
        }
        for part in call.path.split("/")
        if part.startswith("{")
    ]
    if call.query:
        schema = call.query.model_json_schema(ref_template=REF, schema_generator=_Shapes)
        for name, described in schema["properties"].items():
            found.append(
                {
                    "name": name,
                    "in": "query",
                    "required": name in schema.get("required", ()),
                    "description": words_of(call.query.__name__, name),
                    "schema": _not_null(described),
                }
            )
    if call.once:
        limits = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"}
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": HEADERS["Idempotency-Key"],
                "schema": limits,
            }
        )
    return found


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query has no null: what may be left out is left out."""
    plain = {name: value for name, value in schema.items() if name != "default" or value is not None}
    if "anyOf" in plain:
        (only,) = (kind for kind in plain.pop("anyOf") if kind != {"type": "null"})
        plain |= only
    if isinstance(plain.get("type"), list):
        (plain["type"],) = (kind for kind in plain["type"] if kind != "null")
    return plain


def _responses(call: Call) -> dict[str, Any]:
    told = (*call.headers, *(("Idempotent-Replayed",) if call.once else ()), *LIMITS)
    responses: dict[str, Any] = {
        str(call.status): {
            "description": (call.answer.__doc__ or "").strip(),
            "headers": _headers(told),
            "content": {JSON: {"schema": _ref(call.answer)}},
        }
    }
    codes: dict[int, list[str]] = {}
    for status, code in (*_codes(call.refusals), *SERVERS_OWN.items()):
        codes.setdefault(status, []).append(code)
    if call.body:
        codes |= {status: [code] for status, code in SERVERS_OWN_WITH_A_BODY.items()}
    for status, named in sorted(codes.items()):
        shape = answers.NotEnough if status == Insufficient.status else answers.Problem
        response: dict[str, Any] = {
            "description": f"{REASONS[status]} `code`: {', '.join(f'`{code}`' for code in dict.fromkeys(named))}.",
            "content": {PROBLEM: {"schema": _ref(shape)}},
        }
        if status in {429, 503}:
            response["headers"] = _headers(("Retry-After",))
        responses[str(status)] = response
    return responses


def _codes(refusals: Iterable[type[CreditAppError]]) -> list[tuple[int, str]]:
    return [(refusal.status, refusal.code) for refusal in refusals]


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"description": HEADERS[name], "schema": {"type": "string"}} for name in names}


def _ref(shape: type[BaseModel]) -> dict[str, str]:
    return {"$ref": REF.format(model=shape.__name__)}

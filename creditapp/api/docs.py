"""The API described, for anybody: ``/api/openapi.json`` for programs, ``/api/docs`` for people. No key is asked for."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, render_template

from creditapp.api.calls import CALLS
from creditapp.api.openapi import JSON, ROOT, document
from creditapp.api.wire import PROBLEM
from creditapp.wiring import settings

bp = Blueprint("api_docs", __name__, url_prefix="/api")

Schema = Mapping[str, Any]
SCHEMAS = "#/components/schemas/"
KINDS = {"integer": "whole number", "boolean": "true or false"}
FORMATS = {"date-time": "time", "date": "day"}


@dataclass(frozen=True, slots=True)
class Row:
    """A field: what it is called, what it may be, what it means."""

    name: str
    kind: str
    words: str
    required: bool = False
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A status with which a call is refused, and why."""

    status: str
    words: str


@dataclass(frozen=True, slots=True)
class Section:
    """A call as people read it. ``asks`` is told by where it is put: the address, the query, the body."""

    name: str
    method: str
    path: str
    scope: str
    title: str
    does: str
    asks: dict[str, list[Row]]
    status: str
    answers: list[Row]
    headers: list[Row]
    refusals: list[Refusal]
    curl: str


@bp.get("/openapi.json")
def openapi() -> Response:
    """The description for programs."""
    return Response(json.dumps(document(settings().app_url)), mimetype=JSON)


@bp.get("/docs")
def index() -> str:
    """The same for people."""
    described = document(settings().app_url)
    return render_template("api/docs.html", sections=sections(described), address=settings().app_url + ROOT)


def sections(described: Mapping[str, Any]) -> list[Section]:
    """Every call of the description, in its order."""
    schemas = described["components"]["schemas"]
    found = []
    for call in CALLS:
        operation = described["paths"][ROOT + call.path][call.method.lower()]
        status, answer = next(iter(operation["responses"].items()))
        body = operation.get("requestBody", {}).get("content", {}).get(JSON)
        found.append(
            Section(
                name=call.name,
                method=call.method,
                path=call.path,
                scope=call.scope,
                title=call.title,
                does=call.does,
                asks=_asks(operation, body, schemas),
                status=status,
                answers=list(_rows(answer["content"][JSON]["schema"], schemas)),
                headers=[Row(name, "header", header["description"]) for name, header in answer["headers"].items()],
                refusals=[
                    Refusal(code, response["description"])
                    for code, response in operation["responses"].items()
                    if PROBLEM in response["content"]
                ],
                curl=_curl(described["servers"][0]["url"], call.method, call.path, operation, body),
            )
        )
    return found


def _asks(operation: Mapping[str, Any], body: Mapping[str, Any] | None, schemas: Schema) -> dict[str, list[Row]]:
    places = {"path": "In the address", "query": "In the query", "header": "In a header"}
    found: dict[str, list[Row]] = {}
    for asked in operation["parameters"]:
        row = Row(
            asked["name"], _kind(asked["schema"]), asked["description"], asked["required"], _default(asked["schema"])
        )
        found.setdefault(places[asked["in"]], []).append(row)
    if body:
        found["In the body"] = list(_rows(body["schema"], schemas))
    return found


def _rows(schema: Schema, schemas: Schema, before: str = "") -> Iterator[Row]:
    """The fields of a shape, and after each those of the shape within it."""
    shape = _named(schema, schemas) or schema
    for name, field in shape.get("properties", {}).items():
        required = name in shape.get("required", ())
        yield Row(before + name, _kind(field), field.get("description", ""), required, _default(field))
        for inner, many in _inner(field):
            yield from _rows(inner, schemas, f"{before}{name}{'[]' if many else ''}.")


def _inner(field: Schema) -> Iterator[tuple[Schema, bool]]:
    """The shapes within a field, and whether it is a list of them."""
    for kind in field.get("anyOf", [field]):
        items = kind.get("items", {})
        for one in items.get("anyOf", [items]):
            if "$ref" in one:
                yield one, True
        if "$ref" in kind:
            yield kind, False


def _named(schema: Schema, schemas: Schema) -> Schema | None:
    found: Schema | None = schemas.get(schema.get("$ref", "").removeprefix(SCHEMAS))
    return found


def _kind(schema: Schema) -> str:
    """What a value may be, in a few words."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(kind) for kind in schema["anyOf"]))
    if "$ref" in schema:
        return "object"
    if "enum" in schema or "const" in schema:
        return " · ".join(str(word) for word in schema.get("enum", [schema.get("const")]))
    kinds = schema.get("type", "anything")
    words = [_word(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    return " or ".join(words)


def _word(kind: str, schema: Schema) -> str:
    if kind == "array":
        return "list of objects" if "$ref" in schema["items"] or "anyOf" in schema["items"] else "list"
    if kind == "string":
        return FORMATS.get(schema.get("format", ""), "string")
    return KINDS.get(kind, kind)


def _default(schema: Schema) -> str | None:
    default = schema.get("default")
    return None if default is None else json.dumps(default).strip('"')


def _curl(address: str, method: str, path: str, operation: Mapping[str, Any], body: Mapping[str, Any] | None) -> str:
    """The call for a shell; an id is a variable of it."""
    for asked in operation["parameters"]:
        if asked["in"] == "path":
            path = path.replace(f"{{{asked['name']}}}", f"${asked['name'].upper()}")
    lines = [f'curl {"" if method in {"GET", "POST"} else f"-X {method} "}"{address}{ROOT}{path}"']
    lines.append('-H "Authorization: Bearer $CREDITS_KEY"')
    if any(asked["in"] == "header" for asked in operation["parameters"]):
        lines.append('-H "Idempotency-Key: a-name-of-your-own"')
    if body:
        lines += ['-H "Content-Type: application/json"', f"-d '{json.dumps(body.get('example', {}))}'"]
    return " \\\n  ".join(lines)

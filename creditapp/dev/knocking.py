"""Asking a part whether it answers, without anything that takes long to load."""

import contextlib
import http.client
import json
import socket
from pathlib import Path
from typing import Any

LOCAL = "127.0.0.1"
PATIENCE_SECONDS = 2.0
ANSWER_SECONDS = 10.0


def is_free(port: int) -> bool:
    """Whether a program may listen on *port*. Raises PermissionError where this user never may."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind((LOCAL, port))
        except PermissionError:
            raise
        except OSError:
            return False
    return True


def answers(port: int, path: str) -> bool:
    """Whether GET *path* is answered with 200."""
    try:
        return ask(port, "GET", path, seconds=PATIENCE_SECONDS)[0] == http.client.OK
    except (OSError, http.client.HTTPException):
        return False


def ask(
    port: int,
    method: str,
    path: str,
    *,
    headers: dict[str, str] | None = None,
    body: Any = None,
    seconds: float = ANSWER_SECONDS,
) -> tuple[int, Any]:
    """The status and the JSON of the answer. Raises OSError and HTTPException where there is none."""
    connection = http.client.HTTPConnection(LOCAL, port, timeout=seconds)
    with contextlib.closing(connection):
        given = {"Content-Type": "application/json", **(headers or {})}
        connection.request(method, path, None if body is None else json.dumps(body), given)
        answer = connection.getresponse()
        text = answer.read()
    try:
        return answer.status, json.loads(text)
    except ValueError:
        return answer.status, None


def valkey_answers(path: Path) -> bool:
    """Whether the Valkey behind this socket is up and has read its data."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(PATIENCE_SECONDS)
        try:
            s.connect(str(path))
            s.sendall(b"PING\r\n")
            return s.recv(64).startswith(b"+PONG")
        except OSError:
            return False

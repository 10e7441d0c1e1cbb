"""For those who watch over the process: is it alive, and what is missing."""

from flask import Blueprint, Response, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from creditapp.config import ROOT
from creditapp.db import db

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return jsonify(status="alive")


@bp.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Everything needed to serve is there: the database answers and is migrated to our head."""
    newest = max(path.name[:4] for path in (ROOT / "migrations" / "versions").glob("[0-9]*.py"))
    try:
        found = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    except SQLAlchemyError:
        return jsonify(status="not ready", missing=["database"]), 503
    if found != newest:
        return jsonify(status="not ready", missing=["migrations"]), 503
    return jsonify(status="ready", missing=[]), 200

"""What is installed from a wheel is whole: templates, static files and migrations lie inside the package there."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

from creditapp.config import ROOT

SERVE_A_PAGE = """
import flask_migrate
from creditapp.app import create_app
from creditapp.config import HOUSE, ROOT

assert ROOT == HOUSE, ROOT
app = create_app()
with app.app_context():
    flask_migrate.upgrade()
client = app.test_client()
print(client.get("/sign-in").status_code, client.get("/readyz").status_code, client.get("/static/app.css").status_code)
"""


def test_a_built_wheel_serves_a_page_and_can_migrate(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=300)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")

    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(tmp_path / "installed"),
        "PYTHONSAFEPATH": "1",
        "CREDITAPP_DATA": str(tmp_path / "data"),
        "SECRET_KEY": "k" * 40,
    }
    served = subprocess.run(
        [sys.executable, "-c", SERVE_A_PAGE],
        cwd=tmp_path, env=environment, text=True, capture_output=True, timeout=120, check=False,
    )  # fmt: skip

    assert served.stdout.split() == ["200", "200", "200"], served.stderr

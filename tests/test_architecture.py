"""The map in docs/architecture.md, held against the house."""

import re

from creditapp.config import HOUSE, ROOT

NOT_A_SUBJECT = {"creditapp/__init__.py", "creditapp/templates", "creditapp/static", "creditapp/migrations"}


def test_the_map_names_every_module_and_nothing_else() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"^\| `(creditapp/[\w.]+)` \|", text, re.MULTILINE))
    there = {
        f"creditapp/{path.name}"
        for path in HOUSE.iterdir()
        if path.suffix == ".py" or (path.is_dir() and path.name != "__pycache__")
    }

    assert named == there - NOT_A_SUBJECT


def test_every_file_that_the_documents_point_to_exists() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} points to {target}"


def test_every_setting_is_in_the_example() -> None:
    from creditapp.config import Settings

    example = (ROOT / ".env.example").read_text()
    for name in Settings.model_fields:
        if name != "data":
            assert name.upper() in example, name

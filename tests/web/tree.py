"""A page as a tree, to ask it what a person would see."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from werkzeug.test import TestResponse

VOID = {"input", "br", "hr", "meta", "link", "img"}


class Node:
    """An element: its attributes, what is inside it, and the words a reader finds there."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag, self.attributes = tag, attributes
        self.inside: list[Node | str] = []

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]

    @property
    def words(self) -> str:
        """All text inside, blanks folded."""
        return re.sub(r"\s+", " ", "".join(self._pieces())).strip()

    def every(self, tag: str, **attributes: str) -> list["Node"]:
        """All elements of *tag* inside; ``class_`` names one class that they have."""
        wanted = attributes.pop("class_", None)
        return [
            node
            for node in self._nodes()
            if node.tag == tag
            and (wanted is None or wanted in node.attributes.get("class", "").split())
            and all(node.attributes.get(name.replace("_", "-")) == value for name, value in attributes.items())
        ]

    def one(self, tag: str, **attributes: str) -> "Node":
        """The only such element."""
        found = self.every(tag, **attributes)
        assert len(found) == 1, f"{len(found)} of {tag} {attributes} in {self.words[:300]}"
        return found[0]

    def with_id(self, id: str) -> "Node":
        """The only element of this id."""
        found = [node for node in self._nodes() if node.attributes.get("id") == id]
        assert len(found) == 1, f"{len(found)} elements of id {id}"
        return found[0]

    def has_id(self, id: str) -> bool:
        """Whether there is an element of this id."""
        return any(node.attributes.get("id") == id for node in self._nodes())

    def _nodes(self) -> Iterator["Node"]:
        for child in self.inside:
            if isinstance(child, Node):
                yield child
                yield from child._nodes()

    def _pieces(self) -> Iterator[str]:
        for child in self.inside:
            if isinstance(child, str):
                yield child
            elif child.tag == "br":
                yield " "
            else:
                yield from child._pieces()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Node("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self._open[-1].inside.append(node)
        if tag not in VOID:
            self._open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open[-1].inside.append(Node(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].inside.append(data)


def tree(answer: TestResponse, status: int = 200) -> Node:
    """The page of an answer that has *status*; every element in it is closed where it should be."""
    assert answer.status_code == status, f"{answer.request.path}: {answer.status} {answer.text[-500:]}"
    reader = _Reader()
    reader.feed(answer.text)
    reader.close()
    assert reader._open == [reader.root], f"not closed: {[node.tag for node in reader._open]}"
    return reader.root

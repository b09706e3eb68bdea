"""What a page says, as a person reads it: its tables by caption, its notices, its forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

VOID = {"input", "meta", "link", "br", "option", "img", "path", "rect", "hr"}


@dataclass
class Element:
    """An element: its attributes, and the text in it."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""


@dataclass
class Table:
    """A table's caption, headings, and rows of texts."""

    caption: str = ""
    headings: list[str] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)

    @property
    def rows(self) -> list[dict[str, str]]:
        """Each row by heading."""
        return [dict(zip(self.headings, row, strict=True)) for row in self.cells]


class Page(HTMLParser):
    """A page that was read."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[Table] = []
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)
        if tag == "br":
            self.handle_data(" ")
        elif tag == "table":
            self.tables.append(Table())
        elif tag == "tr" and any(one.tag == "tbody" for one in self._open):
            self.tables[-1].cells.append([])

    def handle_endtag(self, tag: str) -> None:
        while self._open and tag not in VOID:
            element = self._open.pop()
            self._keep(element)
            if element.tag == tag:
                break

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def _keep(self, element: Element) -> None:
        element.text = " ".join(element.text.split())
        if element.tag == "caption":
            self.tables[-1].caption = element.text
        elif element.tag in ("th", "td") and self.tables:
            in_body = any(one.tag == "tbody" for one in self._open)
            row = self.tables[-1].cells[-1] if in_body else self.tables[-1].headings
            row += [element.text, *[""] * (int(element.attributes.get("colspan") or 1) - 1)]

    def table(self, caption: str) -> list[dict[str, str]]:
        """Return the rows of the table with this caption.

        Raises:
            LookupError: the page has no such table; one without rows is written as a sentence.
        """
        for table in self.tables:
            if table.caption == caption:
                return table.rows
        raise LookupError(f"expected a table {caption!r}, got {[table.caption for table in self.tables]}")

    def filters(self) -> dict[str, list[str]]:
        """Return the fields of the form of filters by name, and of each the choices it offers."""
        fields: dict[str, list[str]] = {}
        name = ""
        for one in self.elements:
            if (one.attributes.get("id") or "").startswith("filter-"):
                name = str(one.attributes["name"])
                fields[name] = []
            elif one.tag == "option" and name:
                fields[name].append(str(one.attributes["value"]))
        return fields

    def texts(self, tag: str, css: str = "") -> list[str]:
        """Return the texts of elements of a tag and a class."""
        return [
            one.text
            for one in self.elements
            if one.tag == tag and (not css or css in (one.attributes.get("class") or "").split())
        ]

    def attribute(self, tag: str, name: str) -> list[str]:
        """Return an attribute of all elements of a tag that have it."""
        return [str(one.attributes[name]) for one in self.elements if one.tag == tag and name in one.attributes]

    def one(self, name: str) -> Element:
        """Return the element with this id."""
        return next(one for one in self.elements if one.attributes.get("id") == name)


def opened(platform_ui: Any, path: str, user: str = "admin", **params: Any) -> Page:
    """Return the page at a path below ``/candlewick``, as somebody sees it."""
    answer = platform_ui.get(path, user=user, **params)
    assert answer.status_code == 200, answer.text[:2000]
    return Page(answer.text)

"""What a browser's parser finds in a page, by the standard library's."""

import re
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "hr"}


class Page(HTMLParser):
    """A parsed page.

    Attributes:
        elements: Each element's tag, attributes and text, in their order.
        fault: What is wrong with how they are nested; empty where nothing is.
    """

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self.fault = ""
        self._open: list[int] = []
        self.feed(text)
        self.close()
        if self._open:
            self.fault = self.fault or f"never closed: {[self.elements[at][0] for at in self._open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if len(dict(attrs)) != len(attrs):
            self.fault = f"an attribute twice: {attrs}"
        self.elements.append((tag, {name: value or "" for name, value in attrs}, []))
        if tag not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self.elements[self._open.pop()][0] != tag:
            self.fault = self.fault or f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        for at in self._open:
            self.elements[at][2].append(data)

    def handle_comment(self, data: str) -> None:
        self.fault = f"a comment: {data}"

    def all(self, *tags: str) -> list[tuple[dict[str, str], str]]:
        """Return attributes and text of all elements with these tags."""
        return [(attrs, "".join(text)) for tag, attrs, text in self.elements if tag in tags]

    def texts(self, *tags: str) -> list[str]:
        """Return the texts of all elements with these tags, without blanks around."""
        return [text.strip() for _, text in self.all(*tags)]

    @property
    def policy(self) -> dict[str, list[str]]:
        """What its Content-Security-Policy allows."""
        (text,) = [a["content"] for a, _ in self.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
        return {name: words for name, *words in map(str.split, text.split(";"))}

    @property
    def tags(self) -> set[str]:
        """All tags."""
        return {tag for tag, _, _ in self.elements}

    @property
    def attributes(self) -> set[str]:
        """The names of all attributes."""
        return {name for _, attrs, _ in self.elements for name in attrs}

    @property
    def ids(self) -> list[str]:
        """All ids."""
        return [attrs["id"] for _, attrs, _ in self.elements if "id" in attrs]

    @property
    def addresses(self) -> list[str]:
        """All that it links to or takes from elsewhere, images inside it left out."""
        found = [a[name] for _, a, _ in self.elements for name in ("href", "src", "action", "data") if name in a]
        return [address for address in found if not re.match(r"data:(image/svg\+xml;charset=utf-8,<svg |,$)", address)]

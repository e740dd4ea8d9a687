"""XML as a tree seen by local names; parsed without DTD, entities or network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lxml import etree

from services.referral.documents.fields import Problems, named, prose

MAX_TAGS: Final = 40_000
ENCODINGS: Final = frozenset({"UTF-8", "ISO-8859-1", "US-ASCII", "ASCII", "WINDOWS-1252"})

_DOCTYPE: Final = "DOCTYPE er ikke tilladt: dokumentet må hverken have DTD eller entiteter."
_PARSER: Final = etree.XMLParser(
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    dtd_validation=False,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
)


class Node:
    """An element; its children are found by local name, in any namespace and order."""

    __slots__ = ("_children", "_element")

    def __init__(self, element: etree._Element) -> None:
        self._element = element
        self._children: dict[str, list[etree._Element]] | None = None

    @property
    def name(self) -> str:
        """The local name."""
        return _split(self._element)[1]

    @property
    def namespace(self) -> str:
        """The namespace; "" for none."""
        return _split(self._element)[0]

    @property
    def encoding(self) -> str | None:
        """The document's declared encoding."""
        return self._element.getroottree().docinfo.encoding

    def __iter__(self) -> Iterator[Node]:
        return (Node(child) for children in self._by_name().values() for child in children)

    def all(self, name: str) -> list[Node]:
        """The children of this name."""
        return [Node(child) for child in self._by_name().get(name, ())]

    def count(self, name: str) -> int:
        """How many children have this name."""
        return len(self._by_name().get(name, ()))

    def child(self, name: str) -> Node:
        """The first child of this name; one without children and text where there is none."""
        found = self._by_name().get(name)
        return Node(found[0]) if found else _NONE

    def text(self, *names: str) -> str | None:
        """The text of the first child of these names that has any, nested words included."""
        for name in names:
            for element in self._by_name().get(name, ()):
                text = element.text if len(element) == 0 else " ".join(map(str, element.itertext()))
                if text is not None and text.strip():
                    return text
        return None

    def prose(self, *names: str) -> str | None:
        """As `text`, with Break as a line's end, as MedCom's formatted text has it."""
        for name in names:
            for element in self._by_name().get(name, ()):
                parts: list[str] = []
                for event, part in etree.iterwalk(element, events=("start", "end")):
                    if event == "start":
                        parts.append("\n" if _split(part)[1] == "Break" else part.text or "")
                    elif part is not element:
                        parts.append(part.tail or "")
                if text := prose("".join(parts)):
                    return text
        return None

    def _by_name(self) -> dict[str, list[etree._Element]]:
        if self._children is None:
            children: dict[str, list[etree._Element]] = {}
            for child in self._element:
                name = _split(child)[1]
                if name:
                    children.setdefault(name, []).append(child)
            self._children = children
        return self._children


def _split(element: etree._Element) -> tuple[str, str]:
    """(namespace, local name); two empty ones for what is no element (an entity)."""
    tag: object = element.tag
    if not isinstance(tag, str):
        return "", ""
    namespace, _, name = tag.rpartition("}")
    return namespace[1:], name


_NONE: Final = Node(etree.Element("none"))


def root_of(value: bytes, problems: Problems) -> Node | None:
    """The outermost element; None and a problem where there is none to be trusted."""
    if len(value) > MAX_TAGS < value.count(b"<"):
        problems.add("/", "too-long", "Dokumentet har for mange elementer.")
        return None
    try:
        root = etree.fromstring(value, _PARSER)
    except etree.XMLSyntaxError as error:
        if b"<!DOCTYPE" in value:
            problems.add("/", "security", _DOCTYPE)
        elif "encoding" in str(error.msg).casefold():
            where = f"linje {error.lineno}, kolonne {error.offset}"
            text = f"Tegnene er ikke i det tegnsæt, som dokumentet siger, eller UTF-8 ({where})."
            problems.add("/", "structure", text)
        elif "depth" in str(error.msg).casefold():
            problems.add("/", "structure", "Dokumentet er indlejret for dybt.")
        else:
            where = f"linje {error.lineno}, kolonne {error.offset}"
            problems.add("/", "structure", f"Dokumentet er ikke velformet XML ({where}).")
        return None
    except (ValueError, LookupError):
        problems.add("/", "structure", "Dokumentets tegnsæt kan ikke læses.")
        return None
    info = root.getroottree().docinfo
    if info.internalDTD is not None or info.doctype:
        problems.add("/", "security", _DOCTYPE)
        return None
    if (info.encoding or "UTF-8").upper() not in ENCODINGS:
        problems.add(
            "/",
            "not-supported",
            f"Tegnsættet{named(info.encoding)} understøttes ikke; brug UTF-8 eller ISO-8859-1.",
        )
        return None
    return Node(root)

"""JSON as a tree, refusing what two readers would read differently."""

from __future__ import annotations

import json
from typing import Any, Final

import orjson

from services.referral.documents.fields import Problems, named

MAX_CONTAINERS: Final = 50_000

_TOO_DEEP: Final = "Dokumentet er indlejret for dybt."


def outermost(value: bytes, problems: Problems) -> dict[str, Any] | None:
    """The outermost object; None and a problem for anything else, or where a key stands twice."""
    text = None
    tree: Any = None
    # A document no longer than that can't hold more.
    if len(value) > MAX_CONTAINERS < value.count(b"{") + value.count(b"["):
        problems.add("Bundle", "too-long", "Dokumentet har for mange elementer.")
        return None
    try:
        tree = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        text = f"Dokumentet er ikke gyldig JSON (linje {error.lineno}, kolonne {error.colno})."
        if "depth" in error.msg or "ecursion" in error.msg:
            text = _TOO_DEEP
        elif "utf-8" in error.msg.casefold():
            text = "Dokumentet er ikke UTF-8, som JSON skal være."
    if text is None and not isinstance(tree, dict):
        text = "Dokumentet er ikke et JSON-objekt."
    if text is None:
        text = _doubled(value, tree)
    if text is not None:
        problems.add("Bundle", "structure", text)
        return None
    found: dict[str, Any] = tree
    return found


def _doubled(value: bytes, tree: dict[str, Any]) -> str | None:
    """Says which key stands twice in one object: readers disagree on which of them counts.

    The parser keeps the last. Written out again, the tree has as many colons as it was read from,
    unless a key was dropped (or a colon was written as its escape); a second, slow reading tells.
    """
    try:
        written = orjson.dumps(tree)
    except orjson.JSONEncodeError:
        return _TOO_DEEP
    if value.count(b":") == written.count(b":") and b"\\u003" not in value:
        return None
    doubled: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _ in found:
            if key in seen:
                doubled.append(key)
            seen.add(key)

    try:
        json.loads(value, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return "Dokumentet kan ikke læses entydigt som JSON."
    return f"Nøglen{named(doubled[0])} står to gange i samme JSON-objekt." if doubled else None

"""Records that nobody can read as a plan: broken, hostile, or something else altogether."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

FHIR: Final = "application/fhir+json"
XML: Final = "application/xml"


def broken(fhir_document: bytes, xml_document: bytes) -> list[tuple[str, bytes | None, str | None]]:
    """(what it is, value, content type), made from a valid document of each format.

    None is refused by a broker whose topics take a megabyte a record.
    """
    return [
        ("JSON that breaks off", fhir_document[: len(fhir_document) // 2], FHIR),
        ("XML that breaks off", xml_document[: len(xml_document) // 2], XML),
        ("no value at all", None, None),
        ("an empty value", b"", FHIR),
        ("an entity bomb", entity_bomb(), XML),
        ("20,000 levels of nesting", _bundle_with(b"[" * 20_000 + b"]" * 20_000), FHIR),
        ("60,000 resources", _bundle_with(b"[" + b"{}," * 60_000 + b"{}]"), FHIR),
        ("a picture", b"\x89PNG\r\n\x1a\n\x00\x00", "image/png"),
        ("HL7 v2", b"MSH|^~\\&|HIS|RIH|||202205230700||REF^I12|1|P|2.5\r", None),
    ]


def entity_bomb() -> bytes:
    """A few hundred bytes of XML whose entities stand for 100 MB."""
    entities = (
        b'<!ENTITY %c "%s">' % (new, b"&%c;" % old * 10) for old, new in pairwise(b"abcdefgh")
    )
    first = b'<?xml version="1.0"?><!DOCTYPE m [<!ENTITY a "aaaaaaaaaa">'
    return first + b"".join(entities) + b"]><Emessage>&h;</Emessage>"


def _bundle_with(entries: bytes) -> bytes:
    return b'{"resourceType":"Bundle","type":"message","entry":' + entries + b"}"

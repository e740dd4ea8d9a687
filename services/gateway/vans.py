"""MedCom's VANSEnvelope, in which letters and messages travel on the VANS network.

Structure: the schema of urn:oio:medcom:vans-envelope:1.0.4, which a public test of an integration
holds whole (Message with MetaInformation and Data in base64; Receipt with PositiveMessage,
NegativeMessage or NegativeVans), and MedCom's description (medcomdk/MedCom-FHIR-Communication,
030_Governance-for-Network-Layer, 032_Reliable_Messaging-VANSEnvelope, and
FHIRMessages_NetworkEnvelopes for what an Acknowledgement is called). Elements are read by name;
what the schema leaves out is not asked for. The envelope is opened at the door and nowhere else:
what lies in it goes on as it is. Standard library only.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from xml.etree import ElementTree as ET

NAMESPACES: Final = "urn:oio:medcom:vans-envelope:1.0."
NEWEST: Final = f"{NAMESPACES}4"
CONTENT_TYPE: Final = "application/xml"
_ROOT: Final = "VANSEnvelope"
_UUID: Final = re.compile(r"[A-Fa-f0-9]{8}(-[A-Fa-f0-9]{4}){3}-[A-Fa-f0-9]{12}")
_LETTER: Final = re.compile(
    rb"<VersionCode>(\w+)</VersionCode><StatisticalCode>(\w+)</StatisticalCode>"
)
_IDS: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:genvej:gateway:vans")
_UNKNOWN: Final = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """An envelope with a document. The elements are repeated in what goes back."""

    namespace: str
    sender: ET.Element
    receiver: ET.Element
    envelope_id: str
    meta: ET.Element
    document: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """What keeps an envelope from being opened, in Danish, and the receipt that says so."""

    text: str
    receipt: bytes


def opened(value: bytes, now: datetime) -> Envelope | Fault | None:
    """What lies in an envelope; None where a document comes without one.

    An envelope in an encoding that is no superset of ASCII goes on as a document.
    """
    if b"VANSEnvelope" not in value[:1024]:
        return None
    root: ET.Element | None = None
    found: Envelope | str
    if b"<!DOCTYPE" in value or b"<!ENTITY" in value:
        found = "DOCTYPE er ikke tilladt: kuverten må hverken have DTD eller entiteter."
    else:
        try:
            root = ET.fromstring(value)  # noqa: S314 - no DTD gets here
        except (ET.ParseError, ValueError, LookupError):
            found = "Kuverten er ikke velformet XML."
        else:
            namespace, name = _split(root)
            if name != _ROOT:
                return None
            found = _read(root, namespace)
    return found if isinstance(found, Envelope) else Fault(found, _refusal(root, found, now))


def _read(root: ET.Element, namespace: str) -> Envelope | str:
    if not namespace.startswith(NAMESPACES):
        return f"Kuvertens version understøttes ikke; kun {NAMESPACES}x."
    if _part(root, "Receipt") is not None:
        return "Kuverten er en kvittering: der er intet dokument i den."
    sender, receiver = _part(root, "SenderID"), _part(root, "ReceiverID")
    if sender is None or receiver is None or not sender.text or not receiver.text:
        return "SenderID eller ReceiverID mangler."
    envelope_id = _uuid(_part(root, "EnvelopeIdentifier"))
    meta = _part(root, "Message/MetaInformation")
    if envelope_id is None or meta is None or _uuid(_part(meta, "Identifier")) is None:
        return "EnvelopeIdentifier eller Message/MetaInformation/Identifier er ikke et UUID."
    document = _decoded(_part(root, "Message/Data"))
    if not document:
        return "Message/Data er ikke base64." if document is None else "Message/Data mangler."
    return Envelope(
        namespace=namespace,
        sender=sender,
        receiver=receiver,
        envelope_id=envelope_id,
        meta=meta,
        document=document,
    )


def _decoded(data: ET.Element | None) -> bytes | None:
    """The document; empty where there is none, None where it isn't base64."""
    written = "".join((data.text or "").split()) if data is not None else ""
    try:
        return base64.b64decode(written, validate=True)
    except (binascii.Error, ValueError):
        return None


def taken(envelope: Envelope, now: datetime) -> bytes:
    """The receipt that the message has come; of what it says, the document's own receipt tells."""
    seed = f"{envelope.envelope_id}/taken"
    root = _back(envelope.namespace, envelope.sender, envelope.receiver, seed, now)
    positive = _add(_add(root, "Receipt"), "PositiveMessage")
    _add(positive, "OriginalEnvelopeIdentifier", envelope.envelope_id)
    _copied(positive, "OriginalMessage", envelope.meta)
    return _written(root)


def wrapped(envelope: Envelope, receipt: bytes, now: datetime) -> bytes:
    """A document's own receipt, in an envelope to whom the document came from.

    The same receipt has the same identifier of message whenever it is wrapped.
    """
    digest = hashlib.sha256(receipt).hexdigest()
    seed = f"{envelope.envelope_id}/{digest}"
    root = _back(envelope.namespace, envelope.sender, envelope.receiver, seed, now)
    form, name, version = _called(receipt)
    message = _add(root, "Message")
    meta = _add(message, "MetaInformation")
    _add(meta, "Identifier", str(uuid.uuid5(_IDS, digest)))
    document = _add(meta, "Document")
    for tag, text in (("Format", form), ("Name", name), ("Version", version)):
        _add(document, tag, text)
    _add(document, "SizeInBytes", str(len(receipt)))
    transport = _add(meta, "Transport")
    _add(transport, "TransformMessage", "false")
    if form == "HL7":
        _add(transport, "ServiceTag", "application/fhir+json").set("name", "MCM:MIME")
    _add(message, "Data", base64.b64encode(receipt).decode())
    return _written(root)


def _called(receipt: bytes) -> tuple[str, str, str]:
    """(format, name, version) that MedCom gives a receipt in its catalogue of standards."""
    letter = _LETTER.search(receipt)
    if letter is not None:
        version, statistics = (part.decode() for part in letter.groups())
        return "XML", f"MCM:{statistics}", version
    header = json.loads(receipt)["entry"][0]["resource"]
    return "HL7", f"MCM:FCTL#{header['response']['code']}", "2.0.0"


def _refusal(root: ET.Element | None, text: str, now: datetime) -> bytes:
    """NegativeMessage where the message could be named, else NegativeVans."""
    namespace = _split(root)[0] if root is not None else ""
    ends = [_part(root, name) if root is not None else None for name in ("SenderID", "ReceiverID")]
    sender, receiver = (one if one is not None else ET.Element("x") for one in ends)
    meta = _part(root, "Message/MetaInformation") if root is not None else None
    known = _uuid(_part(root, "EnvelopeIdentifier")) if root is not None else None
    if not namespace.startswith(NAMESPACES):
        namespace, meta = NEWEST, None
    back = _back(namespace, sender, receiver, f"{known}/{text}", now)
    kind = "NegativeVans" if meta is None else "NegativeMessage"
    negative = _add(_add(back, "Receipt"), kind)
    _add(_add(negative, "Error"), "Description", text)
    _add(negative, "OriginalEnvelopeIdentifier", known or _UNKNOWN)
    if meta is not None:
        _copied(negative, "OriginalMessage", meta)
    return _written(back)


def _back(
    namespace: str, sender: ET.Element, receiver: ET.Element, seed: str, now: datetime
) -> ET.Element:
    """An envelope from the receiver to the sender."""
    root = ET.Element(f"{{{namespace}}}{_ROOT}")
    for name, end in (("SenderID", receiver), ("ReceiverID", sender)):
        kind = end.get("EndPointType", "VANS")
        _add(root, name, (end.text or "").strip()[:18] or "-").set("EndPointType", kind)
    _add(root, "EnvelopeIdentifier", str(uuid.uuid5(_IDS, f"{seed}/{now.isoformat()}")))
    _add(root, "SentDateTime", f"{now:%Y-%m-%dT%H:%M:%SZ}")
    return root


def _add(parent: ET.Element, name: str, text: str | None = None) -> ET.Element:
    child = ET.SubElement(parent, f"{{{_split(parent)[0]}}}{name}")
    child.text = text
    return child


def _copied(parent: ET.Element, name: str, original: ET.Element) -> None:
    copy = _add(parent, name)
    copy.extend(list(original))


def _written(root: ET.Element) -> bytes:
    ET.register_namespace("", _split(root)[0])
    written: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return written


def _part(root: ET.Element, path: str) -> ET.Element | None:
    namespace = _split(root)[0]
    return root.find("/".join(f"{{{namespace}}}{name}" for name in path.split("/")))


def _split(element: ET.Element) -> tuple[str, str]:
    """(namespace, local name)."""
    namespace, _, name = element.tag.rpartition("}")
    return namespace[1:], name


def _uuid(element: ET.Element | None) -> str | None:
    text = (element.text or "").strip() if element is not None else ""
    return text if _UUID.fullmatch(text) else None

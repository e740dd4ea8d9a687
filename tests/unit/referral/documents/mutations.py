"""Ways to spoil a valid document, by a random source that is handed in."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator
from datetime import date
from random import Random
from typing import Any, Final

import orjson
from lxml import etree

from deploy.demo.documents import fhir_plan, ggop_plan, ruddi_fhir, ruddi_ggop
from deploy.demo.fhir_messages import care_communication, hospital_notification
from deploy.demo.fhir_referral import fhir_referral
from deploy.demo.xref15 import xref15
from services.referral.plan import (
    Address,
    ContactPerson,
    GeneralPractitioner,
    IcfCode,
    Narrative,
    PlanType,
    Relative,
)

_HOME: Final = Address(street="Vej 1", suburb="By", postcode="4300", district="Holbæk")
_RELATIVE: Final = Relative(name="Else Test Lauridsen", phone="+447700900104", relation="ægtefælle")
_GP: Final = GeneralPractitioner(name="Lægehuset", ean="5790000000005")
_ICF: Final = IcfCode(code="d450", qualifier="3", text="Gå")
_NURSE: Final = ContactPerson(
    name="Michael Test Burns",
    title="Sygeplejerske",
    organisation="Ortopædkirurgisk Afdeling",
    phone="38683868",
    email="afdeling@sygehus.example",
    role="team",
)
_WORDS: Final = Narrative(safety="Må ikke støtte.", practical="Bor på 3. sal.\nIngen elevator.")

FHIR: Final = (
    ruddi_fhir(),
    fhir_plan(
        address=_HOME,
        phone="+447700900104",
        email="a@post.example",
        language="en",
        relatives=(_RELATIVE,),
        gp=_GP,
        transport=True,
        later_start=date(2022, 6, 20),
        icf=(_ICF,),
        contacts=(_NURSE,),
        narrative=_WORDS,
        consent=True,
        earlier_cprs=("0703921VJ4",),
    ),
    fhir_plan(
        discharge_date=None,
        contact_end="2022-05-24T22:30:00Z",
        replaces="earlier",
        protected=True,
        cpr="0703921VJ4",
        type=PlanType.GENOPTRAENING_SPECIALISERET,
    ),
    fhir_plan(corrects="earlier"),
    fhir_plan(corrects="earlier", revoked=True),
)
MESSAGES: Final = (
    hospital_notification(report_wanted=True),
    hospital_notification(
        activity="cancel-discharge-inpatient-home",
        status="finished",
        ended="2022-06-09T09:45:30+02:00",
        leave_started="2022-06-08T09:45:30+02:00",
        leave_ended="2022-06-08T12:45:30+02:00",
        deceased=True,
        previous="earlier",
        history=("earlier",),
    ),
    care_communication(stay="stay-1", priority="asap"),
    fhir_referral(basis="municipality", referrer="back-team", programme="back-school"),
    fhir_referral(corrects="earlier", revoked=True, consent=True, phone="+447700900104"),
    fhir_referral(corrects="earlier", programme="mastery", transport=True),
    fhir_referral(replaces="earlier"),
)
GGOP: Final = (
    ruddi_ggop(),
    ggop_plan(
        address=_HOME,
        phone="+447700900104",
        relatives=(_RELATIVE,),
        gp=_GP,
        icf=(_ICF,),
        contacts=(_NURSE,),
        narrative=_WORDS,
        earlier_cpr="0703921VJ4",
        encoding="UTF-8",
    ),
    ggop_plan(replaces="earlier", prefixes=False),
    ggop_plan(corrects="earlier", deadline_text="Inden 1. juni", cpr="0703921VJ4"),
    ggop_plan(corrects="earlier", revoked=True),
)
LETTERS: Final = (
    xref15(),
    xref15(revokes="earlier", encoding="UTF-8", cpr="0703921VJ4"),
    xref15(status="rettetbrev", revokes="earlier"),
)

_VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1.5, [], {}, [[]], [None], {"a": 1}),
    *("", " ", "\x00", "\ud7ff", "x" * 300, "#a", "urn:uuid:1", "ÆØÅ\u2028", "1502779995"),
    *("2022-05-24", "9999-12-31", "2022-13-40", "0001-01-01T00:00:00+14:00"),
)
_TEXTS: Final = ("", " ", "x" * 300, "2022-13-40", "9999-12-31", "1502779995", "ÆØÅ\u2028", "-")
_TAGS: Final = (
    "x",
    "{urn:x}Emessage",
    "{urn:oio:medcom:municipality:1.0.4}Letter",
    "{urn:oio:medcom:municipality:1.0.0}Identifier",
)
_BYTES: Final = (
    *(b"<!DOCTYPE a>", b"&x;", b"<![CDATA[", b"]]>", b"<!--", b"<?x?>", b"<a>"),
    *(b"\\u0000", b"\\ud800", b'"a":1,', b"[[[[", b"{", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf"),
)


def spoiled(random: Random) -> bytes:
    """A valid document after a few changes of its tree or of its bytes."""
    way = random.random()
    if way < 0.35:
        return _json(random, random.choice(FHIR + MESSAGES))
    if way < 0.7:
        return _xml(random, random.choice(GGOP + LETTERS))
    return _raw(random, random.choice(FHIR + GGOP + MESSAGES + LETTERS))


def _paths(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    members = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree)
        if isinstance(tree, list)
        else ()
    )
    for key, value in members:
        yield from _paths(value, (*path, key))


def _json(random: Random, document: bytes) -> bytes:
    tree = orjson.loads(document)
    for _ in range(random.choice((1, 1, 1, 2, 5))):
        *parents, last = random.choice([path for path in _paths(tree) if path])
        parent = tree
        for key in parents:
            parent = parent[key]
        way = random.random()
        if way < 0.3 and len(parent) > 1:
            del parent[last]
        elif way < 0.8:
            parent[last] = copy.deepcopy(random.choice(_VALUES))
        elif isinstance(parent, list):
            parent.append(copy.deepcopy(parent[last]))
        else:
            key = random.choice(
                ("id", "url", "reference", "resourceType", "x", "modifierExtension")
            )
            parent[key] = copy.deepcopy(random.choice(_VALUES))
    return orjson.dumps(tree)


def _xml(random: Random, document: bytes) -> bytes:
    root = etree.fromstring(document)
    for _ in range(random.choice((1, 1, 1, 2, 5))):
        elements = list(root.iter("*"))
        element = random.choice(elements)
        parent = element.getparent()
        way = random.random()
        if way < 0.3 and parent is not None:
            parent.remove(element)
        elif way < 0.6:
            element.text = random.choice(_TEXTS)
        elif way < 0.7:
            element.tag = random.choice(_TAGS)
        elif way < 0.85:
            element.append(copy.deepcopy(random.choice(elements)))
        else:
            element.append(etree.Comment("c"))
            element.append(etree.ProcessingInstruction("a", "b"))
    written = io.BytesIO()
    encoding = random.choice(("UTF-8", "ISO-8859-1"))
    etree.ElementTree(root).write(written, encoding=encoding, xml_declaration=True)
    return written.getvalue()


def _raw(random: Random, document: bytes) -> bytes:
    value = bytearray(document)
    for _ in range(random.choice((1, 1, 2, 10))):
        at = random.randrange(len(value) + 1)
        way = random.random()
        if way < 0.3:
            value[at : at + 1] = bytes((random.randrange(256),))
        elif way < 0.5:
            del value[at : at + random.randrange(1, 40)]
        elif way < 0.7:
            value[at:at] = random.randbytes(random.randrange(1, 6))
        elif way < 0.8:
            value[at:at] = value[max(0, at - 50) : at]
        elif way < 0.85:
            del value[at:]
        else:
            value[at:at] = random.choice(_BYTES)
    return bytes(value)

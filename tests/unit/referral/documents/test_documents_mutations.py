"""Whatever becomes of a valid document on its way, reading it never fails."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from random import Random
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from services.referral.documents import read, read_any, receipt
from services.referral.plan import Format, Plan, Unreadable
from tests.unit.referral.documents.mutations import spoiled

# GENVEJ_LONG=1 runs the long mode.
MUTATIONS = 20_000 if os.environ.get("GENVEJ_LONG") else 2_000
AT = datetime(2022, 5, 23, 8, 0, tzinfo=UTC)
MANY = settings(
    max_examples=MUTATIONS,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def texts(value: Any) -> Iterator[str]:
    """Every text in a reading."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from texts(one)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from texts(getattr(value, field.name))


def holds(document: bytes, content_type: str | None) -> None:
    """What must be true of every reading."""
    everything, reading = read_any(document, content_type), read(document, content_type)
    if isinstance(everything, Plan):
        assert everything == reading
    for text in (*texts(everything), *texts(reading)):
        text.encode()
        assert "\x00" not in text
    if isinstance(reading, Unreadable):
        assert reading.problems
        wrong = everything.problems if isinstance(everything, Unreadable) else ()
        for problem in (*reading.problems, *wrong):
            assert problem.element
            assert "1502779995" not in problem.text
            assert "Berggren" not in problem.text
    else:
        assert reading.document_id
        assert reading.sender_sor
        assert reading.receiver
        assert date(1850, 1, 1) <= reading.discharge_date <= date(2199, 12, 31)
        assert len(reading.person.cpr) == 10
        assert not (reading.person.protected and reading.person.address)
    value, _ = receipt(
        reading.format,
        "ok" if isinstance(reading, Plan) else "fatal-error",
        document_id=reading.document_id,
        sender_sor=reading.sender_sor,
        receiver=("451000016003", "Holbæk Kommune"),
        problems=reading.problems if isinstance(reading, Unreadable) else (),
        at=AT,
        receipt_id="r",
        original=reading.original,
    )
    if reading.format is Format.FHIR:
        orjson.loads(value)
    else:
        etree.fromstring(value)


@MANY
@given(
    seed=st.integers(0, 2**64),
    content_type=st.sampled_from([None, "", "application/fhir+json", "application/xml", "\x00"]),
)
def test_any_mutation_is_read_or_refused_and_answered(seed: int, content_type: str | None) -> None:
    holds(spoiled(Random(seed)), content_type)


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=200), st.text(max_size=20))
def test_any_bytes_are_read_or_refused_and_answered(document: bytes, content_type: str) -> None:
    holds(document, content_type)
    holds(b"{" + document, content_type)
    holds(b"<" + document, content_type)

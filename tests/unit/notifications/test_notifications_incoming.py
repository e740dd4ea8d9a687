"""What is read of others' events, and of citizens records."""

from __future__ import annotations

import json
from datetime import date, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.commands import Change, SessionNews
from services.notifications.contact_details import (
    CitizenRecorded,
    contact_of,
    usable_email,
    usable_mobile,
)
from services.notifications.incoming import Invalid, read
from shared.envelope import Message
from tests.unit.notifications.factories import SESSION, a_move, an_event, an_offer


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ("20 12 34 56", "+4520123456"),
        ("+45 20123456", "+4520123456"),
        ("0045 20-12-34-56", "+4520123456"),
        ("(20) 12.34.56", "+4520123456"),
        ("+46 70 123 45 67", "+46701234567"),
        ("+447700900002", "+447700900002"),
        ("12 34 56 78", None),
        ("2012345", None),
        ("201234567", None),
        ("", None),
        (None, None),
        ("ring til min søn", None),
        ("+45 12345678", None),
        ("+1", None),
    ],
)
def test_which_numbers_a_text_may_reach(given: str | None, number: str | None) -> None:
    assert usable_mobile(given) == number


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("ruddi@example.com", "ruddi@example.com"),
        (" ruddi.test+gop@sub.example.com ", "ruddi.test+gop@sub.example.com"),
        ("ruddi@localhost", None),
        ("ruddi@example.com\r\nBcc: all@example.com", None),
        ("a@b.dk,c@d.dk", None),
        ("søren@example.com", None),
        ("<ruddi@example.com>", None),
        ("@example.com", None),
        ("ruddi", None),
        (None, None),
    ],
)
def test_which_addresses_a_mail_may_be_sent_to(given: str | None, address: str | None) -> None:
    assert usable_email(given) == address


@given(st.text())
def test_no_text_becomes_an_address_or_number_that_could_break_a_header(text: str) -> None:
    for found in (usable_email(text), usable_mobile(text)):
        assert found is None or (found.isascii() and found.isprintable() and " " not in found)


def test_a_postal_address_is_not_even_read() -> None:
    record = CitizenRecorded.model_validate(
        {
            "citizen_id": "c",
            "version": 3,
            "name": {"given": "Einer Test", "family": "Lauridsen"},
            "address": {"street": "Hemmeligvej 7", "postcode": "8900"},
            "protected": False,
        }
    )
    kept = contact_of(record).model_dump_json() + record.model_dump_json()
    assert "Hemmeligvej" not in kept
    assert contact_of(record).name == "Einer Test Lauridsen"


def test_an_offer_is_read_as_news_of_a_session() -> None:
    news = read(an_offer(delivery="location", transport=True))
    assert isinstance(news, SessionNews)
    assert news.change is Change.OFFERED
    assert news.slot.start == SESSION
    assert news.facts.slot == news.slot
    assert news.facts.limit == date(2026, 12, 1)
    assert news.facts.transport
    assert len(news.facts.alternatives) == 1


def test_instants_with_any_offset_are_the_same_instant() -> None:
    news = read(an_offer(SESSION.astimezone(timezone(timedelta(hours=1)))))
    assert isinstance(news, SessionNews)
    assert news.slot.start == SESSION
    assert news.slot.start.utcoffset() == timedelta(0)


def test_at_home_the_location_is_not_kept() -> None:
    news = read(an_offer(delivery="home"))
    assert isinstance(news, SessionNews)
    assert news.slot.place is None
    assert news.facts.at_home


def test_a_move_is_read_by_its_previous_time() -> None:
    news = read(a_move(SESSION + timedelta(days=1)))
    assert isinstance(news, SessionNews)
    assert news.change is Change.MOVED


def test_events_that_concern_no_message_are_passed_over() -> None:
    assert read(an_event("referral.received", {"anything": 1})) is None
    assert read(an_event("something.new", b"\x00not even JSON")) is None
    assert read(an_event("order.placed", {"order_id": "o", "bedside": False})) is None


@pytest.mark.parametrize(
    "value",
    [None, b"", b"{", b"[]", b"\xff", json.dumps({"session_id": "s"}).encode()],
)
def test_what_can_not_be_read_is_said_without_repeating_it(value: bytes | None) -> None:
    with pytest.raises(Invalid):
        read(an_event("session.offered", value))


def test_a_fault_names_the_field_and_not_its_content() -> None:
    with pytest.raises(Invalid) as fault:
        read(an_offer(revision="Ruddi Test Berggren"))  # type: ignore[arg-type]
    assert str(fault.value) == "revision: int_parsing"


def test_a_time_without_offset_is_refused() -> None:
    with pytest.raises(Invalid, match="start: timezone_aware"):
        read(_without_offset())


def _without_offset() -> Message:
    message = an_offer()
    data = json.loads(message.value or b"")
    data["start"] = "2026-11-27T10:30:00"
    return an_event("session.offered", data)

"""Messages about a child go to everybody who holds custody, each on their own contact."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.envelope import Message
from tests.conftest import Databases
from tests.integration.notifications_world import World, a_world
from tests.unit.notifications.factories import (
    SESSION,
    a_cancellation,
    a_citizen,
    a_closing,
    a_free_choice,
    a_move,
    an_offer,
)

MOTHER = {"name": "Lonni Test Lauridsen", "email": "lonni@post.example", "custody": "M"}
FATHER = {"name": "Einer Test Lauridsen", "phone": "+447700900106", "custody": "F"}
MONDAY = SESSION + timedelta(days=3)
BOTH = ("custody-holder:F", "custody-holder:M")


def a_child(*custody: dict[str, Any], born: str | None = "2014-05-01", **changes: Any) -> Message:
    return a_citizen(given="Magnus Test", birth_date=born, custody=custody, **changes)


@pytest.fixture
async def world(database: Databases, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(await database("notifications"), tmp_path) as world:
        yield world


async def told(world: World) -> list[tuple[str, str, str, str | None]]:
    rows = await world.messages()
    return sorted((m["recipient"], m["template"], m["status"], m["reason"]) for m in rows)


async def test_each_custody_holder_is_told_once_on_their_own_contact_and_the_child_is_not(
    world: World,
) -> None:
    await world.citizens(a_child(MOTHER, FATHER))
    await world.news(an_offer())
    await world.send_everything()
    assert await told(world) == [(one, "session-offered", "sent", None) for one in BOTH]
    [mail] = await world.servers.mails()
    [text] = await world.servers.texts()
    assert mail["to"] == "lonni@post.example"
    assert text["to"] == "+447700900106"
    assert "Kære Lonni Test Lauridsen" in mail["text"]
    assert "Magnus Test" in mail["text"]
    assert "Einer" not in mail["text"]
    assert "Dit barn har en aftale" in text["text"]
    assert "Magnus" not in text["text"]


async def test_what_happens_later_is_told_to_both_and_each_by_what_they_know(world: World) -> None:
    await world.citizens(a_child(MOTHER))
    await world.news(an_offer())
    await world.send_everything()
    await world.citizens(a_child(MOTHER, FATHER, version=2))
    await world.news(a_move(MONDAY))
    await world.send_everything()
    await world.news(a_cancellation(MONDAY, revision=3))
    await world.send_everything()
    assert sorted((m["recipient"][-1], m["template"]) for m in await world.messages()) == [
        ("F", "session-cancelled"),
        ("F", "session-offered"),
        ("M", "session-cancelled"),
        ("M", "session-moved"),
        ("M", "session-offered"),
    ]


async def test_one_who_is_not_reached_costs_the_other_nothing_and_a_human_hears_of_it(
    world: World,
) -> None:
    await world.citizens(a_child(MOTHER, {**FATHER, "phone": None}))
    await world.news(an_offer())
    await world.send_everything()
    assert await told(world) == [
        ("custody-holder:F", "session-offered", "failed", "no-channel"),
        ("custody-holder:M", "session-offered", "sent", None),
    ]
    failed = [row for row in await world.published() if row["type"].endswith("failed.v1")]
    assert [b'"recipient":"custody-holder"' in row["value"] for row in failed] == [True]


async def test_where_nobody_is_known_to_hold_custody_nobody_is_written_to(world: World) -> None:
    await world.citizens(a_child())
    await world.news(an_offer(), a_free_choice())
    await world.send_everything()
    assert await told(world) == [
        ("custody-holder", "free-choice-opened", "failed", "custody-unknown"),
        ("custody-holder", "session-offered", "failed", "custody-unknown"),
    ]
    assert await world.servers.mails() == []
    assert await world.servers.texts() == []


async def test_from_fifteen_on_the_citizen_is_told(world: World) -> None:
    await world.citizens(a_child(MOTHER, FATHER, born="2011-11-25"))
    await world.news(an_offer())  # the day before the birthday
    await world.send_everything()
    world.now += timedelta(days=1)
    await world.news(a_move(MONDAY))
    await world.send_everything()
    assert await told(world) == [
        ("citizen", "session-moved", "sent", None),
        *((one, "session-offered", "sent", None) for one in BOTH),
    ]


async def test_an_adult_with_a_guardian_is_told_self(world: World) -> None:
    await world.citizens(a_child(MOTHER, born="1977-02-15"))
    await world.news(an_offer())
    assert [m["recipient"] for m in await world.messages()] == ["citizen"]


async def test_who_loses_custody_before_a_message_is_sent_does_not_get_it(world: World) -> None:
    await world.citizens(a_child(MOTHER, FATHER))
    await world.news(an_offer())
    await world.citizens(a_child(MOTHER, version=2))
    await world.send_everything()
    assert await told(world) == [
        ("custody-holder:F", "session-offered", "cancelled", "no-custody"),
        ("custody-holder:M", "session-offered", "sent", None),
    ]
    assert await world.servers.texts() == []


async def test_no_place_is_named_to_custody_holders_of_a_child_whose_address_is_protected(
    world: World,
) -> None:
    await world.citizens(a_child(MOTHER, FATHER, protected=True))
    await world.news(an_offer(delivery="home", location=None, session="session-2"), an_offer())
    await world.send_everything()
    told_texts = [one["text"] for one in await world.servers.texts()]
    told_mails = [one["text"] for one in await world.servers.mails()]
    assert (len(told_texts), len(told_mails)) == (2, 2)
    for text in [*told_texts, *told_mails]:
        assert "sted får du, når du ringer" in text
        for place in ("Sundhedscenter", "Biografgade", "Langå", "hjem"):
            assert place not in text


async def test_a_childs_death_silences_what_waits_for_both(world: World) -> None:
    await world.citizens(a_child(MOTHER, FATHER))
    await world.news(an_offer())
    await world.news(a_closing(reason="deceased"))
    await world.send_everything()
    assert await told(world) == [(one, "session-offered", "cancelled", "deceased") for one in BOTH]


async def test_whose_contact_was_opened_for_whom_is_on_record(world: World) -> None:
    await world.citizens(a_child(MOTHER, FATHER))
    await world.news(an_offer())
    await world.send_everything()
    log = await world.pool.fetch("SELECT action FROM contact_access ORDER BY action")
    assert {row["action"] for row in log} == {"decide", "send"}
    assert sum(row["action"] == "send" for row in log) == 2

"""Two citizens who turn out to be one: nothing is lost, nothing is told twice, and back again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.envelope import Message
from shared.handling import Applied, Parked
from tests.conftest import Databases
from tests.integration.notifications_world import World, a_world
from tests.unit.notifications.factories import (
    SESSION,
    a_changed_citizen,
    a_citizen,
    a_move,
    an_erasure,
    an_offer,
)

KEPT, GONE = "kept26charactersofbase32aa", "gone26charactersofbase32aa"
MONDAY = SESSION + timedelta(days=3)


def the_other(**changes: Any) -> Message:
    return a_citizen(GONE, email="other@post.example", **changes)


def points() -> Message:
    """What `citizens` says of somebody who is another."""
    return a_citizen(GONE, given="", family="", email=None, phone=None, version=2, merged_into=KEPT)


@pytest.fixture
async def world(database: Databases, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(await database("notifications"), tmp_path) as world:
        yield world


async def who_was_told(world: World) -> list[str]:
    return sorted(mail["to"] for mail in await world.servers.mails())


async def test_what_waits_for_the_one_goes_to_the_other(world: World) -> None:
    await world.citizens(a_citizen(KEPT, email="kept@post.example"), the_other())
    await world.news(an_offer(citizen=GONE))
    await world.citizens(points())
    await world.news(a_changed_citizen(KEPT))
    await world.send_everything()
    assert await who_was_told(world) == ["kept@post.example"]
    assert [m["citizen_id"] for m in await world.messages()] == [KEPT]
    assert await world.pool.fetchval("SELECT count(*) FROM contact") == 1


async def test_who_still_names_the_one_tells_the_other_and_nobody_is_told_twice(
    world: World,
) -> None:
    await world.citizens(a_citizen(KEPT, email="kept@post.example"), the_other())
    await world.news(an_offer(citizen=GONE, event_id="offer"))
    await world.send_everything()
    await world.citizens(points())
    await world.news(an_offer(citizen=GONE, event_id="offer"), a_move(MONDAY, citizen=GONE))
    await world.send_everything()
    assert [(m["template"], m["citizen_id"], m["status"]) for m in await world.messages()] == [
        ("session-offered", KEPT, "sent"),
        ("session-moved", KEPT, "sent"),
    ]
    assert await who_was_told(world) == ["kept@post.example", "other@post.example"]


async def test_in_one_batch_it_counts_at_once(world: World) -> None:
    await world.citizens(a_citizen(KEPT, email="kept@post.example"), the_other())
    await world.news(an_offer(citizen=GONE), points())
    await world.send_everything()
    assert await who_was_told(world) == ["kept@post.example"]


async def test_news_of_the_one_wait_for_the_others_contact(world: World) -> None:
    await world.citizens(points())
    [parked] = await world.news(an_offer(citizen=GONE))
    assert isinstance(parked, Parked)
    assert parked.waits_for == f"citizen:{KEPT}"
    await world.citizens(a_citizen(KEPT))
    assert await world.news(an_offer(citizen=GONE)) == [Applied()]


async def test_a_merge_in_error_gives_each_their_own_again(world: World) -> None:
    await world.citizens(a_citizen(KEPT, email="kept@post.example"), the_other())
    await world.news(
        an_offer(citizen=GONE),
        an_offer(citizen=KEPT, referral="referral-2", session="session-2", order="order-2"),
    )
    await world.citizens(points())
    changed = a_changed_citizen(GONE)
    [parked] = await world.news(changed)  # whose contact is still the other's
    assert isinstance(parked, Parked)
    [released] = await world.citizens(the_other(version=3))
    assert released == Applied(releases=[parked.waits_for])
    await world.news(changed)
    await world.send_everything()
    assert {m["referral_id"]: m["citizen_id"] for m in await world.messages()} == {
        "referral-1": GONE,
        "referral-2": KEPT,
    }
    assert await who_was_told(world) == ["kept@post.example", "other@post.example"]


async def test_an_old_record_that_comes_again_makes_nobody_two(world: World) -> None:
    await world.citizens(a_citizen(KEPT, email="kept@post.example"), the_other())
    await world.citizens(points())
    await world.citizens(the_other(version=1))
    await world.news(an_offer(citizen=GONE))
    await world.send_everything()
    assert await who_was_told(world) == ["kept@post.example"]


async def test_erasing_the_one_who_is_kept_erases_both(world: World) -> None:
    await world.citizens(a_citizen(KEPT), the_other())
    await world.news(an_offer(citizen=GONE))
    await world.citizens(points())
    await world.citizens(an_erasure(KEPT), an_erasure(GONE))
    later = replace(an_offer(citizen=GONE, session="session-2"), id="later")
    await world.news(later)
    await world.send_everything()
    assert {m["status"] for m in await world.messages()} == {"cancelled"}
    assert await world.pool.fetchval("SELECT count(*) FROM contact") == 0

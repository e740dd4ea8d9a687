"""A death that was an error: from the reopening on the citizen is told again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import Databases
from tests.integration.notifications_world import World, a_world
from tests.unit.notifications.factories import (
    SESSION,
    a_cancellation,
    a_citizen,
    a_closing,
    a_free_choice,
    a_reopening,
    a_withdrawal,
    an_offer,
)

MONDAY = SESSION + timedelta(days=3)


@pytest.fixture
async def world(database: Databases, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(await database("notifications"), tmp_path) as world:
        yield world


async def dies(world: World) -> None:
    await world.citizens(a_citizen(deceased=True, version=2))
    await world.news(a_closing(reason="deceased"), a_withdrawal(reason="deceased"))
    await world.news(a_cancellation(reason="order-withdrawn"))


async def lives(world: World) -> None:
    await world.citizens(a_citizen(version=3))
    await world.news(a_reopening())


async def subjects(world: World) -> list[str]:
    return [mail["subject"].split(":")[0] for mail in await world.servers.mails()]


async def test_a_new_time_is_told_and_so_is_that_the_known_one_is_off(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(an_offer())
    await world.send_everything()
    await dies(world)
    await world.send_everything()
    assert await subjects(world) == ["Din tid hos Randers Kommune"]
    await lives(world)
    await world.news(an_offer(MONDAY, session="session-2", order="order-2"))
    await world.send_everything()
    assert sorted(await subjects(world)) == [
        "Aflyst",
        "Din tid hos Randers Kommune",
        "Din tid hos Randers Kommune",
    ]


async def test_what_was_never_told_stays_untold(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(an_offer())
    await dies(world)
    await lives(world)
    await world.send_everything()
    assert await subjects(world) == []
    assert {(status, reason) for _, status, reason in await world.statuses()} == {
        ("cancelled", "deceased")
    }


async def test_a_choice_that_stands_is_told_after_all_and_one_that_is_old_is_not(
    world: World,
) -> None:
    await world.citizens(a_citizen())
    await world.news(a_free_choice())
    await dies(world)
    await lives(world)
    await world.send_everything()
    assert await subjects(world) == ["Du kan vælge en privat leverandør"]


async def test_nothing_that_has_passed_is_told(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(an_offer())
    await world.send_everything()
    await dies(world)
    world.now = MONDAY
    await lives(world)
    await world.send_everything()
    assert await subjects(world) == ["Din tid hos Randers Kommune"]


async def test_where_the_referral_stays_closed_nothing_is_told(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(an_offer())
    await world.send_everything()
    await dies(world)
    await world.citizens(a_citizen(version=3))
    await world.send_everything()
    assert await subjects(world) == ["Din tid hos Randers Kommune"]

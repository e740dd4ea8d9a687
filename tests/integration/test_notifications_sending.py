"""From an event to a mail or a text message, on real Postgres, SMTP and HTTP servers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from tests.conftest import Databases
from tests.integration.notifications_world import Servers, World
from tests.unit.notifications.factories import a_citizen, an_offer


@pytest.fixture
async def world(database: Databases, tmp_path: Path) -> AsyncIterator[World]:
    dsn = await database("notifications")
    servers = Servers(tmp_path)
    async with asyncpg.create_pool(dsn, min_size=1, max_size=8) as pool:
        try:
            await servers.start_mail()
            await servers.start_sms()
            yield World(dsn, pool, servers)
        finally:
            servers.stop()


async def test_an_offer_to_a_citizen_with_an_address_becomes_one_mail(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(an_offer())
    await world.send_everything()
    [mail] = await world.servers.mails()
    assert mail["to"] == "ruddi@example.com"
    assert mail["subject"] == "Din tid hos Randers Kommune: fre 27. nov kl. 10.30"
    assert "Kære Ruddi Test Berggren" in mail["text"]
    assert "Randers Sundhedscenter, Biografgade 3, 8900" in mail["text"]
    assert await world.statuses() == [("session-offered", "sent", None)]
    [event] = await world.published()
    assert event["type"] == "dk.genvej.notification.sent.v1"

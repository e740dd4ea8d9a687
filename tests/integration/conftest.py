"""What several modules ask for: the referral service on a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.conftest import Databases
from tests.integration.referral_room import Room


@pytest.fixture
async def room(database: Databases) -> AsyncIterator[Room]:
    """The referral service at the moment of most of its stories."""
    connection = await asyncpg.connect(await database("referral"))
    yield Room(connection)
    await connection.close()

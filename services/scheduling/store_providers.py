"""SQL of providers: one row each, which a batch locks while it plans for them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.database import Connection

# One row for each code in a fixed order, so that two batches never lock crosswise.
_LOCK: Final = "SELECT code, token FROM provider WHERE code = ANY($1) ORDER BY code FOR UPDATE"
_MAKE: Final = """
INSERT INTO provider (code) SELECT unnest($1::text[]) ON CONFLICT (code) DO NOTHING"""
_REMEMBER: Final = "UPDATE provider SET token = $2 WHERE code = ANY($1)"


async def lock(conn: Connection, codes: Sequence[str]) -> dict[str, uuid.UUID | None]:
    """Locks the providers' rows in one order, making them first; returns their tokens."""
    rows = await conn.fetch(_LOCK, codes)
    if len(rows) < len(codes):
        await conn.execute(_MAKE, sorted(codes))
        rows = await conn.fetch(_LOCK, codes)
    return {row["code"]: row["token"] for row in rows}


async def set_token(conn: Connection, codes: Sequence[str], token: uuid.UUID) -> None:
    """Says that the providers' states are those that the holder of the token knows."""
    await conn.execute(_REMEMBER, codes, token)

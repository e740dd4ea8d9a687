"""SQL on orders: the whole state of each, as it was last placed or changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from services.referral.order import Order

if TYPE_CHECKING:
    from shared.database import Connection

_ORDER: Final = TypeAdapter(Order)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """An order of a referral, its `ordinal`-th, and with whom it was placed."""

    referral_id: str
    ordinal: int
    provider: str
    order: Order


async def newest_orders(conn: Connection, referral_ids: Iterable[str]) -> dict[str, OrderRow]:
    """The newest order of each of these referrals, by referral."""
    rows = await conn.fetch(
        """SELECT DISTINCT ON (referral_id) referral_id, ordinal, provider, state FROM orders
           WHERE referral_id = ANY($1::text[]) ORDER BY referral_id, ordinal DESC""",
        sorted(set(referral_ids)),
    )
    return {
        row["referral_id"]: OrderRow(
            referral_id=row["referral_id"],
            ordinal=row["ordinal"],
            provider=row["provider"],
            order=_ORDER.validate_json(row["state"]),
        )
        for row in rows
    }


async def first_provider(conn: Connection, referral_id: str) -> str | None:
    """With whom a referral's first order was placed; None where nothing was ordered."""
    found: str | None = await conn.fetchval(
        "SELECT provider FROM orders WHERE referral_id = $1 ORDER BY ordinal LIMIT 1", referral_id
    )
    return found


async def save_orders(conn: Connection, rows: Sequence[OrderRow], now: datetime) -> None:
    """Writes orders that were placed or changed."""
    if rows:
        await conn.execute(
            """INSERT INTO orders (order_id, referral_id, ordinal, provider, state, changed_at)
               SELECT o.*, $6 FROM unnest($1::text[], $2::text[], $3::int[], $4::text[],
                                          $5::bytea[]) AS o
               ON CONFLICT (order_id) DO UPDATE SET
                   state = excluded.state, changed_at = excluded.changed_at""",
            *zip(
                *(
                    (
                        r.order.order_id,
                        r.referral_id,
                        r.ordinal,
                        r.provider,
                        _ORDER.dump_json(r.order),
                    )
                    for r in rows
                ),
                strict=True,
            ),
            now,
        )

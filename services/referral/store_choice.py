"""SQL on who trains: what a choice, a refusal or a move changes of a referral."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.referral.referral import Referral

if TYPE_CHECKING:
    from shared.database import Connection


def chosen(referral: Referral) -> tuple[object, ...]:
    """The part of a referral that is written here."""
    return (referral.provider, referral.municipality, referral.wishes, referral.no_start)


async def save_choices(conn: Connection, rows: Sequence[Referral]) -> None:
    """Writes who trains now, for which municipality, whom the citizen wants next, and why late."""
    if rows:
        # A row's list travels as one text: arrays of arrays must be even.
        await conn.execute(
            """UPDATE referrals r SET provider = n.provider, municipality = n.municipality,
                   wishes = string_to_array(n.wishes, ','), no_start = n.no_start
               FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
                   AS n(referral_id, provider, municipality, wishes, no_start)
               WHERE r.referral_id = n.referral_id""",
            [row.referral_id for row in rows],
            [row.provider for row in rows],
            [row.municipality for row in rows],
            [",".join(row.wishes) for row in rows],
            [row.no_start for row in rows],
        )

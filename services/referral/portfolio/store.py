"""SQL on the portfolio register."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from services.referral.portfolio.register import Kind, Register, State, Stated, Statement

if TYPE_CHECKING:
    from shared.database import Connection, Row

_COLUMNS: Final = (
    "provider, offer, provider_name, kind, offer_name, state, day, source, what, opened, to_whom, "
    "instead, survey"
)


async def keep(conn: Connection, rows: Sequence[Stated]) -> None:
    """Writes statements; an older one than stands there changes nothing."""
    newest = {one.statement.key: one for one in sorted(rows, key=lambda row: row.at)}
    for one in (newest[key] for key in sorted(newest)):
        it = one.statement
        await conn.execute(
            f"""INSERT INTO portfolio ({_COLUMNS}, stated_by, stated_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
                ON CONFLICT (provider, offer) DO UPDATE SET
                    provider_name = excluded.provider_name, kind = excluded.kind,
                    offer_name = excluded.offer_name, state = excluded.state, day = excluded.day,
                    source = excluded.source, what = excluded.what, opened = excluded.opened,
                    to_whom = excluded.to_whom, instead = excluded.instead,
                    survey = excluded.survey, stated_by = excluded.stated_by,
                    stated_at = excluded.stated_at
                WHERE portfolio.stated_at <= excluded.stated_at""",  # noqa: S608 - own columns
            *(it.provider, it.offer, it.provider_name, it.kind, it.offer_name, it.state, it.day),
            *(it.source, it.what, it.opened, it.to_whom, list(it.instead), it.survey),
            *(one.by, one.at),
        )


async def obstacles(conn: Connection, providers: Iterable[str]) -> Register:
    """Of these providers what is not established, and how it stands with who takes it instead.

    Where everything is established, as mostly, nothing is read but one empty answer.
    """
    rows = await conn.fetch(
        f"""WITH here AS (
                SELECT * FROM portfolio
                WHERE provider = ANY($1::text[]) AND state <> 'established'
            )
            SELECT {_COLUMNS} FROM here
            UNION ALL
            SELECT {_COLUMNS} FROM portfolio p
            WHERE EXISTS (SELECT FROM here WHERE p.offer = here.offer
                          AND p.provider = ANY(here.instead)
                          AND NOT p.provider = ANY($1::text[]))
            UNION ALL
            SELECT {_COLUMNS} FROM portfolio p
            WHERE p.provider = ANY($1::text[]) AND p.state = 'established'
              AND EXISTS (SELECT FROM here WHERE p.offer = here.offer)""",  # noqa: S608
        sorted(set(providers)),
    )
    return {(row["provider"], row["offer"]): _statement(row) for row in rows}


async def statements(conn: Connection) -> list[Statement]:
    """The whole register."""
    rows = await conn.fetch(
        f"SELECT {_COLUMNS} FROM portfolio ORDER BY provider, offer"  # noqa: S608 - own columns
    )
    return [_statement(row) for row in rows]


def _statement(row: Row) -> Statement:
    return Statement(
        provider=row["provider"],
        provider_name=row["provider_name"],
        kind=Kind(row["kind"]),
        offer=row["offer"],
        offer_name=row["offer_name"],
        state=State(row["state"]),
        day=row["day"],
        source=row["source"],
        what=row["what"],
        opened=row["opened"],
        to_whom=row["to_whom"],
        instead=tuple(row["instead"]),
        survey=row["survey"],
    )

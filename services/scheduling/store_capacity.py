"""SQL of capacity. Every function takes a connection inside somebody's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.scheduling.capacity import LocationWeek
from services.scheduling.incoming import CapacityStated, stated

if TYPE_CHECKING:
    from shared.database import Connection

_WEEKS: Final = """
SELECT provider, body FROM location_week WHERE provider = ANY($1) AND week >= $2
ORDER BY provider, week, location"""
_NEWEST_WEEKS: Final = """
SELECT DISTINCT ON (provider, location) provider, body FROM location_week
WHERE provider = ANY($1) ORDER BY provider, location, week DESC"""

_SAVE_WEEKS: Final = """
INSERT INTO location_week (provider, location, week, version, body)
SELECT p, l, w, v, b::jsonb
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[]) AS x (p, l, w, v, b)
ON CONFLICT (provider, week, location)
DO UPDATE SET version = excluded.version, body = excluded.body"""

_ACCEPTED: Final = """
SELECT provider, location, week, version, digest, body FROM accepted_capacity
WHERE (provider, week) IN (SELECT * FROM unnest($1::text[], $2::text[]))"""
_STATED_LOCATIONS: Final = """
SELECT DISTINCT provider, location FROM accepted_capacity WHERE provider = ANY($1)"""
_ACCEPT: Final = """
INSERT INTO accepted_capacity (provider, location, week, version, digest, body)
SELECT p, l, w, v, d, b::jsonb
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bytea[], $6::text[])
     AS x (p, l, w, v, d, b)
ON CONFLICT (provider, week, location) DO UPDATE
SET version = excluded.version, digest = excluded.digest, body = excluded.body"""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A roster's statement as it was accepted last. `body` is its JSON."""

    provider: str
    location: str
    week: str
    version: int
    digest: bytes
    body: str


async def weeks(conn: Connection, codes: Sequence[str], since: str) -> list[LocationWeek]:
    """What holds of the providers' locations from a week on, the newest week of each included."""
    rows = await conn.fetch(_NEWEST_WEEKS, codes) + await conn.fetch(_WEEKS, codes, since)
    return [stated(CapacityStated.model_validate_json(row["body"])) for row in rows]


async def save_weeks(conn: Connection, applied: Iterable[tuple[LocationWeek, str]]) -> None:
    """Saves location-weeks with their JSON."""
    rows = list(applied)
    if rows:
        await conn.execute(
            _SAVE_WEEKS,
            [week.provider for week, _ in rows],
            [week.location.code for week, _ in rows],
            [week.week for week, _ in rows],
            [week.version for week, _ in rows],
            [body for _, body in rows],
        )


async def accepted(conn: Connection, weeks_of: Iterable[tuple[str, str]]) -> list[Accepted]:
    """What was accepted for these (provider, week) pairs, every location."""
    pairs = sorted(set(weeks_of))
    rows = await conn.fetch(_ACCEPTED, [code for code, _ in pairs], [week for _, week in pairs])
    return [Accepted(**dict(row)) for row in rows]


async def stated_locations(conn: Connection, codes: Iterable[str]) -> dict[str, frozenset[str]]:
    """The locations that have ever stated capacity, by provider."""
    found: dict[str, set[str]] = {}
    for row in await conn.fetch(_STATED_LOCATIONS, sorted(codes)):
        found.setdefault(row["provider"], set()).add(row["location"])
    return {code: frozenset(locations) for code, locations in found.items()}


async def accept(conn: Connection, statements: Iterable[Accepted]) -> None:
    """Remembers statements as accepted."""
    rows = list(statements)
    if rows:
        await conn.execute(
            _ACCEPT,
            [one.provider for one in rows],
            [one.location for one in rows],
            [one.week for one in rows],
            [one.version for one in rows],
            [one.digest for one in rows],
            [one.body for one in rows],
        )

"""No therapist, no room and no citizen is ever booked twice, whoever writes at the same time."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from services.scheduling import incoming
from services.scheduling.app import public_holiday
from shared.envelope import Message
from tests.conftest import Databases
from tests.integration.scheduling_service import Process
from tests.unit.scheduling.checker import Inspector
from tests.unit.scheduling.factories import (
    MONDAY,
    a_message,
    a_statement,
    a_therapist,
    all_week,
    an_order_body,
    at,
    capacity_stated,
)

if TYPE_CHECKING:
    from tests.integration.scheduling_service import Connection

WRITERS = 16
TUESDAY = MONDAY + timedelta(days=1)
EXAMPLES = itertools.count(1)

OVERLAPS = """
SELECT count(*) FROM session a JOIN session b ON a.session_id < b.session_id
WHERE a.status = 'offered' AND b.status = 'offered' AND a.during && b.during
  AND (a.citizen_id = b.citizen_id OR a.provider = b.provider
       AND (a.therapist = b.therapist OR (a.location = b.location AND a.room = b.room)))"""

# Not shrunk: what goes wrong between writers seldom does so twice.
settings_here = settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
async def writers(database: Databases) -> AsyncIterator[list[Connection]]:
    dsn = await database("scheduling")
    connections = [await asyncpg.connect(dsn) for _ in range(WRITERS)]
    yield connections
    for connection in connections:
        await connection.close()


# What one writer does: an order placed or changed, one withdrawn, the roster's next version, or the
# plan over all who have not been told.
work = st.one_of(
    st.tuples(st.just("plan"), st.just(0), st.just("")),
    st.tuples(st.just("order"), st.integers(0, 30), st.sampled_from(["8900", "8870", ""])),
    st.tuples(st.just("order"), st.integers(0, 30), st.sampled_from(["8900", "8870", ""])),
    st.tuples(st.just("withdraw"), st.integers(0, 30), st.just("")),
    st.tuples(st.just("roster"), st.integers(1, 3), st.sampled_from(["R", "L"])),
)


def roster(provider: str, location: str, therapists: int, version: int) -> dict[str, Any]:
    staff = [a_therapist(f"{location}{n}", *all_week(end="10:00")) for n in range(therapists)]
    return a_statement(location, *staff, version=version, provider=provider, rooms=1)


def message(provider: str, action: tuple[str, int, str], number: int) -> Message:
    kind, which, what = action
    if kind == "roster":
        return capacity_stated(roster(provider, what, which, number + 2), first=number)[0]
    order_id = f"{provider}-{which}"
    citizen = f"{provider[: provider.index('-')]}-{which % 10}"
    body = an_order_body(order_id, citizen_id=citizen, postcode=what, earliest=TUESDAY)
    body["provider"] = provider
    name = incoming.ORDER_WITHDRAWN if kind == "withdraw" else incoming.ORDER_CHANGED
    return a_message(name, body, number)


@given(st.lists(work, min_size=WRITERS * 2, max_size=WRITERS * 6))
@settings_here
async def test_sixteen_processes_that_plan_for_one_provider_never_double_anything(
    writers: list[Connection], actions: Sequence[tuple[str, int, str]]
) -> None:
    provider = f"p{next(EXAMPLES)}-1"
    await play(writers, [provider], actions)
    assert await writers[0].fetchval(OVERLAPS) == 0
    assert await faults(writers[0], provider) == []


@given(st.lists(work, min_size=WRITERS * 2, max_size=WRITERS * 6))
@settings_here
async def test_sixteen_processes_that_plan_for_two_providers_never_double_their_citizens(
    writers: list[Connection], actions: Sequence[tuple[str, int, str]]
) -> None:
    example = next(EXAMPLES)
    providers = [f"p{example}-1", f"p{example}-2"]
    await play(writers, providers, actions)
    assert await writers[0].fetchval(OVERLAPS) == 0
    for provider in providers:
        assert await faults(writers[0], provider) == []


async def play(
    writers: list[Connection], providers: list[str], actions: Sequence[tuple[str, int, str]]
) -> None:
    """Lets all writers work at once, each for one of the providers at a time."""
    processes = [Process(connection, tell=2) for connection in writers]
    for provider in providers:
        first = [roster(provider, "R", 2, 1), roster(provider, "L", 1, 1)]
        await processes[0].capacity(capacity_stated(*first))

    async def write(process: Process, mine: Sequence[tuple[int, tuple[str, int, str]]]) -> None:
        for number, action in mine:
            scheduling = process.scheduling
            handler = scheduling.capacity if action[0] == "roster" else scheduling.referrals
            provider = providers[number % len(providers)]
            if action[0] == "plan":
                await process.plan_again(provider)
                continue
            await process.again(handler, [message(provider, action, number)])

    every = list(enumerate(actions))
    await asyncio.gather(*(write(p, every[n::WRITERS]) for n, p in enumerate(processes)))


async def faults(conn: Connection, provider: str) -> list[str]:
    """What the inspector says of what stands in the database."""
    weeks = await conn.fetch("SELECT body FROM location_week WHERE provider = $1", provider)
    bodies = [incoming.CapacityStated.model_validate_json(row["body"]) for row in weeks]
    statements = {(b.location.code, b.week): b.model_dump(mode="json") for b in bodies}
    rows = await conn.fetch(
        """SELECT s.*, lower(during) AS start, upper(during) AS finish, o.body, o.status AS stands
           FROM session s JOIN placed_order o USING (order_id)
           WHERE s.provider = $1 AND s.status = 'offered'""",
        provider,
    )
    assert all(row["stands"] in {"booked", "late"} for row in rows)
    orders = {
        row["order_id"]: incoming.OrderIn.model_validate_json(row["body"]).model_dump(
            mode="json", by_alias=True
        )
        for row in rows
    }
    sessions = [
        {
            **dict(row),
            "start": row["start"].isoformat(),
            "end": row["finish"].isoformat(),
            "location": {"code": row["location"]},
            "company": row["company"] or [],
        }
        for row in rows
    ]
    return Inspector(statements, public_holiday).faults(sessions, orders)


slots = st.tuples(
    st.integers(0, 2), st.integers(0, 2), st.integers(0, 5), st.integers(0, 12), st.integers(1, 4)
)


@given(st.lists(slots, min_size=WRITERS * 4, max_size=WRITERS * 8))
@settings_here
async def test_the_database_itself_refuses_what_writers_without_a_lock_would_double(
    writers: list[Connection], rows: list[tuple[int, int, int, int, int]]
) -> None:
    provider = f"p{next(EXAMPLES)}"

    async def write(conn: Connection, mine: list[tuple[int, int, int, int, int]]) -> int:
        kept = 0
        for therapist, room, citizen, quarter, length in mine:
            start = at(TUESDAY, "08:00") + timedelta(minutes=15 * quarter)
            try:
                await conn.execute(
                    """INSERT INTO session (session_id, order_id, provider, ordinal, status,
                           location, therapist, room, during, revision, inside_limit, transport,
                           alternatives, reason, offered_at, citizen_id)
                       VALUES ($1, $1::uuid::text, $2, 0, 'offered', 'R', $3, $4,
                           tstzrange($5, $6), 1, true, false, '[]', '', $5, $7)""",
                    uuid.uuid4(),
                    provider,
                    f"T{therapist}",
                    f"R{room}",
                    start,
                    start + timedelta(minutes=15 * length),
                    f"{provider}-c{citizen}",
                )
                kept += 1
            except (asyncpg.ExclusionViolationError, asyncpg.DeadlockDetectedError):
                continue
        return kept

    kept = await asyncio.gather(*(write(c, rows[n::WRITERS]) for n, c in enumerate(writers)))
    assert await writers[0].fetchval(OVERLAPS) == 0
    assert 0 < sum(kept) < len(rows)

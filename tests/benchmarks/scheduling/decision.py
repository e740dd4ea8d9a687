"""One online decision of the service, from BEGIN to a durable COMMIT, one order at a time.

python -m tests.benchmarks.scheduling.decision [--orders 3000] [--seed 1] [--tell 60]

A municipality of three locations on a PostgreSQL server of its own, with fsync.
Each transaction does what the service does with an order: it locks the provider, looks up the
citizen's other sessions, asks the engine, has `decide` judge, saves order and session, and puts the
events into the outbox. Seven in ten of the hours are booked in the end.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import asyncpg

from deploy.local.postgres import Postgres
from deploy.local.state import State
from services.scheduling.app import public_holiday
from services.scheduling.geography import postcodes
from services.scheduling.handlers import Scheduling
from services.scheduling.provider import Terms
from services.scheduling.telephone import outbox_row
from shared import ledger
from shared.envelope import Message
from shared.handling import Unit
from tests.conftest import Databases
from tests.unit.scheduling.factories import (
    MONDAY,
    NOW,
    a_statement,
    a_therapist,
    all_week,
    an_order_body,
    capacity_stated,
    orders_placed,
)

WEEKS = ("2026-W48", "2026-W49", "2026-W50", "2026-W51")
HOMES = ("8900", "8920", "8930", "8940", "8960", "8870", "8970", "8981", "8983", "8990")
PLACES = ("R", "L", "A")
HOURS_USED = 0.7


def capacity(therapists: int) -> list[Message]:
    """Who works where: eight hours a day, rooms for all."""
    each = therapists // len(PLACES)
    return capacity_stated(
        *(
            a_statement(
                place,
                *(
                    a_therapist(
                        f"{place}{n}",
                        *all_week(week, "08:00", "16:00"),
                        competences=("almen", "specialiseret") if n % 5 == 0 else ("almen",),
                        languages=("da", "en") if n % 3 == 0 else ("da",),
                    )
                    for n in range(each)
                ),
                week=week,
                rooms=each,
            )
            for place in PLACES
            for week in WEEKS
        )
    )


def orders(count: int, seed: int) -> Iterator[Message]:
    """Orders whose earliest days are spread over three weeks, each with seven days."""
    random = Random(f"decision/{seed}")
    for number in range(count):
        earliest = MONDAY + timedelta(days=random.randint(1, 20))
        body = an_order_body(
            f"o{number}",
            earliest=earliest,
            limit=earliest + timedelta(days=7),
            postcode=random.choice(HOMES),
            language=random.choice(["da"] * 9 + ["en"]),
            vulnerable=random.random() < 0.2,
            transport=random.random() < 0.15,
        )
        yield orders_placed([body], number)[0]


async def measure(dsn: str, count: int, seed: int, tell: int) -> list[float]:
    """Milliseconds of each decision."""
    conn = await asyncpg.connect(dsn)
    terms = Terms(public_holiday, tell=tell)
    scheduling = Scheduling(lambda code: terms, postcodes())
    hours = count / HOURS_USED
    therapists = max(len(PLACES), round(hours / (8 * 5 * len(WEEKS))))
    taken: list[float] = []
    try:
        unit = Unit(conn=conn, now=NOW)
        async with conn.transaction():
            await scheduling.capacity(unit, capacity(therapists))
        for done in unit.on_commit:
            done()
        for message in orders(count, seed):
            unit = Unit(conn=conn, now=NOW)
            begin = time.perf_counter()
            async with conn.transaction():
                outcomes = await scheduling.referrals(unit, [message])
                rows = [outbox_row(event, NOW) for one in outcomes for event in one.events]
                await ledger.put(conn, rows)
            taken.append(1000 * (time.perf_counter() - begin))
            for done in unit.on_commit:
                done()
    finally:
        await conn.close()
    return taken


def disk(folder: Path, count: int = 500) -> list[float]:
    """Milliseconds of writing 8 kB through to the disk, as a commit does: no decision is faster."""
    taken = []
    with (folder / "floor").open("wb", buffering=0) as file:
        for _ in range(count):
            begin = time.perf_counter()
            file.write(bytes(8192))
            os.fdatasync(file.fileno())
            taken.append(1000 * (time.perf_counter() - begin))
    return sorted(taken)


async def run(count: int, seed: int, tell: int) -> str:
    """The figures in two lines."""
    with tempfile.TemporaryDirectory() as folder:
        server = Postgres(State(Path(folder)), durable=True)
        try:
            server.start()
            floor = disk(Path(folder))
            taken = sorted(await measure(await Databases(server)("scheduling"), count, seed, tell))
        finally:
            server.destroy()
    p99, floor_p99 = taken[int(0.99 * len(taken))], floor[int(0.99 * len(floor))]
    half, floor_half = statistics.median(taken), statistics.median(floor)
    return (
        f"{count:,} decisions, each in a transaction with fsync: median "
        f"{half:.2f} ms, 99th percentile {p99:.2f} ms, longest {taken[-1]:.1f} ms\n"
        f"8 kB through to the same disk just before: median {floor_half:.2f} ms, 99th percentile "
        f"{floor_p99:.2f} ms; ratio {half / floor_half:.1f} and {p99 / floor_p99:.1f}"
    )


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=3000, help="decisions (3000)")
    parser.add_argument("--seed", type=int, default=1, help="of the orders (1)")
    parser.add_argument("--tell", type=int, default=60, help="open days before (60: at once)")
    given = parser.parse_args()
    print(asyncio.run(run(given.orders, given.seed, given.tell)))


if __name__ == "__main__":
    main()

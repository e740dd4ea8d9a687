"""How many messages a second: `python -m tests.benchmarks.notifications_rates`.

Three rates of one process on a PostgreSQL of its own (fsync on): contacts recorded, offers turned
into message rows (batches of 500, as the runtime hands them over), and mails and text messages
sent to the stand-in servers, which run in a process of their own.
"""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import asyncpg
import uvloop

from deploy.local.postgres import Postgres
from deploy.local.state import State
from shared.handling import Unit
from shared.migrate import migrate
from tests.integration.notifications_world import ROOT, TOKEN, Servers, World
from tests.unit.notifications.factories import a_citizen, an_offer
from tests.waiting import until

COUNT = 10_000
BATCH = 500
SENT = 3_000


async def _rates(dsn: str, servers: Servers) -> None:
    async with asyncpg.create_pool(dsn, min_size=4, max_size=8) as pool:
        world = World(dsn, pool, servers)
        citizens = [
            a_citizen(f"c{n}", email=f"c{n}@example.com" if n % 4 else None) for n in range(COUNT)
        ]
        offers = [
            an_offer(citizen=f"c{n}", session=f"s{n}", referral=f"r{n}") for n in range(COUNT)
        ]
        for name, handler, messages in (
            ("contacts recorded", world.handlers.heard, citizens),
            ("message rows", world.handlers.heard, offers),
        ):
            start, cpu = time.perf_counter(), time.process_time()
            for first in range(0, COUNT, BATCH):
                async with pool.acquire() as conn, conn.transaction():
                    unit = Unit(conn=conn, now=world.now)
                    await handler(unit, messages[first : first + BATCH])
            seconds, used = time.perf_counter() - start, time.process_time() - cpu
            print(f"{name}: {COUNT / seconds:,.0f}/s, {used / COUNT * 1e6:.0f} µs Python each")
        await pool.execute(
            "DELETE FROM message WHERE session_id NOT IN (SELECT 's' || generate_series(1, $1))",
            SENT,
        )
        total = await pool.fetchval("SELECT count(*) FROM message")
        start, cpu = time.perf_counter(), time.process_time()
        profile = cProfile.Profile() if "--profile" in sys.argv else None
        if profile:
            profile.enable()
        async with world.sending(slots=8):
            await until(world.nothing_due, seconds=300)
        seconds, used = time.perf_counter() - start, time.process_time() - cpu
        if profile:
            profile.disable()
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        print(f"sent: {total / seconds:,.0f}/s, {used / total * 1e6:.0f} µs Python each")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = Postgres(State(Path(folder) / "postgres"))
        servers = Servers(Path(folder))
        ports = (str(servers.smtp_port), str(servers.mail_port), str(servers.sms_port))
        commands = (
            ("mail_catcher", "--port", ports[0], "--http-port", ports[1]),
            ("sms_gateway", "--port", ports[2], "--token", TOKEN),
        )
        stand_ins = [
            subprocess.Popen(
                [
                    *(sys.executable, "-m", f"deploy.local.{name}", *arguments),
                    *("--state", f"{folder}/{name}"),
                ],
                cwd=ROOT,
            )
            for name, *arguments in commands
        ]
        try:
            server.start()
            server.provide(["notifications"])
            owner, dsn = (
                server.dsn("notifications", r) for r in ("notifications_owner", "notifications")
            )
            migrations = ROOT / "services" / "notifications" / "migrations"
            asyncio.run(migrate(owner, [migrations], runtime_role="notifications"))
            uvloop.run(_rates(dsn, servers))
        finally:
            for process in stand_ins:
                process.terminate()
                process.wait()
            server.destroy()


if __name__ == "__main__":
    main()

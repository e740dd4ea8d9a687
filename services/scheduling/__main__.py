"""Runs scheduling: `python -m services.scheduling`. With a command it helps a human.

answer SESSION accepted|declined|cancelled|exchanged|requested
       [--by citizen] [--wait] [--from DATE] [--start INSTANT --location CODE]
"""

from __future__ import annotations

import argparse
import asyncio
import sys

import asyncpg

from services.scheduling import telephone
from services.scheduling.app import service
from services.scheduling.settings import SchedulingSettings
from services.scheduling.telephone import ANSWERS, NotUnderstoodError
from shared.clock import Clock
from shared.runtime import run
from shared.settings import SettingsError
from shared.topics import ClusterFileError


def main() -> None:
    """Reads the environment and runs until SIGTERM; exits with 2 where a setting is wrong."""
    given = _arguments()
    try:
        settings = SchedulingSettings.load()
        if given.command == "answer":
            asyncio.run(_answer(given, settings))
            return
        declared = service(settings)
    except (SettingsError, ClusterFileError, NotUnderstoodError) as error:
        print(f"scheduling: {error}", file=sys.stderr)
        sys.exit(2)
    run(declared, settings)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m services.scheduling", description="Books citizens' first sessions."
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    answer = commands.add_parser("answer", help="writes down what a citizen says to an offer")
    answer.add_argument("session", help="the id of the session, its order or its referral")
    answer.add_argument("answer", choices=ANSWERS)
    answer.add_argument(
        "--by", choices=("citizen", "relative", "planner", "therapist"), default="citizen"
    )
    answer.add_argument("--wait", action="store_true", help="no new time until they ask for one")
    answer.add_argument(
        "--from",
        dest="not_before",
        type=telephone.a_date,
        metavar="DATE",
        help="the first day that suits",
    )
    answer.add_argument(
        "--start",
        type=telephone.an_instant,
        metavar="INSTANT",
        help="exchanged: the start of the time they want",
    )
    answer.add_argument("--location", metavar="CODE", help="exchanged: its location's code")
    return parser.parse_args()


async def _answer(given: argparse.Namespace, settings: SchedulingSettings) -> None:
    try:
        conn: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
            settings.dsn.get_secret_value(), timeout=10
        )
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise NotUnderstoodError(
            f"the database of {settings.variable('dsn')} is away ({type(error).__name__})"
        ) from None
    try:
        async with conn.transaction():
            await telephone.write_down(
                conn,
                given.session,
                given.answer,
                Clock.parse(settings.clock).now(),
                by=given.by,
                then="wait" if given.wait else None,
                not_before=given.not_before,
                wanted=telephone.wanted(given.start, given.location),
            )
        print(f"{given.session}: {given.answer}")
    finally:
        await conn.close()


if __name__ == "__main__":
    main()

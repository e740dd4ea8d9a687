"""Runs the service: `python -m services.notifications`. With a command it helps a human.

preview TEMPLATE [--language da] [--channel email] [--version N]
uncertain
settle NOTIFICATION sent|failed|again
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from uuid import UUID

import asyncpg

from services.notifications import operations
from services.notifications.app import build
from services.notifications.message import Channel, Template
from services.notifications.preview import as_text, preview
from services.notifications.rendering import MissingValues, TemplateError, Templates, TooLong
from services.notifications.settings import NotificationSettings
from services.notifications.wording import LANGUAGES
from shared.clock import Clock
from shared.runtime import run
from shared.settings import SettingsError


class _Failed(Exception):
    """One line that says what to do."""


def main() -> None:
    """Reads the environment and runs until it is told to stop."""
    given = _arguments()
    try:
        if given.command == "preview":
            _preview(given)
            return
        settings = NotificationSettings.load()
        if given.command is None:
            service = build(settings)
        else:
            asyncio.run(_operate(given, settings))
            return
    except (SettingsError, TemplateError, MissingValues, TooLong, _Failed) as error:
        print(f"notifications: {error}", file=sys.stderr)
        sys.exit(2)
    run(service, settings)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m services.notifications", description="Tells citizens, by mail or text."
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    show = commands.add_parser("preview", help="shows a template with sample values")
    show.add_argument("template", choices=[template.value for template in Template])
    show.add_argument("--language", choices=LANGUAGES, default="da")
    show.add_argument("--channel", choices=[c.value for c in Channel], default="email")
    show.add_argument("--version", type=int, help="by default the newest")
    commands.add_parser("uncertain", help="lists messages that may or may not have been sent")
    settle = commands.add_parser("settle", help="says what became of an uncertain message")
    settle.add_argument("notification", type=UUID, help="its id, as `uncertain` shows it")
    settle.add_argument("outcome", choices=("sent", "failed", "again"))
    return parser.parse_args()


def _preview(given: argparse.Namespace) -> None:
    rendered = preview(
        Templates(),
        Template(given.template),
        given.language,
        Channel(given.channel),
        version=given.version,
    )
    print(as_text(rendered), end="")


async def _operate(given: argparse.Namespace, settings: NotificationSettings) -> None:
    try:
        conn: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
            settings.dsn.get_secret_value(), timeout=10
        )
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise _Failed(
            f"the database of {settings.variable('dsn')} is away ({type(error).__name__})"
        ) from None
    try:
        if given.command == "uncertain":
            rows = await operations.uncertain_messages(conn)
            for row in rows:
                print(*(str(value) for value in row.values()), sep="\t")
            print(f"{len(rows)} uncertain; settle each with: settle ID sent|failed|again")
            return
        now = Clock.parse(settings.clock).now()
        async with conn.transaction():
            done = await operations.settle(conn, given.notification, given.outcome, now)
        if not done:
            raise _Failed(
                f"no uncertain message has the id {given.notification}; `uncertain` lists them"
            )
        print(f"{given.notification}: {given.outcome}")
    finally:
        await conn.close()


if __name__ == "__main__":
    main()

"""Puts the service together: handlers, sender, and what the runtime must know of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.notifications import events
from services.notifications.dispatch import Retry
from services.notifications.echoes import echoes
from services.notifications.gateway import SmsGateway
from services.notifications.handlers import Handlers
from services.notifications.maintenance import maintain
from services.notifications.metrics import Metrics
from services.notifications.ports import Transport, Wake
from services.notifications.quiet import Quiet
from services.notifications.recording import CITIZENS
from services.notifications.rendering import Templates
from services.notifications.rights import Rights
from services.notifications.sender import Sender
from services.notifications.settings import NotificationSettings, read_municipalities
from services.notifications.smtp import SmtpProvider
from services.notifications.transports import Health, MailTransport, SmsTransport
from shared.crypto import Vault
from shared.service import Service, Subscription

if TYPE_CHECKING:
    from shared.database import Connection
    from shared.runtime import Runtime

NAME: Final = "notifications"
# Seconds. Nobody waits for the news that somebody was told.
PUBLISH_EVERY: Final = 0.2
MIGRATIONS: Final = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class RuntimeDatabase:
    """The runtime's pool and clock, as the sender sees them."""

    runtime: Runtime
    place: str

    def now(self) -> datetime:
        """The service's clock (UTC)."""
        return self.runtime.clock.now()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection in a transaction."""
        async with self.runtime.pool.acquire() as conn, conn.transaction():
            yield conn

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """A connection for as long as the block lasts."""
        return self.runtime.pool.acquire()

    def trouble(self, what: str) -> None:
        """Shows in health and metrics."""
        self.runtime.telemetry.trouble(self.place, what)

    def well(self) -> None:
        """It is over."""
        self.runtime.telemetry.well(self.place)


def quiet_of(settings: NotificationSettings) -> Quiet:
    """The quiet hours as configured."""
    return Quiet(begins=settings.quiet_from, ends=settings.quiet_to)


def transports_of(settings: NotificationSettings, templates: Templates) -> list[Transport]:
    """Both ways out, as configured."""
    municipalities = read_municipalities(settings.municipalities)
    mail = MailTransport(
        templates=templates,
        municipalities=municipalities,
        mail_from=settings.mail_from,
        providers=Health(
            [
                SmtpProvider(url.strip(), settings.mail_from, settings.call_seconds)
                for url in settings.smtp.split(",")
            ]
        ),
    )
    sms = SmsTransport(
        templates=templates,
        municipalities=municipalities,
        providers=Health(
            [
                SmsGateway(
                    settings.sms_url,
                    settings.sms_token.get_secret_value(),
                    settings.connections,
                    settings.call_seconds,
                )
            ]
        ),
    )
    return [mail, sms]


async def _caught_up(runtime: Runtime) -> None:
    """Waits until the backlog is applied: it may supersede messages, or tell of a death."""
    while not runtime.stopping.is_set():
        assigned = {place for group in runtime.groups for place in group.assigned}
        done = [await group.caught_up() for group in runtime.groups]
        if assigned and assigned <= set().union(*done):
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(runtime.stopping.wait(), 0.1)


def build(settings: NotificationSettings) -> Service:
    """The service. Raises SettingsError or TemplateError."""
    templates = Templates()
    vault = Vault(settings.vault_keys.get_secret_value())
    wake = Wake()
    metrics = Metrics()
    handlers = Handlers(
        vault=vault,
        citizens_vault=Vault(settings.citizens_keys.get_secret_value()),
        municipalities=read_municipalities(settings.municipalities),
        templates=templates,
        quiet=quiet_of(settings),
        bedside_is_urgent=settings.bedside_is_urgent,
        patience=timedelta(hours=settings.contact_hours),
        wake=wake,
    )

    async def send(runtime: Runtime) -> None:
        """Sends both channels' messages until the runtime stops."""
        await _caught_up(runtime)
        senders = [
            Sender(
                database=RuntimeDatabase(runtime, f"sender-{transport.channel}"),
                transport=transport,
                vault=vault,
                wake=wake.listen(),
                slots=settings.connections,
                quiet=quiet_of(settings),
                retry=Retry(
                    limit=settings.retry_limit,
                    longest=timedelta(seconds=settings.retry_seconds),
                ),
                poll=settings.poll_seconds,
                settle_after=timedelta(seconds=settings.call_seconds),
                drain_seconds=settings.stop_seconds,
                metrics=metrics,
            )
            for transport in transports_of(settings, templates)
        ]
        await asyncio.gather(*(sender.run(runtime.stopping) for sender in senders))

    async def tidy(runtime: Runtime) -> None:
        """Measures and forgets until the runtime stops."""
        metrics.attach(runtime.telemetry.registry)
        await maintain(runtime, metrics, timedelta(days=settings.facts_days))

    return Service(
        name=NAME,
        migrations=MIGRATIONS,
        subscriptions=[
            Subscription(
                topics=["referrals", "training", "evaluations", CITIZENS], handler=handlers.heard
            ),
            Subscription(topics=[events.TOPIC], handler=echoes),
        ],
        tasks=[send, tidy],
        endpoints=Rights(vault).endpoints(),
        produces={events.TOPIC: dict(events.MODELS)},
        publish_every=PUBLISH_EVERY,
    )

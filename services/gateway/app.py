"""What the gateway declares to the runtime."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.gateway.door import Door
from services.gateway.drop import Drop
from services.gateway.metrics import Metrics
from services.gateway.receipts import RECEIPTS, take_receipts
from services.gateway.senders import Senders
from services.gateway.settings import GatewaySettings
from services.gateway.web import Web
from shared.service import Service, Subscription

if TYPE_CHECKING:
    from shared.runtime import Runtime

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def service(settings: GatewaySettings) -> Service:
    """The gateway as the runtime runs it. Raises SettingsError or ClusterFileError."""
    senders = Senders(settings.topics, settings.senders)
    metrics = Metrics()
    door = Door(keep=timedelta(days=settings.keep_days))
    web = Web(
        door=door,
        senders=senders,
        metrics=metrics,
        max_bytes=settings.max_bytes,
        seconds=settings.answer_seconds,
        most_waiting=settings.most_waiting,
    )

    async def show(runtime: Runtime) -> None:
        metrics.register(runtime.telemetry.registry)

    tasks = [show, door.run]
    if settings.drop is not None:
        drop = Drop(
            folder=settings.drop,
            door=door,
            senders=senders,
            metrics=metrics,
            max_bytes=settings.max_bytes,
            pause=settings.drop_seconds,
        )
        tasks.append(drop.run)
    return Service(
        name=GatewaySettings.service,
        migrations=MIGRATIONS,
        subscriptions=[Subscription(topics=RECEIPTS, handler=take_receipts, kind="intake")],
        tasks=tasks,
        routes=web.routes(),
    )

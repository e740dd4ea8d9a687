"""What scheduling declares to the runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from services.scheduling import events, responses, rights
from services.scheduling.endpoints import Counter
from services.scheduling.endpoints_what_if import WhatIf
from services.scheduling.geography import postcodes
from services.scheduling.handlers import PLAN, Scheduling
from services.scheduling.handlers_echo import Echoes
from services.scheduling.handlers_roster import Rosters
from services.scheduling.holidays import public_holiday
from services.scheduling.incoming import CapacityStated
from services.scheduling.provider import Terms
from services.scheduling.retention import KIND, Retention
from services.scheduling.settings import (
    Municipality,
    SchedulingSettings,
    Sources,
    read_municipalities,
    terms_of,
)
from services.scheduling.suppliers import wire as suppliers
from services.scheduling.suppliers.endpoints import Orders
from services.scheduling.suppliers.handlers import Suppliers, suppliers_of
from shared.service import Service, Subscription

__all__ = ["PRODUCES", "competences", "public_holiday", "service", "terms"]

MIGRATIONS: Final = Path(__file__).parent / "migrations"

PRODUCES: Final[Mapping[str, Mapping[str, type[BaseModel]]]] = {
    events.TRAINING: {
        events.OFFERED: events.SessionOffered,
        events.MOVED: events.SessionMoved,
        events.RESTATED: events.SessionRestated,
        events.REOFFERED: events.SessionReoffered,
        events.CANCELLED: events.SessionCancelled,
        events.ATTENDED: events.SessionAttended,
        events.INFEASIBLE: events.OrderInfeasible,
        suppliers.DECLINED: suppliers.OrderDeclined,
    },
    responses.RESPONSES: {**responses.MODELS, **suppliers.READ},
    suppliers.RECEIPTS: {
        suppliers.RESPONSE_ACCEPTED: suppliers.ResponseAccepted,
        suppliers.RESPONSE_REFUSED: suppliers.ResponseRefused,
    },
    events.CAPACITY: {events.STATED: CapacityStated},
    events.CAPACITY_STATUS: {events.STATUS: events.CapacityStatus},
    events.RECEIPTS: {
        events.ACCEPTED: events.CapacityAccepted,
        events.REFUSED: events.CapacityRefused,
    },
}


def service(settings: SchedulingSettings) -> Service:
    """Scheduling as the runtime runs it. Raises SettingsError or ClusterFileError."""
    otherwise = Municipality(
        notice_days=settings.notice_days,
        transfer_minutes=settings.transfer_minutes,
        tell=settings.tell,
    )
    municipalities = read_municipalities(settings.municipalities, otherwise)
    kept = timedelta(days=settings.keep_days)
    every = timedelta(minutes=settings.plan_minutes)
    scheduling = Scheduling(terms(municipalities, otherwise, kept), postcodes(), every)
    retention = Retention(kept)
    supplier_codes = suppliers_of(settings.topics)
    outside = Suppliers(supplier_codes)
    rosters = Rosters(
        Sources(settings.topics),
        competences(municipalities, otherwise),
        lambda provider: municipalities.get(provider, otherwise).staffing,
    )
    what_if = WhatIf(lambda provider: municipalities.get(provider, otherwise))
    return Service(
        name=SchedulingSettings.service,
        migrations=MIGRATIONS,
        subscriptions=[
            Subscription(
                topics=["referrals"],
                handler=retention.beside(outside.beside(scheduling.referrals)),
            ),
            Subscription(
                topics=[responses.RESPONSES],
                handler=retention.beside(outside.beside(scheduling.responses)),
            ),
            Subscription(
                topics=[events.TRAINING],
                handler=Echoes(scheduling, supplier_codes).training,
                first=True,
            ),
            Subscription(topics=[events.CAPACITY], handler=retention.beside(scheduling.capacity)),
            Subscription(
                topics=["roster.{source}.capacity"], handler=rosters.intake, kind="intake"
            ),
            Subscription(topics=[suppliers.INTAKE], handler=outside.intake, kind="intake"),
        ],
        timers={KIND: retention.due, PLAN: scheduling.plan},
        endpoints=(
            *Counter(scheduling).endpoints(),
            *Orders().endpoints(),
            *rights.ENDPOINTS,
            *what_if.endpoints(),
        ),
        tasks=(what_if.what_if,),
        produces=PRODUCES,
    )


def terms(
    municipalities: Mapping[str, Municipality], otherwise: Municipality, kept: timedelta
) -> Callable[[str], Terms]:
    """Each provider's terms; a provider without a file of its own has those of `otherwise`."""
    return lambda provider: terms_of(municipalities.get(provider, otherwise), kept)


def competences(
    municipalities: Mapping[str, Municipality], otherwise: Municipality
) -> Callable[[str], frozenset[str]]:
    """The competences that each provider's programmes may ask for."""
    return lambda provider: municipalities.get(provider, otherwise).competences

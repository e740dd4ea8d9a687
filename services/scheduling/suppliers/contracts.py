"""Examples of what suppliers write and are answered."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from services.scheduling.suppliers.terms import (
    State,
)
from services.scheduling.suppliers.wire import (
    ACCEPTED,
    DECLINED,
    RESPONSE_ACCEPTED,
    RESPONSE_REFUSED,
    STATED,
    OrderAccepted,
    OrderDeclined,
    ResponseAccepted,
    ResponseRefused,
    SessionStated,
    SupplierPlace,
)


def examples() -> dict[str, BaseModel]:
    """By event type."""
    order = "7d3cf1b6-5b0e-5c55-8d5a-0f5e1c9b2a44"
    about: dict[str, Any] = {
        "order_id": order,
        "referral_id": "2b0c9ba1-6a35-5c0f-9f1a-6d1f6f6b7a10",
        "provider": "fysioterapi-randers",
    }
    receipt: dict[str, Any] = {
        "event_id": "provider.fysioterapi-randers.responses/0/0",
        "order_id": order,
    }
    place = SupplierPlace(name="Prøvegade 9", address="Prøvegade 9", postcode="8900")
    start = datetime(2022, 5, 30, 7, 0, tzinfo=UTC)
    return {
        DECLINED: OrderDeclined(
            **about, citizen_id="MFZGKMZTGQ2TKNRXHA4TAYLCMM", reason="no-capacity"
        ),
        ACCEPTED: OrderAccepted(**about, start=start, place=place),
        STATED: SessionStated(
            **about, number=2, state=State.PLANNED, start=start, minutes=45, place=place
        ),
        RESPONSE_ACCEPTED: ResponseAccepted(**receipt, element=None, reason=None),
        RESPONSE_REFUSED: ResponseRefused(
            **receipt, element="start", reason="must lie ahead: a citizen is told of it"
        ),
    }

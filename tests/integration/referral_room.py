"""The referral service's handlers on a database of their own, and words for what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from deploy.demo.documents import fhir_plan
from services.referral.events_citizen import CitizenRecord
from shared.crypto import open_record
from shared.envelope import TYPE_PREFIX, Event
from shared.handling import Applied, DueTimer, Outcome, SetTimer
from tests.delivery import deliver, deliver_twice, events_of
from tests.unit.referral.factories import (
    NOW,
    RANDERS_DEPARTMENT,
    RANDERS_HOSPITAL,
    Mailbag,
    a_clock,
    a_register,
    an_intake,
)

if TYPE_CHECKING:
    from shared.database import Connection
    from shared.envelope import Message


class Room:
    """The service at a moment: every batch is delivered twice."""

    def __init__(self, conn: Connection, now: datetime = NOW) -> None:
        self.conn = conn
        self.bag = Mailbag(now)
        self.intake = an_intake()
        self.clock = a_clock()

    @property
    def now(self) -> datetime:
        return self.bag.now

    def moves_to(self, now: datetime) -> None:
        self.bag.now = now

    async def takes(self, *documents: bytes | Message | None) -> Sequence[Outcome]:
        """Documents of Holbæk's hospital, or records as they are."""
        messages = [
            self.bag.document(one) if one is None or isinstance(one, bytes) else one
            for one in documents
        ]
        return await deliver_twice(self.conn, self.intake, messages, self.now)

    async def takes_once(self, *documents: bytes | Message | None) -> Sequence[Outcome]:
        """As `takes`, where a second delivery would rightly find more than the first."""
        messages = [
            self.bag.document(one) if one is None or isinstance(one, bytes) else one
            for one in documents
        ]
        return await deliver(self.conn, self.intake, messages, self.now)

    async def hears(self, *messages: Message) -> Sequence[Outcome]:
        """Events of scheduling."""
        return await deliver_twice(self.conn, self.clock.training, messages, self.now)

    async def rings(self, *timers: SetTimer) -> Sequence[Outcome]:
        """Timers that are due now."""
        due = [
            DueTimer(
                id=f"{one.kind}/{one.key}",
                kind=one.kind,
                key=one.key,
                due=one.due,
                partition_key=one.partition_key,
                data=one.data,
            )
            for one in timers
        ]
        return await deliver_twice(self.conn, self.clock.due, due, self.now)

    def offered(
        self, order: dict[str, Any], start: str, *, revision: int = 1, name: str = "session.offered"
    ) -> Message:
        """What scheduling says when it has booked an order."""
        return self.bag.training(f"{name}.v1", orjson.dumps(a_session(order, start, revision)))

    def infeasible(self, order: dict[str, Any], reason: str) -> Message:
        body = {key: order[key] for key in ("order_id", "referral_id", "citizen_id", "provider")}
        value = orjson.dumps(body | {"limit": order["limit"], "reason": reason, "text": "…"})
        return self.bag.training("order.infeasible.v1", value, subject=order["referral_id"])

    def declined(self, order: dict[str, Any], by: str) -> Message:
        """What scheduling says when a provider has refused an order."""
        body = {key: order[key] for key in ("order_id", "referral_id", "citizen_id")}
        value = orjson.dumps(body | {"provider": by, "reason": "no-capacity"})
        return self.bag.training("order.declined.v1", value, subject=order["referral_id"])

    def attended(self, order: dict[str, Any], start: str) -> Message:
        """What scheduling says when the citizen has come to the session of `offered`."""
        body = a_session(order, start) | {"attended": True, "at": start, "number": 1}
        return self.bag.training("session.attended.v1", orjson.dumps(body))

    async def rows(self, query: str, *arguments: object) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.conn.fetch(query, *arguments)]

    async def worklist(self) -> list[str]:
        """The reasons of all open entries."""
        rows = await self.rows("SELECT reason FROM worklist WHERE closed_at IS NULL ORDER BY 1")
        return [reason for (reason,) in rows]


def a_session(order: dict[str, Any], start: str, revision: int = 1) -> dict[str, Any]:
    body = {key: order[key] for key in ("order_id", "referral_id", "citizen_id", "provider")}
    return body | {
        "session_id": f"session-of-{order['order_id']}",
        "step_id": order["steps"][0]["step_id"],
        "start": start,
        "end": start,
        "location": {
            "code": "H1",
            "name": "Genoptræningscenteret",
            "address": "Testvej 2",
            "postcode": "4300",
        },
        "room": "R1",
        "therapist": "T1",
        "delivery": "location",
        "limit": order["limit"],
        "inside_limit": True,
        "transport": False,
        "distance_m": 1200,
        "alternatives": [],
        "offered_at": start,
        "revision": revision,
        "reason": "nearest",
    }


def from_randers(**plan: Any) -> bytes:
    """A plan that Randers' hospital sends to Randers."""
    given = {
        "sender_sor": RANDERS_DEPARTMENT,
        "receiver_sor": "100000000003730",
        "receiver_ean": "5790000003730",
        "receiver_name": "Randers Kommune",
    }
    return fhir_plan(**(given | plan))


def randers_hospital(room: Room, value: bytes) -> Message:
    return room.bag.document(value, hospital=RANDERS_HOSPITAL)


def data(event: Event) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(event.value or b"null")
    return body


def only(outcomes: Sequence[Outcome], name: str) -> dict[str, Any]:
    """The one event of this name."""
    (event,) = events_of(outcomes, name)
    return data(event)


def names(outcomes: Sequence[Outcome]) -> list[str]:
    """Types of all events, without prefix and version."""
    return [e.type.removeprefix(TYPE_PREFIX).removesuffix(".v1") for e in events_of(outcomes)]


def contact(event: Event) -> CitizenRecord:
    """A citizens record, opened as notifications opens it."""
    plain = open_record(a_register().records, event.value or b"", event.key)
    return CitizenRecord.model_validate_json(plain)


def timers(outcomes: Sequence[Outcome]) -> dict[str, SetTimer]:
    """The timers that were set, by kind."""
    applied = [outcome for outcome in outcomes if isinstance(outcome, Applied)]
    found = [timer for outcome in applied for timer in outcome.timers]
    return {timer.kind: timer for timer in found if isinstance(timer, SetTimer)}


def verdict(outcome: Outcome) -> str:
    """What the receipt says: ok, fatal-error or transient-error; of XML its letter's type."""
    (receipt,) = events_of([outcome], "document.acknowledged")
    if receipt.content_type == "application/fhir+json":
        header = data(receipt)["entry"][0]["resource"]
        code: str = header["response"]["code"]
        return code
    return "ok" if b"XCTL03" in (receipt.value or b"") else "fatal-error"


def receipt_text(outcome: Outcome) -> str:
    (receipt,) = events_of([outcome], "document.acknowledged")
    return (receipt.value or b"").decode(
        "latin-1" if b"8859" in (receipt.value or b"") else "utf-8"
    )

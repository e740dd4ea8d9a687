"""Orders, capacity and answers as tests speak of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.scheduling import incoming
from services.scheduling.capacity import LocationWeek, monday_of, week_of
from services.scheduling.incoming import CapacityStated, OrderIn, order_of, stated
from services.scheduling.orders import Order
from shared.envelope import Message

DK = ZoneInfo("Europe/Copenhagen")
MONDAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)

PLACES: Mapping[str, tuple[str, str, float, float]] = {
    "R": ("Randers Sundhedscenter", "8900", 56.4607, 10.0364),
    "L": ("Langå Træning", "8870", 56.3903, 9.8949),
    "A": ("Assentoft Træning", "8960", 56.4421, 10.1517),
}


def at(day: date, clock: str) -> datetime:
    """An instant by the Danish date and time."""
    return datetime.combine(day, time.fromisoformat(clock), DK).astimezone(UTC)


def a_therapist(
    name: str,
    *shifts: tuple[date, str, str],
    competences: Sequence[str] = ("almen",),
    languages: Sequence[str] = ("da",),
) -> dict[str, Any]:
    return {
        "id": name,
        "competences": list(competences),
        "languages": list(languages),
        "shifts": [
            {"start": at(day, begin).isoformat(), "end": at(day, end).isoformat()}
            for day, begin, end in shifts
        ],
    }


def a_statement(
    location: str,
    *therapists: Mapping[str, Any],
    week: str = week_of(MONDAY),
    version: int = 1,
    rooms: int = 2,
    closed: bool = False,
    provider: str = "730",
) -> dict[str, Any]:
    name, postcode, lat, lon = PLACES[location]
    return {
        "provider": provider,
        "location": {
            "code": location,
            "name": name,
            "address": "Torvet 1",
            "postcode": postcode,
            "lat": lat,
            "lon": lon,
        },
        "week": week,
        "version": version,
        "rooms": [
            {"code": f"{location}{number}", "name": f"Rum {number}"}
            for number in range(1, rooms + 1)
        ],
        "therapists": list(therapists),
        "closed": closed,
    }


def a_week(location: str, *therapists: Mapping[str, Any], **other: Any) -> LocationWeek:
    return stated(CapacityStated.model_validate(a_statement(location, *therapists, **other)))


def all_week(
    week: str = week_of(MONDAY), begin: str = "08:00", end: str = "15:00"
) -> list[tuple[date, str, str]]:
    """Shifts from Monday to Friday."""
    monday = monday_of(week)
    return [(monday + timedelta(days=number), begin, end) for number in range(5)]


def an_order_body(order_id: str = "o1", **other: Any) -> dict[str, Any]:
    minutes = other.pop("minutes", 60)
    competences = other.pop("competences", ["almen"])
    room = other.pop("room", True)
    body = {
        "order_id": order_id,
        "referral_id": other.pop("referral_id", f"r-{order_id}"),
        "citizen_id": other.pop("citizen_id", f"c-{order_id}"),
        "provider": "730",
        "programme": "p140-almen",
        "earliest": str(MONDAY + timedelta(days=1)),
        "limit": str(MONDAY + timedelta(days=7)),
        "bedside": False,
        "vulnerable": False,
        "postcode": "8900",
        "language": "da",
        "transport": False,
        "windows": [],
        "steps": [
            {
                "step_id": "s1",
                "kind": "assessment",
                "code": {
                    "system": "urn:oid:1.2.208.176.2.21",
                    "code": "1130ad70-6553-490d-87f8-5e8941687a0c",
                    "display": "Terapeutfaglig udredning",
                },
                "count": 1,
                "minutes": minutes,
                "delivery": "location",
                "competences": competences,
                "seats": 1,
                "room": room,
            }
        ],
    }
    return {**body, **{name: str(v) if isinstance(v, date) else v for name, v in other.items()}}


def an_order(order_id: str = "o1", **other: Any) -> Order:
    return order_of(OrderIn.model_validate_json(json.dumps(an_order_body(order_id, **other))))


def an_answer(session: Mapping[str, Any], **other: Any) -> dict[str, Any]:
    """What every answer to an offered session has in it, and what else is said."""
    names = "session_id", "order_id", "referral_id", "citizen_id", "provider", "revision", "start"
    return {**{name: session[name] for name in names}, "at": NOW.isoformat(), **other}


def a_message(kind: str, body: Any, number: int = 0, topic: str = "referrals") -> Message:
    """A record as the runtime hands it over."""
    value = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    fields = body if isinstance(body, dict) else {}
    return Message(
        topic=topic,
        partition=0,
        offset=number,
        key=str(fields.get("provider", "")).encode(),
        value=value,
        timestamp=NOW,
        id=f"{topic}-{number}",
        source="/genvej/referral",
        type=kind,
        subject=str(fields.get("referral_id", "")),
    )


def orders_placed(bodies: Iterable[Mapping[str, Any]], first: int = 0) -> list[Message]:
    return [a_message(incoming.ORDER_PLACED, body, first + n) for n, body in enumerate(bodies)]


def capacity_stated(*statements: Mapping[str, Any], first: int = 0) -> list[Message]:
    return [
        a_message(incoming.CAPACITY_STATED, dict(one), first + n, "capacity")
        for n, one in enumerate(statements)
    ]

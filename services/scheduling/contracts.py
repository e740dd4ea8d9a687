"""Writes this service's contracts: `python -m services.scheduling.contracts [FOLDER]`.

For each event type a JSON schema made from the wire model, and an example that readers prove
themselves on: KL's story of Ruddi (hl7dk/kl-gateway-rehab, input/pagecontent/example.md), planned
by the same code as any order. A released schema never changes; a new version is a new type.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, Final

import orjson
from pydantic import BaseModel

from services.scheduling import counter
from services.scheduling.app import PRODUCES, public_holiday
from services.scheduling.commands import Attend
from services.scheduling.desk import Desk
from services.scheduling.diary import Diary
from services.scheduling.events import OFFERED, CapacityAccepted, CapacityRefused, kind
from services.scheduling.geography import postcodes
from services.scheduling.incoming import CapacityStated, OrderIn, order_of, stated
from services.scheduling.orders import Attendance, Order
from services.scheduling.provider import Terms
from services.scheduling.responses import (
    OfferAccepted,
    OfferCancelled,
    OfferDeclined,
    OfferExchanged,
    OfferRequested,
    Response,
    to_event,
)
from services.scheduling.suppliers import contracts as suppliers
from shared import contract_files
from shared.envelope import TYPE_PREFIX, Event

_NOW: Final = datetime(2022, 5, 23, 6, 0, tzinfo=UTC)
_SATURDAY: Final = ("2022-05-28T07:00:00Z", "2022-05-28T10:00:00Z")
_FRIDAY: Final = ("2022-05-27T07:00:00Z", "2022-05-27T09:00:00Z")
_TOO_LATE: Final = ("2022-06-01T07:00:00Z", "2022-06-01T09:00:00Z")


def _order() -> Order:
    order = {
        "order_id": "3cb44591-5bf8-592c-afdb-4c5bad3f26f1",
        "referral_id": "8d26206a-02c4-556a-bdde-7b9e1a342db3",
        "citizen_id": "LFCSLXUVF5CQFOKQRD6HPNQBLI",
        "provider": "316",
        "earliest": date(2022, 5, 25),
        "limit": date(2022, 5, 31),
        "postcode": "4300",
        "steps": [
            {
                "step_id": "6e287c2e-2fa3-5f97-a538-9e20101f2031",
                "minutes": 60,
                "competences": ["almen"],
            }
        ],
    }
    return order_of(OrderIn.model_validate(order))


def _statement(
    version: int, *shifts: tuple[str, str], week: str = "2022-W21", therapist: str = "316-t01"
) -> CapacityStated:
    """Holbæk's training centre in a week, by default that of the story."""
    return CapacityStated.model_validate(
        {
            "provider": "316",
            "location": {
                "code": "holbaek",
                "name": "Genoptræningscenteret Holbæk",
                "address": "Gl. Ringstedvej 34",
                "postcode": "4300",
                "lat": 55.7175,
                "lon": 11.7128,
            },
            "week": week,
            "version": version,
            "rooms": [{"code": "holbaek-1", "name": "Sal 1"}],
            "therapists": [
                {
                    "id": therapist,
                    "competences": ["almen"],
                    "languages": ["da", "en"],
                    "shifts": [{"start": start, "end": end} for start, end in shifts],
                }
            ],
            "closed": False,
        }
    )


def _story() -> Iterator[Event]:
    """Ruddi is offered a Saturday; a colleague takes over; she falls ill, and he asks for the
    Saturday in vain; then all hours are gone."""
    desk = Desk("316", Terms(public_holiday), postcodes())

    diary = Diary()
    diary.know([_order().citizen_id])

    def capacity(*models: CapacityStated) -> Iterator[Event]:
        desk.begin(diary)
        for model in models:
            desk.state(stated(model), model.model_dump_json(), _NOW)
        yield from desk.settle(_NOW)

    list(capacity(_statement(1, _SATURDAY), _statement(1, _TOO_LATE, week="2022-W22")))
    desk.begin(diary)
    yield from desk.place(_order(), "{}", _NOW)
    yield from desk.settle(_NOW)
    yield from capacity(_statement(2, _SATURDAY, therapist="316-t02"))
    (moved, *_) = events = list(capacity(_statement(3, _FRIDAY)))
    yield from events
    desk.begin(diary)
    saturday = {"start": _SATURDAY[0], "location": "holbaek"}
    exchanged = OfferExchanged.model_validate(_answer(moved) | {"wanted": saturday})
    yield from counter.take(desk, desk.provider.orders[_order().order_id], exchanged, _NOW)
    yield from desk.settle(_NOW)
    (session,) = [placed.booking for placed in desk.provider.orders.values()]
    assert session is not None, "the story has booked him"
    said = Attendance(True, None, "staff-316-01", session.slot.end)
    desk.begin(diary)
    yield from desk.carry_out(Attend(_order().order_id, session.session_id, said), session.slot.end)
    yield from capacity(_statement(4))
    yield from capacity(_statement(2, week="2022-W22"))


def _answer(offer: Event) -> dict[str, Any]:
    """What every answer to an offer has in it."""
    data = orjson.loads(offer.value or b"")
    names = "session_id", "order_id", "referral_id", "citizen_id", "provider", "revision", "start"
    return {name: data[name] for name in names} | {"by": "citizen", "at": "2022-05-23T07:30:00Z"}


def _answers(offer: Event) -> Iterator[Response]:
    """Everything that can be answered to the offer."""
    answer = _answer(offer)
    (other, *_) = orjson.loads(offer.value or b"")["alternatives"]
    wanted = {"start": other["start"], "location": other["location"]["code"]}
    yield OfferAccepted.model_validate(answer)
    yield OfferDeclined.model_validate(
        answer | {"then": "another-time", "not_before": "2022-05-30"}
    )
    yield OfferCancelled.model_validate(answer | {"then": "wait"})
    yield OfferExchanged.model_validate(answer | {"wanted": wanted})
    yield OfferRequested.model_validate(answer | {"not_before": "2022-05-30"})


def examples() -> dict[str, bytes]:
    """An example of each event by its name without prefix: the first of its kind."""
    found: dict[str, bytes] = {}
    story = list(_story())
    offered = next(event for event in story if event.type == OFFERED)
    for event in [*story, *map(to_event, _answers(offered))]:
        assert event.value is not None
        found.setdefault(event.type.removeprefix(TYPE_PREFIX), event.value)
    good = _statement(1, _SATURDAY)
    receipt = {
        "event_id": "roster.holbaek.capacity/0/0",
        "location": good.location.code,
        "week": good.week,
        "version": good.version,
    }
    fault = {"element": "therapists[0].shifts[0].end", "reason": "is not after the start"}
    models: dict[str, BaseModel] = {
        "capacity.stated": good,
        "capacity.accepted": CapacityAccepted(
            **receipt,
            reason=None,
            element=None,
            staffing=[
                {
                    "rule": "each district has one therapist",
                    "about": "Nord",
                    "problem": "Nord has 0.5 therapists, and at least 1 are needed",
                    "proposal": "0.5 of 316-t01 (4 of 37 hours can be booked)",
                }
            ],
        ),
        "capacity.refused": CapacityRefused(**receipt, **fault, problems=[fault]),
    }
    named = {kind(name): model for name, model in models.items()} | suppliers.examples()
    for name, model in named.items():
        found[name.removeprefix(TYPE_PREFIX)] = model.model_dump_json().encode()
    return found


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON schema of each event by its name without prefix."""
    return contract_files.schemas({n: m for types in PRODUCES.values() for n, m in types.items()})


def files() -> dict[str, bytes]:
    """All files by name, as they should lie in the folder."""
    return contract_files.files(schemas(), examples())


if __name__ == "__main__":
    contract_files.write(files)

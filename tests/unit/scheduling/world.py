"""A provider in memory, driven with wire data: what a test sends in, and what was published."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import orjson

from services.scheduling import counter
from services.scheduling.app import public_holiday
from services.scheduling.commands import Attend
from services.scheduling.desk import Desk
from services.scheduling.diary import Diary
from services.scheduling.geography import postcodes
from services.scheduling.incoming import CapacityStated, OrderIn, order_of, stated
from services.scheduling.orders import Attendance, Window
from services.scheduling.provider import AT_ONCE, Terms
from services.scheduling.responses import MODELS
from services.scheduling.weights import Weights
from shared.envelope import Event
from tests.unit.scheduling.checker import Inspector, Plan, instant
from tests.unit.scheduling.factories import NOW, an_answer

Data = Mapping[str, Any]


def told(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Events as type (without prefix) and data."""
    return [
        {"type": event.type.removeprefix("dk.genvej."), **orjson.loads(event.value or b"null")}
        for event in events
    ]


def overlap(one: Data, other: Data) -> bool:
    begins, ends = instant(one["start"]), instant(one["end"])
    return begins < instant(other["end"]) and instant(other["start"]) < ends


@dataclass
class World:
    """One provider. Each call is a batch of its own."""

    now: datetime = NOW
    notice_days: int = 1
    transfer: timedelta = timedelta(hours=1)
    tell: int = AT_ONCE
    weights: Weights = field(default_factory=lambda: Weights(reserve=0))
    rides: Window | None = None
    diary: Diary = field(default_factory=Diary)
    plan: Plan = field(default_factory=Plan)
    statements: dict[tuple[str, str], Data] = field(default_factory=dict)
    orders: dict[str, Data] = field(default_factory=dict)
    published: list[dict[str, Any]] = field(default_factory=list)
    declined: dict[str, list[Data]] = field(default_factory=dict)
    not_before: dict[str, str | None] = field(default_factory=dict)
    put_off: set[str] = field(default_factory=set)
    accepted: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.desk = self.a_desk()

    def a_desk(self) -> Desk:
        terms = Terms(
            public_holiday,
            self.notice_days,
            self.transfer,
            weights=self.weights,
            tell=self.tell,
            rides=self.rides,
        )
        return Desk("730", terms, postcodes())

    def restart(self) -> None:
        """A process that knows only what was saved."""
        old, self.desk = self.desk, self.a_desk()
        for _, week in sorted(old.provider.weeks.items()):
            self.desk.load_week(week)
        for _, placed in sorted(old.provider.orders.items()):
            self.desk.remember(placed)

    def capacity(self, *statements: Data) -> list[dict[str, Any]]:
        self.desk.begin(self.diary)
        for one in statements:
            key = (one["location"]["code"], one["week"])
            if key not in self.statements or self.statements[key]["version"] < one["version"]:
                self.statements[key] = one
            model = CapacityStated.model_validate(one)
            self.desk.state(stated(model), json.dumps(one), self.now)
        return self._settle([])

    def order(self, *bodies: Data) -> list[dict[str, Any]]:
        """Places orders, or gives them their new state."""
        self.desk.begin(self.diary)
        events: list[Event] = []
        for body in bodies:
            text = json.dumps(body)
            self.orders[body["order_id"]] = body
            self.diary.know([body["citizen_id"]])
            order = order_of(OrderIn.model_validate_json(text))
            events += self.desk.place(order, text, self.now)
        return self._settle(events)

    def withdraw(self, *order_ids: str) -> list[dict[str, Any]]:
        self.desk.begin(self.diary)
        events: list[Event] = []
        for order_id in order_ids:
            self.orders.pop(order_id, None)
            self.put_off.discard(order_id)
            events += self.desk.withdraw(order_id, self.now)
        return self._settle(events)

    def answer(self, kind: str, session: Data, **other: Any) -> list[dict[str, Any]]:
        """The citizen answers: "accepted", "declined", "cancelled", "exchanged", "requested"."""
        order_id = session["order_id"]
        standing = self.session_of(order_id)
        stands = standing is not None and standing["start"] == session["start"]
        ahead = instant(session["start"]) > self.now
        if kind in {"declined", "cancelled"} and stands and ahead and order_id in self.orders:
            self.declined.setdefault(order_id, []).append(session)
            self.not_before[order_id] = other.get("not_before")
            if other.get("then") == "wait":
                self.put_off.add(order_id)
        if kind == "requested" and standing is None:
            self.put_off.discard(order_id)
            self.not_before[order_id] = other.get("not_before")
        if kind == "accepted":
            self.accepted.add(order_id)
        self.desk.begin(self.diary)
        model = MODELS[f"dk.genvej.offer.{kind}.v1"]
        response = model.model_validate_json(json.dumps(an_answer(session, **other)))
        placed = counter.spoken_of(self.desk, response)
        assert placed is not None
        events = self._settle(counter.take(self.desk, placed, response, self.now))
        if kind == "exchanged" and any(one["type"] == "session.moved.v1" for one in events):
            self.accepted.add(order_id)  # it is the time that the citizen chose
        return events

    def pause(self, referral_id: str) -> list[dict[str, Any]]:
        self.desk.begin(self.diary)
        return self._settle(self.desk.pause(referral_id, self.now))

    def resume(
        self, referral_id: str, earliest: date | None = None, limit: date | None = None
    ) -> list[dict[str, Any]]:
        dates = {"earliest": earliest, "limit": limit}
        for order_id, body in self.orders.items():
            if body["referral_id"] == referral_id:
                new = {name: str(day) for name, day in dates.items() if day is not None}
                self.orders[order_id] = {**body, **new}
        self.desk.begin(self.diary)
        return self._settle(self.desk.resume(referral_id, earliest, limit, self.now))

    def attend(
        self, session: Data, *, attended: bool = True, reason: str | None = None
    ) -> list[dict[str, Any]]:
        """A therapist writes down whether the citizen came."""
        self.desk.begin(self.diary)
        said = Attendance(attended, reason, "staff-1", self.now)
        command = Attend(session["order_id"], session["session_id"], said)
        return self._settle(self.desk.carry_out(command, self.now))

    def attend_number(self, order_id: str, number: int) -> list[dict[str, Any]]:
        """A therapist writes down that the citizen came to a later session of a course."""
        (placed,) = [
            one for one in self.desk.provider.course_of(order_id) if one.order.number == number
        ]
        assert placed.booking is not None
        self.desk.begin(self.diary)
        said = Attendance(True, None, "staff-1", self.now)
        command = Attend(placed.order.order_id, placed.booking.session_id, said)
        return self._settle(self.desk.carry_out(command, self.now))

    def plan_anew(self) -> list[dict[str, Any]]:
        """What the timer does: plans over all who are not told, tells those for whom it is time."""
        self.desk.begin(self.diary)
        found = told(self.desk.plan_and_tell(self.now))
        self.plan.read(found)
        self.published += found
        return found

    def held(self) -> list[dict[str, Any]]:
        """Sessions ahead that nobody has been told of."""
        found = []
        for placed in self.desk.provider.held():
            booking = placed.booking
            if booking is not None and booking.slot.start > self.now:
                slot = booking.slot
                found.append(
                    {
                        "session_id": booking.session_id,
                        "order_id": placed.order.whole,
                        "number": placed.order.number,
                        "citizen_id": placed.order.citizen_id,
                        "location": {"code": slot.location},
                        "therapist": slot.therapist,
                        "room": slot.room,
                        "company": list(slot.company),
                        "group": slot.group or None,
                        "start": slot.start.isoformat(),
                        "end": slot.end.isoformat(),
                        "inside_limit": booking.inside_limit,
                    }
                )
        return found

    def standing(self) -> list[dict[str, Any]]:
        """All sessions ahead, told or not."""
        return [*self.ahead(), *self.held()]

    def session_of(self, order_id: str) -> dict[str, Any] | None:
        """The standing session of an order."""
        found = [one for one in self.course_of(order_id) if one["number"] == 1]
        return found[0] if found else None

    def course_of(self, order_id: str) -> list[dict[str, Any]]:
        """The standing sessions of an order, in their sequence."""
        found = [one for one in self.plan.sessions.values() if one["order_id"] == order_id]
        return sorted(found, key=lambda one: int(one["number"]))

    def ahead(self) -> list[dict[str, Any]]:
        """Standing sessions that have not begun."""
        every = self.plan.sessions.values()
        return [one for one in every if instant(one["start"]) > self.now]

    def inspector(self) -> Inspector:
        return Inspector(self.statements, public_holiday, self.notice_days, self.transfer)

    def faults(self) -> list[str]:
        """What is wrong with all that was published so far."""
        found = self.plan.faults + self.inspector().faults(self.standing(), self.orders)
        for session in self.standing():
            order_id = session["order_id"]
            if any(overlap(session, other) for other in self.declined.get(order_id, ())):
                found.append(f"{order_id}: at a time that the citizen declined")
            if session["start"] < (self.not_before.get(order_id) or ""):
                found.append(f"{order_id}: before the day from which it suits")
            if order_id in self.put_off:
                found.append(f"{order_id}: has a session, but waits")
        return found

    def overlooked(self) -> list[str]:
        """Orders without a session inside the limit although there is a time for one."""
        found = []
        for order_id, order in self.orders.items():
            held = [o for o in self.held() if o["order_id"] == order_id and o["number"] == 1]
            session = self.session_of(order_id) or (held[0] if held else None)
            limit = date.fromisoformat(order["limit"])
            if order_id in self.put_off or (session is not None and order_id in self.accepted):
                continue
            if session is None or not session["inside_limit"]:
                times = self.free(order, limit)
                found += [f"{order_id}: {place} at {start}" for place, start in times][:1]
        return found

    def free(self, order: Data, last: date) -> list[tuple[str, datetime]]:
        """Where and when the order could have its session until `last`, as the inspector sees."""
        theirs = [
            one
            for one in self.standing()
            if one["order_id"] != order["order_id"] and one["citizen_id"] == order["citizen_id"]
        ]
        asked = self.not_before.get(order["order_id"]) or ""
        order = {**order, "earliest": max(order["earliest"], asked)}
        found = self.inspector().free(self.standing(), order, self.now, last, theirs)
        length = timedelta(minutes=order["steps"][0]["minutes"])
        no = [
            (instant(one["start"]), instant(one["end"]))
            for one in self.declined.get(order["order_id"], ())
        ]
        return [
            (place, start)
            for place, start in found
            if not any(start < end and begin < start + length for begin, end in no)
        ]

    def _settle(self, events: list[Event]) -> list[dict[str, Any]]:
        found = told([*events, *self.desk.settle(self.now)])
        self.plan.read(found)
        self.published += found
        return found

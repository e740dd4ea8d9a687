"""Checks plans as an inspector would: from the rules, the statements and what was published.

Written from the rules alone; shares no code with the service. It knows wire data only: statements
and orders as JSON objects, sessions as the events said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import combinations, permutations
from math import asin, cos, radians, sin, sqrt
from typing import Any
from zoneinfo import ZoneInfo

DENMARK = ZoneInfo("Europe/Copenhagen")
Data = Mapping[str, Any]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def iso_week(day: date) -> str:
    return "{}-W{:02d}".format(*day.isocalendar()[:2])


def appointment(session: Data) -> tuple[str, str, str]:
    """What a citizen has to know of a session."""
    return session["location"]["code"], session["start"], session["end"]


class Plan:
    """What was published about sessions, replayed to the sessions that stand."""

    def __init__(self) -> None:
        self.sessions: dict[str, dict[str, Any]] = {}
        self.revisions: dict[str, int] = {}
        self.faults: list[str] = []

    def read(self, events: Iterable[Data]) -> None:
        for event in events:
            kind = event["type"]
            if not kind.startswith("session.") or kind == "session.attended.v1":
                continue
            session_id, revision = event["session_id"], event["revision"]
            if revision != self.revisions.get(session_id, 0) + 1:
                self.faults.append(f"{session_id} jumps to revision {revision}")
            self.revisions[session_id] = revision
            standing = self.sessions.get(session_id)
            if (kind == "session.offered.v1") is not (standing is None):
                self.faults.append(f"{session_id}: {kind} out of turn")
            elif standing is not None and kind != "session.cancelled.v1":
                moved = appointment(event) != appointment(standing)
                if moved is not (kind == "session.moved.v1"):
                    self.faults.append(f"{session_id}: {kind}, but the time and place say else")
            if kind == "session.cancelled.v1":
                self.sessions.pop(session_id, None)
            else:
                self.sessions[session_id] = dict(event)


TOGETHER = ("start", "end", "location", "room", "therapist", "company")
"""What citizens of one group have in common."""


def led_by(session: Data) -> set[str]:
    """All who lead a session."""
    return {session["therapist"], *session.get("company", ())}


def on_shift(one: Data, session: Data) -> bool:
    """Whether one of a roster works all through a session."""
    return any(
        instant(shift["start"]) <= instant(session["start"])
        and instant(session["end"]) <= instant(shift["end"])
        for shift in one["shifts"]
    )


def crowded(sessions: Sequence[Data], orders: Mapping[str, Data]) -> Iterator[str]:
    """Groups past their seats, of several programmes, or where a citizen has two seats."""
    groups: dict[str, list[Data]] = {}
    for session in sessions:
        if session.get("group") is not None and session["order_id"] in orders:
            groups.setdefault(session["group"], []).append(session)
    for group, members in groups.items():
        of = [orders[one["order_id"]] for one in members]
        seats = [
            sequence(order)[one["number"] - 1][0]["seats"]
            for order, one in zip(of, members, strict=True)
            if one["number"] <= len(sequence(order))
        ]
        if len(members) > min(seats, default=len(members)):
            yield f"group {group} is past its seats"
        if len({order["programme"] for order in of}) > 1:
            yield f"group {group} is of several programmes"
        if len({one["order_id"] for one in members}) < len(members):
            yield f"group {group} has an order twice"


class Inspector:
    """Holds plans against the capacity that was stated and the orders that were placed."""

    def __init__(
        self,
        statements: Mapping[tuple[str, str], Data],
        public_holiday: Callable[[date], bool],
        notice_days: int = 1,
        transfer: timedelta = timedelta(hours=1),
    ) -> None:
        self.statements = statements
        self.public_holiday = public_holiday
        self.notice_days = notice_days
        self.transfer = transfer

    def faults(self, sessions: Sequence[Data], orders: Mapping[str, Data]) -> list[str]:
        """Everything that is wrong with the standing sessions."""
        found = [*self._double(sessions), *self._hurried(sessions, orders)]
        found += crowded(sessions, orders)
        found += self._out_of_step(sessions, orders)
        for session in sessions:
            order = orders.get(session["order_id"])
            if order is None:
                found.append(f"{session['session_id']} belongs to no standing order")
                continue
            found += [f"{session['session_id']}: {why}" for why in self._wrong(session, order)]
        return found

    def _double(self, sessions: Sequence[Data]) -> Iterator[str]:
        for one, other in combinations(sessions, 2):
            same = one["order_id"] == other["order_id"]
            if same and one.get("number", 1) == other.get("number", 1):
                yield f"order {one['order_id']} has two sessions of one number"
            if not (instant(one["start"]) < instant(other["end"])):
                continue
            if not (instant(other["start"]) < instant(one["end"])):
                continue
            if one.get("group") is not None and one["group"] == other["group"]:
                if any(one[what] != other[what] for what in TOGETHER):
                    yield f"group {one['group']} does not meet at one time in one place"
                continue
            for name in sorted(led_by(one) & led_by(other)):
                yield f"therapist {name} twice at {one['start']}"
            same_place = one["location"]["code"] == other["location"]["code"]
            if same_place and one["room"] is not None and one["room"] == other["room"]:
                yield f"room {one['room']} twice at {one['start']}"

    def _out_of_step(self, sessions: Sequence[Data], orders: Mapping[str, Data]) -> Iterator[str]:
        """Courses whose sessions follow each other too soon, or in the wrong order."""
        for order_id, order in orders.items():
            steps = sequence(order)
            own = [one for one in sessions if one["order_id"] == order_id]
            days = {
                one.get("number", 1): instant(one["start"]).astimezone(DENMARK).date()
                for one in own
            }
            for number in sorted(days):
                if number - 1 in days:
                    step, first = steps[number - 1]
                    gap = (step.get("after") if first else step.get("spacing")) or {}
                    least = timedelta(days=gap.get("min_days", 1))
                    if days[number] < days[number - 1] + least:
                        yield f"order {order_id}: session {number} follows too soon"

    def _hurried(self, sessions: Sequence[Data], orders: Mapping[str, Data]) -> Iterator[str]:
        """Citizens who would have to be in two places at once, or to fly."""
        whose: dict[str, list[Data]] = {}
        for session in sessions:
            order = orders.get(session["order_id"])
            if order is not None:
                whose.setdefault(order["citizen_id"], []).append(session)
        for citizen, theirs in whose.items():
            for one, other in combinations(theirs, 2):
                code, start = other["location"]["code"], instant(other["start"])
                if not self.reachable(one, code, start, instant(other["end"])):
                    yield f"citizen {citizen} cannot come to both {one['start']} and {start}"

    def reachable(self, session: Data, location: str, start: datetime, end: datetime) -> bool:
        """Whether who has the session can also be at a location from `start` to `end`."""
        same = session["location"]["code"] == location
        way = timedelta() if same else self.transfer
        return end + way <= instant(session["start"]) or instant(session["end"]) + way <= start

    def _wrong(self, session: Data, order: Data) -> Iterator[str]:
        start, end = instant(session["start"]), instant(session["end"])
        number = session.get("number", 1)
        if number > len(sequence(order)):
            yield "is more than was ordered"
            return
        step, _ = sequence(order)[number - 1]
        order = {**order, "steps": [step], "limit": order["limit"] if number == 1 else None}
        day = start.astimezone(DENMARK).date()
        yield from self.unfit(
            order, session["location"]["code"], session["therapist"], session["room"], start
        )
        yield from self._led(session, step)
        if end - start != timedelta(minutes=step["minutes"]):
            yield "lasts wrong"
        limit = order["limit"]
        inside = limit is None or day <= date.fromisoformat(limit)
        if session["inside_limit"] is not inside:
            yield "says wrongly whether it is inside the limit"

    def _led(self, session: Data, step: Data) -> Iterator[str]:
        """Whether all who lead are there then, each once, and somebody has each role."""
        week = iso_week(instant(session["start"]).astimezone(DENMARK).date())
        statement = self.statements.get((session["location"]["code"], week))
        staff = {one["id"]: one for one in statement["therapists"]} if statement else {}
        names = session.get("company", ())
        company = [staff[name] for name in names if name in staff]
        if len(company) < len(names):
            yield "somebody who leads is not there"
        if len(led_by(session)) < 1 + len(names):
            yield "somebody leads twice"
        if not all(on_shift(one, session) for one in company):
            yield "somebody who leads is off"
        able = [set(staff[name]["competences"]) for name in sorted(led_by(session) & set(staff))]
        needs = [  # whoever leads in another role may be arranged outside the rosters
            set(one.get("competences", ()))
            for one in step.get("leaders", ())
            for _ in range(one.get("count", 1) if one["role"] == "staff" else 0)
        ]
        if not any(
            all(need <= one for need, one in zip(needs, some, strict=True))
            for some in permutations(able, len(needs))
        ):
            yield "a role is without anybody"

    def unfit(
        self, order: Data, location: str, therapist: str, room: str | None, start: datetime
    ) -> Iterator[str]:
        """What speaks against a session, all other sessions aside."""
        step = order["steps"][0]
        end = start + timedelta(minutes=step["minutes"])
        local, local_end = start.astimezone(DENMARK), end.astimezone(DENMARK)
        day = local.date()
        if self.public_holiday(day):
            yield f"on a public holiday, {day}"
        if day < date.fromisoformat(order["earliest"]):
            yield f"before the earliest date, {order['earliest']}"
        if not suits(order["windows"], local, local_end):
            yield "outside the citizen's windows"
        statement = self.statements.get((location, iso_week(day)))
        if statement is None or statement["closed"]:
            yield f"{location} is not open that week"
            return
        if step["room"] and room not in {one["code"] for one in statement["rooms"]}:
            yield f"room {room} is not there"
        staff = {one["id"]: one for one in statement["therapists"]}
        if therapist not in staff:
            yield f"therapist {therapist} is not there"
            return
        if set(step["competences"]) - set(staff[therapist]["competences"]):
            yield f"therapist {therapist} cannot do it"
        if not any(
            instant(shift["start"]) <= start and end <= instant(shift["end"])
            for shift in staff[therapist]["shifts"]
        ):
            yield f"therapist {therapist} is off"

    def free(
        self,
        sessions: Sequence[Data],
        order: Data,
        now: datetime,
        last: date,
        theirs: Sequence[Data] = (),
    ) -> Iterator[tuple[str, datetime]]:
        """Every (location, start on the quarter) where the order could have its session.

        `theirs` are the citizen's other sessions.
        """
        first = max(
            date.fromisoformat(order["earliest"]),
            now.astimezone(DENMARK).date() + timedelta(days=self.notice_days),
        )
        length = timedelta(minutes=order["steps"][0]["minutes"])
        for (location, week), statement in sorted(self.statements.items()):
            monday = date.fromisocalendar(int(week[:4]), int(week[6:]), 1)
            for day in (monday + timedelta(days=n) for n in range(7)):
                if not first <= day <= last:
                    continue
                midnight = datetime.combine(day, time(), DENMARK)
                for quarter in range(24 * 4):
                    local = midnight + timedelta(minutes=15 * quarter)
                    start = local.astimezone(ZoneInfo("UTC"))
                    busy = [
                        one
                        for one in sessions
                        if instant(one["start"]) < start + length and start < instant(one["end"])
                    ]
                    come = (self.reachable(o, location, start, start + length) for o in theirs)
                    if self._can(order, statement, busy, start) and all(come):
                        yield location, start

    def _can(self, order: Data, statement: Data, busy: Sequence[Data], start: datetime) -> bool:
        """Whether somebody and a room are free while the sessions `busy` go on."""
        location = statement["location"]["code"]
        rooms: list[str | None] = [room["code"] for room in statement["rooms"]]
        taken = {one["room"] for one in busy if one["location"]["code"] == location}
        free_rooms = [room for room in rooms if room not in taken]
        if not order["steps"][0]["room"]:
            free_rooms = [None]
        if not free_rooms:
            return False
        busy_staff = {one["therapist"] for one in busy}
        return any(
            next(self.unfit(order, location, one["id"], free_rooms[0], start), None) is None
            for one in statement["therapists"]
            if one["id"] not in busy_staff
        )


def sequence(order: Data) -> list[tuple[Data, bool]]:
    """Each session's step, and whether it is the step's first."""
    return [(s, nth == 0) for s in order["steps"] for nth in range(s.get("count", 1))]


def suits(windows: Sequence[Data], start: datetime, end: datetime) -> bool:
    """Whether local times lie in one of the windows; without any, every time does."""
    if not windows:
        return True
    for window in windows:
        if window["weekday"] is not None and window["weekday"] != start.isoweekday():
            continue
        if window["from"] is not None and start.time() < time.fromisoformat(window["from"]):
            continue
        if window["to"] is not None and (
            end.date() != start.date() or end.time() > time.fromisoformat(window["to"])
        ):
            continue
        return True
    return False


def metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """1.3 times the great circle, in metres."""
    (lat_a, lon_a), (lat_b, lon_b) = a, b
    half = (
        sin(radians(lat_b - lat_a) / 2) ** 2
        + cos(radians(lat_a)) * cos(radians(lat_b)) * sin(radians(lon_b - lon_a) / 2) ** 2
    )
    return 1.3 * 2 * 6_371_000 * asin(sqrt(half))

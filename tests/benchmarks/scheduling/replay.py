"""Scenario R5 through the service's own desk: orders by the hour, a plan and telling each evening.

python -m tests.benchmarks.scheduling.replay [--seeds 2] [--load 1.0] [--per-week 60] [--tell 2]

The same worlds twice: once without a history, as in a municipality's first weeks, and once with
what has come so far. Scored as the policies of the table are.
"""

from __future__ import annotations

import argparse
import time as clock
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from services.scheduling.capacity import (
    DENMARK,
    Location,
    LocationWeek,
    Room,
    Shift,
    Therapist,
    local_date,
    week_of,
)
from services.scheduling.desk import Desk
from services.scheduling.diary import Diary
from services.scheduling.engine.online import Site
from services.scheduling.history import NO_HISTORY, WEEKS, Came, History
from services.scheduling.orders import Order, Step, Window
from services.scheduling.provider import Terms
from tests.benchmarks.scheduling.online import MONDAY, names
from tests.benchmarks.scheduling.rules import Row, Score, check, score
from tests.benchmarks.scheduling.world import (
    AFTERNOON,
    COMPETENCES,
    LAST_DAY,
    MORNING,
    SITES,
    TWO_WEEKDAYS,
    Request,
    World,
    make_world,
)

FIRST_HOUR = 8
NOON = time(12)


def on(day: int) -> date:
    """The date of a day of the scenario."""
    return MONDAY + timedelta(days=day)


def at(day: int, hour: int) -> datetime:
    """An instant by Danish clocks."""
    return datetime.combine(on(day), time(hour), DENMARK).astimezone(UTC)


def weeks_of(world: World) -> list[LocationWeek]:
    """What is open, as rosters state it."""
    shifts: dict[tuple[int, int], dict[int, list[Shift]]] = {}
    classes: dict[int, int] = {}
    for one in world.openings:
        of = shifts.setdefault((one.site, one.day // 7), {})
        start = at(one.day, FIRST_HOUR + one.slot)
        of.setdefault(one.therapist, []).append(Shift(start, start + timedelta(hours=1)))
        classes[one.therapist] = one.competence_class
    return [
        LocationWeek(
            provider="730",
            location=Location(
                code=SITES[site][0], name=SITES[site][0], address="", postcode="", lat=56, lon=10
            ),
            week=week_of(on(7 * week)),
            version=1,
            rooms=tuple(Room(code=f"{n}", name="") for n in range(world.rooms[site])),
            therapists=tuple(
                Therapist(
                    id=f"{therapist:02}",
                    competences=names(COMPETENCES[classes[therapist]]),
                    languages=frozenset({"da"}),
                    shifts=tuple(hours),
                )
                for therapist, hours in sorted(of.items())
            ),
            closed=False,
        )
        for (site, week), of in sorted(shifts.items())
    ]


def order_of(number: int, one: Request) -> Order:
    """A request as an order."""
    windows: tuple[Window, ...] = ()
    if one.window == MORNING:
        windows = (Window(None, time.min, NOON),)
    elif one.window == AFTERNOON:
        windows = (Window(None, NOON, None),)
    elif one.window == TWO_WEEKDAYS:
        both = one.weekday, (one.weekday + 2) % 5
        windows = tuple(Window(day + 1, time.min, None) for day in both)
    name = f"{number:05}"
    return Order(
        order_id=name,
        referral_id=name,
        citizen_id=name,
        provider="730",
        earliest=on(one.earliest),
        limit=on(one.limit),
        vulnerable=one.weight > 1,
        postcode=name,
        language="da",
        transport=False,
        windows=windows,
        step=Step(
            step_id="1",
            minutes=60,
            competences=names(frozenset({one.kind})),
            room=True,
            delivery="location",
        ),
    )


class Replay:
    """One world's days at one desk."""

    def __init__(self, world: World, tell: int, *, history: bool) -> None:
        self.world, self.history = world, history
        self.desk = Desk("730", Terms(lambda _: False, tell=tell), {})
        for week in weeks_of(world):
            self.desk.load_week(week)
        self.orders = [order_of(number, one) for number, one in enumerate(world.requests)]
        self.arrivals: dict[int, list[int]] = {}
        for number, one in enumerate(world.requests):
            self.arrivals.setdefault(one.arrival, []).append(number)
            sites = [Site(SITES[n][0], SITES[n][0], way) for n, way in enumerate(one.metres)]
            near = tuple(sorted(sites, key=lambda site: site.distance_m or 0))
            self.desk.asks._sites[self.orders[number].postcode] = near, ""
        self.diary = Diary()
        self.diary.know(order.citizen_id for order in self.orders)

    def run(self) -> Score:
        """Plays all days, checks every session, and scores them."""
        came: list[Came] = []
        for day in range(LAST_DAY - 1):
            desk, today = self.desk, on(day)
            past = [one for one in came if one.on >= today - timedelta(weeks=WEEKS)]
            desk.asks.history = History(past, today) if self.history else NO_HISTORY
            for number in self.arrivals.get(day, ()):
                now = at(day, 12)
                desk.begin(self.diary)
                desk.place(self.orders[number], "{}", now)
                desk.settle(now)
                came.append(Came(today, self.orders[number]))
            desk.planned = False
            evening = at(day, 18)
            desk.begin(self.diary)
            desk.replan(evening)
            desk.tell(evening)
            desk.settle(evening)
        return score(self.world, check(self.world, self._rows()))

    def _rows(self) -> list[Row]:
        rows = []
        for number, order in enumerate(self.orders):
            booking = self.desk.provider.orders[order.order_id].booking
            if booking is not None:
                slot = booking.slot
                rows.append(
                    Row(
                        request=number,
                        therapist=int(slot.therapist),
                        day=(local_date(slot.start) - MONDAY).days,
                        slot=slot.start.astimezone(DENMARK).hour - FIRST_HOUR,
                        told=self.world.requests[number].arrival,
                    )
                )
        return rows


def main() -> None:
    """Prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2, help="worlds (2)")
    parser.add_argument("--load", type=float, default=1.0, help="requests over capacity (1.0)")
    parser.add_argument("--per-week", type=int, default=60, help="requests a week (60)")
    parser.add_argument("--tell", type=int, default=2, help="open days before (2; 0: same evening)")
    given = parser.parse_args()
    for history in (False, True):
        begin = clock.process_time()
        scores = [
            Replay(
                make_world(seed, given.load, per_week=given.per_week), given.tell, history=history
            ).run()
            for seed in range(given.seeds)
        ]
        late = float(np.mean([one.late for one in scores]))
        spent = clock.process_time() - begin
        print(f"history {history!s:5}: late {late:.4f}, {spent:.0f} s", scores)


if __name__ == "__main__":
    main()

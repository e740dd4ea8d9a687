"""Orders and capacity, batch by batch: load the desks, decide in order, save."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final

from services.scheduling import (
    counter,
    incoming,
    store_capacity,
    store_echo,
    store_history,
    store_orders,
    store_providers,
    store_sessions,
)
from services.scheduling.capacity import DENMARK, local_date, week_of
from services.scheduling.desk import Desk
from services.scheduling.diary import Diary
from services.scheduling.geography import Point
from services.scheduling.history import History
from services.scheduling.provider import Terms
from services.scheduling.reading import (
    Command,
    OfReferral,
    Placing,
    provider_of,
    read,
    read_capacity,
)
from services.scheduling.responses import OfferAccepted, Response
from shared.envelope import Event, Message
from shared.handling import Applied, Dead, DueTimer, Outcome, Parked, SetTimer, Unit

_LOG: Final = logging.getLogger("services.scheduling")

PLAN: Final = "plan"
"""The kind of timer that calls for a plan over all who have not been told."""

PATIENCE: Final = timedelta(days=7)
"""How long an answer to an offer that has not been made here waits for it."""


class Scheduling:
    """The handlers of the keyed topics and the desks that they remember between batches.

    A desk is taken out of memory for a batch and put back by its confirmed commit, so that
    nothing undone is ever remembered; the token in the provider's row tells whether another
    process has written since.
    """

    def __init__(
        self,
        terms: Callable[[str], Terms],
        postcodes: Mapping[str, Point],
        plan_every: timedelta = timedelta(minutes=10),
    ) -> None:
        self._plan_every = plan_every
        self._terms = terms
        self._postcodes = postcodes
        self._desks: dict[str, Desk] = {}
        self._histories: dict[str, tuple[date, History]] = {}

    async def referrals(self, unit: Unit, messages: Sequence[Message]) -> list[Outcome]:
        """Topic `referrals`: books, changes and gives up orders; ignores the rest."""
        return await self._carry_out(unit, messages)

    async def responses(self, unit: Unit, messages: Sequence[Message]) -> list[Outcome]:
        """Topic `responses`: what citizens answer; what comes before its offer waits for it."""
        return await self._carry_out(unit, messages)

    async def _carry_out(self, unit: Unit, messages: Sequence[Message]) -> list[Outcome]:
        found = [read(message) for message in messages]
        commands = [one for one in found if not isinstance(one, Dead) and one is not None]
        if not commands:
            return [one if isinstance(one, Dead) else Applied() for one in found]
        diary = Diary()
        desks = await self.open(unit, diary, {provider_of(one) for one in commands})
        await _fetch_named(unit, desks, commands)
        await look_up(unit, diary, _planned_for(desks, commands))
        outcomes: list[Outcome] = []
        last: dict[str, int] = {}
        for command, message in zip(found, messages, strict=True):
            if command is None:
                outcome: Outcome = Applied()
            elif isinstance(command, Dead):
                outcome = command
            else:
                desk = desks[provider_of(command)]
                if isinstance(command, Placing):
                    await look_up(unit, diary, desk.rivals(command.order, unit.now))
                old = _is_old(desk, command, message)
                outcome = (_again if old else _outcome)(desk, command, message, unit)
                if isinstance(outcome, Applied):
                    last[provider_of(command)] = len(outcomes)
            outcomes.append(outcome)
        await look_up(unit, diary, _at_stake(desks))
        for code, index in last.items():
            events = [*_events_of(outcomes[index]), *desks[code].settle(unit.now)]
            outcomes[index] = self._settled(desks[code], events, unit)
        await self.save(unit, desks)
        return outcomes

    async def capacity(self, unit: Unit, messages: Sequence[Message]) -> list[Outcome]:
        """Applies the newest state of each location-week, then rebooks what it broke."""
        found = [read_capacity(message) for message in messages]
        codes = {one.provider for one in found if isinstance(one, incoming.CapacityStated)}
        if not codes:
            return [one if isinstance(one, Dead) else Applied() for one in found]
        diary = Diary()
        desks = await self.open(unit, diary, codes)
        last: dict[str, int] = {}
        for index, (model, message) in enumerate(zip(found, messages, strict=True)):
            if isinstance(model, incoming.CapacityStated):
                body = (message.value or b"").decode()
                desks[model.provider].state(
                    incoming.stated(model), body, unit.now, message.timestamp
                )
                last[model.provider] = index
        await look_up(unit, diary, _at_stake(desks))
        outcomes: list[Outcome] = [one if isinstance(one, Dead) else Applied() for one in found]
        for code, index in last.items():
            events = desks[code].settle(unit.now)
            outcomes[index] = self._settled(desks[code], events, unit)
        await self.save(unit, desks)
        return outcomes

    async def plan(self, unit: Unit, timers: Sequence[DueTimer]) -> list[Outcome]:
        """Plans anew for all who have not been told, and tells those for whom it is time."""
        diary = Diary()
        last = {timer.partition_key: index for index, timer in enumerate(timers)}
        desks = await self.open(unit, diary, last)
        for desk in desks.values():
            citizens = desk.held_citizens()
            citizens |= {placed.order.citizen_id for placed in desk.provider.unplaced()}
            citizens |= desk.told_citizens(unit.now)
            await look_up(unit, diary, citizens)
        outcomes: list[Outcome] = [Applied() for _ in timers]
        for code, index in last.items():
            desk = desks[code]
            events = desk.plan_and_tell(unit.now)
            outcomes[index] = self._settled(desk, events, unit)
            if desk.gap is not None:
                _LOG.info("plan over several lengths for %s: gap %.4f", code, desk.gap)
        await self.save(unit, desks)
        return outcomes

    def _settled(self, desk: Desk, events: Sequence[Event], unit: Unit) -> Applied:
        """What a desk's part in a batch comes to; calls for its next plan."""
        due = desk.next_plan(unit.now, self._plan_every)
        timers = [] if due is None else [_next_plan(desk.provider.code, due)]
        return Applied(events=events, timers=timers, releases=_releases(desk))

    async def at_desk(
        self, unit: Unit, provider: str, order_id: str, act: Callable[[Desk], list[Event]]
    ) -> Applied:
        """Has somebody act on an order at its provider's desk; returns what follows.

        Nothing happens where the desk does not know the order.
        """
        diary = Diary()
        desks = await self.open(unit, diary, {provider})
        desk = desks[provider]
        if order_id not in desk.provider.orders:
            for _, found in await store_orders.named_orders(unit.conn, [order_id], []):
                desk.remember(found)
        placed = desk.provider.orders.get(order_id)
        if placed is None:
            return Applied()
        await look_up(unit, diary, {placed.order.citizen_id})
        events = act(desk)
        await look_up(unit, diary, _at_stake(desks))
        events += desk.settle(unit.now)
        await self.save(unit, desks)
        return self._settled(desk, events, unit)

    async def open(self, unit: Unit, diary: Diary, codes: Iterable[str]) -> dict[str, Desk]:
        """Locks the providers and takes out their desks, loading those that can't be trusted."""
        tokens = await store_providers.lock(unit.conn, sorted(codes))
        today = local_date(unit.now)
        desks: dict[str, Desk] = {}
        missing: list[str] = []
        for code, token in tokens.items():
            desk = self._desks.pop(code, None)
            if desk is None or token is None or desk.token != token or desk.day != today:
                desk = Desk(code, self._terms(code), self._postcodes)
                desk.day, desk.token = today, token
                missing.append(code)
            desks[code] = desk
        if missing:
            # The week before holds what was booked before midnight on Sunday and is still ahead.
            since = week_of(today - timedelta(days=1))
            for code in missing:
                desks[code].asks.history = await self._history(unit, code, today)
            for week in await store_capacity.weeks(unit.conn, missing, since):
                desks[week.provider].load_week(week)
            for code, placed in await store_orders.open_orders(unit.conn, missing, unit.now):
                desks[code].remember(placed)
            for echo in await store_echo.of_providers(unit.conn, missing):
                desks[echo.said.provider].know_echoes([echo])
        for desk in desks.values():
            desk.begin(diary)
        return desks

    async def _history(self, unit: Unit, code: str, today: date) -> History:
        """Who came to a provider before today: read once a day."""
        known = self._histories.get(code)
        if known is None or known[0] != today:
            known = today, History(await store_history.came(unit.conn, code, today), today)
            self._histories[code] = known
        return known[1]

    async def save(self, unit: Unit, desks: Mapping[str, Desk]) -> None:
        """Saves what changed, under a new token where anything did."""
        every = [desk for desk in desks.values() if desk.has_changed or desk.token is None]
        if every:
            bodies = {order_id: body for desk in every for order_id, body in desk.bodies.items()}
            changed = [placed for desk in every for placed in desk.changed.values()]
            sessions = [one for desk in every for one in desk.sessions.values()]
            weeks = [one for desk in every for one in desk.weeks.values()]
            await store_orders.save_orders(unit.conn, changed, bodies, local_date(unit.now))
            await store_orders.redate(
                unit.conn, [o for desk in every for o in desk.redated_orders()]
            )
            await store_sessions.save_sessions(unit.conn, sessions)
            await store_capacity.save_weeks(unit.conn, weeks)
            await store_echo.keep(
                unit.conn, [one for desk in every for one in desk.kept_echoes.values()]
            )
            token = uuid.uuid4()
            await store_providers.set_token(
                unit.conn, [desk.provider.code for desk in every], token
            )
            for desk in every:
                desk.token = token
        unit.on_commit.append(lambda: self._desks.update(desks))


def _next_plan(code: str, due: datetime) -> SetTimer:
    # A key for each time: one that is overdue is never put off by the next.
    return SetTimer(kind=PLAN, key=f"{code}/{due.isoformat()}", due=due, partition_key=code)


def _at_stake(desks: Mapping[str, Desk]) -> set[str]:
    return {citizen_id for desk in desks.values() for citizen_id in desk.at_stake()}


async def look_up(unit: Unit, diary: Diary, citizens: Iterable[str]) -> None:
    """Finds out what sessions the citizens have, today's included: somebody may come from one."""
    unknown = diary.unknown(citizens)
    if unknown:
        today = datetime.combine(local_date(unit.now), time(), DENMARK)
        diary.know(unknown, await store_sessions.engagements(unit.conn, unknown, today))


def _outcome(desk: Desk, command: Command, message: Message, unit: Unit) -> Outcome:
    match command:
        case Placing(order, body):
            return Applied(events=desk.place(order, body, unit.now))
        case incoming.OrderWithdrawn():
            return Applied(events=desk.withdraw(command.order_id, unit.now))
        case incoming.ReferralClosed():
            return Applied(events=desk.close(command.referral_id, unit.now))
        case incoming.ReferralPaused():
            return Applied(events=desk.pause(command.referral_id, unit.now))
        case incoming.ReferralResumed(referral_id=which, earliest=earliest, limit=limit):
            return Applied(events=desk.resume(which, earliest, limit, unit.now))
        case _:
            return _answer(desk, command, message, unit)


def _is_old(desk: Desk, command: Command, message: Message) -> bool:
    """Whether it was decided upon before the database was restored, and echoes say what came of it.
    That a citizen said yes is in no event."""
    if isinstance(command, OfferAccepted) or not desk.echoed:
        return False
    if isinstance(command, Placing):
        concerned = [command.order.order_id]
    elif isinstance(command, OfReferral):
        concerned = [p.order.whole for p in desk.provider.of_referral(command.referral_id)]
    else:
        concerned = [command.order_id]
    return any(desk.decided_before(order_id, message.timestamp) for order_id in concerned)


def _again(desk: Desk, command: Command, message: Message, unit: Unit) -> Outcome:
    """Takes over what an order is, and nothing that followed from it."""
    if isinstance(command, Placing):
        desk.place_again(command.order, command.body)
    return Applied()


def _answer(desk: Desk, response: Response, message: Message, unit: Unit) -> Outcome:
    placed = counter.spoken_of(desk, response)
    if counter.too_early(placed, response):
        return Parked(
            waits_for=offer_key(response.order_id),
            until=message.timestamp + PATIENCE,
            reason="its offer has not been made",
        )
    if placed is not None and placed.order.citizen_id != response.citizen_id:
        return Dead(reason="citizen_id: is not the order's", holds="")
    if placed is None:
        return Applied()
    return Applied(events=counter.take(desk, placed, response, unit.now))


def offer_key(order_id: str) -> str:
    """What answers wait for that come before their order or its offer."""
    return f"offer:{order_id}"


def _releases(desk: Desk) -> list[str]:
    """What waits for offers that were made or changed in this batch."""
    return sorted({offer_key(placed.order.whole) for placed in desk.changed.values()})


def _events_of(outcome: Outcome) -> Sequence[Event]:
    return outcome.events


def _planned_for(desks: Mapping[str, Desk], commands: Iterable[Command]) -> set[str]:
    """The citizens whom commands concern directly."""
    found: set[str] = set()
    for command in commands:
        if isinstance(command, Placing):
            found.add(command.order.citizen_id)
        elif isinstance(command, Response | incoming.ReferralResumed):
            theirs = desks[command.provider].provider.of_referral(command.referral_id)
            found.update(placed.order.citizen_id for placed in theirs)
    return found


async def _fetch_named(unit: Unit, desks: Mapping[str, Desk], commands: Sequence[Command]) -> None:
    """Loads the orders that the commands name and that their desks don't remember."""
    order_ids: list[str] = []
    referral_ids: list[str] = []
    for command in commands:
        if not isinstance(command, Placing):
            referral_ids.append(command.referral_id)
        elif command.order.sessions > 1:
            referral_ids.append(command.order.referral_id)
        elif command.order.order_id not in desks[provider_of(command)].provider.orders:
            order_ids.append(command.order.order_id)
    if order_ids or referral_ids:
        for code, placed in await store_orders.named_orders(unit.conn, order_ids, referral_ids):
            desk = desks.get(code)
            if desk is not None and placed.order.order_id not in desk.provider.orders:
                desk.remember(placed)

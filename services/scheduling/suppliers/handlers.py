"""What suppliers' orders and answers lead to: load, decide in order, save."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.scheduling import events, incoming, store_orders, store_providers
from services.scheduling.capacity import Problem
from services.scheduling.handlers import PATIENCE, offer_key
from services.scheduling.orders import Placed, Status
from services.scheduling.reading import Placing, read
from services.scheduling.suppliers import store, wire
from services.scheduling.suppliers.course import decide
from services.scheduling.suppliers.terms import (
    Carried,
    Command,
    Decline,
    End,
    GoOn,
    Happened,
    OrderDeclined,
    Refusal,
    Rest,
    Take,
)
from services.scheduling.suppliers.wire import Said
from shared.handling import Applied, Dead, Handler, Parked
from shared.topics import load

if TYPE_CHECKING:
    from datetime import datetime

    from shared.envelope import Event, Message
    from shared.handling import Outcome, Unit

OfReferral = (
    incoming.OrderWithdrawn
    | incoming.ReferralClosed
    | incoming.ReferralPaused
    | incoming.ReferralResumed
)
Reading = Placing | OfReferral | Said
_KINDS: Final = (
    Placing,
    incoming.OrderWithdrawn,
    incoming.ReferralClosed,
    incoming.ReferralPaused,
    incoming.ReferralResumed,
)


def suppliers_of(path: Path) -> frozenset[str]:
    """The codes of the private suppliers that a cluster file declares. Raises ClusterFileError."""
    return frozenset(party.code for party in load(path).of_kind("provider"))


class Suppliers:
    """The handlers of what concerns private suppliers (`codes`), and of providers' refusals."""

    def __init__(self, codes: frozenset[str]) -> None:
        self._codes = codes

    async def intake(self, unit: Unit, messages: Sequence[Message], /) -> Sequence[Outcome]:
        """Topics `provider.<code>.responses`: what is in order goes on to `responses`.

        Whoever wrote it is answered on `provider.<code>.receipts`.
        """
        return [_taken_in(message) for message in messages]

    def beside(self, handler: Handler) -> Handler:
        """The handler of a keyed topic, for all that does not concern suppliers."""

        async def handle(unit: Unit, messages: Sequence[Message], /) -> Sequence[Outcome]:
            mine = [one for one in messages if self._concerns(one)]
            if not mine:
                return await handler(unit, messages)
            others = [one for one in messages if not self._concerns(one)]
            planned = iter(await handler(unit, others) if others else ())
            carried = iter(await self.heard(unit, mine))
            return [next(carried if self._concerns(one) else planned) for one in messages]

        # Dead letters name the handler that they died in.
        handle.__qualname__ = getattr(handler, "__qualname__", type(handler).__qualname__)
        return handle

    def _concerns(self, message: Message) -> bool:
        key = (message.key or b"").decode(errors="replace")
        return message.type in wire.READ or key in self._codes

    async def heard(self, unit: Unit, messages: Sequence[Message], /) -> Sequence[Outcome]:
        """What concerns suppliers on `referrals` and `responses`."""
        readings = [_read(message) for message in messages]
        known = [one for one in readings if isinstance(one, Reading)]
        codes = {_provider(one) for one in known} & self._codes
        if codes:
            await store_providers.lock(unit.conn, sorted(codes))
        ids = {one.order_id for one in known if not isinstance(one, _KINDS)}
        ids |= {one.order.order_id for one in known if isinstance(one, Placing)}
        ids |= {one.order_id for one in known if isinstance(one, incoming.OrderWithdrawn)}
        whole = {one.referral_id for one in known if not isinstance(one, Placing)}
        desk = _Desk(await store.load(unit.conn, ids, whole))
        foreign = sorted(
            {one.order_id for one in known if isinstance(one, Said)} - desk.orders.keys()
        )
        planned = await store_orders.named_orders(unit.conn, foreign, []) if foreign else []
        desk.planned = {one.order.order_id: one for _, one in planned}
        outcomes = [
            one if not isinstance(one, Reading) else self._outcome(desk, one, message, unit)
            for one, message in zip(readings, messages, strict=True)
        ]
        await store.save(unit.conn, list(desk.changed.values()), desk.bodies)
        return outcomes

    def _outcome(self, desk: _Desk, one: Reading, message: Message, unit: Unit) -> Outcome:
        match one:
            case Placing(order, body):
                known = desk.orders.get(order.order_id, Carried(order=order))
                desk.bodies[order.order_id] = body
                desk.put(_carried(decide(known, Take(order), unit.now)))
                return Applied(releases=[offer_key(order.order_id)])
            case incoming.OrderWithdrawn(order_id=order_id):
                return Applied(events=desk.each({order_id}, End(), unit.now))
            case incoming.ReferralClosed():
                return Applied(events=desk.each(desk.of(one.referral_id), End(), unit.now))
            case incoming.ReferralPaused():
                return Applied(events=desk.each(desk.of(one.referral_id), Rest(), unit.now))
            case incoming.ReferralResumed(earliest=earliest, limit=limit):
                command = GoOn(earliest, limit)
                return Applied(events=desk.each(desk.of(one.referral_id), command, unit.now))
            case _:
                return self._said(desk, one, message, unit)

    def _said(self, desk: _Desk, said: Said, message: Message, unit: Unit) -> Outcome:
        command = wire.command_of(said, message.timestamp)
        carried, planned = desk.orders.get(said.order_id), desk.planned.get(said.order_id)
        if carried is None and planned is None:
            return Parked(
                waits_for=offer_key(said.order_id),
                until=message.timestamp + PATIENCE,
                reason="its order has not come",
            )
        if carried is not None:
            problem = _foreign(said, carried)
            found = problem or decide(carried, command, unit.now)
        else:
            assert planned is not None, "one of them is known"
            found = _foreign(said, planned) or _declined(planned, command)
        if isinstance(found, Refusal):
            if said.provider not in self._codes:
                return Applied()
            why = Problem(found.element, found.reason)
            return Applied(events=[wire.receipt(said.provider, message.id, said.order_id, why)])
        if carried is not None:
            desk.put(found.carried)
        events_ = _events(found, carried, said.by, said.at or message.timestamp)
        return Applied(events=events_)


class _Desk:
    """The orders of a batch, as they are so far."""

    def __init__(self, orders: dict[str, Carried]) -> None:
        self.orders = orders
        self.changed: dict[str, Carried] = {}
        self.bodies: dict[str, str] = {}
        self.planned: dict[str, Placed] = {}

    def put(self, carried: Carried) -> None:
        me = carried.order.order_id
        self.orders[me] = self.changed[me] = carried

    def of(self, referral_id: str) -> set[str]:
        return {me for me, one in self.orders.items() if one.order.referral_id == referral_id}

    def each(self, order_ids: set[str], command: Command, now: datetime) -> list[Event]:
        found: list[Event] = []
        for order_id in sorted(order_ids & self.orders.keys()):
            before = self.orders[order_id]
            happened = decide(before, command, now)
            assert isinstance(happened, Happened), "nobody is refused what referral says"
            self.put(happened.carried)
            found += _events(happened, before, "", now)
        return found


def _taken_in(message: Message) -> Outcome:
    speaker = message.topic.removeprefix("provider.").removesuffix(".responses")
    said = wire.read(message)
    if said is None:
        said = Problem("type", "is nothing that a supplier says")
    if isinstance(said, Problem):
        return Applied(events=[wire.receipt(speaker, message.id, None, said)])
    if said.provider != speaker:
        why = Problem("provider", "is not the one whose topic this is")
        return Applied(events=[wire.receipt(speaker, message.id, said.order_id, why)])
    good = wire.receipt(speaker, message.id, said.order_id)
    return Applied(events=[wire.to_event(said, message.timestamp), good])


def _read(message: Message) -> Reading | Outcome:
    if message.type in wire.READ:
        said = wire.read(message)
        if isinstance(said, Problem):
            return Dead(reason=f"{said.element}: {said.reason}", holds="")
        return said if said is not None else Applied()
    found = read(message)
    if isinstance(found, Dead):
        return found
    # Citizens answer a supplier itself: it has the calendar.
    return found if isinstance(found, _KINDS) else Applied()


def _provider(one: Reading) -> str:
    return one.order.provider if isinstance(one, Placing) else one.provider


def _carried(found: Happened | Refusal) -> Carried:
    assert isinstance(found, Happened), "an order is taken as it is"
    return found.carried


def _foreign(said: Said, known: Carried | Placed) -> Refusal | None:
    order = known.order
    if (said.provider, said.referral_id) != (order.provider, order.referral_id):
        return Refusal("order_id", "is no order of this provider and referral")
    return None


def _declined(placed: Placed, command: Command) -> Happened | Refusal:
    """A municipality's own accepts by booking; what it can do here is to say no."""
    if not isinstance(command, Decline):
        return Refusal("order_id", "is booked by its provider's roster, not stated")
    if placed.status is Status.CLOSED:
        return Refusal("order_id", "the order no longer stands")
    return Happened(Carried(order=placed.order), (OrderDeclined(placed.order, command.reason),))


def _events(found: Happened, before: Carried | None, by: str, at: datetime) -> list[Event]:
    order = found.carried.order
    known = [one for one in (before, found.carried) if one is not None]
    stated = [one for carried in known for one in carried.sessions.values()]
    places = {one.place.code: one.place for one in stated}
    told: list[Event] = []
    for event in found.events:
        if isinstance(event, OrderDeclined):
            told.append(wire.declined(event.order, event.reason, at, by))
        else:
            told.append(events.training(event, places, order.municipality))
    return told

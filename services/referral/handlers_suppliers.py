"""What providers answer to orders: hand over to the next, or count the first session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from services.referral import store, store_orders
from services.referral.carrying_out import Decided
from services.referral.choice import ChoiceCase, DeclineOrder, decide_choice
from services.referral.clock import decide_clock
from services.referral.commands import Case
from services.referral.desk import Desk
from services.referral.facts import Fact
from services.referral.incoming import Invalid
from services.referral.incoming_supplier import OrderAccepted, Said, offer_of, read_answer
from services.referral.replying import referral_key
from services.referral.store import SessionRow
from services.referral.suppliers import providers_of
from shared.handling import Applied, Dead, Parked

if TYPE_CHECKING:
    from datetime import datetime

    from services.referral.referral import Referral
    from shared.envelope import Message
    from shared.handling import Outcome, Unit

PATIENCE: Final = timedelta(days=7)
"""How long an answer about a referral that isn't known waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Takes what providers say of their orders, whichever way it comes."""

    decided: Decided

    async def heard(self, unit: Unit, messages: Sequence[Message], /) -> Sequence[Outcome]:
        """Topics `provider.<code>.responses` and `responses`; see `shared.handling.Handler`."""
        readings = [_read(message) for message in messages]
        said = [one for one in readings if isinstance(one, Said)]
        desk = await self.load(unit, {one.referral_id for one in said})
        outcomes: list[Outcome] = []
        for message, reading in zip(messages, readings, strict=True):
            if not isinstance(reading, Said):
                outcomes.append(reading)
            elif reading.referral_id not in desk.referrals:
                outcomes.append(_waits(reading, message, unit))
            else:
                outcomes.append(self.carry_out(desk, reading, message.timestamp))
        await desk.save(unit.conn, unit.now)
        return outcomes

    async def load(self, unit: Unit, ids: set[str]) -> Desk:
        """A desk with these referrals and their orders, locked."""
        desk = Desk()
        found = await store.referrals(unit.conn, ids)
        desk.put(found.values())
        desk.orders = await store_orders.newest_orders(unit.conn, found)
        return desk

    def carry_out(self, desk: Desk, said: Said, now: datetime) -> Applied:
        """What follows from an answer; the desk is the caller's to save."""
        referral = desk.referrals[said.referral_id]
        facts: tuple[Fact, ...] = ()
        if isinstance(said, OrderAccepted):
            stands = (referral.order_id, referral.provider) == (said.order_id, said.provider)
            command = offer_of(said)
            if stands and desk.heard(_session(referral, command.offer.session_id, said)):
                facts = decide_clock(Case(target=referral), command, now)
        else:
            command_ = DeclineOrder(
                order_id=said.order_id, provider=said.provider, reason=said.reason
            )
            found = decide_choice(self.case(desk, referral), command_, now)
            assert isinstance(found, tuple), "a refusal is never unsuitable"
            facts = found
        return self.decided.apply(desk, facts)

    def case(self, desk: Desk, referral: Referral) -> ChoiceCase:
        """What a choice about a referral on the desk rests on."""
        directory = self.decided.directory
        row = desk.orders.get(referral.referral_id)
        home = directory.by_code.get(referral.municipality)
        return ChoiceCase(
            referral=referral,
            order=row.order if row is not None else None,
            ordinal=row.ordinal if row is not None else 0,
            home=home.provider if home is not None else referral.provider,
            providers=providers_of(directory),
        )


def _read(message: Message) -> Said | Outcome:
    speaker = message.topic.removeprefix("provider.").removesuffix(".responses")
    try:
        said = read_answer(message)
    except Invalid as error:
        return Dead(reason=str(error), holds="")
    if said is None:
        return Applied()
    if message.topic.startswith("provider.") and said.provider != speaker:
        return Dead(reason="provider: is not the one whose topic this is", holds="")
    return said


def _waits(said: Said, message: Message, unit: Unit) -> Outcome:
    until = message.timestamp + PATIENCE
    if unit.now >= until:
        return Dead(reason="its referral never came")
    return Parked(
        waits_for=referral_key(said.referral_id), until=until, reason="its referral has not come"
    )


def _session(referral: Referral, session_id: str, said: OrderAccepted) -> SessionRow:
    return SessionRow(
        session_id=session_id,
        referral_id=referral.referral_id,
        revision=said.revision,
        starts_at=said.start,
        place=said.provider,
        cancelled=False,
    )

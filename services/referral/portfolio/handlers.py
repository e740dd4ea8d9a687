"""Who may state an offer, and what is heard of it on `portfolio`.

The register is read back from its own topic, so that a database restored from yesterday catches up
with what staff stated since.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.referral.incoming import named_faults
from services.referral.portfolio import store
from services.referral.portfolio.register import Kind, State, Stated
from services.referral.portfolio.wire import (
    OfferState,
    PortfolioStated,
    event_of,
    stated_of,
    statement_of,
)
from shared.endpoints import Answer, Call, Endpoint, Refused
from shared.handling import Applied, Dead

if TYPE_CHECKING:
    from shared.envelope import Message
    from shared.handling import Outcome, Unit

STATING: Final = frozenset({"desk", "planner", "coordinator"})


class Statements(BaseModel):
    """What is stated at once."""

    model_config = ConfigDict(extra="forbid")

    statements: tuple[OfferState, ...] = Field(min_length=1, max_length=200)


async def state(unit: Unit, call: Call) -> Answer:
    """POST /portfolio. A provider's offers are stated by who works for it. Raises Refused."""
    found = call.read(Statements).statements
    for one in found:
        call.must_work_for(one.provider)
        _must_make_sense(one)
    stated = [Stated(statement=statement_of(one), by=call.staff.id, at=unit.now) for one in found]
    keys = {one.statement.key for one in stated}
    if len(keys) < len(stated):
        raise Refused(422, "an offer of a provider is stated twice")
    await store.keep(unit.conn, stated)
    events = [event_of(one) for one in stated]
    return Answer(content={"stated": len(stated)}, applied=Applied(events=events))


def _must_make_sense(one: OfferState) -> None:
    where = f"{one.provider}/{one.offer}"
    if one.instead and one.state is State.ESTABLISHED:
        raise Refused(422, f"{where}: what is established needs nobody instead")
    if one.provider in one.instead:
        raise Refused(422, f"{where}: a provider doesn't take its own orders instead")
    told = (one.what, one.opened, one.to_whom)
    if one.kind is Kind.HOSPITAL and one.state is State.ESTABLISHED and None in told:
        raise Refused(422, f"{where}: a hospital says what, when (opened) and to_whom")


async def hear(unit: Unit, messages: Sequence[Message], /) -> Sequence[Outcome]:
    """See `shared.handling.Handler`: what stands on `portfolio`, our own word included."""
    outcomes: list[Outcome] = []
    stated: list[Stated] = []
    for message in messages:
        if message.value is None:
            outcomes.append(Applied())
            continue
        if message.type != PortfolioStated.event_type:
            outcomes.append(Dead(reason=f"unknown type {message.type or '(none)'}"))
            continue
        try:
            stated.append(stated_of(PortfolioStated.model_validate_json(message.value)))
        except ValidationError as error:
            outcomes.append(Dead(reason=named_faults(error), holds=message.subject))
            continue
        outcomes.append(Applied())
    await store.keep(unit.conn, stated)
    return outcomes


ENDPOINTS: Final = (Endpoint(method="POST", path="/portfolio", handler=state, roles=STATING),)

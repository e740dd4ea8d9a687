"""What a provider says of an order over HTTP, for whoever has no Kafka."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from services.scheduling import store_orders
from services.scheduling.incoming import faults
from services.scheduling.orders import Status
from services.scheduling.suppliers import store, wire
from services.scheduling.suppliers.course import decide
from services.scheduling.suppliers.terms import (
    Refusal,
)
from services.scheduling.suppliers.wire import OrderDeclined, SessionStated, SupplierPlace
from shared.endpoints import Answer, Call, Endpoint, Refused
from shared.handling import Applied

if TYPE_CHECKING:
    from shared.handling import Unit

_STATES: Final = {
    "accept": "planned",
    "cancel": "cancelled",
    "attended": "attended",
    "missed": "missed",
}


class Respond(BaseModel):
    """A provider's answer to an order, or the state of one of its sessions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    answer: Literal["accept", "decline", "cancel", "attended", "missed"]
    number: int = Field(default=1, ge=1, le=10_000)
    start: AwareDatetime | None = None
    minutes: int | None = Field(default=None, ge=5, le=600)
    place: SupplierPlace | None = None
    revision: int | None = Field(default=None, ge=1, lt=2**31)
    reason: str | None = Field(default=None, max_length=40)


class Orders:
    """The endpoint of providers that carry orders out."""

    def endpoints(self) -> Sequence[Endpoint]:
        """All of them."""
        return (Endpoint(method="POST", path="/orders/{id}/response", handler=self.respond),)

    async def respond(self, unit: Unit, call: Call) -> Answer:
        """Takes it in: it goes to `responses`, and what follows is told like any other change.

        The answer is 202 with what went there; 409 where it can't be so as things stand now.
        """
        said = call.read(Respond)
        order_id = call.path["id"]
        carried = (await store.load(unit.conn, [order_id])).get(order_id)
        planned = [] if carried else await store_orders.named_orders(unit.conn, [order_id], [])
        if carried is None and not planned:
            raise Refused(404, f"no order has the id {order_id}")
        order = carried.order if carried is not None else planned[0][1].order
        call.must_work_for(order.provider)
        about = {
            "order_id": order_id,
            "referral_id": order.referral_id,
            "provider": order.provider,
            "by": call.staff.id,
            "at": unit.now,
        }
        model: type[wire.Said] = OrderDeclined if said.answer == "decline" else SessionStated
        if carried is None and model is not OrderDeclined:
            raise Refused(422, "an order of a municipality's own is accepted by being booked")
        given = said.model_dump(exclude_none=True, exclude={"answer"})
        if model is SessionStated:
            known = carried.sessions.get(said.number) if carried is not None else None
            given.setdefault("revision", known.said if known is not None else 1)
            about["state"] = _STATES[said.answer]
        try:
            found = model.model_validate(given | about)
        except ValidationError as error:
            problem = faults(error)[0]
            raise Refused(422, f"{problem.element} {problem.reason}".strip()) from None
        if carried is not None:
            outcome = decide(carried, wire.command_of(found, unit.now), unit.now)
            if isinstance(outcome, Refusal):
                raise Refused(409, f"{outcome.element}: {outcome.reason}")
        elif planned[0][1].status is Status.CLOSED:
            raise Refused(409, "the order no longer stands")
        event = wire.to_event(found, unit.now, call.staff.id)
        content = found.model_dump(mode="json", exclude={"by", "citizen_id"}) | {
            "answer": said.answer
        }
        return Answer(content=content, applied=Applied(events=[event]), status=202)

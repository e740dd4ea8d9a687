"""What comes on the keyed topics, read as commands; what cannot be read is a dead letter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from services.scheduling import incoming, responses
from services.scheduling.orders import Order
from services.scheduling.responses import Response
from shared.envelope import Message
from shared.handling import Dead


@dataclass(frozen=True, slots=True)
class Placing:
    """An order's whole state, and the JSON that says so."""

    order: Order
    body: str


OfReferral = incoming.ReferralClosed | incoming.ReferralPaused | incoming.ReferralResumed
Command = Placing | incoming.OrderWithdrawn | OfReferral | Response

_READ: Mapping[str, type[incoming.OrderIn | incoming.OrderWithdrawn | OfReferral | Response]] = {
    incoming.ORDER_PLACED: incoming.OrderIn,
    incoming.ORDER_CHANGED: incoming.OrderIn,
    incoming.ORDER_WITHDRAWN: incoming.OrderWithdrawn,
    incoming.REFERRAL_CLOSED: incoming.ReferralClosed,
    incoming.REFERRAL_PAUSED: incoming.ReferralPaused,
    incoming.REFERRAL_RESUMED: incoming.ReferralResumed,
    **responses.MODELS,
}


def provider_of(command: Command) -> str:
    """Whose desk it is for."""
    return command.order.provider if isinstance(command, Placing) else command.provider


def read(message: Message) -> Command | Dead | None:
    """What a message of `referrals` or `responses` asks for; None where it asks nothing of us."""
    model = _READ.get(message.type)
    if model is None:
        return None
    try:
        found = model.model_validate_json(message.value or b"")
    except ValidationError as error:
        return _dead(message, error)
    if isinstance(found, incoming.OrderIn):
        return Placing(incoming.order_of(found), (message.value or b"").decode())
    return found


def read_capacity(message: Message) -> incoming.CapacityStated | Dead | None:
    """A location-week that was stated; None for anything else."""
    if message.type != incoming.CAPACITY_STATED:
        return None
    try:
        return incoming.CapacityStated.model_validate_json(message.value or b"")
    except ValidationError as error:
        return _dead(message, error, holds="")


def _dead(message: Message, error: ValidationError, holds: str | None = None) -> Dead:
    problem = incoming.faults(error)[0]
    reason = f"{problem.element}: {problem.reason}" if problem.element else problem.reason
    return Dead(reason=reason, holds=message.subject if holds is None else holds)

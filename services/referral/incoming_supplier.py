"""What a provider says of an order: order.declined and order.accepted, from its own topic."""

from __future__ import annotations

import uuid
from datetime import UTC
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from services.referral.commands import CountOffer
from services.referral.incoming import Invalid, named_faults
from services.referral.order import Offer
from shared.envelope import TYPE_PREFIX, Message

DECLINED: Final = f"{TYPE_PREFIX}order.declined.v1"
ACCEPTED: Final = f"{TYPE_PREFIX}order.accepted.v1"

Instant = Annotated[AwareDatetime, AfterValidator(lambda value: value.astimezone(UTC))]
Id = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
_SESSIONS: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:genvej:supplier-sessions")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class OrderDeclined(_Model):
    """order.declined.v1: a provider won't carry an order out."""

    order_id: Id
    referral_id: Id
    provider: Id
    reason: Literal["no-capacity", "no-competence", "too-far", "other"] = "other"
    text: Text = Field(default="", description="For the referral desk; names nobody")


class SupplierPlace(_Model):
    """Where a supplier trains."""

    name: Text
    address: Text = ""
    postcode: Text = ""


class OrderAccepted(_Model):
    """order.accepted.v1: a private supplier carries an order out, from this first session on."""

    order_id: Id
    referral_id: Id
    provider: Id
    start: Instant = Field(description="The first session")
    place: SupplierPlace | None = None
    revision: int = Field(default=1, ge=1, lt=2**31, description="Grows when the time is moved")


Said = OrderDeclined | OrderAccepted
MODELS: Final[dict[str, type[Said]]] = {DECLINED: OrderDeclined, ACCEPTED: OrderAccepted}


def read_answer(message: Message) -> Said | None:
    """A provider's answer; None for events of other kinds. Raises Invalid.

    The type is the record's `ce_type`, or the field `type` of a supplier that writes plain JSON.
    """
    model = MODELS.get(message.type)
    try:
        if message.type and model is None:
            return None
        if model is None:
            kind = _Typed.model_validate_json(message.value or b"").type
            model = MODELS.get(kind if kind.startswith(TYPE_PREFIX) else f"{TYPE_PREFIX}{kind}")
            if model is None:
                raise Invalid("type: is neither order.declined.v1 nor order.accepted.v1")
        return model.model_validate_json(message.value or b"")
    except ValidationError as error:
        raise Invalid(named_faults(error)) from None


class _Typed(_Model):
    type: str


def offer_of(said: OrderAccepted, revision: int | None = None) -> CountOffer:
    """The first session, as the clock counts it."""
    place = said.place or SupplierPlace(name="")
    offer = Offer(
        session_id=str(uuid.uuid5(_SESSIONS, said.order_id)),
        revision=said.revision if revision is None else revision,
        start=said.start,
        location=(said.provider, place.name, place.address, place.postcode),
    )
    return CountOffer(offer=offer)

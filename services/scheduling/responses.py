"""What citizens answer to offers, on `responses`: this service writes it and reads it.

Staff write down what they are told by telephone (`python -m services.scheduling answer`); the
citizen's own page will write the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import Field

from services.scheduling.incoming import Code, Day, Incoming, Instant
from shared.envelope import TYPE_PREFIX, Event

RESPONSES: Final = "responses"
By = Literal["citizen", "relative", "planner", "therapist"]


class _Response(Incoming):
    order_id: Code
    referral_id: Code
    citizen_id: Code
    provider: Code
    by: By = Field(default="citizen", description="Who said so, or wrote it down")
    at: Instant = Field(description="When it was said")


class _ToOffer(_Response):
    """An answer to a session as it was offered or moved."""

    session_id: Code
    revision: int = Field(ge=1, lt=2**31, description="The session's, as the citizen knew it")
    start: Instant = Field(description="The session's, as the citizen knew it")


class OfferAccepted(_ToOffer):
    """The citizen comes."""


class _Refusal(_ToOffer):
    then: Literal["another-time", "wait"] = Field(
        default="another-time",
        description="another-time: a new one is booked at once; wait: none until offer.requested",
    )
    not_before: Day | None = Field(
        default=None, description="The first day that suits, for another-time"
    )


class OfferDeclined(_Refusal):
    """The citizen does not want the time that was offered."""


class OfferCancelled(_Refusal):
    """The citizen cannot come to a session that was agreed."""


class Wanted(Incoming):
    """One of the other times in the offer."""

    start: Instant
    location: Code = Field(description="The location's code")


class OfferExchanged(_ToOffer):
    """The citizen would rather have another of the times that were offered."""

    wanted: Wanted


class OfferRequested(_Response):
    """A citizen who waits wants a time now."""

    not_before: Day | None = Field(default=None, description="The first day that suits")


Response = OfferAccepted | OfferDeclined | OfferCancelled | OfferExchanged | OfferRequested

ACCEPTED: Final = f"{TYPE_PREFIX}offer.accepted.v1"
DECLINED: Final = f"{TYPE_PREFIX}offer.declined.v1"
CANCELLED: Final = f"{TYPE_PREFIX}offer.cancelled.v1"
EXCHANGED: Final = f"{TYPE_PREFIX}offer.exchanged.v1"
REQUESTED: Final = f"{TYPE_PREFIX}offer.requested.v1"
MODELS: Final[Mapping[str, type[Response]]] = {
    ACCEPTED: OfferAccepted,
    DECLINED: OfferDeclined,
    CANCELLED: OfferCancelled,
    EXCHANGED: OfferExchanged,
    REQUESTED: OfferRequested,
}
_TYPES: Final = {model: kind for kind, model in MODELS.items()}


def to_event(response: Response) -> Event:
    """A response as it travels."""
    return Event(
        topic=RESPONSES,
        key=response.provider,
        type=_TYPES[type(response)],
        subject=response.referral_id,
        value=response.model_dump_json().encode(),
    )

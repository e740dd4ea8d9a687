"""action-item.recorded.v1 and consent.recorded.v1."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import ClassVar, Final

from pydantic import BaseModel, Field

from services.referral.action_plan.plan import LABOUR_MARKET, ActionItem, ItemState
from services.referral.events import REFERRALS, AboutReferral
from services.referral.incoming import Instant
from services.referral.referral import Referral
from shared.envelope import TYPE_PREFIX, Event


class ActionItemRecorded(AboutReferral):
    """Somebody is to do something for the citizen by a day; its whole state, without its words."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}action-item.recorded.v1"

    item_id: str
    owner: str = Field(description="A member of staff's id, a role, or citizen")
    unit: str
    due: date
    state: ItemState
    by: str
    at: Instant


class ConsentRecorded(AboutReferral):
    """The citizen consents to somebody's part in the course, or no longer does."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}consent.recorded.v1"

    subject: str = Field(description="labour-market: that the labour market takes part")
    given: bool
    by: str
    at: Instant


def item_wire(item: ActionItem, referral: Referral) -> ActionItemRecorded:
    """An item as others hear of it."""
    return ActionItemRecorded(
        referral_id=referral.referral_id,
        citizen_id=referral.citizen_id,
        provider=referral.provider,
        item_id=item.item_id,
        owner=item.owner,
        unit=item.unit,
        due=item.due,
        state=item.state,
        by=item.by,
        at=item.at,
    )


def event_of(wire: ActionItemRecorded | ConsentRecorded) -> Event:
    """The event."""
    return Event(
        topic=REFERRALS,
        key=wire.provider,
        type=wire.event_type,
        subject=wire.referral_id,
        value=wire.model_dump_json().encode(),
    )


PRODUCED: Final[dict[str, dict[str, type[BaseModel]]]] = {
    REFERRALS: {model.event_type: model for model in (ActionItemRecorded, ConsentRecorded)}
}
_REFERRAL: Final = "8d26206a-02c4-556a-bdde-7b9e1a342db3"
_CITIZEN: Final = "LFCSLXUVF5CQFOKQRD6HPNQBLI"
EXAMPLES: Final[tuple[BaseModel, ...]] = (
    ActionItemRecorded(
        referral_id=_REFERRAL,
        citizen_id=_CITIZEN,
        provider="316",
        item_id="5a3e1f4c-0d2b-5c55-8f3e-2f1f6a1f5d10",
        owner="316-therapist",
        unit="Genoptræningen, Holbæk",
        due=date(2022, 6, 3),
        state=ItemState.OPEN,
        by="316-therapist",
        at=datetime(2022, 5, 28, 8, 0, tzinfo=UTC),
    ),
    ConsentRecorded(
        referral_id=_REFERRAL,
        citizen_id=_CITIZEN,
        provider="316",
        subject=LABOUR_MARKET,
        given=True,
        by="316-therapist",
        at=datetime(2022, 5, 28, 8, 0, tzinfo=UTC),
    ),
)

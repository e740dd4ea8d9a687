"""What became of messages to citizens: one that will not arrive is a human's to write or call.

Only those that failed are read whole; of those that were sent, only what somebody was to look at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from services.referral import store_worklist
from services.referral.carrying_out import Decided
from services.referral.facts import Fact, WorkClosed, WorkOpened
from services.referral.incoming import named_faults
from services.referral.replying import referral_key
from services.referral.signature import ITSELF
from services.referral.terms import WorkReason
from shared.envelope import TYPE_PREFIX
from shared.handling import Applied, Dead, Parked

if TYPE_CHECKING:
    from services.referral.referral import Referral
    from shared.envelope import Message
    from shared.handling import Outcome, Unit

TOPIC: Final = "notifications"
FAILED: Final = f"{TYPE_PREFIX}notification.failed.v1"
SENT: Final = f"{TYPE_PREFIX}notification.sent.v1"
PATIENCE: Final = timedelta(days=7)
_FORMS: Final = "evaluation-"
"""Templates of questions: who was not asked stands among the evaluations that wait."""
_FAREWELLS: Final = frozenset({"session-cancelled", "free-choice-withdrawn"})
"""Templates that are news after a referral's end, too."""


class MessageOutcome(BaseModel):
    """notification.sent.v1 and notification.failed.v1, as far as humans have to act."""

    model_config = ConfigDict(frozen=True)

    notification_id: str
    referral_id: str
    template: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """Puts messages that failed on the worklist, and takes off what was sent after all."""

    decided: Decided

    async def heard(self, unit: Unit, messages: Sequence[Message], /) -> Sequence[Outcome]:
        """See `shared.handling.Handler`."""
        sent = [message for message in messages if message.type == SENT]
        waiting = await store_worklist.open_about(
            unit.conn, WorkReason.NOT_TOLD, {message.subject for message in sent}
        )
        return [await self._heard(unit, message, waiting) for message in messages]

    async def _heard(self, unit: Unit, message: Message, waiting: set[str]) -> Outcome:
        if message.type != FAILED and not (message.type == SENT and message.subject in waiting):
            return Applied()
        try:
            found = MessageOutcome.model_validate_json(message.value or b"")
        except ValidationError as error:
            return Dead(reason=named_faults(error), holds=message.subject)
        desk = await self.decided.load(unit, found.referral_id)
        referral = desk.referrals.get(found.referral_id)
        if referral is None:
            until = message.timestamp + PATIENCE
            if unit.now >= until:
                return Dead(reason="its referral has not come", holds=message.subject)
            key = referral_key(found.referral_id)
            return Parked(waits_for=key, until=until, reason="its referral has not come")
        fact = _follows(message, found, referral)
        if fact is None:
            return Applied()
        applied = self.decided.apply(desk, (fact,))
        await desk.save(unit.conn, unit.now)
        return applied


def _follows(message: Message, found: MessageOutcome, referral: Referral) -> Fact | None:
    me, about = referral.referral_id, found.notification_id
    if message.type == SENT:
        return WorkClosed(
            referral_id=me,
            reason=WorkReason.NOT_TOLD,
            about=about,
            decision="sent",
            by=ITSELF,
            at=message.timestamp,
        )
    over = referral.closed is not None and found.template not in _FAREWELLS
    if over or found.template.startswith(_FORMS):
        return None
    return WorkOpened(referral_id=me, reason=WorkReason.NOT_TOLD, about=about)

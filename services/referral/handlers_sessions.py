"""The handler of `training`: what concerns the clock goes to it, who came goes to the courses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.referral.course.handlers import Courses
from services.referral.course.wire import ATTENDED
from services.referral.handlers_training import Clock

if TYPE_CHECKING:
    from shared.envelope import Message
    from shared.handling import Outcome, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """Takes a batch of scheduling's events."""

    clock: Clock
    courses: Courses

    async def __call__(self, unit: Unit, messages: Sequence[Message], /) -> Sequence[Outcome]:
        """See `shared.handling.Handler`. Offers come first: who came was offered before."""
        attended = [n for n, one in enumerate(messages) if one.type == ATTENDED]
        if not attended:
            return await self.clock.training(unit, messages)
        others = [n for n in range(len(messages)) if messages[n].type != ATTENDED]
        outcomes: dict[int, Outcome] = {}
        for places, handler in ((others, self.clock.training), (attended, self.courses.attended)):
            if places:
                found = await handler(unit, [messages[n] for n in places])
                outcomes.update(zip(places, found, strict=True))
        return [outcomes[n] for n in range(len(messages))]

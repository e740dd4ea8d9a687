"""All events that this service writes, by topic, and the examples of those that stand apart."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel

from services.referral import events
from services.referral.course import wire as course
from services.referral.portfolio import wire as portfolio

_ROOMS: Final = (events.PRODUCED, portfolio.PRODUCED, course.PRODUCED)
PRODUCED: Final[dict[str, dict[str, type[BaseModel]]]] = {
    topic: {name: model for room in _ROOMS for name, model in room.get(topic, {}).items()}
    for topic in dict.fromkeys(topic for room in _ROOMS for topic in room)
}
EXAMPLES: Final[tuple[BaseModel, ...]] = (portfolio.EXAMPLE, *course.EXAMPLES)
"""Of events that no referral's story gives; what they say is made up."""

"""When citizens are expected, at whatever provider: nobody can be in two sessions at once.

Standard library only. A diary lasts for one batch, and all its desks write in it, so that two
orders of one citizen in the same batch see each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.scheduling.orders import Engagement, Order, Slot


@dataclass(frozen=True, slots=True)
class Entry:
    """A session that an order's citizen has."""

    provider: str
    location: str
    start: datetime
    end: datetime


class Diary:
    """The sessions of the citizens that a batch concerns."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._entries: dict[str, dict[str, Entry | None]] = {}

    def unknown(self, citizens: Iterable[str]) -> list[str]:
        """Those of the citizens who have not been looked up, sorted."""
        return sorted(set(citizens) - self._known)

    def knows(self, citizen_id: str) -> bool:
        """Whether the citizen has been looked up."""
        return citizen_id in self._known

    def know(self, citizens: Iterable[str], found: Iterable[tuple[str, str, Entry]] = ()) -> None:
        """Takes over (citizen, order, entry) of citizens; what the batch has changed stands."""
        self._known.update(citizens)
        for citizen_id, order_id, entry in found:
            self._entries.setdefault(citizen_id, {}).setdefault(order_id, entry)

    def write(self, order: Order, slot: Slot | None) -> None:
        """The order's session is at `slot` now; None where it has none any more."""
        self._entries.setdefault(order.citizen_id, {})[order.order_id] = (
            None if slot is None else Entry(order.provider, slot.location, slot.start, slot.end)
        )

    def others(self, order: Order) -> list[Engagement]:
        """The citizen's sessions of all other orders. Raises KeyError before `know`."""
        if order.citizen_id not in self._known:
            raise KeyError("a citizen who was not looked up")
        return [
            Engagement(one.location if one.provider == order.provider else None, one.start, one.end)
            for order_id, one in self._entries.get(order.citizen_id, {}).items()
            if one is not None and order_id != order.order_id
        ]

"""How far behind a consumer is, and whether it is stuck: a small state machine, handed the time.

Clients were seen to stop fetching for ever without an error. Nothing but a position that does not
move although the log goes on tells.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

Place = tuple[str, int]

_OBSERVATIONS: Final = 512


@dataclass(frozen=True, slots=True)
class Lag:
    """Records of one partition that are not yet applied, and the age of the oldest in seconds."""

    topic: str
    partition: int
    messages: int
    seconds: float


@dataclass(slots=True)
class _Partition:
    applied: int
    moved_at: float
    ends: deque[tuple[float, int]] = field(
        default_factory=lambda: deque(maxlen=_OBSERVATIONS)
    )  # when the log was first seen to reach so far


class Watch:
    """Compares positions with ends of the log. All times are seconds of one monotonic clock."""

    def __init__(self, *, patience: float) -> None:
        self._patience = patience
        self._partitions: dict[Place, _Partition] = {}

    def observe(
        self, now: float, ends: Mapping[Place, int], applied: Mapping[Place, int]
    ) -> list[Lag]:
        """Takes one look at the assigned partitions; returns their lag."""
        for place in set(self._partitions) - set(ends):
            del self._partitions[place]
        return [
            self._look(now, place, end, applied[place])
            for place, end in ends.items()
            if place in applied
        ]

    def _look(self, now: float, place: Place, end: int, applied: int) -> Lag:
        partition = self._partitions.get(place)
        if partition is None:
            partition = self._partitions[place] = _Partition(applied, now)
        if applied != partition.applied or applied >= end:
            partition.applied, partition.moved_at = applied, now
        if not partition.ends or end > partition.ends[-1][1]:
            partition.ends.append((now, end))
        while partition.ends and partition.ends[0][1] <= applied:
            partition.ends.popleft()
        messages = max(end - applied, 0)
        seconds = now - partition.ends[0][0] if messages and partition.ends else 0.0
        return Lag(*place, messages, seconds)

    def stuck(self, now: float, excused: Collection[str] = ()) -> list[Place]:
        """Partitions that are behind and have not moved for too long; halted topics are excused."""
        return [
            place
            for place, partition in self._partitions.items()
            if partition.ends
            and place[0] not in excused
            and now - max(partition.moved_at, partition.ends[0][0]) > self._patience
        ]

    def forget(self, places: Iterable[Place]) -> None:
        """Drops partitions that are no longer ours."""
        for place in places:
            self._partitions.pop(place, None)

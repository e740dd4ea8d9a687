"""Which partitions' timers this process may fire.

Its own, once it has applied what lay in the log when it got them: or an outage would end in false
alarms about things that have happened meanwhile. Others' only when they are overdue by a minute
and their log, as it was when that was first seen, has been applied by whoever reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aiokafka import TopicPartition

from shared import ledger

if TYPE_CHECKING:
    import asyncpg

    from shared.clock import Clock
    from shared.consumer import Group

OVERDUE: Final = timedelta(seconds=60)


class Readiness:
    """Keeps `partitions`, the partitions whose timers may fire now."""

    def __init__(
        self,
        *,
        pool: asyncpg.Pool[asyncpg.Record],
        clock: Clock,
        groups: Sequence[Group],
        partitions: int,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._groups = groups
        self._every = frozenset(range(partitions))
        self._orphans: dict[int, tuple[float, dict[TopicPartition, int]]] = {}
        self.partitions: frozenset[int] = frozenset()

    async def own(self) -> None:
        """Works out which of the own partitions are ready."""
        keyed = [group for group in self._groups if group.kind == "keyed"]
        for group in self._groups:
            if group.kind == "intake" and group.assigned - await group.caught_up():
                # A document that is still unread may be the withdrawal that makes a timer moot.
                self.partitions = frozenset()
                return
        if not keyed:
            self.partitions = self._every
            return
        mine: set[int] = set()
        behind: set[int] = set()
        for group in keyed:
            done = await group.caught_up()
            mine |= {partition for _, partition in done}
            behind |= {partition for _, partition in group.assigned - done}
        self.partitions = frozenset(mine - behind)

    async def adopt(self, now: float) -> None:
        """Adds partitions of others whose timers nobody fires. `now` is monotonic, in seconds."""
        keyed = [group for group in self._groups if group.kind == "keyed"]
        if not keyed or not any(group.assigned for group in keyed):
            return
        async with self._pool.acquire() as conn:
            rows = await conn.fetch(
                "SELECT DISTINCT partition FROM runtime.timers WHERE due <= $1",
                self._clock.now() - OVERDUE,
            )
            own = {partition for group in keyed for _, partition in group.assigned}
            overdue = {row["partition"] for row in rows} - own
            self._orphans = {p: seen for p, seen in self._orphans.items() if p in overdue}
            for partition in overdue:
                if partition not in self._orphans:
                    ends = await _ends(keyed[0], partition)
                    self._orphans[partition] = (now, ends)
                    continue
                since, ends = self._orphans[partition]
                if now - since < OVERDUE.total_seconds():
                    continue
                at = await ledger.positions(conn, [(tp.topic, tp.partition) for tp in ends])
                if all(at[tp.topic, tp.partition] >= end for tp, end in ends.items()):
                    self.partitions |= {partition}


async def _ends(group: Group, partition: int) -> dict[TopicPartition, int]:
    assert group.consumer is not None
    places = [TopicPartition(topic, partition) for topic in group.topics]
    ends: dict[TopicPartition, int] = await group.consumer.end_offsets(places)
    return ends

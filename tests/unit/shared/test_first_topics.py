"""What a service must know before it decides is read first."""

from __future__ import annotations

from typing import Any

from aiokafka import TopicPartition

from shared.positions import Positions
from shared.telemetry import Telemetry

OWN, OTHER = TopicPartition("own", 3), TopicPartition("other", 3)


class Log:
    """A consumer of two partitions, at positions that the test sets."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.open: set[TopicPartition] = set()

    async def position(self, partition: TopicPartition) -> int:
        return self.at if partition == OWN else 0

    def seek(self, partition: TopicPartition, offset: int) -> None:
        assert offset >= 0

    def resume(self, partition: TopicPartition) -> None:
        self.open.add(partition)


def positions(first: frozenset[str], log: Any) -> Positions:
    found = Positions(
        name="keyed",
        pool=log,
        telemetry=Telemetry("t"),
        busy=lambda: False,
        first=first,
    )
    found._consumer = log
    found._seek(log, OWN, 0, 0, 5)
    found._seek(log, OTHER, 0, 0, 7)
    return found


async def test_other_topics_wait_until_the_backlog_of_the_first_is_applied() -> None:
    log: Any = Log(at=4)
    held = positions(frozenset({"own"}), log)
    assert log.open == {OWN}
    held.next["own", 3] = 4
    await held._heed_first(log)
    assert log.open == {OWN}
    log.at = 5  # behind the marker of the last transaction
    await held._heed_first(log)
    assert log.open == {OWN, OTHER}


async def test_where_no_topic_comes_first_all_are_read_at_once() -> None:
    log: Any = Log(at=0)
    positions(frozenset(), log)
    assert log.open == {OWN, OTHER}

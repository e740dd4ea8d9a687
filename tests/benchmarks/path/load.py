"""What outsiders do: roster systems state capacity, hospitals publish plans."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from aiokafka import AIOKafkaProducer

from deploy.cli import kafka
from deploy.demo import capacity
from deploy.demo.drafts import Draft, content_type_of, drafts, write
from deploy.local.stack import Stack
from tests.benchmarks.path.country import SOURCE, Country

_IN_FLIGHT = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """A written plan: the SOR of its hospital, its own id, its content type and its bytes."""

    hospital: str
    document_id: str
    content_type: str
    value: bytes


def plans(country: Country, seed: int, count: int, day: date, *, first: int = 0) -> Iterator[Plan]:
    """Valid plans number `first` and on, about half FHIR and half GGOP."""
    for one in drafts(seed, count, country.hospitals, country.municipalities, day, first=first):
        yield _written(one)


def _written(one: Draft) -> Plan:
    return Plan(one.hospital.sor, one.document_id, content_type_of(one), write(one))


class Hospitals:
    """All hospitals' connections to the broker."""

    def __init__(self, producers: dict[str, AIOKafkaProducer]) -> None:
        self._producers = producers

    async def publish(self, plan: Plan) -> asyncio.Future[Any]:
        """Hands a plan over; the future gives where and when the broker appended it."""
        future: asyncio.Future[Any] = await self._producers[plan.hospital].send(
            f"hospital.{plan.hospital}.referrals",
            plan.value,
            key=plan.document_id.encode(),
            headers=[("content-type", plan.content_type.encode())],
        )
        return future

    async def publish_all(self, written: Iterable[Plan]) -> None:
        """Publishes as fast as the broker takes it."""
        waiting: list[asyncio.Future[Any]] = []
        for plan in written:
            waiting.append(await self.publish(plan))
            if len(waiting) == _IN_FLIGHT:
                await asyncio.gather(*waiting)
                waiting.clear()
        await asyncio.gather(*waiting)

    async def publish_open_loop(self, written: Sequence[Plan], rate: float) -> list[float]:
        """Publishes `rate` a second, whatever becomes of them; returns the append times.

        In seconds since 1970, in the order of the plans.
        """
        began = time.monotonic()
        waiting: list[asyncio.Future[Any]] = []
        for number, plan in enumerate(written):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            waiting.append(await self.publish(plan))
        return [placed.timestamp / 1000 for placed in await asyncio.gather(*waiting)]


@asynccontextmanager
async def hospitals(stack: Stack, country: Country) -> AsyncIterator[Hospitals]:
    """The hospitals, each connected as itself."""
    async with AsyncExitStack() as open_:
        yield Hospitals(
            {
                one.sor: await open_.enter_async_context(
                    kafka.writer(stack.connections.access(f"hospital-{one.sor}"))
                )
                for one in country.hospitals
            }
        )


async def state_capacity(stack: Stack, country: Country, day: date, weeks: int) -> int:
    """States all rosters from the week of `day` on; returns how many statements were accepted.

    Raises CommandError, or RuntimeError where one is refused.
    """
    told = [one for path in country.rosters for one in capacity.statements(path, day, weeks)]
    access = stack.connections.access(f"roster-{SOURCE}")
    async with kafka.writer(access) as producer:
        sent = [
            await producer.send(
                one.topic, one.value, key=one.location.encode(), headers=_headers(one)
            )
            for one in told
        ]
        await asyncio.gather(*sent)
    answers = 0
    async with kafka.reader(access, [f"roster.{SOURCE}.receipts"]) as consumer:
        while answers < len(told):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                answers += len(records)
                for record in records:
                    if "refused" in kafka.header(record, "ce_type"):
                        raise RuntimeError(f"capacity was refused: {record.value!r}")
    return answers


def _headers(one: capacity.Statement) -> list[tuple[str, bytes]]:
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": f"{one.location}/{one.week}/{one.version}",
        "ce_source": f"roster/{SOURCE}",
        "ce_type": capacity.TYPE,
        "content-type": capacity.CONTENT_TYPE,
    }
    return [(name, value.encode()) for name, value in attributes.items()]

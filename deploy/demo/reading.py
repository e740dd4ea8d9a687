"""Hospitals that send, and an outsider who reads all that may be read and keeps the account."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from aiokafka import AIOKafkaProducer

from deploy.cli import kafka
from deploy.demo.documents import Document, hospitals
from deploy.demo.ledger import Ledger, Record, Sent
from deploy.local.stack import Stack
from deploy.topology.admin import Access


class Watch:
    """Feeds a ledger with what travels, sends as the hospitals do, and waits for the account."""

    def __init__(self, producers: Mapping[str, AIOKafkaProducer]) -> None:
        self.ledger = Ledger()
        self._producers = producers
        self._news = asyncio.Event()
        self._failure: BaseException | None = None

    async def send(self, document: Document) -> None:
        """Publishes a document on its hospital's topic and enters it into the account."""
        topic = f"hospital.{document.hospital}.referrals"
        headers = list(document.headers)
        if document.content_type is not None:
            headers.append(("content-type", document.content_type.encode()))
        placed = await self._producers[document.hospital].send_and_wait(
            topic, document.value, key=(document.document_id or "").encode(), headers=headers
        )
        self.ledger.sent.append(
            Sent(
                hospital=document.hospital,
                origin=f"{topic}/{placed.partition}/{placed.offset}",
                document_id=document.document_id,
                expected=document.expected,
                element=document.element,
                story=document.story,
                at=placed.timestamp,
            )
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns when the condition holds; it is asked again after each record.

        Raises what broke a reader.
        """
        while not condition():
            if self._failure is not None:
                raise self._failure
            self._news.clear()
            await self._news.wait()

    def ended(self, reader: asyncio.Task[None]) -> None:
        """Called when a reader ends, which only a failure or a cancellation makes it do."""
        if not reader.cancelled():
            self._failure = reader.exception()
        self._news.set()

    async def read(self, access: Access, topics: Sequence[str]) -> None:
        """Feeds the ledger with the topics' records from their beginning, for ever."""
        async with kafka.reader(access, topics) as consumer:
            while True:
                for records in (await consumer.getmany(timeout_ms=100, max_records=2000)).values():
                    for record in records:
                        self.ledger.feed(
                            Record(
                                topic=record.topic,
                                key=(record.key or b"").decode("utf-8", "replace"),
                                type=kafka.header(record, "ce_type"),
                                id=kafka.header(record, "ce_id"),
                                value=record.value or b"",
                                at=record.timestamp,
                            )
                        )
                    self._news.set()


@asynccontextmanager
async def watching(stack: Stack) -> AsyncIterator[Watch]:
    """A watch over a stack that is up; it reads all topics from their beginning."""
    senders = [hospital.sor for hospital in hospitals(stack.cluster_file)]
    access = stack.connections.access
    readers = {
        f"hospital-{sor}": [f"hospital.{sor}.receipts", f"hospital.{sor}.status"] for sor in senders
    }
    dead = [f"{service}.dead-letters" for service in stack.services]
    readers["ops"] = ["referrals", "training", "notifications", *dead]
    async with AsyncExitStack() as opened:
        producers = {
            sor: await opened.enter_async_context(kafka.writer(access(f"hospital-{sor}")))
            for sor in senders
        }
        watch = Watch(producers)
        tasks = []
        try:
            for principal, topics in readers.items():
                task = asyncio.create_task(watch.read(access(principal), topics))
                task.add_done_callback(watch.ended)
                tasks.append(task)
            yield watch
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

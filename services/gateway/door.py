"""The door: puts a document on its sender's own topic as it is, and finds the receipt.

Nothing is validated here but the size: the referral service is the only judge, whatever way a
document came. A document is never kept here: it lies in Kafka before its sender gets an answer.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.gateway import store
from services.gateway.senders import Sender
from services.gateway.store import Submission, Way
from shared.faults import back_off, describe, is_transient
from shared.kafka import client_options
from shared.repeating import repeat
from shared.startup import NotYet
from shared.waiting import within

if TYPE_CHECKING:
    from shared.runtime import Runtime

_GLANCE: Final = 0.25
_SEND: Final = 20.0
_TIDY: Final = 3600.0


class Closed(Exception):
    """Nothing can be sent just now; the sender tries again."""


class Door:
    """Sends documents for senders and finds their receipts; `run` is a task of the runtime."""

    def __init__(self, *, keep: timedelta) -> None:
        self._keep = keep
        self._runtime: Runtime | None = None
        self._producer: AIOKafkaProducer | None = None

    @property
    def runtime(self) -> Runtime:
        """The running service. Raises Closed before it runs."""
        if self._runtime is None:
            raise Closed
        return self._runtime

    async def send(
        self, sender: Sender, reference: str, value: bytes, content_type: str, way: Way
    ) -> None:
        """Puts a document on the sender's topic; returns when Kafka has it for good.

        Raises Closed where database or broker are away: it may have been sent all the same, and
        once more does no harm, because the document's own id counts.
        """
        runtime, producer = self.runtime, self._producer
        if producer is None:
            raise Closed
        headers = [("correlationid", reference.encode())]
        if content_type:
            headers.append(("content-type", content_type.encode()))
        try:
            async with runtime.pool.acquire() as conn:
                await store.note(
                    conn,
                    reference,
                    principal=sender.principal,
                    answers_on=sender.receipts,
                    way=way,
                    now=runtime.clock.now(),
                )
            await within(
                _SEND,
                producer.send_and_wait(
                    sender.intake, value, key=reference.encode(), headers=headers
                ),
            )
        except NotYet as error:
            raise Closed from error
        except Exception as error:
            if not (isinstance(error, KafkaError) or is_transient(error)):
                raise
            runtime.telemetry.trouble("door", describe(error))
            raise Closed from error
        runtime.telemetry.well("door")

    async def receipt(self, sender: Sender, reference: str, seconds: float) -> Submission | None:
        """What is known of a document, waiting so long for its receipt; None: no such document.

        Another process may take the receipt from the topic, so commits here are not all that is
        looked for. Raises Closed where the database is away.
        """
        runtime = self.runtime
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            seen = runtime.commits
            try:
                async with runtime.pool.acquire() as conn:
                    found = await store.submission(conn, reference, sender.principal)
            except NotYet as error:
                raise Closed from error
            except Exception as error:
                if not is_transient(error):
                    raise
                raise Closed from error
            left = end - loop.time()
            if found is None or found.receipt is not None or left <= 0:
                return found
            await runtime.wait_commit(seen, min(left, _GLANCE))
            if runtime.stopping.is_set():
                return found

    async def run(self, runtime: Runtime) -> None:
        """Connects to the broker, and forgets what is old, until the runtime stops."""
        self._runtime = runtime
        producer = await self._connected(runtime)
        try:
            await repeat(
                "forgetting",
                _TIDY,
                partial(self._tidy, runtime),
                runtime.stopping,
                runtime.telemetry,
            )
        finally:
            self._producer = None
            if producer is not None:
                await producer.stop()

    async def _connected(self, runtime: Runtime) -> AIOKafkaProducer | None:
        number = 0
        while not runtime.stopping.is_set():
            producer = AIOKafkaProducer(
                **client_options(runtime.settings),
                client_id=runtime.service.name,
                acks="all",
                enable_idempotence=True,
                max_request_size=1_048_576,
                request_timeout_ms=10_000,
            )
            try:
                await within(_SEND, producer.start())
            except (KafkaError, OSError, TimeoutError) as error:
                runtime.telemetry.trouble("door", describe(error))
                await producer.stop()
                await runtime.pause(back_off(number, first=0.25, most=5.0))
                number += 1
            else:
                runtime.telemetry.well("door")
                self._producer = producer
                return producer
        return None

    async def _tidy(self, runtime: Runtime) -> None:
        async with runtime.pool.acquire() as conn:
            await store.forget(conn, runtime.clock.now() - self._keep)

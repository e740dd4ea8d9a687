"""Sends what is due: commits `sending`, calls the provider, records the answer.

What is written before a call and what after it can't be one transaction with the call. So each
message is in `sending` before anybody is called, and one whose sender died there is *uncertain*:
settled by the provider's receipt or by a human, never blindly sent again.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from services.notifications import custody, deliveries
from services.notifications.contact_details import Contact
from services.notifications.deliveries import Taken, Verdict
from services.notifications.dispatch import (
    Answer,
    Drop,
    GiveUp,
    Hold,
    Permanent,
    Retry,
    Send,
    Sent,
    Temporary,
    Unknown,
    dispatch,
)
from services.notifications.message import CITIZEN, Channel, Status
from services.notifications.metrics import Metrics
from services.notifications.ports import Database, Job, Transport
from services.notifications.quiet import Quiet
from services.notifications.verdicts import pending_of, reach_of, verdict_of
from shared import failpoint
from shared.crypto import Unreadable, Vault
from shared.faults import describe

if TYPE_CHECKING:
    from shared.database import Connection

_LINGER: Final = 0.005  # seconds
_OPEN: Final = (Status.SENDING, Status.UNCERTAIN)


@dataclass(slots=True, kw_only=True)
class Sender:
    """Sends one channel's messages, `slots` at a time; several processes may do so side by side."""

    database: Database
    transport: Transport
    vault: Vault
    wake: asyncio.Event
    slots: int = 8
    quiet: Quiet = field(default_factory=Quiet)
    retry: Retry = field(default_factory=Retry)
    poll: float = 0.5
    settle_after: timedelta = timedelta(seconds=30)
    check_seconds: float = 5.0
    drain_seconds: float = 25.0
    metrics: Metrics = field(default_factory=Metrics)
    id: int = field(default_factory=lambda: secrets.randbits(31))
    _running: dict[asyncio.Task[Answer], Job] = field(default_factory=dict)
    _finished: list[tuple[Job, Answer]] = field(default_factory=list)
    _recorded: list[Verdict] = field(default_factory=list)
    _settling: asyncio.Task[None] | None = None
    _more: bool = False
    _doubtful: bool = False

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; then waits for the calls in hand and records them."""
        try:
            await self._keep_working(stop)
        finally:  # also when cancelled: a call in hand that nobody records would be uncertain
            await self._drain()
            await self.transport.close()

    async def _keep_working(self, stop: asyncio.Event) -> None:
        pause = 0.1
        while not stop.is_set():
            try:
                async with self.database.connection() as alive:
                    await deliveries.stay_alive(alive, self.id)
                    await self._work(alive, stop)
                pause = 0.1
            except Exception as error:  # noqa: BLE001 - the database comes back, and so do we
                self.database.trouble(describe(error))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), pause)
                pause = min(pause * 2, 10.0)

    async def _work(self, alive: Connection, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        next_check = loop.time()
        while not stop.is_set():
            if alive.is_closed():
                raise ConnectionError("the connection that shows we are alive is gone")
            if loop.time() >= next_check:
                next_check = loop.time() + self.check_seconds
                await self._find_orphans()
                self._ask_for_receipts()
            await self._step()
            if self._more and len(self._running) < self.slots:
                continue
            await self._wait(stop)

    async def _wait(self, stop: asyncio.Event) -> None:
        """Until a call has ended, somebody wakes us, or it is time to look again."""
        waiters = [asyncio.ensure_future(self.wake.wait()), asyncio.ensure_future(stop.wait())]
        try:
            await asyncio.wait(
                [*waiters, *self._running],
                timeout=self.poll,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if self._running:  # calls end in swarms, and a commit costs as much for one as for all
                await asyncio.wait(self._running, timeout=_LINGER)
        finally:
            for waiter in waiters:
                waiter.cancel()
        self._collect()

    def _collect(self) -> None:
        for task in [task for task in self._running if task.done()]:
            job = self._running.pop(task)
            error = task.exception()
            # Transports don't raise; where one does, nobody knows how far it had come.
            answer = Unknown(f"fault-{type(error).__name__}") if error else task.result()
            self._finished.append((job, answer))

    async def _step(self) -> None:
        """One transaction: records what has ended, and claims as much as there are free slots."""
        self.wake.clear()
        self._collect()
        now = self.database.now()
        finished = list(self._finished)
        free = self.slots - len(self._running)
        doubtful, self._doubtful = self._doubtful, True
        self._recorded.clear()
        async with self.database.transaction() as conn:
            if doubtful:
                await self._give_back(conn, now)
            await self._record(conn, finished, now)
            taken = await deliveries.take(conn, self.transport.channel, now, free) if free else []
            jobs = await self._claim(conn, taken, now)
        # Only a confirmed commit counts: what may not be claimed is not called.
        self._doubtful = False
        self.database.well()
        self._count(finished, now)
        del self._finished[: len(finished)]
        self._more = len(taken) == free and free > 0
        for job in jobs:
            task = asyncio.create_task(self._call(job, now))
            self._running[task] = job

    async def _call(self, job: Job, now: datetime) -> Answer:
        failpoint.reach("before-call")
        answer = await self.transport.deliver(job, now)
        failpoint.reach("after-call")
        return answer

    async def _claim(self, conn: Connection, taken: list[Taken], now: datetime) -> list[Job]:
        jobs: list[Job] = []
        opened: list[tuple[str, UUID]] = []
        verdicts: list[Verdict] = []
        later: list[tuple[UUID, datetime, Channel]] = []
        for message in taken:
            reach, contact, lacks = reach_of(message), None, None
            if message.recipient != CITIZEN and reach is not None:
                whole = self._open(message)
                if whole is not None:
                    opened.append((message.citizen_id, message.id))
                    contact = custody.addressee(whole, message.recipient)
                    lacks = None if contact else custody.lacking(message.recipient)
                reach = custody.reached(contact, reach)
            order = dispatch(pending_of(message, lacks), reach, now, self.quiet)
            match order:
                case Drop(reason):
                    verdicts.append(Verdict(id=message.id, status=Status.CANCELLED, reason=reason))
                case GiveUp(reason):
                    verdicts.append(Verdict(id=message.id, status=Status.FAILED, reason=reason))
                case Hold(until, channel):
                    later.append((message.id, until, channel))
                case Send(channel) if channel is not self.transport.channel:
                    later.append((message.id, now, channel))
                case Send():
                    if contact is None and message.recipient == CITIZEN:
                        contact = self._open(message)
                        opened += [(message.citizen_id, message.id)] if contact else []
                    if contact is not None:
                        jobs.append(Job(message, contact))
                        continue
                    # A key is missing, which somebody will put right before the message expires.
                    verdict = Verdict(
                        id=message.id,
                        status=Status.CREATED,
                        reason="contact-unreadable",
                        due=now + self.retry.longest,
                    )
                    verdicts.append(verdict)
        await deliveries.claim(
            conn, [job.message.id for job in jobs], self.id, self.transport.channel, now
        )
        await deliveries.log_access(conn, "send", opened, now)
        await deliveries.postpone(conn, later)
        await deliveries.record(conn, verdicts, now, source=[Status.CREATED])
        self._recorded += verdicts
        return jobs

    def _open(self, message: Taken) -> Contact | None:
        try:
            clear = self.vault.open(message.sealed or b"", message.citizen_id)
        except Unreadable:
            return None
        return Contact.model_validate_json(clear)

    async def _give_back(self, conn: Connection, now: datetime) -> None:
        """After a commit whose outcome is unknown: what we may have claimed but never called."""
        called = {job.message.id for job in self._running.values()}
        called |= {job.message.id for job, _ in self._finished}
        mine = await deliveries.open_of(conn, self.id)
        back = [Verdict(id=i, status=Status.CREATED, due=now) for i in mine if i not in called]
        await deliveries.record(conn, back, now, source=[Status.SENDING])

    async def _find_orphans(self) -> None:
        now = self.database.now()
        async with self.database.transaction() as conn:
            found = await deliveries.orphans(conn, [self.id])
            verdicts = [Verdict(id=i, status=Status.UNCERTAIN, reason="sender-died") for i in found]
            await deliveries.record(conn, verdicts, now, source=[Status.SENDING])

    def _ask_for_receipts(self) -> None:
        """Beside the sending: a provider that is slow to answer must not hold up the messages."""
        if self._settling is not None:
            if not self._settling.done():
                return
            error = self._settling.exception()
            if error is not None:
                self.database.trouble(describe(error))
        self._settling = asyncio.create_task(self._settle())

    async def _settle(self) -> None:
        """Asks the provider about uncertain messages, where it can be asked."""
        now = self.database.now()
        async with self.database.connection() as conn:
            channel, before = self.transport.channel, now - self.settle_after
            ids = await deliveries.uncertain(conn, channel, before, 100)
        verdicts: list[Verdict] = []
        for message_id in ids:
            match await self.transport.receipt(str(message_id)):
                case Sent():
                    verdict = Verdict(id=message_id, status=Status.SENT, reason="receipt")
                case Permanent(reason):
                    verdict = Verdict(id=message_id, status=Status.FAILED, reason=reason)
                case Temporary():  # the provider says that it never got it
                    verdict = Verdict(id=message_id, status=Status.CREATED, due=now)
                case None:
                    return
                case Unknown("gateway-unreachable"):
                    break  # nor will it know of the others
                case _:
                    continue
            verdicts.append(verdict)
        async with self.database.transaction() as conn:
            await deliveries.record(conn, verdicts, now, source=[Status.UNCERTAIN])

    async def _drain(self) -> None:
        late: set[asyncio.Task[Answer]] = set()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=self.drain_seconds)
        self._collect()
        now = self.database.now()
        with contextlib.suppress(Exception):  # what can't be recorded is found as uncertain
            async with self.database.transaction() as conn:
                if self._doubtful:
                    await self._give_back(conn, now)
                await self._record(conn, self._finished, now)
        left = [*late, *([self._settling] if self._settling else [])]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _record(
        self, conn: Connection, finished: list[tuple[Job, Answer]], now: datetime
    ) -> None:
        verdicts = [
            verdict_of(answer, job, self.transport.channel, now, self.retry)
            for job, answer in finished
        ]
        await deliveries.record(conn, verdicts, now, source=_OPEN, sender=self.id)
        self._recorded += verdicts

    def _count(self, finished: list[tuple[Job, Answer]], now: datetime) -> None:
        """After a confirmed commit."""
        channel = self.transport.channel
        self.metrics.outcomes(channel, [verdict.status for verdict in self._recorded])
        self._recorded.clear()
        for job, answer in finished:
            if isinstance(answer, Sent):
                self.metrics.sent(channel, (now - job.message.due).total_seconds())

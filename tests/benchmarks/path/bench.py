"""The bench itself: a country's backlog through all three services, then an open loop."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.demo.run import CLOCK, DAY
from deploy.local.stack import ROOT, Stack
from tests.benchmarks.path import counters
from tests.benchmarks.path.account import SENDING, Account, account, left
from tests.benchmarks.path.counters import Counters
from tests.benchmarks.path.country import Country, make_country
from tests.benchmarks.path.databases import Databases, Progress, databases, keep_commit_times
from tests.benchmarks.path.load import hospitals, plans, state_capacity
from tests.benchmarks.path.meter import Meter
from tests.benchmarks.path.profiled import end_profiles, start_profiled

WEEKS: Final = 3
_POLL: Final = 0.5
_QUIET: Final = 3.0
_PATIENCE: Final = 1800.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is measured. `connections` is how many messages a channel has in flight at most.

    `profile` names services that run under a profiler, which costs them some CPU.
    """

    documents: int = 20_000
    municipalities: int = 98
    hospitals: int = 10
    rate: float = 100.0
    seconds: float = 60.0
    seed: int = 1
    connections: int | None = None
    profile: Sequence[str] = ()

    @property
    def later(self) -> int:
        """How many documents the open loop publishes."""
        return round(self.rate * self.seconds)


@dataclass(slots=True)
class Backlog:
    """The first half: `began` to `ended` in seconds of a clock that never jumps.

    `began` is when the services' processes were started, `reached` when the first document was
    committed, `ended` when the last message row was. `steps` are what was seen on the way.
    """

    began: float
    reached: float
    ended: float
    meter: Meter
    messages: int = 0
    load: float = 0.0
    sent_after: float = 0.0
    steps: list[tuple[float, Progress]] = field(default_factory=list)
    counters: Counters = field(default_factory=dict)


@dataclass(slots=True)
class Loop:
    """The second half: seconds from a document's append to what follows from it, sorted."""

    meter: Meter
    published: int
    rate: float
    load: float
    counters: Counters
    to_message: list[float] = field(default_factory=list)
    to_receipt: list[float] = field(default_factory=list)
    to_order: list[float] = field(default_factory=list)
    to_offer: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that was measured."""

    options: Options
    backlog: Backlog
    loop: Loop | None
    account: Account


class Bench:
    """One run in a folder of its own; leaves nothing behind."""

    def __init__(self, folder: Path, options: Options, say: Say) -> None:
        self._options = options
        self._say = say
        self._folder = folder
        self._country: Country = make_country(
            folder / "country",
            ROOT / "deploy" / "topics.toml",
            seed=options.seed,
            municipalities=options.municipalities,
            hospitals=options.hospitals,
            documents=options.documents + options.later,
        )
        extra = (
            {"GENVEJ_NOTIFICATIONS_CONNECTIONS": str(options.connections)}
            if options.connections is not None
            else {}
        )
        self._stack = Stack(
            folder / "stack",
            clock=CLOCK,
            cluster_file=self._country.cluster_file,
            municipalities=self._country.municipality_files,
            preferred_ports=False,
            extra=extra,
        )

    async def run(self) -> Result:
        """Measures; the stack is gone afterwards."""
        try:
            await asyncio.to_thread(self._stack.up, self._say)
            await self._prepare()
            async with databases(self._stack) as found:
                backlog = await self._backlog(found)
                end_profiles(self._stack, self._options.profile)
                loop = None
                if self._options.later:
                    await self._send_off(found, backlog)
                    loop = await self._loop(found)
                total = self._options.documents + (loop.published if loop else 0)
                self._say("Closing the account")
                closed = await account(self._stack, self._country, total, sending=loop is None)
                if loop is not None:
                    await self._stages(found, loop, closed)
            await self._stop_services()
        finally:
            await asyncio.to_thread(self._stack.destroy)
        return Result(self._options, backlog, loop, closed)

    async def _prepare(self) -> None:
        """Capacity stated and applied, services stopped, the backlog published."""
        stack, options = self._stack, self._options
        self._say(f"Capacity: {WEEKS} weeks of {options.municipalities} municipalities")
        stated = await state_capacity(stack, self._country, DAY, WEEKS)
        async with databases(stack) as found:
            while await found.weeks() < stated or await found.waiting():  # noqa: ASYNC110
                await asyncio.sleep(_POLL)
        await self._stop_services()
        await keep_commit_times(stack)
        await asyncio.to_thread(stack.stop, "postgres")
        await asyncio.to_thread(stack.start, "postgres")
        self._say(f"Hospitals: publishing {options.documents} documents, the services are stopped")
        written = plans(self._country, options.seed, options.documents, DAY)
        async with hospitals(stack, self._country) as senders:
            await senders.publish_all(written)

    async def _backlog(self, found: Databases) -> Backlog:
        stack, wanted = self._stack, self._options.documents
        self._say("Services: starting on the backlog")
        meter = Meter(stack)
        meter.start()
        began = time.monotonic()
        for name in stack.services:
            if name in self._options.profile:
                start_profiled(stack, name, self._folder / f"{name}.profile")
            else:
                stack.start(name)
        seen = Backlog(began, 0.0, 0.0, meter)
        quiet_since = began
        while time.monotonic() - began < _PATIENCE:
            await asyncio.sleep(_POLL)
            progress, now = await found.progress(), time.monotonic()
            if progress.documents and not seen.reached:
                seen.reached = now
            if not seen.steps or progress != seen.steps[-1][1]:
                seen.steps.append((now - began, progress))
                quiet_since = now
            if progress.messages > seen.messages:
                seen.messages, seen.ended = progress.messages, now
                seen.load = os.getloadavg()[0]
                meter.mark()
            done = progress.documents >= wanted and now - quiet_since > _QUIET
            if done and not await self._unfinished():
                await meter.stop()
                seen.counters = await asyncio.to_thread(counters.read, stack)
                return seen
        raise RuntimeError(f"not done after {_PATIENCE:g} s: {progress}; see {stack.log('')}")

    async def _unfinished(self) -> bool:
        """Whether something may still become a message; what the sender publishes may not."""
        ahead = await left(self._stack)
        return bool(ahead.keys() - SENDING)

    async def _send_off(self, found: Databases, backlog: Backlog) -> None:
        """Lets the sender finish, so that the open loop begins on a stack at rest."""
        self._say("Sender: taking what is left")
        began = time.monotonic()
        while await found.unsent():
            if time.monotonic() - began > _PATIENCE:
                raise RuntimeError("the sender does not finish")
            await asyncio.sleep(_POLL)
        backlog.sent_after = time.monotonic() - backlog.began
        await self._rest()

    async def _rest(self) -> None:
        end = time.monotonic() + 30
        while await left(self._stack) and time.monotonic() < end:  # noqa: ASYNC110
            await asyncio.sleep(1)

    async def _loop(self, found: Databases) -> Loop:
        options, stack = self._options, self._stack
        self._say(f"Open loop: {options.rate:g} documents a second for {options.seconds:g} s")
        written = list(
            plans(self._country, options.seed, options.later, DAY, first=options.documents)
        )
        await found.watch_messages()
        meter = Meter(stack)
        before = await asyncio.to_thread(counters.read, stack)
        async with hospitals(stack, self._country) as senders:
            meter.start()
            began = time.monotonic()
            appended = await senders.publish_open_loop(written, options.rate)
            rate = len(written) / (time.monotonic() - began)
        load = os.getloadavg()[0]
        await meter.stop()
        counted = counters.between(before, await asyncio.to_thread(counters.read, stack))
        await self._settled(found, options.documents + options.later)
        self._appended = {
            (plan.hospital, plan.document_id): at
            for plan, at in zip(written, appended, strict=True)
        }
        return Loop(meter, len(written), rate, load, counted)

    async def _settled(self, found: Databases, documents: int) -> None:
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            progress = await found.progress()
            done = progress.documents >= documents and not await found.waiting()
            if done and not await found.unsent() and not await left(self._stack):
                return
            await asyncio.sleep(1)
        raise RuntimeError("the open loop's documents do not settle")

    async def _stages(self, found: Databases, loop: Loop, closed: Account) -> None:
        told = await found.told()
        referrals = await found.referrals(list(self._appended))
        for key, appended in self._appended.items():
            referral = referrals.get(key, "")
            stages = (
                (loop.to_receipt, closed.answered_at.get(key[1])),
                (loop.to_order, closed.ordered_at.get(referral)),
                (loop.to_offer, closed.offered_at.get(referral)),
                (loop.to_message, told[referral].timestamp() if referral in told else None),
            )
            for times, at in stages:
                if at is not None:
                    times.append(at - appended)
        for times in (loop.to_receipt, loop.to_order, loop.to_offer, loop.to_message):
            times.sort()

    async def _stop_services(self) -> None:
        await asyncio.gather(
            *(asyncio.to_thread(self._stack.stop, name) for name in self._stack.services)
        )

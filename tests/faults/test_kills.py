"""kill -9 of each service, of the broker and of Postgres, in the middle of 2,000 documents."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from deploy.cli import kafka
from deploy.demo.documents import Draft, drafts, hospitals, municipalities, write
from deploy.demo.drafts import content_type_of
from deploy.demo.ledger import Ledger, Sent
from deploy.demo.reading import keeping
from deploy.demo.rosters import state_capacity
from deploy.demo.run import CLOCK, CLUSTER_FILE, DAY, MUNICIPALITIES, WEEKS
from deploy.local.stack import Stack
from tests.conftest import Stacks

DOCUMENTS = 2000
VICTIMS = ("referral", "scheduling", "notifications", "kafka", "postgres")
# Bounds the test; nothing is timed by it.
PATIENCE = 600.0


@dataclass
class Load:
    """Hospitals that send, and the account of what they sent."""

    stack: Stack
    ledger: Ledger = field(default_factory=Ledger)

    async def run(self, plans: list[Draft]) -> None:
        """Sends everything, with each victim killed on the way, and waits until all is settled."""
        senders = hospitals(CLUSTER_FILE)
        async with AsyncExitStack() as open_:
            for principal, topics in self._topics().items():
                access = self.stack.connections.access(principal)
                await open_.enter_async_context(keeping(self.ledger, access, topics))
            producers = {
                one.sor: await open_.enter_async_context(
                    kafka.writer(self.stack.connections.access(f"hospital-{one.sor}"))
                )
                for one in senders
            }
            sending = asyncio.create_task(self._send(producers, plans))
            for number, victim in enumerate(VICTIMS, start=1):
                share = number * DOCUMENTS // (len(VICTIMS) + 1)
                while len(self.ledger.courses) < share:
                    await asyncio.sleep(0.02)
                    if sending.done():
                        sending.result()
                await asyncio.to_thread(self._kill_and_start, victim)
            await sending
            async with asyncio.timeout(PATIENCE):
                while self.ledger.open():
                    await asyncio.sleep(0.2)
                await asyncio.to_thread(self._wait_until_idle)

    def _topics(self) -> dict[str, list[str]]:
        own = {
            f"hospital-{one.sor}": [f"hospital.{one.sor}.receipts", f"hospital.{one.sor}.status"]
            for one in hospitals(CLUSTER_FILE)
        }
        dead = [f"{service}.dead-letters" for service in self.stack.services]
        return {**own, "ops": ["referrals", "training", "notifications", *dead]}

    async def _send(self, producers: dict[str, AIOKafkaProducer], plans: list[Draft]) -> None:
        for plan in plans:
            hospital = plan.hospital.sor
            topic = f"hospital.{hospital}.referrals"
            headers = [("content-type", content_type_of(plan).encode())]
            placed = await producers[hospital].send_and_wait(topic, write(plan), headers=headers)
            self.ledger.sent.append(
                Sent(
                    hospital=hospital,
                    origin=f"{topic}/0/{placed.offset}",
                    document_id=plan.document_id,
                    expected="accepted",
                    element=None,
                    story="a plan",
                    at=placed.timestamp,
                )
            )

    def _kill_and_start(self, victim: str) -> None:
        self.stack.kill(victim)
        assert not self.stack.processes.alive(victim)
        self.stack.start(victim)

    def _wait_until_idle(self) -> None:
        for service in self.stack.services:
            self.stack.wait_ready(service, seconds=PATIENCE)


@pytest.mark.timeout(1200)
def test_killing_anything_in_the_middle_loses_and_doubles_nothing(stacks: Stacks) -> None:
    stack = stacks(clock=CLOCK, durable=True)
    stack.up()
    asyncio.run(state_capacity(stack, DAY, WEEKS))
    plans = list(drafts(1, DOCUMENTS, hospitals(CLUSTER_FILE), municipalities(MUNICIPALITIES), DAY))
    load = Load(stack)
    asyncio.run(load.run(plans))

    broken = {
        promise: breaches
        for promise, breaches in load.ledger.promises()
        # A relay that is killed between produce and delete produces again, under the same id.
        if breaches and promise != "no event was published twice"
    }
    assert broken == {}
    assert len(load.ledger.courses) == DOCUMENTS
    assert load.ledger.dead == {}
    mails = httpx.get(stack.connections.url("mail-pages") + "/messages?limit=100000").json()
    ids = [mail["message_id"] for mail in mails["messages"]]
    assert len(ids) == len(set(ids)) == mails["count"], "a mail was sent twice"

"""kill -9 of each service, of the broker and of Postgres, in the middle of 2,000 documents."""

from __future__ import annotations

import asyncio
from functools import partial

import httpx
import pytest

from deploy.demo.documents import document, drafts, hospitals, municipalities
from deploy.demo.ledger import Ledger
from deploy.demo.promises import promises
from deploy.demo.reading import watching
from deploy.demo.rosters import state_capacity
from deploy.demo.run import CLOCK, DAY, WEEKS
from deploy.local.stack import Stack
from tests.conftest import Stacks

DOCUMENTS = 2000
VICTIMS = ("referral", "scheduling", "notifications", "kafka", "postgres")
# Bounds the test; nothing is timed by it.
PATIENCE = 600.0


def kill_and_start(stack: Stack, victim: str) -> None:
    stack.kill(victim)
    assert not stack.processes.alive(victim)
    stack.start(victim)


def has_accepted(ledger: Ledger, plans: int) -> bool:
    return len(ledger.courses) >= plans


async def send_and_kill(stack: Stack) -> Ledger:
    """Sends everything, kills each victim on the way, and waits until all is settled."""
    receivers = municipalities(stack.municipalities)
    plans = drafts(1, DOCUMENTS, hospitals(stack.cluster_file), receivers, DAY)
    async with watching(stack) as watch, asyncio.timeout(PATIENCE):

        async def send() -> None:
            for plan in plans:
                await watch.send(document(plan))

        sending = asyncio.create_task(send())
        for number, victim in enumerate(VICTIMS, start=1):
            share = number * DOCUMENTS // (len(VICTIMS) + 1)
            await watch.until(partial(has_accepted, watch.ledger, share))
            await asyncio.to_thread(kill_and_start, stack, victim)
        await sending
        await watch.until(lambda: not watch.ledger.open())
        for service in stack.services:
            await asyncio.to_thread(stack.wait_ready, service, PATIENCE)
        return watch.ledger


@pytest.mark.timeout(1200)
def test_killing_anything_in_the_middle_loses_and_doubles_nothing(stacks: Stacks) -> None:
    stack = stacks(clock=CLOCK, durable=True)
    stack.up()
    asyncio.run(state_capacity(stack, DAY, WEEKS))
    ledger = asyncio.run(send_and_kill(stack))

    broken = {
        promise: breaches
        for promise, breaches in promises(ledger)
        # A relay that is killed between produce and delete produces again, under the same id.
        if breaches and promise != "no event was published twice"
    }
    assert broken == {}
    assert len(ledger.courses) == DOCUMENTS
    assert ledger.dead == {}
    mails = httpx.get(
        stack.connections.url("mail-pages") + "/messages?limit=100000", timeout=PATIENCE
    ).json()
    ids = [mail["message_id"] for mail in mails["messages"]]
    assert len(ids) == len(set(ids)) == mails["count"], "a mail was sent twice"

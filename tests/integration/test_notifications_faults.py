"""A sender that is killed at the worst moments: nothing is lost, nobody is told twice."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from services.notifications.operations import Outcome, settle, uncertain_messages
from tests.conftest import Databases
from tests.integration.notifications_world import Servers, World
from tests.unit.notifications.factories import a_citizen, an_offer
from tests.waiting import until


@pytest.fixture
async def world(database: Databases, tmp_path: Path) -> AsyncIterator[World]:
    dsn = await database("notifications")
    servers = Servers(tmp_path)
    async with asyncpg.create_pool(dsn, min_size=1, max_size=8) as pool:
        try:
            await servers.start()
            yield World(dsn, pool, servers)
        finally:
            await servers.stop()


async def ended(process: subprocess.Popen[bytes]) -> int:
    return await asyncio.to_thread(process.wait, 60)


async def killed_while_sending(world: World, failpoint: str) -> None:
    process = world.start_process(failpoint)
    try:
        assert await ended(process) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()


async def test_a_text_whose_sender_died_before_the_call_is_sent_after_the_gateway_was_asked(
    world: World,
) -> None:
    await world.citizens(a_citizen(email=None))
    await world.news(an_offer())
    await killed_while_sending(world, "before-call")
    assert await world.servers.texts() == []
    assert await world.statuses() == [("session-offered", "sending", None)]
    await world.send_everything()
    assert await world.statuses() == [("session-offered", "sent", None)]
    assert len(await world.servers.texts()) == 1


async def test_a_text_whose_sender_died_after_the_call_is_settled_by_its_receipt(
    world: World,
) -> None:
    await world.citizens(a_citizen(email=None))
    await world.news(an_offer())
    await killed_while_sending(world, "after-call")
    assert len(await world.servers.texts()) == 1
    await world.send_everything()
    assert await world.statuses() == [("session-offered", "sent", "receipt")]
    assert len(await world.servers.texts()) == 1
    kinds = [event["type"].split(".")[3] for event in await world.published()]
    assert kinds == ["uncertain", "sent"]


@pytest.mark.parametrize(("failpoint", "arrived"), [("before-call", 0), ("after-call", 1)])
async def test_a_mail_whose_sender_died_is_uncertain_until_a_human_settles_it(
    world: World, failpoint: str, arrived: int
) -> None:
    await world.citizens(a_citizen())
    await world.news(an_offer())
    await killed_while_sending(world, failpoint)
    await world.send_everything()
    assert await world.statuses() == [("session-offered", "uncertain", "sender-died")]
    assert len(await world.servers.mails()) == arrived


async def test_a_sender_that_lives_is_not_taken_for_dead(world: World) -> None:
    await world.citizens(*(a_citizen(f"c{n}") for n in range(100)))
    process = world.start_process()

    async def all_alive() -> bool:
        return await world.living_senders() == 4

    try:
        async with world.sending(check_seconds=0):  # looks for the dead in every round
            await until(all_alive)
            offers = [
                an_offer(citizen=f"c{n}", session=f"s{n}", referral=f"r{n}") for n in range(100)
            ]
            await world.once(world.handlers.heard, offers)
            await until(world.nothing_due)
    finally:
        process.terminate()
        assert await ended(process) == 0
    assert {status for _, status, _ in await world.statuses()} == {"sent"}
    assert len(await world.servers.mails()) == 100


async def test_kills_in_the_middle_of_many_messages_lose_and_double_nothing(world: World) -> None:
    count = 240
    citizens = [
        a_citizen(f"c{n}", email=None if n % 2 else f"c{n}@example.com") for n in range(count)
    ]
    await world.citizens(*citizens)
    await world.news(
        *(an_offer(citizen=f"c{n}", session=f"s{n}", referral=f"r{n}") for n in range(count))
    )
    for failpoint in ("before-call:40", "after-call:35", "after-call:3"):
        await killed_while_sending(world, failpoint)
    await world.send_everything()
    mails, texts = await world.servers.mails(), await world.servers.texts()
    statuses = [(m["channel"], m["status"]) for m in await world.messages()]
    uncertain = statuses.count(("email", "uncertain"))
    assert statuses.count(("sms", "sent")) == len(texts) == count // 2
    assert statuses.count(("email", "sent")) + uncertain == count // 2
    assert uncertain <= 3 * 8  # what one channel had in hand at each kill
    assert len({mail["message_id"] for mail in mails}) == len(mails)
    sent = {str(m["notification_id"]) for m in await world.messages() if m["status"] == "sent"}
    arrived = {mail["message_id"].partition("@")[0] for mail in mails}
    assert sent - {text["reference"] for text in texts} <= arrived


async def test_a_stop_waits_for_the_calls_in_hand_and_records_them(world: World) -> None:
    await world.citizens(*(a_citizen(f"c{n}") for n in range(60)))
    await world.news(
        *(an_offer(citizen=f"c{n}", session=f"s{n}", referral=f"r{n}") for n in range(60))
    )
    process = world.start_process()
    await until(world.servers.mails)
    process.terminate()
    assert await ended(process) == 0
    statuses = [status for _, status, _ in await world.statuses()]
    assert set(statuses) <= {"created", "sent"}
    assert statuses.count("sent") == len(await world.servers.mails())


@pytest.mark.parametrize(
    ("outcome", "status", "mails", "kinds"),
    [
        ("sent", "sent", 1, ["uncertain", "sent"]),
        ("failed", "failed", 1, ["uncertain", "failed"]),
        ("again", "sent", 2, ["uncertain", "sent"]),
    ],
)
async def test_a_human_settles_what_is_uncertain(
    world: World, outcome: Outcome, status: str, mails: int, kinds: list[str]
) -> None:
    await world.citizens(a_citizen())
    await world.news(an_offer())
    await killed_while_sending(world, "after-call")
    await world.send_everything()
    async with world.pool.acquire() as conn:
        [row] = await uncertain_messages(conn)
        assert (row["template"], row["reason"]) == ("session-offered", "sender-died")
        async with conn.transaction():
            assert await settle(conn, row["notification_id"], outcome, world.now)
            assert not await settle(conn, row["notification_id"], outcome, world.now)
    await world.send_everything()
    assert [state for _, state, _ in await world.statuses()] == [status]
    assert len(await world.servers.mails()) == mails
    assert [event["type"].split(".")[3] for event in await world.published()] == kinds

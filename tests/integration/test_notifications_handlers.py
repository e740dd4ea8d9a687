"""What the handlers write, on real Postgres; each batch is delivered twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.notifications.echoes import echoes
from services.notifications.maintenance import forget_facts
from shared.crypto import Vault, generate_key
from shared.envelope import Message
from shared.handling import Applied, Dead, Outcome, Parked, Unit
from tests.conftest import Databases
from tests.integration.notifications_world import Servers, World
from tests.unit.notifications.factories import (
    NOW,
    RUDDI,
    SESSION,
    VAULT_KEYS,
    a_cancellation,
    a_citizen,
    a_closing,
    a_free_choice,
    a_move,
    a_withdrawal,
    an_erasure,
    an_event,
    an_offer,
    an_order,
)
from tests.waiting import until

MONDAY = SESSION + timedelta(days=3)


@pytest.fixture
async def world(database: Databases, tmp_path: Path) -> AsyncIterator[World]:
    dsn = await database("notifications")
    async with asyncpg.create_pool(dsn, min_size=1, max_size=4) as pool:
        yield World(dsn, pool, Servers(tmp_path))


async def test_news_wait_until_the_contact_comes_which_releases_them(world: World) -> None:
    [parked] = await world.news(an_offer())
    assert isinstance(parked, Parked)
    assert parked.waits_for == f"citizen:{RUDDI}"
    assert parked.until == NOW + timedelta(hours=72)
    [recorded] = await world.citizens(a_citizen())
    assert recorded == Applied(releases=[f"citizen:{RUDDI}"])
    assert await world.news(an_offer()) == [Applied()]
    assert await world.statuses() == [("session-offered", "created", None)]


async def test_however_often_parked_news_are_looked_at_their_limit_stays(world: World) -> None:
    await world.news(an_offer())
    world.now += timedelta(hours=60)
    [parked] = await world.news(an_offer())
    assert isinstance(parked, Parked)
    assert parked.until == NOW + timedelta(hours=72)


async def test_later_news_get_their_own_time_to_wait(world: World) -> None:
    await world.news(an_offer())
    world.now += timedelta(hours=100)
    late = replace(an_offer(session="session-2"), timestamp=world.now)
    [parked] = await world.news(late)
    assert isinstance(parked, Parked)
    assert parked.until == world.now + timedelta(hours=72)


async def test_a_cancellation_waits_behind_the_offer_that_waits(world: World) -> None:
    outcomes = await world.news(an_offer(), a_cancellation())
    assert [type(outcome) for outcome in outcomes] == [Parked, Parked]


async def test_a_released_offer_is_not_told_after_its_cancellation(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(a_cancellation(revision=2))
    await world.news(an_offer(revision=1))
    assert await world.statuses() == [("session-cancelled", "cancelled", "nothing-told")]


async def test_an_erased_citizens_news_do_not_wait(world: World) -> None:
    await world.news(an_offer())
    [outcome] = await world.citizens(an_erasure())
    assert outcome == Applied(releases=[f"citizen:{RUDDI}"])
    assert await world.news(an_offer()) == [Applied()]
    assert await world.statuses() == [("session-offered", "cancelled", "erased")]


async def test_batches_that_hold_each_others_contacts_do_not_wait_in_a_circle(world: World) -> None:
    """As two lanes do: a citizen's contact and the news for them lie in different partitions."""

    async def apply(mine: str, others: str) -> list[Outcome]:
        batch = [
            *(a_citizen(f"{mine}{n}") for n in range(50)),
            *(an_offer(citizen=f"{others}{n}", referral=f"{others}{n}") for n in range(50)),
        ]
        async with world.pool.acquire() as conn, conn.transaction():
            return await world.handlers.heard(Unit(conn=conn, now=NOW), batch)

    outcomes = await asyncio.gather(apply("a", "b"), apply("b", "a"))

    parked = [outcome for batch in outcomes for outcome in batch if isinstance(outcome, Parked)]
    assert len(parked) == 50  # whoever came first could not know of the other's contacts


async def test_a_contact_counts_for_news_before_it_in_the_same_batch(world: World) -> None:
    outcomes = await world.once(world.handlers.heard, [an_offer(), a_citizen()])
    assert not any(isinstance(outcome, Parked) for outcome in outcomes)
    assert await world.statuses() == [("session-offered", "created", None)]


async def test_a_contact_that_is_recorded_while_news_park_is_never_missed(world: World) -> None:
    """The two transactions overlap: whoever comes second sees what the first one wrote."""
    async with world.pool.acquire() as first, world.pool.acquire() as second:
        parking, recording = first.transaction(), second.transaction()
        await parking.start()
        unit = Unit(conn=first, now=NOW)
        [outcome] = await world.handlers.heard(unit, [an_offer()])
        assert isinstance(outcome, Parked)
        await recording.start()
        task = asyncio.create_task(world.handlers.heard(Unit(conn=second, now=NOW), [a_citizen()]))
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        await until(lambda: world.pool.fetchval(waiting))
        assert not task.done()  # so its release runs after the parking is committed
        await parking.commit()
        await task
        await recording.commit()


async def test_a_contact_is_sealed_and_its_flags_are_true(world: World) -> None:
    await world.citizens(a_citizen(), a_citizen("b", email="nonsense", phone="12345678"))
    rows = {row["citizen_id"]: row for row in await world.pool.fetch("SELECT * FROM contact")}
    assert (rows[RUDDI]["has_email"], rows[RUDDI]["has_mobile"]) == (True, True)
    assert (rows["b"]["has_email"], rows["b"]["has_mobile"]) == (False, False)
    clear = json.loads(Vault(VAULT_KEYS).open(rows[RUDDI]["sealed"], RUDDI))
    assert clear == {
        "name": "Ruddi Test Berggren",
        "email": "ruddi@example.com",
        "mobile": "+447700900101",
        "language": "da",
        "deceased": False,
    }


async def test_an_older_contact_never_overwrites_a_newer_one(world: World) -> None:
    await world.citizens(a_citizen(version=2, email=None))
    await world.citizens(a_citizen(version=1))
    assert await world.pool.fetchval("SELECT has_email FROM contact") is False


async def test_the_last_record_of_a_batch_counts(world: World) -> None:
    await world.citizens(a_citizen(version=1), an_erasure(), a_citizen(version=2))
    assert await world.pool.fetchval("SELECT version FROM contact") == 2
    await world.citizens(a_citizen(version=3), an_erasure())
    assert await world.pool.fetchval("SELECT count(*) FROM contact") == 0


@pytest.mark.parametrize(
    "value",
    [b"", b"{", b"\xff\xfe", b'{"kid":"k1","key":"","nonce":"","data":""}'],
)
async def test_a_record_that_can_not_be_opened_is_a_dead_letter_and_the_others_go_through(
    world: World, value: bytes
) -> None:
    broken = an_event("citizen.recorded", value, topic="citizens", key="x", subject="x")
    dead, applied = await world.citizens(broken, a_citizen())
    assert isinstance(dead, Dead)
    assert isinstance(applied, Applied)


async def test_a_record_under_a_key_that_we_lack_says_which(world: World) -> None:
    [dead] = await world.citizens(a_citizen(keys=generate_key("k9")))
    assert isinstance(dead, Dead)
    assert "k9" in dead.reason


async def test_a_record_under_another_citizens_key_does_not_open(world: World) -> None:
    moved = a_citizen()
    stolen = an_event("citizen.recorded", moved.value, topic="citizens", key="other")
    [dead] = await world.citizens(stolen)
    assert isinstance(dead, Dead)


@pytest.mark.parametrize(
    "value", [None, b"", b"null", b"{", b'{"session_id": 1}', b"\xff", b"[" * 100_000]
)
async def test_an_event_that_can_not_be_read_is_a_dead_letter_and_the_others_go_through(
    world: World, value: bytes | None
) -> None:
    await world.citizens(a_citizen())
    dead, applied = await world.news(an_event("session.offered", value), an_offer())
    assert isinstance(dead, Dead)
    assert dead.holds == "referral-1"
    assert applied == Applied()
    assert len(await world.messages()) == 1


async def test_a_provider_without_a_municipality_file_is_a_dead_letter_that_says_so(
    world: World,
) -> None:
    [dead] = await world.news(an_offer(provider="999"))
    assert isinstance(dead, Dead)
    assert "municipality file" in dead.reason


async def test_of_a_suppliers_session_the_responsible_municipality_writes_once(
    world: World,
) -> None:
    await world.citizens(a_citizen())
    supplier = "fysioterapi-randers"
    offer = an_offer(provider=supplier, municipality="730")
    assert await world.news(offer) == [Applied()]
    assert {one["provider"] for one in await world.messages()} == {"730"}
    [dead] = await world.news(an_offer(provider=supplier, event_id="2"))
    assert isinstance(dead, Dead)


async def test_the_same_event_in_another_batch_changes_nothing(world: World) -> None:
    await world.citizens(a_citizen())
    offer = an_offer()
    await world.news(offer)
    await world.news(offer, a_free_choice())
    assert len(await world.messages()) == 2


async def test_what_an_order_says_counts_whichever_topic_is_read_first(world: World) -> None:
    await world.citizens(a_citizen(email=None))
    await world.news(an_order(bedside=True), an_offer())
    [message] = await world.messages()
    assert message["urgent"]


async def test_bedside_plans_wake_nobody_where_the_municipality_says_so(world: World) -> None:
    object.__setattr__(world.handlers, "bedside_is_urgent", False)
    await world.citizens(a_citizen(email=None))
    await world.news(an_order(bedside=True), an_offer())
    [message] = await world.messages()
    assert not message["urgent"]


async def test_a_withdrawn_order_takes_back_what_waits_and_what_comes_late(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(an_offer())
    await world.news(a_withdrawal())
    await world.news(an_offer(MONDAY, session="session-2"))
    assert {reason for _, _, reason in await world.statuses()} == {"order-withdrawn"}


async def test_a_closed_referral_takes_back_what_waits_and_what_comes_late(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(an_offer())
    await world.news(a_closing())
    await world.news(a_free_choice())
    await world.news(an_offer(MONDAY, session="session-2"))
    assert {status for _, status, _ in await world.statuses()} == {"cancelled"}


async def test_a_death_silences_what_waits_and_what_comes_after_it(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(an_offer())
    [parked] = await world.news(a_cancellation(reason="order-withdrawn"))
    assert isinstance(parked, Parked)
    assert parked.waits_for == "order:order-1"
    closed, withdrawn = await world.news(
        a_closing(reason="deceased"), a_withdrawal(reason="deceased")
    )
    assert closed == Applied()
    assert withdrawn == Applied(releases=["order:order-1"])
    await world.news(a_cancellation(reason="order-withdrawn"))
    assert {(status, reason) for _, status, reason in await world.statuses()} == {
        ("cancelled", "deceased")
    }


async def _echo(world: World, *messages: Message) -> None:
    for _ in range(2):
        async with world.pool.acquire() as conn, conn.transaction():
            outcomes = await echoes(Unit(conn=conn, now=world.now), messages)
            assert outcomes == [Applied()] * len(messages)


async def _said(world: World, kind: str, message: dict[str, Any], **changes: Any) -> Message:
    data = {
        "notification_id": str(message["notification_id"]),
        "referral_id": message["referral_id"],
        "citizen_id": message["citizen_id"],
        "provider": message["provider"],
        "channel": message["channel"],
        "template": message["template"],
        "template_version": 1,
        "cause": message["cause"],
        "at": (world.now + timedelta(minutes=1)).isoformat(),
        "reason": None,
        **changes,
    }
    return an_event(f"notification.{kind}", data, topic="notifications")


async def test_after_a_restore_what_the_log_says_was_sent_is_not_sent_again(world: World) -> None:
    """Yesterday's backup, the same news again; the log's word may come before or after them."""
    offer, later = an_offer(), an_offer(session="s2", referral="r2")
    await world.citizens(a_citizen())
    await world.news(offer, later)
    sent = [await _said(world, "sent", message) for message in await world.messages()]
    await world.pool.execute("DELETE FROM message")
    await _echo(world, sent[0])
    await world.news(offer, later)
    await _echo(world, sent[1])
    assert {status for _, status, _ in await world.statuses()} == {"sent"}
    assert await world.published() == []


async def test_after_a_restore_a_move_of_a_sent_offer_is_told_as_a_move(world: World) -> None:
    offer = an_offer()
    await world.citizens(a_citizen())
    await world.news(offer)
    sent = await _said(world, "sent", (await world.messages())[0])
    await world.pool.execute("DELETE FROM message")
    await _echo(world, sent)
    await world.news(offer, a_move(MONDAY))
    assert [template for template, _, _ in await world.statuses()] == [
        "session-offered",
        "session-moved",
    ]


async def test_an_echo_does_not_overtake_a_message_that_was_settled_since(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(an_offer())
    [message] = await world.messages()
    early = (world.now - timedelta(minutes=1)).isoformat()
    uncertain = await _said(world, "uncertain", message, at=early)
    # Tried once, uncertain, and waiting again because the gateway never got it.
    await world.pool.execute("UPDATE message SET attempts = 1")
    await _echo(world, uncertain)
    assert await world.statuses() == [("session-offered", "created", None)]


async def test_what_settled_messages_told_is_forgotten_after_a_while(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(an_offer(), a_free_choice())
    await world.pool.execute("UPDATE message SET status = 'sent' WHERE session_id IS NOT NULL")
    async with world.pool.acquire() as conn:
        assert await forget_facts(conn, SESSION) == 0
        assert await forget_facts(conn, SESSION + timedelta(days=30)) == 1
        assert await forget_facts(conn, SESSION + timedelta(days=30)) == 0


async def test_a_thousand_offers_take_a_fixed_number_of_statements(world: World) -> None:
    count = 1000
    await world.citizens(*(a_citizen(f"c{n}") for n in range(count)))
    offers = [an_offer(citizen=f"c{n}", session=f"s{n}", referral=f"r{n}") for n in range(count)]
    statements: list[str] = []
    async with world.pool.acquire() as conn:
        conn.add_query_logger(lambda record: statements.append(record.query))
        async with conn.transaction():
            await world.handlers.heard(Unit(conn=conn, now=world.now), offers)
    assert len(statements) < 12
    assert len(await world.messages()) == count

"""From an event to a mail or a text message, on real Postgres, SMTP and HTTP servers."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest

from services.notifications.dispatch import Retry
from shared.crypto import Vault, generate_key
from tests.conftest import Databases
from tests.integration.notifications_world import TOKEN, Servers, World
from tests.unit.notifications.factories import (
    RUDDI,
    SESSION,
    a_cancellation,
    a_citizen,
    a_closing,
    a_free_choice,
    a_move,
    an_erasure,
    an_offer,
    an_order,
)
from tests.waiting import free_port, until

NEVER, NOT_NOW = "+447700900002", "+447700900003"
NO_ANSWER, FAILS_LATER = "+447700900004", "+447700900005"


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


async def test_an_offer_to_a_citizen_with_an_address_becomes_one_mail(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(an_offer())
    await world.send_everything()
    [mail] = await world.servers.mails()
    assert mail["to"] == "ruddi@example.com"
    assert mail["subject"] == "Din tid hos Randers Kommune: fre 27. nov kl. 10.30"
    assert "Kære Ruddi Test Berggren" in mail["text"]
    assert "Randers Sundhedscenter, Biografgade 3, 8900" in mail["text"]
    assert "Du kan frit vælge mellem kommunens egne steder" in mail["text"]
    assert await world.statuses() == [("session-offered", "sent", None)]
    assert await world.servers.texts() == []


async def test_what_became_of_a_message_is_published_without_personal_data(world: World) -> None:
    offer = an_offer()
    await world.citizens(a_citizen())
    await world.news(offer)
    await world.send_everything()
    [event] = await world.published()
    assert event["type"] == "dk.genvej.notification.sent.v1"
    assert (event["topic"], event["key"]) == ("notifications", "730")
    assert (event["subject"], event["correlation_id"]) == ("referral-1", "document-1")
    said = json.loads(event["value"])
    [message] = await world.messages()
    assert said == {
        "notification_id": str(message["notification_id"]),
        "referral_id": "referral-1",
        "citizen_id": RUDDI,
        "provider": "730",
        "recipient": "citizen",
        "channel": "email",
        "template": "session-offered",
        "template_version": 2,
        "cause": offer.id,
        "at": "2026-11-24T09:00:00Z",
        "reason": None,
    }


async def test_a_citizen_with_a_phone_alone_gets_a_text_in_their_language(world: World) -> None:
    await world.citizens(a_citizen(email=None, language="en"))
    await world.news(an_offer())
    await world.send_everything()
    [text] = await world.servers.texts()
    [message] = await world.messages()
    assert text["to"] == "+447700900101"
    assert text["reference"] == str(message["notification_id"])
    assert text["text"] == (
        "Randers Kommune: You have an appointment Fri 27 Nov at 10:30, Randers Sundhedscenter. "
        "You may choose another place or municipality. Call 89 15 15 15."
    )


async def test_a_citizen_whom_no_channel_reaches_is_for_a_human_to_call(world: World) -> None:
    await world.citizens(a_citizen(email=None, phone="ukendt"))
    await world.news(an_offer())
    await world.send_everything()
    assert await world.statuses() == [("session-offered", "failed", "no-channel")]
    [event] = await world.published()
    assert event["type"] == "dk.genvej.notification.failed.v1"
    assert json.loads(event["value"])["channel"] is None


async def test_no_postal_address_and_no_cpr_is_in_the_database_or_in_any_message(
    world: World,
) -> None:
    await world.citizens(a_citizen(protected=False), a_citizen("other", email=None))
    await world.news(an_offer(), an_offer(citizen="other", session="s2", referral="r2"))
    await world.send_everything()
    told = [m["text"] for m in [*await world.servers.mails(), *await world.servers.texts()]]
    assert len(told) == 2
    for text in told:
        assert "Hemmeligvej" not in text
        assert not re.search(r"\b\d{6}-?\d{4}\b", text)
    for row in [*await world.rows(), *map(dict, await world.published())]:
        assert not re.search(r"Ruddi|Berggren|example.com|\+447700900101|Hemmelig", str(row))


async def test_who_died_before_the_sending_gets_nothing(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(an_offer())
    await world.citizens(a_citizen(deceased=True, version=2))
    await world.send_everything()
    assert await world.statuses() == [("session-offered", "cancelled", "deceased")]
    await world.news(a_move(SESSION + timedelta(days=1)), a_free_choice())
    await world.send_everything()
    assert {status for _, status, _ in await world.statuses()} == {"cancelled"}
    assert await world.servers.mails() == await world.servers.texts() == []
    assert await world.published() == []


async def test_death_is_checked_again_at_the_moment_of_sending(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(an_offer())
    # As when the contact changes after the message was looked at by the handler of `citizens`.
    await world.pool.execute("UPDATE contact SET deceased = true")
    await world.send_everything()
    assert await world.statuses() == [("session-offered", "cancelled", "deceased")]
    assert await world.servers.mails() == []


async def test_an_erased_citizen_is_told_nothing_and_nothing_is_kept_of_them(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(an_offer())
    await world.citizens(an_erasure())
    await world.send_everything()
    assert await world.servers.mails() == []
    assert await world.pool.fetch("SELECT * FROM contact") == []
    [message] = await world.messages()
    assert (message["status"], message["facts"]) == ("cancelled", b"{}")


async def test_a_moved_session_whose_offer_was_not_sent_is_told_once_with_the_new_time(
    world: World,
) -> None:
    await world.citizens(a_citizen())
    await world.news(an_offer())
    await world.news(a_move(SESSION + timedelta(days=3)))
    await world.send_everything()
    [mail] = await world.servers.mails()
    assert mail["subject"] == "Din tid hos Randers Kommune: man 30. nov kl. 10.30"
    assert "flytte" not in mail["text"]
    assert sorted(await world.statuses()) == [
        ("session-offered", "cancelled", "superseded"),
        ("session-offered", "sent", None),
    ]


async def test_a_session_is_offered_moved_and_cancelled(world: World) -> None:
    await world.citizens(a_citizen())
    monday = SESSION + timedelta(days=3)
    for message in (an_offer(), a_move(monday), a_cancellation(monday, revision=3)):
        await world.news(message)
        await world.send_everything()
    cancelled, moved, _ = await world.servers.mails()
    assert "din tid fredag den 27. november 2026 kl. 10.30" in moved["text"]
    assert "mandag den 30. november 2026 kl. 10.30" in moved["text"]
    assert cancelled["subject"] == "Aflyst: din tid hos Randers Kommune man 30. nov kl. 10.30"


async def test_a_batch_that_holds_the_whole_story_tells_only_its_end(world: World) -> None:
    await world.citizens(a_citizen())
    monday = SESSION + timedelta(days=3)
    await world.news(an_offer(), a_move(monday), a_cancellation(monday, revision=3))
    await world.send_everything()
    assert await world.servers.mails() == []
    assert {status for _, status, _ in await world.statuses()} == {"cancelled"}


async def test_free_choice_is_explained_and_taken_back(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(a_free_choice())
    await world.send_everything()
    await world.news(a_closing(reason="entered-in-error"))
    await world.send_everything()
    taken_back, explained = await world.servers.mails()
    assert explained["subject"] == "Du kan vælge en privat leverandør"
    assert "senest tirsdag den 1. december 2026" in explained["text"]
    assert "sendt ved en fejl" in taken_back["text"]


async def test_a_message_is_never_sent_after_the_session_has_begun(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(an_offer())
    world.now = SESSION
    await world.send_everything()
    assert await world.statuses() == [("session-offered", "failed", "expired")]
    assert await world.servers.mails() == []


async def test_texts_wait_for_the_morning(world: World) -> None:
    world.now = world.now.replace(hour=22)  # 23 in Denmark
    await world.citizens(a_citizen(email=None))
    await world.news(an_offer())
    await world.send_everything()
    assert await world.statuses() == [("session-offered", "created", None)]
    world.now += timedelta(hours=7, minutes=59)
    await world.send_everything()
    assert await world.servers.texts() == []
    world.now += timedelta(minutes=1)
    await world.send_everything()
    assert len(await world.servers.texts()) == 1


async def test_a_bedside_plan_lets_go_of_what_the_night_holds_back(world: World) -> None:
    world.now = world.now.replace(hour=22)
    await world.citizens(a_citizen(email=None))
    await world.news(an_offer())
    await world.news(an_order(bedside=True))
    await world.send_everything()
    assert len(await world.servers.texts()) == 1


async def test_a_number_or_address_that_is_refused_gives_way_to_the_other_channel(
    world: World,
) -> None:
    await world.citizens(a_citizen(email="perm-fail@example.com"))
    await world.news(an_offer())
    await world.send_everything()
    assert len(await world.servers.texts()) == 1
    [message] = await world.messages()
    assert (message["status"], message["channel"], message["not_by"]) == ("sent", "sms", "email")


async def test_what_is_refused_for_good_by_the_only_channel_fails(world: World) -> None:
    await world.citizens(
        a_citizen("a", email="perm-fail@example.com", phone=None),
        a_citizen("b", email=None, phone=NEVER),
    )
    await world.news(
        an_offer(citizen="a", session="s1", referral="r1"),
        an_offer(citizen="b", session="s2", referral="r2"),
    )
    await world.send_everything()
    assert sorted(await world.statuses()) == [
        ("session-offered", "failed", "gateway-422"),
        ("session-offered", "failed", "smtp-550"),
    ]


@pytest.mark.parametrize(
    ("address", "phone", "reason"),
    [("temp-fail@example.com", None, "smtp-451"), (None, NOT_NOW, "gateway-503")],
)
async def test_what_fails_for_now_is_tried_again_with_pauses_and_then_given_up(
    world: World, address: str | None, phone: str | None, reason: str
) -> None:
    await world.citizens(a_citizen(email=address, phone=phone))
    await world.news(an_offer())
    async with world.sending(retry=Retry(limit=2)):
        for pause in (5, 10):
            await until(world.nothing_due)
            [message] = await world.messages()
            assert (message["status"], message["reason"]) == ("created", reason)
            assert message["due_at"] - world.now == timedelta(seconds=pause)
            world.now += timedelta(seconds=pause)
        await until(world.published)
    [message] = await world.messages()
    assert (message["status"], message["reason"], message["attempts"]) == ("failed", reason, 3)


async def test_servers_that_are_away_are_waited_for(world: World) -> None:
    await world.servers.stop()
    await world.citizens(a_citizen("a"), a_citizen("b", email=None))
    await world.news(
        an_offer(citizen="a", session="s1", referral="r1"),
        an_offer(citizen="b", session="s2", referral="r2"),
    )
    await world.send_everything()
    assert sorted(await world.statuses()) == [
        ("session-offered", "created", "gateway-unreachable"),
        ("session-offered", "created", "smtp-unreachable"),
    ]
    await world.servers.start_mail()
    await world.servers.start_sms()
    world.now += timedelta(seconds=5)
    await world.send_everything()
    assert len(await world.servers.mails()) == len(await world.servers.texts()) == 1


async def test_after_many_errors_the_next_smtp_server_is_used(world: World) -> None:
    citizens = [f"c{number}" for number in range(60)]
    await world.citizens(*(a_citizen(citizen, phone=None) for citizen in citizens))
    await world.news(*(an_offer(citizen=c, session=f"s-{c}", referral=f"r-{c}") for c in citizens))
    nobody = f"smtp://127.0.0.1:{free_port()}"
    async with world.sending(smtp_url=f"{nobody},{world.servers.smtp_url}"):
        await until(world.nothing_due)
        world.now += timedelta(seconds=5)
        await until(world.nothing_due)
    assert {status for _, status, _ in await world.statuses()} == {"sent"}
    assert len(await world.servers.mails()) == 60


async def test_a_text_without_an_answer_is_uncertain_and_settled_by_its_receipt(
    world: World,
) -> None:
    await world.citizens(a_citizen(email=None, phone=NO_ANSWER))
    await world.news(an_offer())
    await world.send_everything(call_seconds=0.5)
    assert await world.statuses() == [("session-offered", "sent", "receipt")]
    kinds = [event["type"].split(".")[3] for event in await world.published()]
    assert kinds == ["uncertain", "sent"]
    assert len(await world.servers.texts()) == 1


async def test_a_mail_whose_line_is_cut_after_acceptance_is_uncertain_and_never_sent_again(
    world: World,
) -> None:
    await world.citizens(a_citizen(email="cut-off@example.com", phone=None))
    await world.news(an_offer())
    await world.send_everything()
    world.now += timedelta(hours=6)
    await world.send_everything()
    assert await world.statuses() == [("session-offered", "uncertain", "smtp-disconnected")]
    assert len(await world.servers.mails()) == 1


async def test_every_opening_of_a_contact_is_written_down(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(an_offer())
    await world.send_everything()
    [access] = await world.pool.fetch("SELECT * FROM contact_access")
    [message] = await world.messages()
    assert dict(access) == {
        "at": world.now,
        "actor": "notifications",
        "action": "send",
        "citizen_id": RUDDI,
        "notification_id": message["notification_id"],
    }


async def test_messages_wait_for_a_vault_key_that_is_missing(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(an_offer())
    await world.send_everything(vault=Vault(generate_key("k2")))
    assert await world.statuses() == [("session-offered", "created", "contact-unreadable")]
    world.now += timedelta(minutes=5)
    await world.send_everything()
    assert await world.statuses() == [("session-offered", "sent", None)]


async def test_two_processes_send_each_message_once(world: World) -> None:
    citizens = [f"c{number}" for number in range(200)]
    await world.citizens(*(a_citizen(citizen) for citizen in citizens))
    await world.news(*(an_offer(citizen=c, session=f"s-{c}", referral=f"r-{c}") for c in citizens))
    async with world.sending(), world.sending():
        await until(world.nothing_due)
    mails = await world.servers.mails()
    assert len(mails) == len({mail["message_id"] for mail in mails}) == 200
    assert len(await world.published()) == 200


async def test_the_gateway_takes_a_reference_once_and_remembers_it_after_a_restart(
    world: World,
) -> None:
    message = {"to": "+447700900101", "text": "Hej", "reference": "r1"}
    headers = {"authorization": f"Bearer {TOKEN}"}
    url = world.servers.sms_url
    async with httpx.AsyncClient(trust_env=False, headers=headers) as client:
        assert (await client.post(url, json=message)).status_code == 202
        await world.servers.stop("sms")
        await world.servers.start_sms()
        assert (await client.post(url, json=message)).status_code == 202
        assert (await client.post(url, json={**message, "text": "Nej"})).status_code == 409
        assert (await client.get(f"{url}/receipts/r1")).json()["status"] == "delivered"
        assert (await client.get(f"{url}/receipts/r2")).status_code == 404
        assert (await client.post(url, json={"to": "x"})).status_code == 400
        wrong = {"authorization": "Bearer wrong"}
        assert (await client.post(url, json=message, headers=wrong)).status_code == 401
    assert len(await world.servers.texts()) == 1


async def test_mails_are_kept_under_names_that_say_nothing(world: World, tmp_path: Path) -> None:
    await world.citizens(a_citizen())
    await world.news(an_offer())
    await world.send_everything()
    assert [path.name for path in (tmp_path / "mail").iterdir()] == ["000001.eml"]
    async with httpx.AsyncClient(trust_env=False) as client:
        page = (await client.get(f"http://127.0.0.1:{world.servers.mail_port}/")).text
    assert "Kære Ruddi Test Berggren" in page

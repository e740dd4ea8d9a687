"""Faults, drafts, names and the event catalogue."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta
from pathlib import Path

import asyncpg
import jsonschema
import orjson
import pytest
import structlog

from examples.transport.office import SERVICE
from shared.asyncapi import CONTRACTS, document
from shared.consumer import group_id
from shared.crypto import Vault, generate_key
from shared.draft import MAX_EVENT, Draft, Entry, TooLarge
from shared.envelope import Event
from shared.faults import back_off, describe, is_transient
from shared.handling import Applied, CancelTimer, Dead, Parked, SetTimer
from shared.kafka import pattern
from shared.logs import _whitelist
from shared.routes import Routes
from shared.topics import load
from shared.waiting import is_set
from tests.unit.shared.factories import NOW, a_message

ROOT = Path(__file__).parents[3]


def a_draft() -> Draft:
    return Draft("office", Vault(generate_key()), 12, NOW)


def an_entry(**other: object) -> Entry:
    message = a_message(**other)
    return Entry(message, f"{message.source}/{message.id}", "handle")


def a_failure() -> ValueError:
    try:
        raise ValueError("1502779995 Ruddi")  # noqa: TRY301 - its place is what is looked at
    except ValueError as error:
        return error


def an_event(value: bytes = b"{}") -> Event:
    return Event(topic="t", key="730", type="dk.genvej.x.v1", subject="s", value=value)


# -- faults --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(),
        TimeoutError(),
        asyncpg.DeadlockDetectedError(),
        asyncpg.SerializationError(),
        asyncpg.DiskFullError(),
        asyncpg.AdminShutdownError(),
        asyncpg.UndefinedTableError(),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("cannot switch to state 15; another operation is in progress"),
    ],
)
def test_what_passes_by_itself_is_transient(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError(),
        KeyError("x"),
        asyncpg.UniqueViolationError(),
        asyncpg.UndefinedColumnError(),
        asyncpg.DataError("invalid input for query argument $1: connection"),
        asyncpg.InterfaceError("cannot perform operation: another operation is in progress"),
    ],
)
def test_what_a_message_causes_is_not(error: Exception) -> None:
    assert not is_transient(error)


def test_a_description_says_where_and_quotes_nothing() -> None:
    said = describe(a_failure())
    assert re.fullmatch(r"ValueError in a_failure \(test_mechanism\.py:\d+\)", said)


def test_back_off_doubles_up_to_a_limit() -> None:
    assert [back_off(n, first=1, most=5) for n in range(4)] == [1, 2, 4, 5]
    assert back_off(10_000) == 15.0


# -- drafts --------------------------------------------------------------------------------------


def test_the_same_cause_makes_the_same_events_and_another_attempt_others() -> None:
    ids = []
    for attempt in (0, 0, 1):
        draft, entry = a_draft(), an_entry()
        entry.attempt = attempt
        draft.add(entry, Applied(events=[an_event(), an_event()]))
        ids.append([row[0] for row in draft.outbox])
    assert ids[0] == ids[1]
    assert len({*ids[0], *ids[2]}) == 4


def test_the_last_word_on_a_timer_counts() -> None:
    draft = a_draft()
    setting = SetTimer(kind="k", key="a", due=NOW, partition_key="730")
    draft.add(an_entry(), Applied(timers=[setting, CancelTimer(kind="k", key="a")]))
    assert draft.timers[("k", "a")] is None
    draft.add(an_entry(), Applied(timers=[CancelTimer(kind="k", key="a"), setting]))
    assert draft.timers[("k", "a")] is not None


def test_an_event_that_no_topic_takes_is_refused() -> None:
    with pytest.raises(TooLarge):
        a_draft().add(an_entry(), Applied(events=[an_event(b"x" * (MAX_EVENT + 1))]))


def test_waiting_beyond_its_limit_is_a_dead_letter() -> None:
    draft = a_draft()
    draft.add(an_entry(), Parked(waits_for="k", until=NOW, reason="r"))
    assert not draft.parked
    assert len(draft.dead) == 1


def test_a_parked_message_is_looked_at_again_before_its_limit() -> None:
    draft = a_draft()
    draft.add(an_entry(), Parked(waits_for="k", until=NOW + timedelta(seconds=1), reason="r"))
    (row,) = draft.parked
    assert row[3] == NOW + timedelta(seconds=1)


def test_an_announcement_keeps_its_contract() -> None:
    draft = a_draft()
    draft.add(an_entry(value=b"secret"), Dead(reason="unusable", holds="s1"))
    row = draft.outbox[-1]
    assert (row[1], row[3]) == ("office.dead-letters", "dk.genvej.dead-letter.recorded.v1")
    schema = json.loads((CONTRACTS / "dead-letter.recorded.v1.schema.json").read_text("utf-8"))
    jsonschema.validate(orjson.loads(row[9]), schema)
    assert b"secret" not in row[9]


# -- names ---------------------------------------------------------------------------------------


def test_another_subscription_is_another_group() -> None:
    one, same = group_id("s", "keyed", ["a", "b"]), group_id("s", "keyed", ["b", "a"])
    assert one == same
    assert one.startswith("s.keyed.")
    assert group_id("s", "keyed", ["a", "b", "c"]) != one


@pytest.mark.parametrize(
    ("topic", "matches"),
    [
        ("hospital.1.referrals", True),
        ("hospital.1.2.referrals", False),
        ("hospital..referrals", False),
        ("xhospital.1.referrals", False),
        ("hospital.1.referrals.x", False),
        ("roster", True),
    ],
)
def test_a_family_takes_its_own_topics_only(topic: str, matches: bool) -> None:
    found = re.match(pattern(["hospital.{hospital}.referrals", "roster"]), topic)
    assert bool(found) is matches


def test_what_nobody_reads_has_no_handler() -> None:
    routes = Routes(SERVICE)
    assert routes.find("training").name == "training"
    for topic in ("other", "timer:unknown"):
        with pytest.raises(LookupError):
            routes.find(topic)


# -- logs and the catalogue ----------------------------------------------------------------------


def test_a_log_line_holds_named_fields_only() -> None:
    fields = {"event": "x", "topic": "t", "cpr": "1502779995", "exc_info": a_failure()}
    kept = _whitelist(structlog.get_logger(), "error", fields)
    assert set(kept) == {"event", "topic", "error"}
    assert "1502779995" not in str(kept)


def test_every_reference_of_the_catalogue_leads_somewhere() -> None:
    cluster = load(ROOT / "deploy/topics.toml")
    catalogue = document(SERVICE, cluster, server="127.0.0.1:9092", tls=False)
    references = re.findall(r'"\$ref": ?"#/([^"]+)"', json.dumps(catalogue))
    assert references
    for reference in references:
        part = catalogue
        for name in reference.split("/"):
            part = part[name]
    assert set(catalogue["channels"]) == {"training", "transport.dead-letters"}
    assert catalogue["channels"]["training"]["bindings"]["kafka"]["partitions"] == 12
    actions = {operation["action"] for operation in catalogue["operations"].values()}
    assert actions == {"send", "receive"}


async def test_a_cancelled_wait_is_cancelled() -> None:
    waiting = asyncio.create_task(is_set(asyncio.Event(), 3600))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

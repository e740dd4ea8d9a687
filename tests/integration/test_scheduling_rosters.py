"""What roster systems state: accepted or refused with a receipt, and passed on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from services.scheduling import incoming
from services.scheduling.handlers_roster import Rosters
from services.scheduling.settings import COMPETENCES, Sources
from services.scheduling.staffing import Rule
from shared.envelope import Message
from tests.conftest import Databases
from tests.integration.scheduling_service import TOPICS, Process
from tests.unit.scheduling.factories import MONDAY, a_message, a_statement, a_therapist, all_week


@pytest.fixture
async def process(database: Databases) -> AsyncIterator[Process]:
    conn = await asyncpg.connect(await database("scheduling"))
    yield Process(conn)
    await conn.close()


def stated(*bodies: Any, source: str = "randers", first: int = 0) -> list[Message]:
    """Records of a roster system, without any header."""
    topic = f"roster.{source}.capacity"
    return [a_message("", body, first + number, topic) for number, body in enumerate(bodies)]


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removesuffix(".v1") for event in events]


async def test_a_statement_is_accepted_and_passed_on(process: Process) -> None:
    statement = a_statement("R", a_therapist("T1", *all_week()))
    receipt, passed_on = await process.intake(stated(statement))
    assert (receipt["type"], receipt["location"], receipt["version"]) == (
        "capacity.accepted.v1",
        "R",
        1,
    )
    assert passed_on["type"] == "capacity.stated.v1"
    assert incoming.CapacityStated.model_validate(passed_on) == (
        incoming.CapacityStated.model_validate(statement)
    )


async def test_the_same_statement_again_gets_its_receipt_and_is_not_passed_on(
    process: Process,
) -> None:
    statement = a_statement("R", a_therapist("T1", *all_week()))
    first = await process.twice(process.rosters.intake, stated(statement))
    assert await process.intake(stated(statement)) == first[:1]


async def test_another_content_under_the_same_version_is_refused(process: Process) -> None:
    await process.intake(stated(a_statement("R", a_therapist("T1", *all_week()))))
    (receipt,) = await process.intake(stated(a_statement("R"), first=1))
    assert (receipt["type"], receipt["element"]) == ("capacity.refused.v1", "version")


async def test_an_older_version_is_refused_also_within_a_batch(process: Process) -> None:
    events = await process.intake(stated(a_statement("R", version=3), a_statement("R", version=2)))
    assert kinds(events) == ["capacity.accepted", "capacity.stated", "capacity.refused"]
    assert events[2]["reason"] == "is older than 3, which was accepted"


async def test_a_source_speaks_only_for_its_own_providers(process: Process) -> None:
    (receipt,) = await process.intake(stated(a_statement("R"), source="holbaek"))
    assert receipt["reason"] == "roster holbaek may not speak for provider 730"


async def test_a_therapist_at_two_locations_at_once_is_refused(process: Process) -> None:
    therapist = a_therapist("T1", (MONDAY, "08:00", "12:00"))
    events = await process.intake(stated(a_statement("R", therapist), a_statement("L", therapist)))
    assert kinds(events) == ["capacity.accepted", "capacity.stated", "capacity.refused"]
    assert events[2]["element"] == "therapists[0].shifts[0]"
    moved = await process.intake(
        stated(a_statement("R", version=2), a_statement("L", therapist), first=2)
    )
    assert kinds(moved) == ["capacity.accepted", "capacity.stated"] * 2


@pytest.mark.parametrize(
    ("body", "element"),
    [
        (None, ""),
        (b"", ""),
        (b"kapacitet", ""),
        (b"[1]", ""),
        (b'{"provider": "730"}', "location"),
        (b"\xff\xfe\x00", ""),
        ({**a_statement("R"), "version": "to"}, "version"),
        ({**a_statement("R"), "version": 0}, "version"),
        ({**a_statement("R"), "week": "2026-W60"}, "week"),
        ({**a_statement("R"), "week": "9999-W52"}, "week"),
        ({**a_statement("R"), "therapists": [{"id": "T\x00"}]}, "therapists[0].id"),
        (
            {
                **a_statement("R"),
                "therapists": [
                    {
                        "id": "T",
                        "shifts": [
                            {"start": "9999-12-31T23:00:00Z", "end": "9999-12-31T23:30:00Z"}
                        ],
                    }
                ],
            },
            "therapists[0].shifts[0].start",
        ),
        (
            {**a_statement("R"), "therapists": [{"id": "T", "shifts": [{"start": "i dag"}]}]},
            "therapists[0].shifts[0].start",
        ),
        (
            {
                **a_statement("R"),
                "therapists": [
                    {
                        "id": "T",
                        "shifts": [{"start": "2026-11-23T08:00", "end": "2026-11-23T09:00"}],
                    }
                ],
            },
            "therapists[0].shifts[0].start",
        ),
    ],
)
async def test_what_cannot_be_used_is_refused_naming_the_element(
    process: Process, body: Any, element: str
) -> None:
    refused, accepted, _ = await process.intake(stated(body, a_statement("R")))
    assert (refused["type"], refused["element"]) == ("capacity.refused.v1", element)
    assert refused["event_id"]
    assert accepted["type"] == "capacity.accepted.v1"


async def test_staffing_rules_that_a_week_breaks_are_told_once_all_locations_are_in(
    process: Process,
) -> None:
    rules = (Rule(name="each district has one therapist", units=("Nord",), least=1, most=1),)
    process.rosters = Rosters(Sources(TOPICS), lambda _: COMPETENCES, lambda _: rules)
    await process.intake(stated(a_statement("R"), a_statement("L")))
    on_duty = a_therapist("T2") | {"duties": [{"unit": "Nord", "share": 0.5}]}
    statements = stated(
        a_statement("R", a_therapist("T1"), version=2),
        a_statement("L", on_duty, version=2),
        first=2,
    )
    receipts = [
        event
        for event in await process.twice(process.rosters.intake, statements)
        if event["type"] == "capacity.accepted.v1"
    ]
    assert [one["problem"] for one in receipts[1]["staffing"]] == [
        "Nord has 0.5 therapists, and at least 1 are needed"
    ]
    assert receipts[1]["staffing"][0]["proposal"] == "0.5 of T2"


async def test_a_week_that_is_not_wholly_stated_is_not_judged(process: Process) -> None:
    rules = (Rule(name="each district has one therapist", units=("Nord",), least=1, most=1),)
    await process.intake(stated(a_statement("R"), a_statement("L")))
    process.rosters = Rosters(Sources(TOPICS), lambda _: COMPETENCES, lambda _: rules)
    next_week = a_statement("R") | {"week": "2026-W49"}
    receipt, _ = await process.intake(stated(next_week, first=2))
    assert receipt["staffing"] == []

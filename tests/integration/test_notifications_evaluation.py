"""Citizens are asked to answer forms: once for each moment, and not of what is no longer theirs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import Databases
from tests.integration.notifications_world import World, a_world
from tests.unit.notifications.factories import (
    a_citizen,
    a_closing,
    a_question,
    a_reopening,
    an_erasure,
    an_offer,
)


@pytest.fixture
async def world(database: Databases, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(await database("notifications"), tmp_path) as world:
        yield world


async def test_the_forms_of_a_moment_are_one_mail_that_says_how_to_answer(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(a_question(form="whodas-12"), a_question(form="own-goals"))
    await world.send_everything()
    assert await world.statuses() == [("evaluation-before", "sent", None)]
    [mail] = await world.servers.mails()
    assert "sig koden K3VQA-7TMPX" in mail["text"]
    assert "http" not in mail["text"]
    assert "whodas" not in mail["text"]


async def test_who_has_no_mail_is_asked_by_a_neutral_text_in_their_language(world: World) -> None:
    await world.citizens(a_citizen(email=None, language="en"))
    await world.news(a_closing(reason="completed"), a_question("after"))
    await world.send_everything()
    [text] = await world.servers.texts()
    assert text["text"] == (
        "Randers Kommune: The course is over, and we would like to hear how it went. "
        "Call 89 15 15 15, code K3VQA-7TMPX."
    )


@pytest.mark.parametrize("closed_first", [True, False])
async def test_the_end_that_is_asked_about_does_not_silence_the_question(
    world: World, *, closed_first: bool
) -> None:
    await world.citizens(a_citizen())
    news = [a_closing(reason="completed"), a_question("after")]
    for message in news if closed_first else reversed(news):
        await world.news(message)
    assert await world.statuses() == [("evaluation-after", "created", None)]


async def test_a_question_before_the_course_falls_with_its_end(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(a_question())
    await world.news(a_closing(reason="completed"))
    await world.news(a_question("after"))
    assert sorted(await world.statuses()) == [
        ("evaluation-after", "created", None),
        ("evaluation-before", "cancelled", "referral-completed"),
    ]


@pytest.mark.parametrize("reason", ["deceased", "revoked", "entered-in-error", "stopped"])
async def test_any_other_end_silences_what_was_asked_and_is_asked(
    world: World, reason: str
) -> None:
    await world.citizens(a_citizen())
    await world.news(a_question())
    await world.news(a_closing(reason=reason))
    await world.news(a_question("after"))
    await world.send_everything()
    assert {status for _, status, _ in await world.statuses()} == {"cancelled"}
    assert await world.servers.mails() == []


async def test_death_and_erasure_silence_what_waits(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(a_closing(reason="completed"), a_question("six-months"))
    await world.citizens(a_citizen(deceased=True, version=2))
    await world.send_everything()
    assert await world.statuses() == [("evaluation-six-months", "cancelled", "deceased")]
    await world.citizens(an_erasure())
    await world.news(a_question("after"))
    assert ("evaluation-after", "cancelled", "erased") in await world.statuses()


async def test_a_course_that_was_not_over_after_all_is_not_asked_about(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(a_closing(reason="completed"))
    await world.news(a_question("after"))
    await world.news(a_reopening())
    assert await world.statuses() == [("evaluation-after", "cancelled", "referral-reopened")]


async def test_a_question_takes_no_word_of_the_choice_from_the_first_offer(world: World) -> None:
    await world.citizens(a_citizen())
    await world.news(a_question())
    await world.news(an_offer())
    first = {m["template"]: m["first_contact"] for m in await world.messages()}
    assert first == {"evaluation-before": False, "session-offered": True}

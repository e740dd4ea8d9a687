"""When the transport office orders a ride, moves it and cancels it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from examples.transport.office import (
    EARLY,
    MODELS,
    Ride,
    SessionCancelled,
    SessionPlanned,
    decide,
)

CONTRACTS = Path(__file__).parents[3] / "shared" / "contracts"
START = datetime.fromisoformat("2026-11-24T09:00:00Z")
HOUR = timedelta(hours=1)
PLACE = {"name": "Vorup", "address": "Vorup Boulevard 1", "postcode": "8940"}


def a_session(**other: Any) -> SessionPlanned:
    return SessionPlanned.model_validate(
        {
            "session_id": "s",
            "citizen_id": "c",
            "revision": 1,
            "start": START,
            "end": START + HOUR,
            "location": PLACE,
            "transport": True,
            **other,
        }
    )


def a_ride() -> Ride:
    ride = decide(None, a_session())
    assert ride is not None
    return ride


def test_who_needs_a_ride_gets_one_in_time() -> None:
    ride = a_ride()
    assert ride.state == "ordered"
    assert (ride.arrive_by, ride.return_at) == (START - EARLY, START + HOUR + EARLY)
    assert ride.destination == "Vorup, Vorup Boulevard 1, 8940"


def test_who_needs_none_gets_none() -> None:
    assert decide(None, a_session(transport=False)) is None
    assert decide(None, SessionCancelled(session_id="s", revision=1)) is None


def test_a_moved_session_moves_its_ride() -> None:
    moved = decide(a_ride(), a_session(revision=2, start=START + HOUR, end=START + 2 * HOUR))
    assert moved is not None
    assert moved.arrive_by == START + HOUR - EARLY


@pytest.mark.parametrize(
    "news", [SessionCancelled(session_id="s", revision=2), a_session(revision=2, transport=False)]
)
def test_a_ride_that_nobody_needs_any_more_is_cancelled(
    news: SessionCancelled | SessionPlanned,
) -> None:
    ride = decide(a_ride(), news)
    assert ride is not None
    assert ride.state == "cancelled"


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_what_scheduling_promises_is_what_the_office_reads(kind: str) -> None:
    example = CONTRACTS / f"{kind.removeprefix('dk.genvej.')}.example.json"
    assert MODELS[kind].model_validate_json(example.read_bytes()).session_id


def test_old_news_changes_nothing() -> None:
    assert decide(a_ride(), a_session(start=START + HOUR)) is None
    assert decide(a_ride(), SessionCancelled(session_id="s", revision=1)) is None

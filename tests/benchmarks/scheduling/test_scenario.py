"""Golden scores of scenario R5: the world, the rules and the policies give what they gave."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.scheduling.engine.simulate import Outcome
from tests.benchmarks.scheduling.policies import ENTRIES, clairvoyant, outcome_of, score_of
from tests.benchmarks.scheduling.rules import BrokenRuleError, Row, check
from tests.benchmarks.scheduling.world import COMPETENCES, World, make_world

SMALL = make_world(0, 0.9, per_week=60)
ENTRY = {entry.name: entry for entry in ENTRIES}


def late_vulnerable_and_price(world: World, outcome: Outcome) -> tuple[float, float, float]:
    scored = score_of(world, outcome)
    return round(scored.late, 3), round(scored.vulnerable_late, 3), round(scored.price, 3)


def test_a_seed_makes_the_same_world_everywhere() -> None:
    assert (len(SMALL.requests), len(SMALL.openings), sum(SMALL.lost)) == (736, 1469, 29)
    town = make_world(1, 1.0)
    assert (len(town.requests), len(town.openings), sum(town.lost)) == (3537, 6494, 170)


@pytest.mark.parametrize(
    ("policy", "golden"),
    [
        ("nearest", (33.098, 33.333, 601.001)),
        ("edd", (31.4, 27.273, 551.245)),
        ("priced", (20.085, 18.939, 384.197)),
        ("priced, room kept", (17.963, 18.939, 359.257)),
        ("flow", (15.276, 13.636, 309.896)),
        ("flow ahead", (3.678, 3.788, 154.699)),
        ("rolling", (3.96, 2.273, 143.383)),
        ("rolling ahead", (1.697, 1.515, 109.043)),
        ("rolling ahead, 14 days", (1.839, 0.758, 106.305)),
    ],
)
def test_a_small_town_is_served_as_before(policy: str, golden: tuple[float, float, float]) -> None:
    outcome = outcome_of(SMALL, ENTRY[policy])
    assert late_vulnerable_and_price(SMALL, outcome) == golden


def test_nobody_serves_the_small_town_at_a_lower_price_than_one_who_knows_the_future() -> None:
    golden = (0.424, 0.0, 89.097)
    assert late_vulnerable_and_price(SMALL, clairvoyant(SMALL)) == golden


@pytest.mark.parametrize(
    ("policy", "golden"),
    [("nearest", (4.039, 3.788, 154.364)), ("priced", (1.515, 1.667, 114.727))],
)
def test_a_whole_town_is_served_as_before(policy: str, golden: tuple[float, float, float]) -> None:
    town = make_world(1, 1.0)
    assert late_vulnerable_and_price(town, outcome_of(town, ENTRY[policy])) == golden


def a_booking(world: World) -> Row:
    """The first request that fits the first opening after it."""
    for number, request in enumerate(world.requests):
        for opening in world.openings:
            fits = request.earliest <= opening.day <= request.limit
            fits = fits and request.wants_day(opening.day) and request.wants_slot(opening.slot)
            if fits and request.kind in COMPETENCES[opening.competence_class]:
                return Row(
                    request=number,
                    therapist=opening.therapist,
                    day=opening.day,
                    slot=opening.slot,
                    told=request.arrival,
                )
    raise AssertionError("nobody fits")


def test_a_booking_that_keeps_the_rules_is_let_through() -> None:
    row = a_booking(SMALL)
    assert check(SMALL, [row]).keys() == {row.request}


def test_a_broken_rule_is_named() -> None:
    row = a_booking(SMALL)
    other = replace(row, request=row.request + 1)
    cases = [
        ([row, row], "booked twice"),
        ([row, other], "booked twice|competence|window|too early|told"),
        ([replace(row, slot=99)], "not open"),
        ([replace(row, told=row.day)], "told"),
        ([replace(row, told=SMALL.requests[row.request].arrival - 1)], "told"),
    ]
    for rows, message in cases:
        with pytest.raises(BrokenRuleError, match=message):
            check(SMALL, rows)

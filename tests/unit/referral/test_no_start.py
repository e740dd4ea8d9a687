"""Why there is no start in time: every reason of KL's § 140 code system."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.referral.evolving import evolve
from services.referral.facts_choice import HandedOver
from services.referral.referral import CloseReason, NoStart, Referral
from services.referral.report.codes import HoldReason
from services.referral.terms import WithdrawReason
from tests.unit.referral.factories import NOW, an_accepted_referral

TODAY = date(2022, 5, 28)


def handed(why: WithdrawReason) -> Referral:
    referral = an_accepted_referral()
    over = HandedOver(
        referral_id=referral.referral_id,
        provider="other",
        municipality=referral.municipality,
        wishes=(),
        why=why,
        at=NOW,
    )
    return evolve(referral, over)


def test_there_are_as_many_reasons_as_kl_has_codes() -> None:
    assert {one.name for one in NoStart} == {one.name for one in HoldReason}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"closed": CloseReason.ENTERED_IN_ERROR}, NoStart.SENT_IN_ERROR),
        ({"later_start": date(2022, 6, 20)}, NoStart.LATER_START),
        ({"no_start": NoStart.FREE_CHOICE_DECLINED}, NoStart.FREE_CHOICE_DECLINED),
        ({}, None),
        ({"no_start": NoStart.FREE_CHOICE, "offered": (date(2022, 5, 28),)}, None),
        ({"no_start": NoStart.FREE_CHOICE, "started": date(2022, 6, 3)}, None),
    ],
)
def test_the_reason_follows_from_what_was_decided(
    changes: dict[str, Any], reason: NoStart | None
) -> None:
    referral = replace(an_accepted_referral(), **changes)
    assert referral.reason_of_no_start(TODAY) == reason


@pytest.mark.parametrize(
    ("why", "reason"),
    [
        (WithdrawReason.FREE_CHOICE, NoStart.FREE_CHOICE),
        (WithdrawReason.OTHER_MUNICIPALITY, NoStart.OTHER_MUNICIPALITY),
        (WithdrawReason.MOVED, NoStart.OTHER_MUNICIPALITY),
        (WithdrawReason.DECLINED, None),
        (WithdrawReason.HANDED_BACK, None),
    ],
)
def test_a_hand_over_is_a_reason_until_it_comes_back(
    why: WithdrawReason, reason: NoStart | None
) -> None:
    assert handed(why).reason_of_no_start(TODAY) == reason


def test_a_later_start_is_no_reason_when_its_day_has_come() -> None:
    referral = an_accepted_referral(later_start=date(2022, 6, 20))
    assert referral.reason_of_no_start(date(2022, 6, 20)) is None

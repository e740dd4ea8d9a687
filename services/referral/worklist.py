"""What a human decides where rules don't, and what each decision does. Standard library only.

Every reason to look has the decisions that settle it. A decision does what it says, in the same
transaction in which its entry is closed; one that changes nothing says so.
"""

from __future__ import annotations

from datetime import datetime

from services.referral.facts import (
    Fact,
    WorkClosed,
)
from services.referral.worklist_choices import Needs, choices
from services.referral.worklist_effects import EFFECTS, DecideWork, Effect, Impossible, WorkCase


def decide_work(case: WorkCase, command: DecideWork, now: datetime) -> Effect:
    """What follows from a human's decision, ending with the entry closed; or why not."""
    mine = {choice.name: choice for choice in choices(command.reason)}
    choice = mine.get(command.choice)
    if choice is None:
        return Impossible(
            422, f"{command.reason} is settled by {' or '.join(mine)}, not {command.choice}"
        )
    if (command.reason.value, command.about) not in case.referral.work:
        return Impossible(409, "this entry is settled already")
    if choice.needs is Needs.DATE and command.day is None:
        return Impossible(422, f"{choice.name} needs a date")
    if choice.needs is Needs.REFERRAL and command.other is None:
        return Impossible(422, f"{choice.name} needs the other referral's id")
    effect = EFFECTS.get(choice.name)
    facts: tuple[Fact, ...] = ()
    if effect is not None:
        found = effect(case, command, now)
        if isinstance(found, Impossible):
            return found
        facts = found
    closed = WorkClosed(
        referral_id=case.referral.referral_id,
        reason=command.reason,
        about=command.about,
        decision=choice.name,
        by=command.by,
        at=now,
    )
    # First, so that what follows does not settle the entry by itself.
    return (closed, *facts)

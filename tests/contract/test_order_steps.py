"""What referral orders of a programme is what scheduling understands, step by step."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from services.referral import programme, programme_files, programme_terms
from services.referral.outgoing_order import wire_step
from services.scheduling.incoming import StepIn, step_of

PROGRAMMES = programme_files.load().programmes
STEPS = [(id_, step) for id_, one in PROGRAMMES.items() for step in one.steps]


@pytest.mark.parametrize(
    ("programme_id", "step"), STEPS, ids=[f"{id_}/{step.id}" for id_, step in STEPS]
)
def test_every_step_reaches_scheduling_whole(programme_id: str, step: programme.Step) -> None:
    wire = wire_step(programme_id, step, "step-1").model_dump_json(by_alias=True)
    read = step_of(StepIn.model_validate_json(wire))
    assert (read.kind, read.count, read.minutes) == (step.kind, step.count, step.minutes)
    assert (read.delivery, read.room, read.consent) == (step.delivery, step.room, step.consent)
    assert (read.seats_min, read.seats) == (step.seats.least, step.seats.most)
    assert read.competences == frozenset(step.competences)
    assert read.equipment == frozenset(step.equipment)
    assert [(one.role, one.count, one.competences) for one in read.leaders] == [
        (one.role, one.count, frozenset(one.competences)) for one in step.leaders
    ]
    for theirs, ours in ((read.spacing, step.spacing), (read.after, step.after)):
        assert (theirs is None) == (ours is None)
        if theirs is not None and ours is not None:
            assert (theirs.least, theirs.most) == (ours.least, ours.most)


def test_a_conference_names_all_who_have_to_be_there_at_once() -> None:
    (conference,) = (
        step
        for step in PROGRAMMES["p140-rehabilitering-specialiseret"].steps
        if step.kind is programme_terms.StepKind.CONFERENCE
    )
    wire = wire_step("p140-rehabilitering-specialiseret", conference, "step-1")
    leaders = step_of(StepIn.model_validate_json(wire.model_dump_json())).leaders
    assert [leader.competences for leader in leaders] == [{"specialiseret"}, {"almen"}]


def test_days_upside_down_are_refused() -> None:
    with pytest.raises(ValidationError, match="max_days lies below min_days"):
        StepIn.model_validate(
            {"step_id": "s", "minutes": 30, "spacing": {"min_days": 5, "max_days": 2}}
        )

"""Every refusal and every note names an element of the sender's own format, in Danish."""

from __future__ import annotations

import pytest

from services.referral import answers
from services.referral.commands import Field
from services.referral.facts import Note
from services.referral.plan import Format


@pytest.mark.parametrize("form", Format)
def test_each_field_has_an_element_in_each_format(form: Format) -> None:
    assert set(answers.ELEMENTS[form]) == set(Field)
    slashes = [path.startswith("/") for path in answers.ELEMENTS[form].values()]
    assert set(slashes) == {form is Format.GGOP}


@pytest.mark.parametrize("note", Note)
def test_each_note_is_information(note: Note) -> None:
    (problem,) = answers.noted(Format.FHIR, [note, note])
    assert (problem.code, problem.severity) == ("informational", "information")
    assert problem.text.endswith(".")


def test_a_record_is_named_where_its_id_is_not() -> None:
    problem = answers.unreadable_id(Format.GGOP, "hospital.1.referrals", 0, 7)
    assert "hospital.1.referrals/0/7" in problem.text

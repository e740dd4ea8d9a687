"""Every refusal and note that a sender may hear, in each format, as its golden file has it.

Run with GENVEJ_GOLDEN=write to write it anew after a deliberate change, and read the difference.
"""

from __future__ import annotations

import json

from services.referral import answers
from services.referral.commands import Refusal
from services.referral.plan import Format, Problem
from services.referral.terms import Note
from tests.contract.documents.test_golden_documents import golden


def said(problem: Problem) -> dict[str, str]:
    return {"element": problem.element, "code": problem.code, "text": problem.text}


def test_each_answer_says_what_its_golden_file_says() -> None:
    refusals = {name: one for name, one in vars(answers).items() if isinstance(one, Refusal)}
    found = {
        form.value: {
            "refusals": {name: said(answers.refused(form, one)) for name, one in refusals.items()},
            "notes": {
                note.value: said(problem)
                for note in Note
                for problem in answers.noted(form, [note])
            },
            "waits": said(answers.waits(form)),
        }
        for form in Format
    }
    text = f"{json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True)}\n".encode()
    assert text == golden("answers.json", text)

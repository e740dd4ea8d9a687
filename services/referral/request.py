"""What a referral on another ground than a hospital's plan says, whatever its format.

Standard library only. Born days follow from a CPR as the CPR register's own rule has it (digit 7
and the year tell the century; cpr.dk, "Personnummeret i CPR").
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from services.referral.plan import (
    ContactPerson,
    Format,
    GeneralPractitioner,
    IcfCode,
    Narrative,
    Original,
    Person,
    Purpose,
    Relative,
)
from services.referral.programme_terms import Basis, Referrer

NO_WORDS: Final = Narrative()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A referral by a GP, by a municipality's own staff, by citizens themselves or a relative.

    `sender`: the SOR or EAN number of who sends. `basis` None: the document leaves it to its
    sender, who has only one. `referred_by` None: the sender's department says it. `programme`: the
    id of the programme that is asked for, None where the municipality shall choose. `asked`: the
    local day of the referral. `corrects`: the document that it corrects or takes back; `replaces`:
    the one in whose place it comes. `person` is who shall attend: of a relative's referral, the
    relative.
    `diagnoses`: (system, code, display) as written. `consent` None: nothing is said of it.
    """

    format: Format
    purpose: Purpose
    document_id: str
    sender: str
    sender_name: str
    receiver: str
    receiver_kind: str
    basis: Basis | None
    referred_by: Referrer | None
    programme: str | None
    asked: date
    corrects: str | None
    person: Person
    relatives: tuple[Relative, ...]
    gp: GeneralPractitioner | None
    diagnoses: tuple[tuple[str, str, str], ...]
    transport: bool
    vulnerable: bool
    consent: bool | None
    replaces: str | None = None
    entered_in_error: bool = False
    original: Original | None = None
    icf: tuple[IcfCode, ...] = ()
    contacts: tuple[ContactPerson, ...] = ()
    narrative: Narrative = NO_WORDS

    @property
    def sender_sor(self) -> str:
        """The number of who sends, by the name that other documents have for it."""
        return self.sender


def birthday(person: Person) -> date | None:
    """The day of birth as the document says it, else as the CPR does; None for a replacement."""
    if person.birth_date is not None or person.cpr_kind != "cpr":
        return person.birth_date
    day, month, year = int(person.cpr[:2]), int(person.cpr[2:4]), int(person.cpr[4:6])
    seventh = int(person.cpr[6])
    if seventh <= 3:
        century = 1900
    elif seventh in {4, 9}:
        century = 2000 if year <= 36 else 1900
    else:
        century = 2000 if year <= 57 else 1800
    try:
        return date(century + year, month, day)
    except ValueError:
        return None


def age_on(person: Person, day: date) -> int | None:
    """Whole years on a day; None where the birthday isn't known or lies ahead."""
    born = birthday(person)
    if born is None or born > day:
        return None
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))

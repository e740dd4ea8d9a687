"""What both formats have in common: how a value is cleaned, judged and reported.

A problem's text is a Danish sentence for the sender's staff. It never repeats what the document
says about a person; only names of document types, codes and elements, and only where they look
like names.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from services.referral.plan import PlanType, Problem, is_cpr, is_replacement_cpr

COPENHAGEN: Final = ZoneInfo("Europe/Copenhagen")

ID_LENGTH: Final = 128
NAME_LENGTH: Final = 140  # MedCom's person names are at most two of 70
TEXT_LENGTH: Final = 4000
MAX_PROBLEMS: Final = 50
MAX_RELATIVES: Final = 20
MAX_DIAGNOSES: Final = 100
MAX_CONTACTS: Final = 50

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")
_DAY: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(Z|[+-]\d{2}:\d{2})?", re.ASCII)
_INSTANT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?", re.ASCII
)
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9:._/#|-]{0,119}", re.ASCII)
_NUMBERED_PERSON: Final = re.compile(r"\d{6}-?[0-9A-Za-z]{4}")

# The hospital's three types. The codes are KL's (hl7dk/kl-gateway-rehab, 140CodeSystem.fsh); the
# last two are levels that only `almen` has, which a municipality adds.
TYPE_CODES: Final = {
    "ffd81f78-352e-4589-a195-5350dd1df2a4": PlanType.ALMEN,
    "83c89857-8fb8-4163-97b1-eb1a56345c29": PlanType.REHABILITERING_SPECIALISERET,
    "0c8e2bfc-1350-45d1-90da-c07e2645d073": PlanType.GENOPTRAENING_SPECIALISERET,
    "8b962281-2ab6-4b10-9c91-4bac592d6d49": PlanType.ALMEN,
    "b679c454-2da2-46dd-9425-0e52d4aa2bf3": PlanType.ALMEN,
}
# Names as text: the three of the law, and KL's display of each code and level.
_TYPE_NAMES: Final = {
    "almen genoptræning": PlanType.ALMEN,
    "almen": PlanType.ALMEN,
    "genoptræning på alment niveau": PlanType.ALMEN,
    "almen genoptræning på basalt niveau": PlanType.ALMEN,
    "almen genoptræning på avanceret niveau": PlanType.ALMEN,
    "rehabilitering på specialiseret niveau": PlanType.REHABILITERING_SPECIALISERET,
    "rehabilitering": PlanType.REHABILITERING_SPECIALISERET,
    "genoptræning på specialiseret niveau": PlanType.GENOPTRAENING_SPECIALISERET,
    "specialiseret": PlanType.GENOPTRAENING_SPECIALISERET,
}

UNKNOWN_TYPE: Final = (
    "Typen er ikke en af de tre: almen genoptræning, rehabilitering på specialiseret niveau eller "
    "genoptræning på specialiseret niveau."
)


class Problems:
    """Collects everything that is wrong with a document, in the order in which it is found."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def add(self, element: str, code: str, text: str) -> None:
        """Adds a problem once; beyond `MAX_PROBLEMS` no more are kept."""
        problem = Problem(element=element, code=code, text=text)
        if len(self._found) < MAX_PROBLEMS and problem not in self._found:
            self._found.append(problem)

    def bounded(self, count: int, most: int, element: str, what: str) -> None:
        """There are more of something than are taken. `what` is a Danish plural."""
        if count > most:
            self.add(element, "too-long", f"Der er flere end {most} {what}.")

    def missing(self, element: str, what: str) -> None:
        """A mandatory element is absent or empty. `what` opens a Danish sentence."""
        self.add(element, "required", f"{what} mangler.")

    def found(self) -> tuple[Problem, ...]:
        """All that was added."""
        return tuple(self._found)


def clean(text: str | None, limit: int = NAME_LENGTH) -> str:
    """`text` on one line without control characters, at most `limit` characters; "" for nothing."""
    if not text:
        return ""
    if not text.isprintable() or "  " in text:
        text = " ".join(_CONTROL.sub(" ", text).split())
    else:
        text = text.strip()
    return text if len(text) <= limit else text[:limit].rstrip()


def optional(text: str | None, limit: int = NAME_LENGTH) -> str | None:
    """As `clean`, but None for nothing."""
    return clean(text, limit) or None


def prose(text: str | None) -> str:
    """`text` whole, with its lines but without other control characters; "" for nothing."""
    lines = (_CONTROL.sub(" ", line).strip() for line in (text or "").splitlines())
    return "\n".join(lines).strip("\n")


def identifier(text: str | None, element: str, what: str, problems: Problems) -> str | None:
    """A mandatory identifier: one word or line of at most `ID_LENGTH` characters, else a problem.

    Never cut short: two long identifiers must not become one.
    """
    cleaned = clean(text, ID_LENGTH + 1)
    if not cleaned:
        problems.missing(element, what)
        return None
    if len(cleaned) > ID_LENGTH:
        problems.add(element, "too-long", f"{what} er længere end {ID_LENGTH} tegn.")
        return None
    return cleaned


def number(text: str | None) -> str | None:
    """Digits alone (SOR, EAN): blanks and hyphens are dropped; None where others remain."""
    digits = clean(text, ID_LENGTH).replace(" ", "").replace("-", "")
    return digits if digits.isascii() and digits.isdigit() and len(digits) <= 20 else None


def day(text: str | None, element: str, what: str, problems: Problems) -> date | None:
    """A day, as a date or an instant (then the local day in Copenhagen); else a problem.

    The years are bounded, so that no later sum of days leaves the calendar.
    """
    cleaned = clean(text, 64)
    if not cleaned:
        return None
    found: date | None = None
    try:
        if match := _DAY.fullmatch(cleaned):
            found = date.fromisoformat(match[1])
        elif _INSTANT.fullmatch(cleaned):
            moment = datetime.fromisoformat(cleaned)
            found = (moment.astimezone(COPENHAGEN) if moment.tzinfo else moment).date()
    except (ValueError, OverflowError):
        found = None
    if found is None:
        problems.add(element, "value", f"{what} er ikke en dato (åååå-mm-dd).")
    elif not 1850 <= found.year <= 2199:
        problems.add(element, "value", f"{what} ligger uden for de år, som kan behandles.")
        found = None
    return found


def instant(text: str | None, element: str, what: str, problems: Problems) -> datetime | None:
    """An instant in UTC, else a problem; Danish local time where it has no offset."""
    cleaned = clean(text, 64)
    if not cleaned:
        return None
    try:
        if not _INSTANT.fullmatch(cleaned):
            raise ValueError  # noqa: TRY301 (one way out for all that is no instant)
        moment = datetime.fromisoformat(cleaned)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=COPENHAGEN)
        moment = moment.astimezone(UTC)
        if not 1850 <= moment.year <= 2199:
            raise ValueError  # noqa: TRY301
    except (ValueError, OverflowError):
        problems.add(element, "value", f"{what} er ikke et tidspunkt (dato, klokkeslæt, zone).")
        return None
    return moment


def compact_number(text: str | None) -> str:
    """A person's number without blanks and hyphens, its letters in upper case."""
    return clean(text, ID_LENGTH).replace(" ", "").replace("-", "").upper()


def person_number(text: str | None, element: str, problems: Problems) -> tuple[str, str] | None:
    """(number, "cpr" or "ecpr"); None and a problem where there is none or it is malformed.

    Modulus 11 is never asked: it says nothing since 1 October 2007.
    """
    cleaned = compact_number(text)
    if not cleaned:
        problems.missing(element, "CPR-nummeret")
        return None
    if is_cpr(cleaned):
        return cleaned, "cpr"
    if is_replacement_cpr(cleaned):
        return cleaned, "ecpr"
    problems.add(
        element,
        "value",
        "CPR-nummeret er hverken ti cifre, der begynder med en dato, eller et erstatnings-CPR.",
    )
    return None


def plan_type(text: str | None) -> PlanType | None:
    """The type that a Danish name stands for, in any case; None for anything else."""
    return _TYPE_NAMES.get(clean(text).rstrip(".").casefold())


def postcode(text: str | None) -> str:
    """A Danish postcode's four digits ("8000 C" is 8000); any other text as it stands."""
    cleaned = clean(text, 10)
    return cleaned[:4] if re.match(r"\d{4}\b", cleaned, re.ASCII) else cleaned


def municipality_code(text: str | None) -> str | None:
    """Three digits; the four with a leading zero that some code systems use are shortened."""
    digits = number(text)
    if digits is not None and len(digits) == 4 and digits[0] == "0":
        digits = digits[1:]
    return digits if digits is not None and len(digits) == 3 else None


def named(text: str | None) -> str:
    """` "text"` where it looks like a code or an element's name, else nothing at all."""
    cleaned = clean(text, 121)
    if _NAME.fullmatch(cleaned) and not _NUMBERED_PERSON.search(cleaned):
        return f' "{cleaned}"'
    return ""

"""Facts as words: the values that templates may name, in Danish and English."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Final, Literal

from services.notifications.message import (
    Facts,
    Place,
    Slot,
)
from services.notifications.quiet import LOCAL
from services.notifications.settings import Municipality

Language = Literal["da", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("da", "en")
# Who grew up in the realm, or nearly so, reads Danish with more ease than English.
_READ_DANISH: Final = frozenset({"da", "fo", "kl", "nb", "nn", "no"})

_DAYS: Final[Mapping[Language, tuple[str, ...]]] = {
    "da": ("mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS: Final[Mapping[Language, tuple[str, ...]]] = {
    "da": (
        *("januar", "februar", "marts", "april", "maj", "juni", "juli", "august"),
        *("september", "oktober", "november", "december"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June", "July", "August"),
        *("September", "October", "November", "December"),
    ),
}
_NO_PLACE: Final[Mapping[Language, str]] = {"da": "sted oplyses", "en": "place to be told"}
_WITHHELD: Final[Mapping[Language, str]] = {
    "da": "sted får du, når du ringer",
    "en": "we tell where when you call",
}
_AT_HOME: Final[Mapping[Language, str]] = {"da": "hjemme hos dig", "en": "at your home"}

# A place whose name says what is trained there is named by its address in text messages.
_TELLING: Final = re.compile(
    r"genoptr|rehab|smerte|\bryg|kræft|hjerte|lunge|\bkol\b|neuro|psyk|demens|misbrug|hospice|sygehus"
    r"|hospital|klinik|apopleksi|diabetes",
    re.IGNORECASE,
)

Value = str | bool | list[str]


def language_of(tag: str) -> Language:
    """The language that a citizen is written to in, from their BCP 47 tag."""
    return "da" if tag.split("-", maxsplit=1)[0].lower() in _READ_DANISH else "en"


def clean(text: str) -> str:
    """One line without control characters: what others wrote must not break a mail's headers."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def the_day(day: date, language: Language) -> str:
    """ "tirsdag den 24. november 2026", "Tuesday 24 November 2026"."""
    name, month = _DAYS[language][day.weekday()], _MONTHS[language][day.month - 1]
    if language == "da":
        return f"{name} den {day.day}. {month} {day.year}"
    return f"{name} {day.day} {month} {day.year}"


def the_clock(at: datetime, language: Language) -> str:
    """ "10.30" in Danish, "10:30" in English; local time."""
    return at.astimezone(LOCAL).strftime("%H.%M" if language == "da" else "%H:%M")


def when(at: datetime, language: Language) -> str:
    """ "tirsdag den 24. november 2026 kl. 10.30"."""
    day = the_day(at.astimezone(LOCAL).date(), language)
    return f"{day} {'kl.' if language == 'da' else 'at'} {the_clock(at, language)}"


def when_short(at: datetime, language: Language) -> str:
    """ "tir 24. nov kl. 10.30", "Tue 24 Nov at 10:30"."""
    day = at.astimezone(LOCAL).date()
    name, month = _DAYS[language][day.weekday()][:3], _MONTHS[language][day.month - 1][:3]
    if language == "da":
        return f"{name} {day.day}. {month} kl. {the_clock(at, language)}"
    return f"{name} {day.day} {month} at {the_clock(at, language)}"


def full_place(place: Place) -> str:
    """ "Sundhedscentret, Biografgade 3, 8900"."""
    parts = (place.name, place.address or "", place.postcode or "")
    return ", ".join(clean(part) for part in parts if part)


def place_choices(facts: Facts, language: Language) -> list[str]:
    """Ways to name the place in a text message, the fullest first."""
    if facts.at_home:
        return [_AT_HOME[language]]
    if facts.slot is None or facts.slot.place is None:
        return [_NO_PLACE[language]]
    place = facts.slot.place
    address = clean(place.address or "")
    name = clean(place.name)
    if _TELLING.search(name):
        name = address or _NO_PLACE[language]
        address = clean(place.postcode or "") if place.address else ""
    choices = [f"{name}, {address}"] if address else []
    choices.append(name)
    choices += [f"{name[:length].rstrip(' ,.-')}." for length in range(len(name) - 1, 7, -1)]
    return choices


def withheld_place(language: Language) -> str:
    """What stands in the place of a place that is not named."""
    return _WITHHELD[language]


def _other(slot: Slot, language: Language) -> str:
    place = f", {full_place(slot.place)}" if slot.place else ""
    return when(slot.start, language) + place


def values(
    facts: Facts,
    *,
    municipality: Municipality,
    name: str,
    language: Language,
    first_contact: bool,
    child: str = "",
) -> dict[str, Value]:
    """All values that these facts can fill in; what they lack is absent, so it can be named.

    What a template asks for with `if` is always there: "", False or an empty list.
    """
    found: dict[str, Value] = {
        "name": clean(name),
        "child": clean(child),
        "sender": clean(municipality.name),
        "phone": clean(municipality.phone),
        "first_contact": first_contact,
        "at_home": facts.at_home,
        "transport": facts.transport,
        "inside_limit": facts.inside_limit,
        "limit": the_day(facts.limit, language) if facts.limit else "",
        "reason": facts.reason,
        "code": clean(facts.code),
        "alternatives": [_other(slot, language) for slot in facts.alternatives],
        "ends": "",
    }
    if facts.slot is not None:
        found["when"] = when(facts.slot.start, language)
        found["when_short"] = when_short(facts.slot.start, language)
        if facts.slot.end is not None:
            found["ends"] = the_clock(facts.slot.end, language)
        if facts.slot.place is not None:
            found["place"] = full_place(facts.slot.place)
        elif facts.at_home:
            found["place"] = _AT_HOME[language]
    if facts.previous is not None:
        found["previous_when"] = when(facts.previous.start, language)
        found["previous_short"] = when_short(facts.previous.start, language)
    return found

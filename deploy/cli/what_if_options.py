"""What the options of `genvej what-if` mean, each with an answer to what can't be meant."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from deploy.cli.errors import CommandError
from services.scheduling.engine.locations import Rooms, Staff

STAFF: Final[Mapping[str, Staff]] = {
    "follow": Staff.FOLLOW,
    "spread": Staff.SPREAD,
    "cut": Staff.CUT,
    "given": Staff.AS_GIVEN,
}
ROOMS: Final[Mapping[str, Rooms]] = {"stay": Rooms.STAY, "move": Rooms.MOVE}
Meant = TypeVar("Meant")


def chosen(option: str, text: str | None, known: Mapping[str, Meant]) -> Meant:
    """What a word of an option means. Raises CommandError, naming the words."""
    if text is None:
        raise CommandError(f"say what becomes of the {option[2:]}: {option} {'|'.join(known)}")
    if text not in known:
        raise CommandError(f"{option} {text}: choose one of {', '.join(known)}")
    return known[text]


def sizes_of(texts: Sequence[str]) -> tuple[int, ...]:
    """Numbers of locations, from texts such as 3 and 2-4. Raises CommandError."""
    sizes: set[int] = set()
    for text in texts:
        found = re.fullmatch(r"(-?\d{1,4})(?:(?:-|\.\.)(\d{1,4}))?", text.strip())
        if not found:
            raise CommandError(f"--keep {text}: a number such as 3, or a span such as 2-4")
        low, high = int(found[1]), int(found[2] or found[1])
        if high < low:
            raise CommandError(f"--keep {text}: {high} is less than {low}")
        sizes |= set(range(low, high + 1))
    return tuple(sorted(sizes))


def growth_of(text: str) -> float:
    """How many times today's plans, from a text such as +30%. Raises CommandError."""
    found = re.fullmatch(r"([+-])?(\d+(?:[.,]\d+)?)\s*%", text.strip())
    if not found:
        raise CommandError(f"--plans {text}: a change such as +30% or -10%")
    share = float(found[2].replace(",", ".")) / 100
    return 1 - share if found[1] == "-" else 1 + share


def rents_of(texts: Sequence[str]) -> dict[str, float]:
    """DKK a year by location, from texts such as langaa=900.000. Raises CommandError."""
    rents = {}
    for text in texts:
        code, sign, money = text.partition("=")
        try:
            rents[code.strip()] = float(money.replace(".", "").replace(",", "."))
        except ValueError:
            sign = ""
        if not sign:
            raise CommandError(f"--rent {text}: write CODE=DKK, such as langaa=900000")
    return rents

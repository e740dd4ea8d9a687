"""What the options of `genvej what-if` mean, each with an answer to what can't be meant."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from deploy.cli.errors import CommandError
from services.scheduling.engine.locations import Rooms, Staff
from services.scheduling.engine.model import InvalidInputError
from services.scheduling.what_if.question import Objective, Policy, Question
from services.scheduling.what_if.transition import Pace

Meant = TypeVar("Meant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is asked, whoever simulates it. `tell` and `minutes` are None where it is as today."""

    staff: Staff
    rooms: Rooms
    keep: tuple[int, ...]
    close: tuple[str, ...]
    open: tuple[str, ...]
    stay: tuple[str, ...]
    plans: float
    objective: Objective
    policy: Policy
    tell: int | None
    seeds: int
    quick_seeds: int
    best: int
    load: float | None
    weeks: int
    minutes: int | None
    replay: bool
    budget: float | None
    rents: Mapping[str, float]
    ride_cost: float | None
    ride_km_cost: float | None
    transition: Pace | None = None

    def question(self, told: int) -> Question:
        """The question; `told` is when the municipality tells its citizens. Raises
        `InvalidInputError`."""
        return Question(
            staff=self.staff,
            rooms=self.rooms,
            sizes=self.keep,
            close=self.close,
            open=self.open,
            stay=self.stay,
            growth=self.plans,
            objective=self.objective,
            policy=self.policy,
            tell=told if self.tell is None else self.tell,
            seeds=self.seeds,
            quick_seeds=self.quick_seeds,
            best=self.best,
            load=self.load,
            replay=self.replay,
            budget=self.budget,
            rents=self.rents,
            ride_cost=self.ride_cost,
            ride_km_cost=self.ride_km_cost,
        )


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


def pace_of(wanted: bool, every: int, notice: int) -> Pace | None:
    """How a transition goes, where one is wanted. Raises CommandError."""
    try:
        return Pace(weeks=every, notice=notice) if wanted else None
    except InvalidInputError as error:
        raise CommandError(str(error)) from None

"""What is remembered of orders while their events are told, and the encounters held of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from services.referral.report.codes import Mode
from services.referral.report.facts import EncounterHeld, Fact, Organisation, TakenBack
from services.referral.report.stated import Attended, Step

_IDS: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:genvej:kl-140")
MODES: Final[Mapping[str, Mode]] = {
    "home": Mode.HOME,
    "screen": Mode.SCREEN,
    "telephone": Mode.TELEPHONE,
}
"""How a step is delivered, where that is not at a place of the provider's."""


def derived(kind: str, of: str) -> str:
    """The report's id of a thing, from ours: each run gives the same."""
    return str(uuid.uuid5(_IDS, f"{kind}/{of}"))


def organisation(sor: str) -> Organisation:
    """Who sends or trains, by its number."""
    return Organisation(id=derived("organisation", sor), sor=sor)


@dataclass(slots=True)
class Placed:
    """What is known of an order: the FSIII code of each step, and the courses it gave rise to."""

    steps: dict[str, Step]
    courses: dict[str, str]  # FSIII code → id of the intervention
    name: str  # what its ids are derived from
    care_plan: str | None = None


@dataclass(slots=True)
class Attendance:
    """Which sessions were held: each is told once, and once more if it is taken back.

    KL asks for the planned minutes; a step that doesn't say them has no encounter to tell.
    """

    _told: dict[str, int] = field(default_factory=dict)  # by session, how often it was entered
    _standing: set[str] = field(default_factory=set)

    def tell(self, one: Attended, course: str, step: Step) -> Iterator[Fact]:
        """What a statement about a session of a step of this course changes, if anything."""
        session = one.session_id
        if step.minutes is None or one.attended is (session in self._standing):
            return
        if not one.attended:
            self._standing.discard(session)
            yield TakenBack(of=self._encounter(session))
            return
        self._standing.add(session)
        self._told[session] = self._told.get(session, 0) + 1
        yield EncounterHeld(
            encounter_id=self._encounter(session),
            of=course,
            start=one.start,
            minutes=step.minutes,
            mode=MODES.get(step.delivery, Mode.LOCATION),
        )

    def _encounter(self, session: str) -> str:
        return derived("encounter", f"{session}/{self._told[session]}")

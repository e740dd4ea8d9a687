"""Roster systems' statements: checks who may speak for whom and what they say, and passes it on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from pydantic import ValidationError

from services.scheduling import capacity, events, store_capacity, store_providers
from services.scheduling.capacity import LocationWeek, Problem, Shift
from services.scheduling.incoming import CapacityStated, faults, stated
from services.scheduling.settings import Sources
from services.scheduling.staffing import Breach, Rule, breaches
from shared.envelope import Event, Message
from shared.handling import Applied, Outcome, Unit

_MOST_PROBLEMS: Final = 20


class Rosters:
    """The handler of roster.<source>.capacity.

    `sources` knows whom each roster system may speak for; `competences` gives those that a
    provider's programmes know, `staffing` its staffing rules.
    """

    def __init__(
        self,
        sources: Sources,
        competences: Callable[[str], frozenset[str]],
        staffing: Callable[[str], tuple[Rule, ...]] = lambda _: (),
    ) -> None:
        self._sources = sources
        self._competences = competences
        self._staffing = staffing

    async def intake(self, unit: Unit, messages: Sequence[Message]) -> list[Outcome]:
        """Accepts or refuses each statement; the receipt names the element at fault."""
        self._sources.refresh()
        read = [self.read(message) for message in messages]
        good = [one for one in read if not isinstance(one, Refused)]
        if good:
            await store_providers.lock(unit.conn, sorted({one.provider for one in good}))
        known = {
            (one.provider, one.week, one.location): one
            for one in await store_capacity.accepted(
                unit.conn, [(one.provider, one.week) for one in good]
            )
        }
        ruled = {one.provider for one in good if self._staffing(one.provider)}
        expected = await store_capacity.stated_locations(unit.conn, ruled) if ruled else {}
        fresh: dict[tuple[str, str, str], store_capacity.Accepted] = {}
        outcomes: list[Outcome | Accepted] = []
        for message, one in zip(messages, read, strict=True):
            if isinstance(one, Refused):
                outcomes.append(Applied(events=[_refusal(message, one)]))
                continue
            body = one.model_dump_json()
            digest = _digest(one)
            key = (one.provider, one.week, one.location.code)
            before = known.get(key)
            if before is not None and (before.version, before.digest) == (one.version, digest):
                outcomes.append(Accepted(message, one, []))
                continue
            problem = _conflict(one, before, known)
            if problem is not None:
                refused = Refused([problem], one.location.code, one.week, one.version)
                outcomes.append(Applied(events=[_refusal(message, refused)]))
                continue
            known[key] = fresh[key] = store_capacity.Accepted(
                one.provider, one.location.code, one.week, one.version, digest, body
            )
            outcomes.append(Accepted(message, one, [_republished(one, body)]))
        await store_capacity.accept(unit.conn, fresh.values())
        # Judged when all of the batch is known, so that a week stated in one go is judged as one.
        return [
            one.applied(self._breaches(one.model, known, expected))
            if isinstance(one, Accepted)
            else one
            for one in outcomes
        ]

    def _breaches(
        self,
        one: CapacityStated,
        known: Mapping[tuple[str, str, str], store_capacity.Accepted],
        expected: Mapping[str, frozenset[str]],
    ) -> list[Breach]:
        """The staffing rules that the week breaks, once all of the provider's locations are in."""
        rules = self._staffing(one.provider)
        if not rules:
            return []
        of_week = {
            location: accepted
            for (provider, week, location), accepted in known.items()
            if (provider, week) == (one.provider, one.week)
        }
        if not expected.get(one.provider, frozenset()) <= of_week.keys():
            return []
        return breaches(
            rules,
            [
                stated(CapacityStated.model_validate_json(accepted.body))
                for _, accepted in sorted(of_week.items())
            ],
        )

    def read(self, message: Message) -> CapacityStated | Refused:
        """What a statement says, or why it can't be used by itself. Never raises."""
        source = _source(message)
        try:
            model = CapacityStated.model_validate_json(message.value or b"")
        except ValidationError as error:
            return Refused(faults(error))
        about = (model.location.code, model.week, model.version)
        if model.provider not in self._sources.providers(source):
            reason = f"roster {source} may not speak for provider {model.provider}"
            return Refused([Problem("provider", reason)], *about)
        found = capacity.problems(stated(model), self._competences(model.provider))
        return Refused(found, *about) if found else model


@dataclass(frozen=True, slots=True)
class Accepted:
    """A statement that holds, and what follows from it besides its receipt."""

    message: Message
    model: CapacityStated
    events: list[Event]

    def applied(self, broken: Sequence[Breach]) -> Applied:
        """Its outcome, with the staffing rules that its week breaks."""
        return Applied(events=[_acceptance(self.message, self.model, broken), *self.events])


class Refused:
    """Why a statement is not used, and what it was about as far as it could be read."""

    def __init__(
        self,
        problems: Sequence[Problem],
        location: str | None = None,
        week: str | None = None,
        version: int | None = None,
    ) -> None:
        self.problems = problems
        self.location = location
        self.week = week
        self.version = version


def _conflict(
    model: CapacityStated,
    before: store_capacity.Accepted | None,
    known: Mapping[tuple[str, str, str], store_capacity.Accepted],
) -> Problem | None:
    """What speaks against a statement that is right by itself."""
    if before is not None and model.version < before.version:
        return Problem("version", f"is older than {before.version}, which was accepted")
    if before is not None and model.version == before.version:
        return Problem("version", "was accepted already with other content; raise the version")
    others = {
        location: list(_shifts(one))
        for (provider, week, location), one in known.items()
        if provider == model.provider and week == model.week and location != model.location.code
    }
    return next(capacity.elsewhere(stated(model), others), None)


def _shifts(one: store_capacity.Accepted) -> list[tuple[str, Shift]]:
    week: LocationWeek = stated(CapacityStated.model_validate_json(one.body))
    if week.closed:
        return []
    return [(therapist.id, shift) for therapist in week.therapists for shift in therapist.shifts]


def _digest(model: CapacityStated) -> bytes:
    """Without duties it is what it was before there were any: a statement stays the same."""
    duties = any(one.duties for one in model.therapists)
    told = model.model_dump_json(
        exclude=None if duties else {"therapists": {"__all__": {"duties"}}}
    )
    return hashlib.sha256(told.encode()).digest()


def _source(message: Message) -> str:
    """The roster system that owns the topic roster.<source>.capacity."""
    return message.topic.removeprefix("roster.").removesuffix(".capacity")


def _acceptance(message: Message, model: CapacityStated, broken: Sequence[Breach]) -> Event:
    receipt = events.CapacityAccepted(
        event_id=message.id,
        location=model.location.code,
        week=model.week,
        version=model.version,
        reason=None,
        element=None,
        staffing=[asdict(one) for one in broken[:_MOST_PROBLEMS]],
    )
    return _receipt(message, events.ACCEPTED, model.location.code, receipt)


def _refusal(message: Message, refused: Refused) -> Event:
    first = refused.problems[0]
    receipt = events.CapacityRefused(
        event_id=message.id,
        location=refused.location,
        week=refused.week,
        version=refused.version,
        reason=first.reason,
        element=first.element,
        problems=[
            {"element": one.element, "reason": one.reason}
            for one in refused.problems[:_MOST_PROBLEMS]
        ],
    )
    return _receipt(message, events.REFUSED, refused.location or "", receipt)


def _receipt(message: Message, kind: str, subject: str, data: events.CapacityAnswer) -> Event:
    return Event(
        topic=f"roster.{_source(message)}.receipts",
        key=subject,
        type=kind,
        subject=subject,
        value=data.model_dump_json().encode(),
    )


def _republished(model: CapacityStated, body: str) -> Event:
    return Event(
        topic=events.CAPACITY,
        key=model.provider,
        type=events.STATED,
        subject=model.location.code,
        value=body.encode(),
    )

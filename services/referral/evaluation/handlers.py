"""Asks forms when their time comes, takes the answers of staff, and reads both back.

The topic is read back, so that a database restored from yesterday knows what was answered since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.referral import store as referrals
from services.referral import store_citizens, store_orders
from services.referral.evaluation import store
from services.referral.evaluation.evaluation import (
    asked_at,
    evaluation_id,
    figures,
)
from services.referral.evaluation.forms import FORMS
from services.referral.evaluation.suppression import told
from services.referral.evaluation.wire import EvaluationAnswered, EvaluationAsked, Wire, event_of
from services.referral.incoming import named_faults
from services.referral.programme_policy import Portfolio
from services.referral.programme_terms import Moment
from services.referral.referral import CloseReason, Referral
from services.referral.register import Register
from services.referral.store_citizens import Access
from services.referral.store_orders import OrderRow
from shared.endpoints import Answer, Call, Endpoint, Refused
from shared.handling import Applied, Dead, Parked
from shared.staff import EVERYBODY

if TYPE_CHECKING:
    from shared.envelope import Event, Message
    from shared.handling import DueTimer, Outcome, Unit

PATIENCE: Final = timedelta(days=7)
_MOST: Final = 500
_READ: Final[dict[str, type[Wire]]] = {
    EvaluationAsked.event_type: EvaluationAsked,
    EvaluationAnswered.event_type: EvaluationAnswered,
}


class Answers(BaseModel):
    """What was answered, item by item. `form` where the citizen's code stands for several."""

    model_config = ConfigDict(extra="forbid")

    answers: tuple[int, ...] = Field(min_length=1, max_length=100)
    form: str | None = Field(default=None, max_length=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The forms of all programmes."""

    portfolio: Portfolio
    register: Register

    async def due(self, unit: Unit, timers: Sequence[DueTimer], /) -> Sequence[Outcome]:
        """See `shared.handling.TimerHandler`: asks the forms of a moment, each once."""
        ids = {_referral_of(timer) for timer in timers}
        found = await referrals.referrals(unit.conn, ids)
        orders = await store_orders.newest_orders(unit.conn, found)
        outcomes: list[Outcome] = []
        for timer in timers:
            id_ = _referral_of(timer)
            events: list[Event] = []
            if id_ in orders and await self._may_be_asked(unit, found[id_], timer):
                events = await self._ask(unit, found[id_], orders[id_], timer)
            outcomes.append(Applied(events=events))
        return outcomes

    async def _ask(
        self, unit: Unit, referral: Referral, order: OrderRow, timer: DueTimer
    ) -> list[Event]:
        programme = self.portfolio.programmes.get(order.order.programme)
        moment = Moment(timer.data.decode())
        events: list[Event] = []
        for form in asked_at(programme, moment) if programme is not None else ():
            asked = EvaluationAsked(
                evaluation_id=evaluation_id(
                    referral.referral_id, order.order.programme, form.form, moment
                ),
                provider=referral.provider,
                programme=order.order.programme,
                form=form.form,
                moment=moment,
                at=timer.due,
                referral_id=referral.referral_id,
                citizen_id=referral.citizen_id,
                municipality=referral.municipality,
                code=self.register.evaluation_code(
                    referral.referral_id, order.order.programme, moment
                ),
            )
            if await store.ask(unit.conn, asked):
                events.append(event_of(asked))
        return events

    async def _may_be_asked(self, unit: Unit, referral: Referral, timer: DueTimer) -> bool:
        """Nobody is asked about a course that was not theirs, who is dead, or who was erased."""
        before = timer.data == Moment.BEFORE.value.encode()
        if referral.closed is not (None if before else CloseReason.COMPLETED):
            return False
        found = await store_citizens.by_ids(unit.conn, [referral.citizen_id])
        access = Access(
            actor="referral",
            action="evaluation.ask",
            citizen_id=referral.citizen_id,
            cause=timer.id,
        )
        await store_citizens.log_access(unit.conn, [access], unit.now)
        person = self.register.open(found[referral.citizen_id])
        erased = not person.name.family and not person.name.given
        return not (person.deceased or erased)

    async def answer(self, unit: Unit, call: Call) -> Answer:
        """POST /evaluations/{id}/answer: by its id, or by the code that the citizen was sent.

        An answer may be written anew; the newest holds.
        """
        said = call.read(Answers)
        rows = await store.found(unit.conn, call.path["id"], said.form)
        if not rows:
            raise Refused(404, "there is no such evaluation; it may not have been asked yet")
        if len(rows) > 1:
            forms = " or ".join(row["form"] for row in rows)
            raise Refused(422, f"several forms have this code: say which, {forms}")
        [row] = rows
        call.must_work_for(row["provider"])
        form = FORMS[row["form"]]
        fault = form.fault(said.answers)
        if fault is not None:
            raise Refused(422, fault)
        answered = EvaluationAnswered(
            evaluation_id=row["evaluation_id"],
            provider=row["provider"],
            programme=row["programme"],
            form=row["form"],
            moment=row["moment"],
            at=unit.now,
            answers=said.answers,
            score=form.score(said.answers),
            by=call.staff.id,
        )
        await store.answer(unit.conn, answered)
        content = {"evaluation_id": answered.evaluation_id, "score": answered.score}
        return Answer(content=content, applied=Applied(events=[event_of(answered)]))

    async def asked(self, unit: Unit, call: Call) -> object:
        """GET /evaluations: what waits for an answer; ?referral=… or ?code=… all of one."""
        rows = await store.asked(
            unit.conn,
            _providers(call),
            call.query.get("referral") or None,
            call.query.get("code") or None,
            _MOST,
        )
        return [dict(row) for row in rows]

    async def report(self, unit: Unit, call: Call) -> object:
        """GET /evaluations/report: figures per programme; nobody is in them, nor can be guessed.

        ?since=… (ISO 8601): only forms asked from then on.
        """
        since = _instant(call.query.get("since"))
        found = await store.answers(unit.conn, _providers(call), since)
        among = await store.answers(unit.conn, _providers(call), None) if since else None
        return [asdict(one) for one in figures(found, among)]

    async def courses(self, unit: Unit, call: Call) -> object:
        """GET /evaluations/courses: how many were referred to each programme, and how far they are.

        Small counts are left out, and what they could be computed from.
        """
        found: list[dict[str, object]] = []
        for programme, counts in (await store.courses(unit.conn, _providers(call))).items():
            total, parts = told(counts)
            found.append({"programme": programme, "referred": total, **parts})
        return found

    async def hear(self, unit: Unit, messages: Sequence[Message], /) -> Sequence[Outcome]:
        """See `shared.handling.Handler`: what stands on `evaluations`, our own word included."""
        return [await _heard(unit, message) for message in messages]

    def endpoints(self) -> tuple[Endpoint, ...]:
        """All of them."""
        return (
            Endpoint(method="GET", path="/evaluations", handler=self.asked),
            Endpoint(method="GET", path="/evaluations/report", handler=self.report),
            Endpoint(method="GET", path="/evaluations/courses", handler=self.courses),
            Endpoint(method="POST", path="/evaluations/{id}/answer", handler=self.answer),
        )


async def _heard(unit: Unit, message: Message) -> Outcome:
    model = _READ.get(message.type)
    if model is None:
        return Dead(reason=f"unknown type {message.type or '(none)'}")
    try:
        wire = model.model_validate_json(message.value or b"")
    except ValidationError as error:
        return Dead(reason=named_faults(error), holds=message.subject)
    if isinstance(wire, EvaluationAsked):
        known = await unit.conn.fetchval(
            "SELECT true FROM referrals WHERE referral_id = $1", wire.referral_id
        )
        if known:
            await store.ask(unit.conn, wire)
            return Applied(releases=[f"evaluation:{wire.evaluation_id}"])
        return _later(unit, message, f"referral:{wire.referral_id}", "its referral has not come")
    if await store.answer(unit.conn, wire):
        return Applied()
    return _later(unit, message, f"evaluation:{wire.evaluation_id}", "it was not asked here yet")


def _later(unit: Unit, message: Message, key: str, reason: str) -> Outcome:
    until = message.timestamp + PATIENCE
    if unit.now >= until:
        return Dead(reason=reason, holds=message.subject)
    return Parked(waits_for=key, until=until, reason=reason)


def _referral_of(timer: DueTimer) -> str:
    return timer.key.rpartition("/")[0]


def _providers(call: Call) -> list[str] | None:
    return None if call.staff.provider == EVERYBODY else [call.staff.provider]


def _instant(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(422, "since is no ISO 8601 time") from None
    if instant.tzinfo is None:
        raise Refused(422, "since needs its UTC offset")
    return instant

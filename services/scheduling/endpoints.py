"""What staff do over HTTP: write down what a citizen answers, and who came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from services.scheduling import store_sessions, telephone
from services.scheduling.attendance import too_soon
from services.scheduling.capacity import local_date
from services.scheduling.commands import Attend
from services.scheduling.handlers import Scheduling
from services.scheduling.orders import Attendance
from services.scheduling.responses import By, to_event
from shared.endpoints import Answer, Call, Endpoint, Refused
from shared.handling import Applied

if TYPE_CHECKING:
    from shared.handling import Unit

_ANSWERS: Final = {
    "accept": "accepted",
    "decline": "declined",
    "cancel": "cancelled",
    "exchange": "exchanged",
    "request": "requested",
}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Came(_Body):
    """Whether the citizen came to a session."""

    attended: bool
    reason: str | None = Field(default=None, max_length=200, description="Why not")

    @model_validator(mode="after")
    def _why(self) -> Came:
        if self.attended and self.reason is not None:
            raise ValueError("who came needs no reason")
        if self.reason is not None and "\x00" in self.reason:
            raise ValueError("reason holds a NUL character")
        return self


class Wish(_Body):
    """Another of the offered times."""

    start: AwareDatetime
    location: str


class Response(_Body):
    """What a citizen answers to an offer."""

    answer: Literal["accept", "decline", "cancel", "exchange", "request"]
    by: By = "citizen"
    then: Literal["another-time", "wait"] | None = None
    not_before: date | None = None
    wanted: Wish | None = None


class Counter:
    """The endpoints of scheduling."""

    def __init__(self, scheduling: Scheduling) -> None:
        self._scheduling = scheduling

    def endpoints(self) -> Sequence[Endpoint]:
        """All of them."""
        return (
            Endpoint(method="POST", path="/sessions/{id}/response", handler=self.response),
            Endpoint(method="POST", path="/sessions/{id}/attendance", handler=self.attendance),
        )

    async def response(self, unit: Unit, call: Call) -> Answer:
        """Takes an answer to an offer; `id` may be the session's, its order's or its referral's.

        The answer goes to `responses`; what follows from it is told like any other change.
        """
        said = call.read(Response)
        more = {"then": said.then, "not_before": said.not_before}
        wanted = said.wanted.model_dump() if said.wanted is not None else None
        try:
            response = await telephone.understood(
                unit.conn,
                call.path["id"],
                _ANSWERS[said.answer],
                unit.now,
                by=said.by,
                wanted=wanted,
                **more,
            )
        except telephone.NotThereError as error:
            raise Refused(404, str(error)) from None
        except telephone.NotUnderstoodError as error:
            raise Refused(422, str(error)) from None
        call.must_work_for(response.provider)
        content = response.model_dump(mode="json", exclude={"citizen_id"})
        return Answer(content=content, applied=Applied(events=[to_event(response)]), status=202)

    async def attendance(self, unit: Unit, call: Call) -> Answer:
        """Writes down whether the citizen came to a session; again, it corrects."""
        said = call.read(Came)
        session_id = call.path["id"]
        found = await store_sessions.session(unit.conn, session_id)
        if found is None:
            raise Refused(404, f"no session has the id {session_id}")
        call.must_work_for(found.provider)
        if found.status != "offered":
            raise Refused(409, f"session {session_id} was cancelled")
        if too_soon(found.start, unit.now):
            raise Refused(
                409,
                f"session {session_id} is on {_day(found.start)}; "
                "who came can be written down from then on",
            )
        note = Attendance(said.attended, said.reason, call.staff.id, unit.now)
        command = Attend(found.order_id, session_id, note)
        applied = await self._scheduling.at_desk(
            unit, found.provider, found.order_id, lambda desk: desk.carry_out(command, unit.now)
        )
        content = {
            "session_id": session_id,
            "order_id": found.order_id,
            "attended": said.attended,
            "reason": said.reason,
            "changed": bool(applied.events),
        }
        return Answer(content=content, applied=applied)


def _day(start: datetime) -> str:
    return f"{local_date(start):%d.%m.%Y}"

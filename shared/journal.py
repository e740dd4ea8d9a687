"""What members of staff have done, kept on a topic of the service's own.

A database restored from a backup lacks the calls made since; it reads them there and carries them
out again, each as of its own moment and under its own id, so that the same events follow with the
same ids. What no message repeats (a decision, what somebody wrote) comes back in no other way.

Only what members of staff wrote is kept, and sealed: bodies hold words about people.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence, Set
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Final

import asyncpg
import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from shared.crypto import Unreadable, Vault
from shared.endpoints import Answer, Call, Endpoint, Refused
from shared.envelope import TYPE_PREFIX, Event, Message
from shared.handling import Applied, Dead, Outcome, Parked, Unit
from shared.staff import Member
from shared.staff_calls import cause_of, is_done, keep_answer, name_of, on_record

if TYPE_CHECKING:
    from shared.database import Connection

PATIENCE: Final = timedelta(hours=24)
"""How long a call waits for what it was made on; then a human looks at it."""


class StaffCalled(BaseModel):
    """A member of staff has done something over HTTP; who, what and about whom is sealed."""

    model_config = ConfigDict(frozen=True)

    event_type: ClassVar[str] = f"{TYPE_PREFIX}staff.called.v1"

    call_id: str = Field(description="What the ids of the events that followed derive from")
    endpoint: str = Field(description='Such as "POST /worklist/{id}/decision"')
    at: AwareDatetime = Field(description="The moment as of which it was done")
    sealed: str = Field(
        description="Base64: who asked what, and what followed; AES-256-GCM under the service's key"
    )


EXAMPLE: Final = StaffCalled(
    call_id="5f1d7a8e-7f0c-5d0a-9d55-0a8f7a3f7d10",
    endpoint="POST /worklist/{id}/decision",
    at=datetime.fromisoformat("2022-05-25T13:00:00+00:00"),
    sealed=base64.b64encode(b"key id, nonce, ciphertext and tag").decode(),
)


class _Otherwise(Exception):
    """Something else would follow than what followed then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """Keeps calls on `topic`, and carries out again what a restored database has lost.

    A call that can't be carried out yet waits for `waits_for(subject)`, which whoever makes the
    subject known releases; calls about one subject keep their order.
    """

    topic: str
    endpoints: Sequence[Endpoint]
    vault: Vault
    waits_for: Callable[[str], str]

    def written(
        self, endpoint: Endpoint, call: Call, request: bytes, now: datetime, applied: Applied
    ) -> Event:
        """The event that keeps a call. `request`: the digest of what was asked."""
        said = {
            "staff": asdict(call.staff),
            "path": call.path,
            "query": call.query,
            "body": call.body,
            "request": request.hex(),
            "followed": _kinds(applied),
        }
        subjects = [event.subject for event in applied.events if event.subject]
        about = next(iter([*subjects, *call.path.values()]), "")
        kept = StaffCalled(
            call_id=call.id,
            endpoint=name_of(endpoint),
            at=now,
            sealed=base64.b64encode(self.vault.seal(orjson.dumps(said), call.id)).decode(),
        )
        return Event(
            topic=self.topic,
            key=about or call.staff.provider,
            type=kept.event_type,
            subject=about,
            value=kept.model_dump_json().encode(),
        )

    async def again(self, unit: Unit, messages: Sequence[Message], /) -> Sequence[Outcome]:
        """See `shared.handling.Handler`: does what was lost; what was not lost is no work."""
        outcomes: list[Outcome] = []
        behind: set[str] = set()
        for message in messages:
            outcome = await self._again(unit, message, behind)
            if isinstance(outcome, Parked):
                behind.add(message.subject)
            outcomes.append(outcome)
        return outcomes

    async def _again(self, unit: Unit, message: Message, behind: Set[str]) -> Outcome:
        kept = self._opened(message)
        if isinstance(kept, Dead) or await is_done(unit.conn, kept.call, kept.at):
            return kept if isinstance(kept, Dead) else Applied()
        endpoint = next((one for one in self.endpoints if name_of(one) == kept.endpoint), None)
        if endpoint is None:
            return Dead(reason=f"{kept.endpoint} is no endpoint any more")
        since = await _waiting_since(unit.conn, message)
        what = "an earlier call waits"
        if not since.earlier and message.subject not in behind:
            try:
                return await self._carry_out(unit, endpoint, kept)
            except Refused as refusal:
                what = refusal.text
            except asyncpg.IntegrityConstraintViolationError as error:
                what = f"{type(error).__name__}, something that it rests on is not there"
            except _Otherwise:
                what = "something else would follow than what followed then"
        return Parked(
            waits_for=self.waits_for(message.subject),
            until=(since.mine or unit.now) + PATIENCE,
            reason=f"{kept.endpoint} was done before the restore, and not yet again: {what}",
        )

    def _opened(self, message: Message) -> _Kept | Dead:
        if message.type != StaffCalled.event_type:
            return Dead(reason=f"unknown type {message.type or '(none)'}")
        try:
            wire = StaffCalled.model_validate_json(message.value or b"")
            said = orjson.loads(self.vault.open(base64.b64decode(wire.sealed), wire.call_id))
        except Unreadable as error:
            return Dead(reason=f"a call can't be opened: {error}")
        except (ValidationError, ValueError):
            return Dead(reason="this is no call")
        return _Kept(
            endpoint=wire.endpoint,
            at=wire.at,
            call=Call(
                staff=Member(**said["staff"]),
                id=wire.call_id,
                path=said["path"],
                query=said["query"],
                body=said["body"],
            ),
            request=bytes.fromhex(said["request"]),
            followed=said["followed"],
        )

    async def _carry_out(self, unit: Unit, endpoint: Endpoint, kept: _Kept) -> Applied:
        """Does a call as of its own moment. Raises Refused or _Otherwise; nothing is changed then.

        It leaves the rows that it left then, so that whoever asks again gets the same answer.
        """
        inner = Unit(conn=unit.conn, now=kept.at)
        try:
            async with unit.conn.transaction():
                returned = await endpoint.handler(inner, kept.call)
                answer = returned if isinstance(returned, Answer) else Answer(content=returned)
                _must_be_the_same(answer.applied, kept.followed)
                await keep_answer(
                    unit.conn,
                    self.vault,
                    call_id=kept.call.id,
                    request=kept.request,
                    now=kept.at,
                    answer=answer,
                )
                await on_record(unit.conn, kept.at, endpoint, kept.call, answer.status)
        except BaseException:
            for undo in inner.on_rollback:
                undo()
            raise
        unit.on_commit += inner.on_commit
        unit.on_rollback += inner.on_rollback
        return replace(answer.applied, cause=cause_of(kept.call.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A call as it was made. `followed`: the kinds of its events, in their order."""

    endpoint: str
    at: datetime
    call: Call
    request: bytes
    followed: list[list[str]]


def _must_be_the_same(applied: Applied, followed: list[list[str]]) -> None:
    if _kinds(applied) != followed:
        raise _Otherwise


def _kinds(applied: Applied) -> list[list[str]]:
    """Of what kind the events are and what they are about: their ids count on their order."""
    return [[event.topic, event.type, event.subject] for event in applied.events]


@dataclass(frozen=True, slots=True)
class _Waiting:
    mine: datetime | None
    earlier: bool


async def _waiting_since(conn: Connection, message: Message) -> _Waiting:
    """Since when this call waits, and whether an earlier one of its subject does."""
    row = await conn.fetchrow(
        """SELECT min(parked_at) FILTER (WHERE record_offset = $4) AS mine,
                  bool_or(record_offset < $4) AS earlier
           FROM runtime.parked WHERE topic = $1 AND partition = $2 AND subject = $3""",
        message.topic,
        message.partition,
        message.subject,
        message.offset,
    )
    assert row is not None, "an aggregate gives a row"
    return _Waiting(row["mine"], bool(row["earlier"]))

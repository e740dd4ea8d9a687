"""Carries out calls of members of staff: who, whether they may, once per key, and on record."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import asyncpg
import orjson
from starlette.responses import Response
from starlette.routing import Route

from shared.batch import DEADLINE, Result
from shared.crypto import Unreadable
from shared.draft import Entry
from shared.endpoints import (
    MAX_BODY,
    Answer,
    Call,
    Endpoint,
    Refused,
    call_id,
    check_key,
    check_names,
    digest,
)
from shared.envelope import Message
from shared.faults import back_off, is_transient
from shared.staff_calls import cause_of, dump, keep_answer, on_record
from shared.startup import NotYet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from starlette.requests import Request

    from shared.database import Connection
    from shared.runtime import Runtime
    from shared.staff import Member

_TRIES: Final = 4


class _Reply(NamedTuple):
    """An answer as bytes; `again`: it was given before."""

    status: int
    body: bytes
    again: bool = False


def routes(endpoints: Sequence[Endpoint]) -> list[Route]:
    """The routes of a service's endpoints."""
    return [Route(one.path, _serving(one), methods=[one.method]) for one in endpoints]


def _serving(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        runtime: Runtime = request.app.state.runtime
        try:
            staff = _who(runtime, request)
        except Refused as refusal:
            runtime.telemetry.staff_calls.labels(endpoint.path, str(refusal.status)).inc()
            return _error(refusal.status, refusal.text)
        call = Call(staff=staff, id=str(uuid.uuid4()))
        try:
            if endpoint.method == "POST":
                await _must_be_read(runtime)
            raw, call = await _understood(endpoint, request, staff)
            reply = await _patiently(runtime, endpoint, call, digest(request.url.path, raw))
        except Refused as refusal:
            reply = _Reply(refusal.status, dump({"error": refusal.text}))
            await _record_refusal(runtime, endpoint, call, refusal.status)
        except NotYet as error:
            reply = _Reply(503, dump({"error": str(error)}))
        except Exception as error:  # noqa: BLE001 - what went wrong is in the log, without data
            if is_transient(error):
                reply = _Reply(503, dump({"error": "the database is away just now: ask again"}))
            else:
                runtime.telemetry.failed("endpoint", error)
                reply = _Reply(500, dump({"error": "this failed here, and nothing was changed"}))
        runtime.telemetry.staff_calls.labels(endpoint.path, str(reply.status)).inc()
        response = Response(reply.body, reply.status, media_type="application/json")
        response.headers["cache-control"] = "no-store"
        if reply.again:
            response.headers["idempotency-replayed"] = "true"
        return response

    return serve


def _who(runtime: Runtime, request: Request) -> Member:
    member = runtime.staff.member(request.headers.get("authorization", ""))
    if runtime.staff.trouble:
        runtime.log.error("staff file unusable; the last one stands")
    if member is not None:
        return member
    if not runtime.staff.known:
        raise Refused(401, "nobody may use this yet: GENVEJ_STAFF names no file of members")
    raise Refused(401, "a bearer token of a member of staff is needed")


async def _must_be_read(runtime: Runtime) -> None:
    """Raises NotYet while calls on the journal are unread: after a restore, all is as it was then.

    Whoever decided now would decide again what is decided.
    """
    journal = runtime.service.journal
    if journal is None:
        return
    for group in runtime.groups:
        mine = {place for place in group.assigned if place[0] == journal.topic}
        if mine and not mine <= await group.caught_up():
            raise NotYet("what was done before is still being read: ask again in a moment")


async def _understood(endpoint: Endpoint, request: Request, staff: Member) -> tuple[bytes, Call]:
    if endpoint.roles and staff.role not in endpoint.roles:
        roles = ", ".join(sorted(endpoint.roles))
        raise Refused(403, f"this needs the role {roles}; {staff.id} has the role {staff.role}")
    path = {name: str(value) for name, value in request.path_params.items()}
    query = dict(request.query_params)
    check_names(path, query)
    raw = await _body(request)
    body = _json(raw) if endpoint.method == "POST" and raw else {}
    given = request.headers.get("idempotency-key")
    key = check_key(given) if given is not None else str(uuid.uuid4())
    name = call_id(staff, endpoint.method, request.url.path, key)
    return raw, Call(staff=staff, id=str(name), path=path, query=query, body=body)


async def _body(request: Request) -> bytes:
    """The body. Raises Refused as soon as it is too large, however it is sent."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            raise Refused(413, f"the body may have {MAX_BODY} bytes at most")
        parts.append(part)
    return b"".join(parts)


def _json(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Refused(400, "the body is no JSON in UTF-8") from None
    if not isinstance(body, dict):
        raise Refused(400, "the body must be a JSON object")
    if b"\\u0000" in raw:
        raise Refused(400, "the body holds a NUL character, which nothing can store")
    return body


async def _patiently(runtime: Runtime, endpoint: Endpoint, call: Call, request: bytes) -> _Reply:
    """Tries again what only others' transactions stood in the way of."""
    attempt = 0
    while True:
        try:
            async with asyncio.timeout(DEADLINE):
                return await _once(runtime, endpoint, call, request)
        except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
            attempt += 1
            if attempt == _TRIES:
                raise
            await asyncio.sleep(back_off(attempt, first=0.02))


async def _once(runtime: Runtime, endpoint: Endpoint, call: Call, request: bytes) -> _Reply:
    key = uuid.UUID(call.id)
    batches = runtime.batches
    async with batches.transaction() as (unit, draft):
        if endpoint.method == "POST":
            known = await _claim(runtime, unit.conn, key, request, unit.now)
            if known is not None:
                await on_record(unit.conn, unit.now, endpoint, call, known.status)
                return known
        returned = await endpoint.handler(unit, call)
        answer = returned if isinstance(returned, Answer) else Answer(content=returned)
        reply = _Reply(answer.status, dump(answer.content))
        name = getattr(endpoint.handler, "__qualname__", endpoint.path)
        applied = answer.applied
        if endpoint.method == "POST":
            await keep_answer(
                unit.conn,
                runtime.vault,
                call_id=call.id,
                request=request,
                now=unit.now,
                answer=answer,
            )
            journal = runtime.service.journal
            if journal is not None:
                kept = journal.written(endpoint, call, request, unit.now, applied)
                applied = replace(applied, events=[*applied.events, kept])
        draft.add(Entry(_message(runtime, call, unit.now), cause_of(call.id), name), applied)
        await on_record(unit.conn, unit.now, endpoint, call, reply.status)
        await batches.finish(unit, draft, Result())
    return reply


async def _claim(
    runtime: Runtime, conn: Connection, key: uuid.UUID, request: bytes, now: datetime
) -> _Reply | None:
    """Takes a key, waiting for who has it in hand; the answer where it was given before."""
    fresh = await conn.fetchval(
        """INSERT INTO runtime.answers (key, request, answered_at) VALUES ($1, $2, $3)
           ON CONFLICT DO NOTHING RETURNING true""",
        key,
        request,
        now,
    )
    if fresh:
        return None
    row = await conn.fetchrow("SELECT request, sealed FROM runtime.answers WHERE key = $1", key)
    if row is None or row["request"] != request:
        raise Refused(422, "this Idempotency-Key was used for another request: take a new one")
    try:
        opened = runtime.vault.open(row["sealed"], str(key))
    except Unreadable:
        raise Refused(
            409, "this was done before; the key of its answer is no longer there"
        ) from None
    head, _, body = opened.partition(b"]")
    return _Reply(orjson.loads(head + b"]")[0], body, again=True)


def _message(runtime: Runtime, call: Call, now: datetime) -> Message:
    """A call as the runtime knows what arrives: its id is what its events correlate with."""
    return Message(
        topic="",
        partition=0,
        offset=0,
        key=None,
        value=None,
        timestamp=now,
        id=call.id,
        source=f"/genvej/{runtime.service.name}/staff",
        correlation_id=call.id,
    )


async def _record_refusal(runtime: Runtime, endpoint: Endpoint, call: Call, status: int) -> None:
    """A refusal is on record too; that it can't be written makes it no less a refusal."""
    try:
        async with runtime.pool.acquire() as conn:
            await on_record(conn, runtime.clock.now(), endpoint, call, status)
    except (OSError, NotYet, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        runtime.telemetry.failed("staff calls", error)


def _error(status: int, text: str) -> Response:
    return Response(
        dump({"error": text}),
        status,
        headers={"www-authenticate": "Bearer"},
        media_type="application/json",
    )

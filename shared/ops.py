"""The operators' HTTP interface: dead letters, parked messages, halts, status. Bearer token only.

| request | answer |
|---|---|
| GET /ops/status | readiness, lag, outbox, parked, timers, dead letters, halts |
| GET /ops/dead-letters[?resolved=1&limit=200] | list, without content |
| GET /ops/dead-letters/{id}[?content=1] | one, with the original message where asked for |
| POST /ops/dead-letters/{id}/replay | {"outcome": "applied" or "parked" or "dead"} |
| POST /ops/dead-letters/{id}/discard | {"outcome": "discarded"} |
| GET /ops/parked[?limit=200] | list, without content |
| GET /ops/halts, POST /ops/halts/{topic}/resume | halted sources; lets one go on |
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import Response
from starlette.routing import Route

from shared import deadletters, halt
from shared.crypto import Unreadable
from shared.deadletters import NotThere
from shared.startup import NotYet

if TYPE_CHECKING:
    from starlette.requests import Request

    from shared.runtime import Runtime

_MOST: Final = 1000
_Work = Callable[["Runtime", "Request"], Awaitable[object]]


def _json(content: object, status: int = 200) -> Response:
    body = orjson.dumps(content, default=str, option=orjson.OPT_UTC_Z)
    return Response(body, status, media_type="application/json")


def _guarded(work: _Work) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        runtime: Runtime = request.app.state.runtime
        if not runtime.authorised(request.headers.get("authorization", "")):
            return _json({"error": "a bearer token is needed: the service's OPS_TOKEN"}, 401)
        try:
            return _json(await work(runtime, request))
        except NotThere as error:
            return _json({"error": str(error)}, 404)
        except NotYet as error:
            return _json({"error": str(error)}, 503)
        except Unreadable:
            return _json({"error": "the vault key of this message is not configured"}, 409)
        except LookupError as error:
            return _json({"error": f"can't be replayed: {error.args[0]}"}, 409)

    return endpoint


def _letter(request: Request) -> uuid.UUID:
    try:
        return uuid.UUID(request.path_params["id"])
    except ValueError:
        raise NotThere(f"{request.path_params['id']} is no id of a dead letter") from None


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", "200")
    return min(int(text), _MOST) if text.isdecimal() else 200


async def _list(runtime: Runtime, request: Request) -> object:
    resolved = request.query_params.get("resolved", "") not in {"", "0"}
    return await runtime.dead_letters.listed(resolved=resolved, most=_limit(request))


async def _show(runtime: Runtime, request: Request) -> object:
    letter = _letter(request)
    shown = await runtime.dead_letters.shown(letter)
    if request.query_params.get("content", "") not in {"", "0"}:
        message = await runtime.dead_letters.content(letter)
        runtime.log.warning("dead letter opened", topic=message.topic, offset=message.offset)
        shown["content"] = {
            "content_type": message.content_type,
            "key": _text(message.key),
            "value": _text(message.value),
            "headers": {name: _text(value) for name, value in message.headers.items()},
            "id": message.id,
            "source": message.source,
            "timestamp": message.timestamp,
        }
    return shown


def _text(data: bytes | None) -> Mapping[str, str] | None:
    """Bytes as text where they are UTF-8, else as base64."""
    if data is None:
        return None
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


async def _replay(runtime: Runtime, request: Request) -> object:
    return {"outcome": await runtime.dead_letters.replay(_letter(request))}


async def _discard(runtime: Runtime, request: Request) -> object:
    await runtime.dead_letters.discard(_letter(request))
    return {"outcome": "discarded"}


async def _parked(runtime: Runtime, request: Request) -> object:
    async with runtime.pool.acquire() as conn:
        return await deadletters.parked(conn, most=_limit(request))


async def _halts(runtime: Runtime, _request: Request) -> object:
    async with runtime.pool.acquire() as conn:
        return [dict(row) for row in await halt.halted(conn)]


async def _resume(runtime: Runtime, request: Request) -> object:
    topic = request.path_params["topic"]
    async with runtime.pool.acquire() as conn:
        if not await halt.resume(conn, topic, runtime.clock.now()):
            raise NotThere(f"{topic} is not halted")
    return {"outcome": "resumed"}


async def _status(runtime: Runtime, _request: Request) -> object:
    return await status(runtime)


async def status(runtime: Runtime) -> dict[str, Any]:
    """What `genvej status` shows of a service."""
    reasons = await runtime.unready()
    async with runtime.pool.acquire() as conn:
        counts = dict(await deadletters.summary(conn, runtime.clock.now()))
        halts = [dict(row) for row in await halt.halted(conn)]
    lag = [lag for group in runtime.groups for lag in group.lag]
    return {
        "service": runtime.service.name,
        "ready": not reasons,
        "reasons": reasons,
        "lag": {
            "messages": sum(part.messages for part in lag),
            "seconds": max((part.seconds for part in lag), default=0.0),
        },
        **counts,
        "halted": halts,
    }


ROUTES: Final = (
    Route("/ops/status", _guarded(_status)),
    Route("/ops/dead-letters", _guarded(_list)),
    Route("/ops/dead-letters/{id}", _guarded(_show)),
    Route("/ops/dead-letters/{id}/replay", _guarded(_replay), methods=["POST"]),
    Route("/ops/dead-letters/{id}/discard", _guarded(_discard), methods=["POST"]),
    Route("/ops/parked", _guarded(_parked)),
    Route("/ops/halts", _guarded(_halts)),
    Route("/ops/halts/{topic}/resume", _guarded(_resume), methods=["POST"]),
)

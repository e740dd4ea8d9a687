"""The service's HTTP port: health, metrics, event catalogue, ops, and the service's own routes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import orjson
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from shared import asyncapi, calls, ops
from shared.topics import ClusterFileError, load

if TYPE_CHECKING:
    from starlette.requests import Request

    from shared.runtime import Runtime


class _Server(uvicorn.Server):
    """A server whose process handles signals itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def json(content: object, status: int = 200) -> Response:
    """A JSON response."""
    return Response(
        orjson.dumps(content, option=orjson.OPT_UTC_Z), status, media_type="application/json"
    )


async def _live(_request: Request) -> Response:
    return json({"status": "live"})


async def _ready(request: Request) -> Response:
    runtime: Runtime = request.app.state.runtime
    reasons = await runtime.unready()
    return json(
        {"status": "unready" if reasons else "ready", "reasons": reasons}, 503 if reasons else 200
    )


async def _metrics(request: Request) -> Response:
    runtime: Runtime = request.app.state.runtime
    return Response(
        generate_latest(runtime.telemetry.registry), headers={"content-type": CONTENT_TYPE_LATEST}
    )


async def _asyncapi(request: Request) -> Response:
    runtime: Runtime = request.app.state.runtime
    settings = runtime.settings
    try:
        cluster = load(settings.topics)
    except ClusterFileError as error:
        return json({"error": str(error)}, 503)
    tls = settings.kafka_security == "SASL_SSL"
    return json(asyncapi.document(runtime.service, cluster, server=settings.kafka, tls=tls))


def application(runtime: Runtime) -> Starlette:
    """The ASGI application; routes find the runtime in `request.app.state.runtime`."""
    app = Starlette(
        routes=[
            Route("/health/live", _live),
            Route("/health/ready", _ready),
            Route("/metrics", _metrics),
            Route("/asyncapi.json", _asyncapi),
            *ops.ROUTES,
            *calls.routes(runtime.service.endpoints),
            *runtime.service.routes,
        ]
    )
    app.state.runtime = runtime
    return app


def server(runtime: Runtime) -> uvicorn.Server:
    """The server, to be run with `serve()` and stopped by `should_exit`."""
    return _Server(
        uvicorn.Config(
            application(runtime),
            host=runtime.settings.host,
            port=runtime.settings.port,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=3,
        )
    )

"""What a service declares about itself; `shared.runtime.run` does the rest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from shared.endpoints import Endpoint
    from shared.handling import Handler, TimerHandler
    from shared.journal import Journal
    from shared.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Topics that one handler reads.

    `topics` are names or families of the cluster file: "referrals",
    "hospital.{hospital}.referrals".
    `kind`: "keyed" topics share one consumer group and equal partition counts and are
    deduplicated by (source, event id); "intake" topics have one partition, belong to outsiders,
    and are deduplicated by the handler, which knows the document's own id.
    `first`: after a start the backlog of these topics is applied before any other of the group is
    read (names only): what the service must know before it decides.
    """

    topics: Sequence[str]
    handler: Handler
    kind: Literal["keyed", "intake"] = "keyed"
    first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service as the runtime runs it.

    `tasks` run beside the subscriptions until stop (a sender that talks to an SMTP server, say).
    `endpoints` are what members of staff may ask of it over HTTP.
    `produces` lists (topic family, event types, wire model by type) for the AsyncAPI document.
    `journal` keeps what staff do over HTTP; a subscription to its topic with `journal.again` does
    what a restored database has lost.
    `publish_every`: seconds from one publication to the next at least, unless more waits than goes
    into one. For events that nobody waits for: each publication is a Kafka transaction.
    """

    name: str
    migrations: Path
    subscriptions: Sequence[Subscription]
    timers: Mapping[str, TimerHandler] = field(default_factory=dict)
    tasks: Sequence[Callable[[Runtime], Awaitable[None]]] = ()
    routes: Sequence[BaseRoute] = ()
    endpoints: Sequence[Endpoint] = ()
    produces: Mapping[str, Mapping[str, type]] = field(default_factory=dict)
    journal: Journal | None = None
    publish_every: float = 0.0

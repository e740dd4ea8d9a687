"""Which handler takes which topic."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from shared.kafka import pattern
from shared.timers import TIMER, timer_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.envelope import Message
    from shared.handling import Handler, Outcome, Unit
    from shared.service import Service


@dataclass(frozen=True)
class Route:
    """A handler with the names or families of its topics."""

    name: str
    handler: Handler
    topics: tuple[str, ...]

    @cached_property
    def matches(self) -> re.Pattern[str]:
        """Matches the topics."""
        return re.compile(pattern(self.topics))


class Routes:
    """Looks handlers up by topic, for records and for what was parked or buried."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._known: dict[str, Route] = {}
        self._routes = [
            Route(
                getattr(s.handler, "__qualname__", type(s.handler).__qualname__),
                s.handler,
                tuple(s.topics),
            )
            for s in service.subscriptions
        ]

    def topics(self, kind: Literal["keyed", "intake"]) -> list[str]:
        """All topics and families of a kind, each once."""
        return sorted({t for s in self._service.subscriptions if s.kind == kind for t in s.topics})

    def first(self, kind: Literal["keyed", "intake"]) -> frozenset[str]:
        """The topics of a kind whose backlog is applied before that of all others."""
        mine = (s for s in self._service.subscriptions if s.kind == kind and s.first)
        return frozenset(topic for s in mine for topic in s.topics)

    def find(self, topic: str) -> Route:
        """The route of a topic. Raises LookupError where the service reads no such topic."""
        route = self._known.get(topic)
        if route is None and topic.startswith(TIMER):
            route = self._known[topic] = self._timer(topic)
        elif route is None:
            for candidate in self._routes:
                if candidate.matches.match(topic):
                    route = self._known[topic] = candidate
                    break
            else:
                raise LookupError(f"no handler reads {topic}")
        return route

    def _timer(self, topic: str) -> Route:
        """How a timer that became a dead letter is handled again."""
        handler = self._service.timers.get(topic.removeprefix(TIMER))
        if handler is None:
            raise LookupError(f"no handler takes {topic}")

        async def again(unit: Unit, messages: Sequence[Message], /) -> Sequence[Outcome]:
            return await handler(unit, [timer_of(message) for message in messages])

        return Route(topic, again, (topic,))

    def name(self, topic: str) -> str:
        """The name of the handler of a topic, as it stands in dead letters."""
        return self.find(topic).name

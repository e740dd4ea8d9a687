"""Topic `training`, our own: what a database restored from a backup has forgotten (ADR 6)."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from pydantic import ValidationError

from services.scheduling import store_echo, store_orders
from services.scheduling.diary import Diary
from services.scheduling.echoes import Echo, heard
from services.scheduling.handlers import Scheduling, look_up
from services.scheduling.incoming import faults
from shared.envelope import Message
from shared.handling import Applied, Dead, Outcome, Unit


class Echoes:
    """The handler of our own events. In a database that was never restored it changes nothing.

    What `suppliers` state comes back with their own statements.
    """

    def __init__(self, scheduling: Scheduling, suppliers: frozenset[str] = frozenset()) -> None:
        self._scheduling = scheduling
        self._suppliers = suppliers

    async def training(self, unit: Unit, messages: Sequence[Message]) -> list[Outcome]:
        """Takes over what was said of sessions; publishes nothing of it again."""
        outcomes: list[Outcome] = [Applied()] * len(messages)
        latest: dict[object, Echo] = {}
        for number, message in enumerate(messages):
            if self._suppliers and _provider(message) in self._suppliers:
                continue
            try:
                echo = heard(message)
            except ValidationError as error:
                problem = faults(error)[0]
                reason = f"{message.type}: {problem.element} {problem.reason}"
                outcomes[number] = Dead(reason=reason, holds="")
                continue
            if echo is None:
                continue
            before = latest.pop(echo.said.session_id, None)
            if before is not None and before.said.revision > echo.said.revision:
                echo = before
            latest[echo.said.session_id] = echo
        news = await store_echo.news(unit.conn, list(latest.values())) if latest else []
        if not news:
            return outcomes
        diary = Diary()
        desks = await self._scheduling.open(unit, diary, {echo.said.provider for echo in news})
        referrals = sorted({echo.said.referral_id for echo in news})
        for code, placed in await store_orders.named_orders(unit.conn, [], referrals):
            desk = desks.get(code)
            if desk is not None and placed.order.order_id not in desk.provider.orders:
                desk.remember(placed)
        for desk in desks.values():
            await look_up(unit, diary, desk.held_citizens())
        await look_up(unit, diary, {echo.said.citizen_id for echo in news})
        last = max(n for n, outcome in enumerate(outcomes) if isinstance(outcome, Applied))
        events = [
            event
            for code, desk in desks.items()
            for event in desk.hear([e for e in news if e.said.provider == code], unit.now)
        ]
        await self._scheduling.save(unit, desks)
        outcomes[last] = Applied(events=events)
        return outcomes


def _provider(message: Message) -> str:
    """Whose session an event is about; empty where it says none."""
    try:
        said = orjson.loads(message.value or b"null")
    except orjson.JSONDecodeError:
        return ""
    return str(said.get("provider", "")) if isinstance(said, dict) else ""

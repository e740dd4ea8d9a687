"""Takes receipts from the topics: those of documents that were sent here, by correlation id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from services.gateway import store
from shared.handling import Applied

if TYPE_CHECKING:
    from shared.envelope import Message
    from shared.handling import Outcome, Unit

RECEIPTS: Final = ("hospital.{hospital}.receipts", "sender.{sender}.receipts")
_PASSING: Final = b'"transient-error"'


def is_final(receipt: bytes) -> bool:
    """Whether no other receipt follows: only a transient error is followed by one.

    MedCom's Acknowledgement and our XCTL both have the word as a quoted value, and no text can
    hold it with its quotes: they would be escaped.
    """
    return _PASSING not in receipt


async def take_receipts(unit: Unit, messages: Sequence[Message], /) -> Sequence[Outcome]:
    """See `shared.handling.Handler`. Receipts of what came another way say nothing here."""
    found = [
        store.Receipt(
            reference=message.correlation_id,
            topic=message.topic,
            offset=message.offset,
            value=message.value,
            content_type=message.content_type,
        )
        for message in messages
        if message.value is not None and message.correlation_id
    ]
    await store.take(unit.conn, found, unit.now)
    return [Applied()] * len(messages)

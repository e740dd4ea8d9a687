"""What hospitals answer to our messages: a refusal lies unread in its conversation, for staff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

import orjson

from services.referral import store_dialogue
from services.referral.desk import Desk
from services.referral.dialogue import Acknowledged, Step
from services.referral.store_dialogue import Post
from shared.crypto import Vault

if TYPE_CHECKING:
    from shared.handling import Unit

REFUSED: Final = "Sygehuset kunne ikke modtage den seneste meddelelse herfra. Ring i stedet."


@dataclass(frozen=True, slots=True)
class Receipt:
    """A hospital's receipt, and when it came."""

    hospital: str
    said: Acknowledged
    at: datetime


async def take_receipts(unit: Unit, desk: Desk, vault: Vault, receipts: Sequence[Receipt]) -> None:
    """Lets staff see what was refused; a receipt is never answered, and an ok says nothing new."""
    refused = [one for one in receipts if one.said.code == "fatal-error"]
    keys = {(one.hospital, one.said.answered) for one in refused}
    threads = await store_dialogue.answered(unit.conn, keys) if keys else {}
    for one in refused:
        thread = threads.get((one.hospital, one.said.answered))
        if thread is None:
            continue
        post_id = f"refused/{one.said.answered}"
        known = await store_dialogue.posts_of(unit.conn, [thread.thread_id])
        if any(post.post_id == post_id for post in known.get(thread.thread_id, ())):
            continue
        sealed = vault.seal(orjson.dumps({"refused": REFUSED}), thread.thread_id)
        desk.wrote(
            [
                Post(
                    thread_id=thread.thread_id,
                    post_id=post_id,
                    document_id=one.said.document_id,
                    step=Step.REPLY,
                    ours=False,
                    written_at=one.at,
                    sealed=sealed,
                )
            ]
        )
        newest = desk.threads.get((thread.hospital, thread.thread), thread)
        desk.thread(replace(newest, unread_since=newest.unread_since or one.at))

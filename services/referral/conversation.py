"""What a conversation with a hospital consists of, and how it is sealed in this service.

Texts are about people: they leave this service only in the hospital's own topic.
"""

from __future__ import annotations

import uuid
from typing import Final

import orjson

from services.referral.dialogue import Attachment, Author, CareMessage, Segment, Step
from services.referral.store_dialogue import Post
from shared.crypto import Vault

_THREADS: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:genvej:threads")


def thread_id(hospital: str, thread: str) -> str:
    """Our id of a hospital's thread; a second run gives it again."""
    return str(uuid.uuid5(_THREADS, f"{hospital}/{thread}"))


def posts_in(message: CareMessage, thread: str, vault: Vault) -> list[Post]:
    """What a message holds, each text and attachment sealed for this thread."""
    found = [
        _post(message, thread, one.segment_id, said_of(one), vault, at=one)
        for one in message.segments
    ]
    last = message.segments[-1]
    found += [
        _post(message, thread, one.attachment_id, _named(one), vault, at=last)
        for one in message.attachments
    ]
    return found


def _post(
    message: CareMessage,
    thread: str,
    post_id: str,
    content: dict[str, object],
    vault: Vault,
    *,
    at: Segment,
) -> Post:
    return Post(
        thread_id=thread,
        post_id=post_id,
        document_id=message.document_id,
        step=message.step,
        ours=False,
        written_at=at.at,
        sealed=vault.seal(orjson.dumps(content), thread),
    )


def our_post(segment: Segment, thread: str, document_id: str, step: Step, vault: Vault) -> Post:
    """What a member of staff writes."""
    return Post(
        thread_id=thread,
        post_id=segment.segment_id,
        document_id=document_id,
        step=step,
        ours=True,
        written_at=segment.at,
        sealed=vault.seal(orjson.dumps(said_of(segment)), thread),
    )


def said_of(segment: Segment) -> dict[str, object]:
    """A text and who wrote it."""
    author = segment.author
    return {
        "text": segment.text,
        "author": author.name,
        "role": author.role,
        "phone": author.phone,
    }


def _named(attachment: Attachment) -> dict[str, object]:
    """What is kept of an attachment that isn't taken."""
    return {
        "attachment": attachment.title,
        "content_type": attachment.content_type,
        "size": attachment.size,
        "url": attachment.url,
    }


def opened(post: Post, vault: Vault) -> dict[str, object]:
    """What stands in a post: `text` with its author, or `attachment` with what it was."""
    content: dict[str, object] = orjson.loads(vault.open(post.sealed, post.thread_id))
    return content


def segment_of(post: Post, vault: Vault) -> Segment | None:
    """A text as a later message repeats it; None for an attachment, which nobody has here."""
    content = opened(post, vault)
    if "text" not in content:
        return None
    return Segment(
        segment_id=post.post_id,
        at=post.written_at,
        author=Author(
            name=_word(content["author"]),
            role=_word(content["role"]),
            phone=_word(content["phone"]),
        ),
        text=str(content["text"]),
        new=False,
    )


def _word(value: object) -> str | None:
    return str(value) if value is not None else None

"""What staff do with conversations over HTTP: read them, write in them, mark them as read."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.referral import store, store_citizens, store_dialogue
from services.referral.configuration import Directory
from services.referral.conversation import opened, our_post, segment_of, thread_id
from services.referral.dialogue import Author, Segment, Step
from services.referral.documents.care_writing import (
    CONTENT_TYPE,
    REGARDING_REFERRAL,
    Earlier,
    Organisation,
    Patient,
    Written,
    communication,
)
from services.referral.events import COMMUNICATION_SENT, zulu
from services.referral.register import Register
from services.referral.store_citizens import Access
from services.referral.store_dialogue import Post, Thread
from shared.endpoints import Answer, Call, Endpoint, Refused
from shared.envelope import Event
from shared.handling import Applied

if TYPE_CHECKING:
    from services.referral.commands import Municipality
    from services.referral.referral import Referral
    from services.referral.store_citizens import Citizen
    from shared.handling import Unit

ROLES: Final = frozenset({"desk", "therapist"})
MAX_TEXT: Final = 20_000
_TITLES: Final = {"desk": "visitator", "therapist": "terapeut"}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Say(_Body):
    """A text for the hospital: in `thread`, or the first of a new one where that is null."""

    text: str = Field(min_length=1, max_length=MAX_TEXT, pattern=r"^[^\x00]*\S[^\x00]*$")
    thread: str | None = None
    topic: str | None = Field(default=None, max_length=200, pattern=r"^[^\x00]*$")
    category: Literal["training", "regarding-referral", "discharge", "other"] = "training"
    urgent: bool = False


class Seen(_Body):
    """Which thread somebody has read; null: all of the referral's."""

    thread: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """A referral with its citizen and municipality, and the threads."""

    referral: Referral
    citizen: Citizen
    municipality: Municipality
    threads: list[Thread]
    urgent: bool = False

    def thread(self, name: str) -> Thread:
        """One of the threads. Raises Refused."""
        for one in self.threads:
            if one.thread_id == name:
                return one
        raise Refused(404, f"the referral has no thread {name[:40]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversations:
    """The endpoints of conversations with hospitals."""

    register: Register
    directory: Directory

    def endpoints(self) -> Sequence[Endpoint]:
        """All of them."""
        path = "/referrals/{id}/dialogue"
        return (
            Endpoint(method="GET", path=path, handler=self.show, roles=ROLES),
            Endpoint(method="POST", path=path, handler=self.say, roles=ROLES),
            Endpoint(method="POST", path=f"{path}/read", handler=self.seen, roles=ROLES),
        )

    async def show(self, unit: Unit, call: Call) -> object:
        """The referral's threads with all that was written, the oldest first."""
        room = await self._open(unit, call, "dialogue.read")
        posts = await store_dialogue.posts_of(unit.conn, [one.thread_id for one in room.threads])
        return {
            "referral_id": room.referral.referral_id,
            "threads": [self._shown(one, posts.get(one.thread_id, [])) for one in room.threads],
        }

    async def say(self, unit: Unit, call: Call) -> Answer:
        """Sends a text to the hospital, as a reply or as the first of a new thread."""
        said = call.read(Say)
        if said.urgent and said.category != REGARDING_REFERRAL:
            raise Refused(422, f"urgent: only in the category {REGARDING_REFERRAL}")
        if said.category == "other" and not said.topic and said.thread is None:
            raise Refused(422, "topic: is needed in the category other")
        room = await self._open(unit, call, "dialogue.write")
        if said.thread is not None:
            thread = room.thread(said.thread)
        else:
            thread = await self._new(unit, call, room, said)
        mine = thread.thread_id
        posts = (await store_dialogue.posts_of(unit.conn, [mine])).get(mine, [])
        document_id = _derived(call.id, "document")
        own = Segment(
            segment_id=f"urn:uuid:{_derived(call.id, 'segment')}",
            at=unit.now,
            author=Author(
                name=call.staff.name,
                role=_TITLES.get(call.staff.role, call.staff.role),
                phone=room.municipality.phone or None,
            ),
            text=said.text.strip(),
            new=True,
        )
        step = Step.REPLY if thread.newest_document is not None else Step.NEW
        room = replace(room, urgent=said.urgent)
        value = self._bundle(room, thread, posts, own, document_id)
        await store_dialogue.save_threads(
            unit.conn, [replace(thread, newest_document=document_id, unread_since=None)]
        )
        await store_dialogue.add_posts(
            unit.conn, [our_post(own, mine, document_id, step, self.register.vault)]
        )
        event = Event(
            topic=f"hospital.{thread.hospital}.dialogue",
            key=room.referral.referral_id,
            type=COMMUNICATION_SENT,
            subject=room.referral.referral_id,
            value=value,
            content_type=CONTENT_TYPE,
        )
        content = {
            "referral_id": room.referral.referral_id,
            "thread": mine,
            "document_id": document_id,
            "step": step,
        }
        return Answer(content=content, applied=Applied(events=[event]), status=202)

    async def seen(self, unit: Unit, call: Call) -> object:
        """Notes that somebody has read a thread, or all."""
        said = call.read(Seen)
        room = await self._open(unit, call, "dialogue.seen")
        chosen = room.threads if said.thread is None else [room.thread(said.thread)]
        unread = [one for one in chosen if one.unread_since is not None]
        await store_dialogue.save_threads(
            unit.conn, [replace(one, unread_since=None) for one in unread]
        )
        return {
            "referral_id": room.referral.referral_id,
            "read": [one.thread_id for one in unread],
        }

    async def _open(self, unit: Unit, call: Call, action: str) -> _Room:
        me = call.path["id"]
        found = (await store.referrals(unit.conn, [me])).get(me)
        if found is None:
            raise Refused(404, f"no referral has the id {me}")
        municipality = self.directory.by_code[found.municipality]
        if not call.staff.works_for(municipality.provider):
            call.must_work_for(found.provider)
        citizens = await store_citizens.by_ids(unit.conn, [found.citizen_id])
        access = Access(
            actor=f"staff:{call.staff.id}",
            action=action,
            citizen_id=found.citizen_id,
            cause=f"call/{call.id}",
        )
        await store_citizens.log_access(unit.conn, [access], unit.now)
        return _Room(
            referral=found,
            citizen=citizens[found.citizen_id],
            municipality=municipality,
            threads=await store_dialogue.threads_of(unit.conn, me),
        )

    def _shown(self, thread: Thread, posts: Sequence[Post]) -> dict[str, object]:
        vault = self.register.vault
        return {
            "thread": thread.thread_id,
            "with": thread.department_name or thread.department_sor,
            "category": thread.category,
            "topic": vault.open(thread.topic, thread.thread_id).decode() or None,
            "unread_since": zulu(thread.unread_since) if thread.unread_since else None,
            "posts": [
                {"ours": one.ours, "at": zulu(one.written_at), **opened(one, vault)}
                for one in posts
            ],
        }

    async def _new(self, unit: Unit, call: Call, room: _Room, said: Say) -> Thread:
        """A thread with the department that sent the plan."""
        referral = room.referral
        sealed = await store.details(unit.conn, referral.referral_id)
        sender = self.register.sender_in(sealed, referral.referral_id) if sealed else None
        if sender is None:
            raise Refused(409, "the referral comes from no hospital that could be written to")
        thread = f"urn:uuid:{_derived(call.id, 'thread')}"
        mine = thread_id(referral.hospital, thread)
        return Thread(
            thread_id=mine,
            hospital=referral.hospital,
            thread=thread,
            referral_id=referral.referral_id,
            municipality=referral.municipality,
            category=said.category,
            department_sor=sender[0],
            department_ean=None,
            department_name=sender[1],
            topic=self.register.vault.seal((said.topic or "").encode(), mine),
            newest_document=None,
            unread_since=None,
            opened_at=unit.now,
        )

    def _bundle(
        self, room: _Room, thread: Thread, posts: Sequence[Post], own: Segment, document_id: str
    ) -> bytes:
        vault, home = self.register.vault, room.municipality
        record = self.register.open(room.citizen)
        earlier = [segment_of(one, vault) for one in posts]
        messages = {one.document_id: one for one in posts}
        return communication(
            Written(
                document_id=document_id,
                thread=thread.thread,
                category=thread.category,
                topic=vault.open(thread.topic, thread.thread_id).decode() or None,
                urgent=room.urgent,
                sender=Organisation(sor=home.sor, ean=home.ean, name=home.name),
                receiver=Organisation(
                    sor=thread.department_sor,
                    ean=thread.department_ean,
                    name=thread.department_name,
                ),
                patient=Patient(
                    cpr=self.register.number_of(room.citizen),
                    given=record.name.given,
                    family=record.name.family,
                ),
                segments=(*(one for one in earlier if one is not None), own),
                earlier=tuple(
                    Earlier(
                        document_id=one.document_id, step=one.step, ours=one.ours, at=one.written_at
                    )
                    for one in messages.values()
                ),
                at=own.at,
            )
        )


def _derived(call: str, part: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:genvej:calls/{call}/{part}"))

"""A service's own HTTP endpoints: what a member of staff asks of it, done in one transaction.

A handler gets the transaction and the call, and returns what is to be answered; events and timers
go with an `Answer` and take the way of all others, through the outbox. What it raises undoes
everything. A POST that is repeated under the same `Idempotency-Key` does nothing again and gets
the same answer, so whoever got none may simply ask once more.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from shared.handling import Applied
from shared.staff import Member

if TYPE_CHECKING:
    from shared.handling import Unit

MAX_BODY: Final = 64 * 1024
"""Bytes of a request's body at most."""

_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9._:~-]{1,128}")
_CPR: Final = re.compile(r"(?<![0-9A-Za-z])\d{6}-?\d{4}(?![0-9A-Za-z])")
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:genvej:staff-calls")

Model = TypeVar("Model", bound=BaseModel)


class Refused(Exception):
    """The call can't be carried out. `text` is one clear line for who called, without people.

    `status`: 400 not understood, 403 not theirs to do, 404 not there, 409 no longer possible,
    422 understood and wrong.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a member of staff asks. `id` names this call: the same again when it is repeated."""

    staff: Member
    id: str
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    def read(self, model: type[Model]) -> Model:
        """The body as a model. Raises Refused, which names the field and never its value."""
        try:
            return model.model_validate(self.body)
        except ValidationError as error:
            problems = error.errors(include_input=False, include_url=False, include_context=False)
            raise Refused(422, "; ".join(_problem(one) for one in problems[:5])) from None

    def must_work_for(self, provider: str) -> None:
        """Raises Refused where this provider's citizens are not this member's to work with."""
        if not self.staff.works_for(provider):
            raise Refused(403, f"{self.staff.id} does not work for provider {provider}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is answered (anything that JSON can say), and what follows: events, timers, releases."""

    content: object
    applied: Applied = field(default_factory=Applied)
    status: int = 200


EndpointHandler = Callable[["Unit", Call], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint under the service's HTTP port.

    `path` may hold variables that are opaque ids: "/sessions/{id}/attendance".
    `handler` returns an Answer, or the content alone where nothing follows. It must not commit,
    publish or call outside. `roles` may use it; empty: every member of staff.
    """

    method: Literal["GET", "POST"]
    path: str
    handler: EndpointHandler
    roles: frozenset[str] = frozenset()


def call_id(staff: Member, method: str, path: str, key: str) -> uuid.UUID:
    """The id of a call: of who asks, what, and the key under which they do."""
    return uuid.uuid5(_NAMESPACE, "\x00".join((staff.id, method, path, key)))


def digest(path: str, body: bytes) -> bytes:
    """What two calls under one key must have in common."""
    return hashlib.sha256(path.encode() + b"\x00" + body).digest()


def check_key(key: str) -> str:
    """An idempotency key. Raises Refused where it is none."""
    if not _KEY.fullmatch(key):
        raise Refused(400, "Idempotency-Key must be 1 to 200 visible ASCII characters")
    if _names_a_person(key):
        raise Refused(400, "an idempotency key must not look like a civil registration number")
    return key


def check_names(path: Mapping[str, str], query: Mapping[str, str]) -> None:
    """Raises Refused where an address holds what no address may: it ends up in others' logs."""
    for name, value in path.items():
        if not _IDENTIFIER.fullmatch(value) or _names_a_person(value):
            raise Refused(400, f"{name} in the path is no id of ours")
    for name, value in query.items():
        if _names_a_person(value) or len(value) > 200:
            raise Refused(400, f"{name} in the query may be neither a number of a person nor long")


def _names_a_person(text: str) -> bool:
    """Whether a civil registration number stands in it. Digits in a UUID are none, by chance."""
    return _CPR.search(_UUID.sub("", text)) is not None


def _problem(problem: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in problem["loc"]) or "body"
    message: str = problem["msg"]
    return f"{place}: {message[:1].lower()}{message[1:]}"

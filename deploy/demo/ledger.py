"""What became of every document: fed with what travels on the topics, it keeps the account.

It reads as a sceptical outsider would: nothing but records that operators may read, and no
service's own figures.
"""

from __future__ import annotations

import json
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from deploy.cli.receipts import Receipt, read_receipt

COPENHAGEN: Final = ZoneInfo("Europe/Copenhagen")
TYPE_PREFIX: Final = "dk.genvej."
_WHERE: Final = re.compile(r" \(linje .*\)")  # in a refusal: no two break off at the same place
# What a citizen is told of; every such event must end in a settled notification. What is
# restated is told only by a message that had not left yet.
RESTATED: Final = "session.restated.v1"
TELLS: Final = frozenset(
    {
        "session.offered.v1",
        "session.moved.v1",
        RESTATED,
        "session.reoffered.v1",
        "session.cancelled.v1",
        "free-choice.opened.v1",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A record that a hospital published.

    `origin` is "topic/partition/offset". `document_id` is None where nobody could read one.
    `expected` is what the sender must be answered: "accepted", "refused", "duplicate" or
    "dead-letter"; `element` is what a refusal must name. `at` is the broker's append time in
    milliseconds since 1970.
    """

    hospital: str
    origin: str
    document_id: str | None
    expected: str
    element: str | None
    story: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record as read from a topic. `at` is the broker's append time in milliseconds."""

    topic: str
    key: str
    type: str
    id: str
    value: bytes
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Something that the citizen must hear of. `at` as in Record."""

    kind: str
    referral_id: str
    at: int


@dataclass(slots=True, kw_only=True)
class Course:
    """One accepted plan, from its receipt to the last message about it."""

    referral_id: str
    document_id: str
    provider: str
    limit: date | None
    discharge: date
    received: date
    ordered: bool = False
    withdrawn: bool = False
    closed: bool = False
    infeasible: str = ""
    free_choice: str = ""
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def session(self) -> dict[str, Any] | None:
        """The latest state of its first session, or None where nothing is offered."""
        firsts = (one for one in self.sessions.values() if one.get("number", 1) == 1)
        return next(firsts, None)

    @property
    def start(self) -> date | None:
        """The local day of its first session."""
        session = self.session
        if session is None:
            return None
        return datetime.fromisoformat(session["start"]).astimezone(COPENHAGEN).date()


@dataclass(slots=True)
class Ledger:
    """The account of one run."""

    sent: list[Sent] = field(default_factory=list)
    receipts: dict[str, list[Receipt]] = field(default_factory=lambda: defaultdict(list))
    dead: dict[str, str] = field(default_factory=dict)
    courses: dict[str, Course] = field(default_factory=dict)
    early: dict[str, list[tuple[str, Mapping[str, Any]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    to_tell: dict[str, News] = field(default_factory=dict)
    told: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    told_at: dict[str, int] = field(default_factory=dict)
    status_at: dict[str, int] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    ids: Counter[str] = field(default_factory=Counter)
    records: int = 0
    first_at: int = 0
    last_at: int = 0

    def feed(self, record: Record) -> None:
        """Takes one record into the account."""
        self.records += 1
        self.first_at = min(self.first_at or record.at, record.at)
        self.last_at = max(self.last_at, record.at)
        if record.id:
            self.ids[f"{record.topic} {record.id}"] += 1
            if self.ids[f"{record.topic} {record.id}"] > 1:
                return  # published again after a fault: every consumer drops it by its id
        if record.topic.endswith(".receipts") and record.topic.startswith("hospital."):
            self.receipts[record.key].append(read_receipt(record.value))
            return
        if record.topic == "citizens" or not record.value:
            return
        data: dict[str, Any] = json.loads(record.value)
        kind = record.type.removeprefix(TYPE_PREFIX)
        if kind == "dead-letter.recorded.v1":
            origin = data["origin"]
            self.dead[f"{origin['topic']}/{origin['partition']}/{origin['offset']}"] = data[
                "reason"
            ]
        elif kind == "referral.status.v1":
            self.statuses[data["state"]] += 1
            self.status_at.setdefault(data["document_id"], record.at)
        elif record.topic == "notifications":
            self.told[data["cause"]].append({"kind": kind, **data})
            self.told_at.setdefault(data["cause"], record.at)
        elif record.topic in {"referrals", "training"}:
            self._course(kind, data)
            if kind in TELLS:
                self.to_tell[record.id] = News(
                    kind=kind,
                    referral_id=data["referral_id"],
                    at=record.at,
                )

    def _course(self, kind: str, data: Mapping[str, Any]) -> None:
        referral_id = data["referral_id"]
        if kind == "referral.received.v1":
            self.courses[referral_id] = Course(
                referral_id=referral_id,
                document_id=data["document_id"],
                provider=data["provider"],
                limit=date.fromisoformat(data["limit"]) if data["limit"] else None,
                discharge=date.fromisoformat(data["discharge_date"]),
                received=datetime.fromisoformat(data["received_at"]).astimezone(COPENHAGEN).date(),
            )
            for early in self.early.pop(referral_id, []):
                self._course(*early)
            return
        course = self.courses.get(referral_id)
        if course is None:  # order between topics isn't promised
            self.early[referral_id].append((kind, data))
            return
        match kind:
            case "referral.revised.v1":
                course.limit = date.fromisoformat(data["limit"]) if data["limit"] else None
                course.discharge = date.fromisoformat(data["discharge_date"])
            case "referral.closed.v1":
                course.closed = True
            case "order.placed.v1" | "order.changed.v1":
                course.ordered, course.withdrawn = True, False
            case "order.withdrawn.v1":
                course.withdrawn = True
            case (
                "session.offered.v1"
                | "session.moved.v1"
                | "session.restated.v1"
                | "session.reoffered.v1"
            ):
                course.sessions[data["session_id"]] = dict(data)
            case "session.cancelled.v1":
                course.sessions.pop(data["session_id"], None)
            case "order.infeasible.v1":
                course.infeasible = data["reason"]
            case "free-choice.opened.v1":
                course.free_choice = data["reason"]

    # What the account says.

    def answers_to(self, sent: Sent) -> list[Receipt]:
        """The receipts that name the document or, where it has no id, its origin."""
        by_origin = self.receipts.get(sent.origin, [])
        by_id = self.receipts.get(sent.document_id, []) if sent.document_id else []
        return [*by_id, *by_origin]

    def open(self) -> list[str]:
        """What is still to come before the account can be closed, one line each."""
        published = Counter(s.document_id for s in self.sent if s.document_id)
        buried = Counter(s.document_id for s in self.sent if s.origin in self.dead)
        lines = []
        for sent in self.sent:
            final = [r for r in self.answers_to(sent) if r.outcome != "transient-error"]
            answers = len(final) + buried[sent.document_id] if sent.document_id else len(final)
            wanted = published[sent.document_id] if sent.document_id else 1
            if sent.origin not in self.dead and answers < wanted:
                lines.append(f"{sent.story}: no answer yet ({sent.origin})")
        lines += [f"order of {d}: neither offered nor infeasible yet" for d in self.unplanned()]
        return lines + [f"{line} yet" for line in self.untold()]

    def unplanned(self) -> list[str]:
        """Documents whose standing order is neither offered nor said to be infeasible."""
        return [c.document_id for c in self.active() if c.session is None and not c.infeasible]

    def untold(self) -> list[str]:
        """News that nobody was told of, though it needed telling.

        Silence is right where nothing changed for the citizen, where the order has ended, and where
        newer news of the same appointment overtook it.
        """
        newest: dict[str, int] = {}
        for cause, news in self.to_tell.items():
            if cause in self.told and news.kind.startswith("session."):
                newest[news.referral_id] = max(news.at, newest.get(news.referral_id, 0))
        return [
            f"{news.kind} of {news.referral_id}: nobody was told"
            for cause, news in self.to_tell.items()
            if cause not in self.told
            and not (
                news.kind.startswith("session.")
                and (
                    self._ended(news.referral_id)
                    or news.kind == RESTATED
                    or newest.get(news.referral_id, 0) >= news.at
                )
            )
        ]

    def _ended(self, referral_id: str) -> bool:
        course = self.courses.get(referral_id)
        return course is not None and (course.withdrawn or course.closed)

    def active(self) -> list[Course]:
        """Courses with an order that still stands."""
        return [c for c in self.courses.values() if c.ordered and not c.withdrawn and not c.closed]

    def counts(self) -> dict[str, int]:
        """The live figures: documents, answers, bookings, messages."""
        finals = [r for rs in self.receipts.values() for r in rs]
        return {
            "sent": len(self.sent),
            "accepted": len(self.courses),
            "refused": sum(r.outcome == "fatal-error" for r in finals),
            "waiting": sum(r.outcome == "transient-error" for r in finals),
            "dead": len(self.dead),
            "ordered": sum(c.ordered for c in self.courses.values()),
            "booked": sum(c.session is not None for c in self.courses.values()),
            "told": len(self.told),
        }

    def inside(self) -> list[Course]:
        """Active courses whose first session is offered on or before the limit."""
        return [c for c in self.active() if c.start and c.limit and c.start <= c.limit]

    def late(self) -> list[Course]:
        """Active courses with a limit whose first session is offered after it, or not at all."""
        return [c for c in self.active() if c.limit and (c.start is None or c.start > c.limit)]

    def messages(self) -> Counter[tuple[str, str]]:
        """How many messages by (channel, outcome)."""
        return Counter(
            (m.get("channel") or "none", m["kind"].split(".")[1])
            for messages in self.told.values()
            for m in messages
        )

    def refusals(self) -> Counter[str]:
        """Why documents were refused: the first problem of each refusal."""
        return Counter(
            _WHERE.sub("", r.problems[0].text) if r.problems else "(no reason given)"
            for receipts in self.receipts.values()
            for r in receipts
            if r.outcome == "fatal-error"
        )

    def latencies(self) -> list[float]:
        """Seconds from publish to the first message about the document, sorted."""
        published = {s.document_id: s.at for s in self.sent if s.expected == "accepted"}
        by_document: dict[str, int] = {}
        for cause, news in self.to_tell.items():
            course, at = self.courses.get(news.referral_id), self.told_at.get(cause)
            if course and at is not None and course.document_id in published:
                known = by_document.get(course.document_id, at)
                by_document[course.document_id] = min(known, at)
        return sorted((at - published[d]) / 1000 for d, at in by_document.items())

    def story_of(self, document_id: str) -> list[str]:
        """One document's way in lines: receipt, limit, offer, and how long each took."""
        sent = next((s for s in self.sent if s.document_id == document_id), None)
        course = next((c for c in self.courses.values() if c.document_id == document_id), None)
        if sent is None or course is None:
            return ["not received"]
        lines = [f"receipt {r.outcome}" for r in self.receipts[document_id][:1]]
        lines.append(f"limit {course.limit:%d.%m.%Y}" if course.limit else "no limit")
        if course.session:
            start = datetime.fromisoformat(course.session["start"]).astimezone(COPENHAGEN)
            place = course.session["location"]["name"]
            lines.append(f"offered {start:%d.%m.%Y %H:%M}, {place}")
        if document_id in self.status_at:
            seconds = (self.status_at[document_id] - sent.at) / 1000
            lines.append(f"the hospital knew after {seconds:.2f} s")
        return lines

    def days_to_start(self) -> float | None:
        """Mean days from discharge to the offered first session."""
        days = [(c.start - c.discharge).days for c in self.active() if c.start]
        return statistics.fmean(days) if days else None

    def kilometres(self) -> float | None:
        """Mean kilometres from the citizen's postcode to the offered location."""
        metres = [
            c.session["distance_m"]
            for c in self.active()
            if c.session and c.session.get("distance_m") is not None
        ]
        return statistics.fmean(metres) / 1000 if metres else None


def quantile(values: list[float], share: float) -> float:
    """The nearest-rank quantile of sorted values."""
    return values[min(len(values) - 1, int(share * len(values)))]

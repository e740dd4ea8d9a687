"""From others' events to message rows: load what a batch needs, decide in order, save."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from services.notifications import contacts, custody, store
from services.notifications.commands import (
    Case,
    ChangeCitizen,
    CloseReferral,
    Command,
    Decision,
    ReopenReferral,
    SessionNews,
    Wait,
    WaitForOrder,
    WithdrawOrder,
)
from services.notifications.contact_details import Contact
from services.notifications.domain import COMPLETED, DECEASED, decide
from services.notifications.incoming import Invalid, OrderState, read
from services.notifications.message import CITIZEN, Past, Reach, Status, Template
from services.notifications.quiet import LOCAL, Quiet
from services.notifications.recording import CITIZENS, Recorder, waits_for_citizen
from services.notifications.rendering import Templates
from services.notifications.settings import Municipality
from shared.crypto import Vault
from shared.envelope import Message
from shared.handling import Applied, Dead, Outcome, Parked, Unit


def waits_for_order(order_id: str) -> str:
    """What a cancelled time is parked on until it is known why its order was withdrawn."""
    return f"order:{order_id}"


@dataclass(slots=True)
class _Batch:
    """What a batch has loaded, and what has become of it so far."""

    reach: dict[str, Reach]
    past: dict[str, list[Past]]
    bedside: frozenset[str]
    withdrawn: frozenset[str]
    closed: Mapping[str, str]
    echoed: dict[UUID, Status]
    drafts: list[store.NewMessage] = field(default_factory=list)
    cancels: dict[str, str] = field(default_factory=dict)
    revives: list[str] = field(default_factory=list)

    def recipients(self, command: Command) -> tuple[str, ...]:
        """Who is told of what a command is about."""
        reach = self.reach.get(command.about.citizen_id)
        return reach.recipients if reach is not None else (CITIZEN,)

    def case(self, command: Command, recipient: str) -> Case:
        """The state that a command is decided on; earlier commands of the batch are in it."""
        about = command.about
        reach = self.reach.get(about.citizen_id)
        past = self.past.get(about.referral_id, ())
        return Case(
            reach=reach.to(recipient) if reach is not None else None,
            recipient=recipient,
            past=tuple(one for one in past if recipient in (CITIZEN, one.recipient)),
            withdrawn_orders=self.withdrawn,
            bedside_orders=self.bedside,
            closed=about.referral_id in self.closed,
            completed=self.closed.get(about.referral_id) == COMPLETED,
            deceased=self.closed.get(about.referral_id) == DECEASED,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """The service's handlers. `wake` tells the sender that there may be something to send."""

    vault: Vault
    citizens_vault: Vault
    municipalities: Mapping[str, Municipality]
    templates: Templates
    quiet: Quiet = field(default_factory=Quiet)
    bedside_is_urgent: bool = True
    patience: timedelta = timedelta(hours=72)
    wake: Callable[[], None] = lambda: None

    @property
    def _recorder(self) -> Recorder:
        return Recorder(vault=self.vault, citizens_vault=self.citizens_vault)

    async def heard(self, unit: Unit, messages: Sequence[Message], /) -> list[Outcome]:
        """All keyed topics: writes, takes back and parks messages.

        Contacts of a batch count before its news. All citizens that must be locked are locked at
        once and in one order: batches that hold each other's contacts wait in turn, never in a
        circle.
        """
        outcomes: list[Outcome] = [Applied()] * len(messages)
        recorded = self._recorder.read(unit, messages, outcomes)
        commands, bedside = self._commands(messages, outcomes)
        wanted = {command.about.citizen_id for _, command in commands}
        reach, kept = await self._reach(unit, wanted) if wanted else ({}, {})
        if locked := recorded.keys() | (wanted - reach.keys()):
            await contacts.lock_citizens(unit.conn, locked)
            await self._recorder.record(unit, recorded)
            if again := wanted & locked:
                newly, now_kept = await self._reach(unit, again)
                reach, kept = reach | newly, kept | now_kept
        parked = self._merged(messages, commands, kept)
        commands = [
            (number, _of(command, kept)) for number, command in commands if number not in parked
        ]
        reach |= {kept[id_]: reach[id_] for id_ in kept.keys() & reach.keys()}
        parked |= await self._tell(unit, messages, commands, bedside, reach)
        return [parked.get(number, outcome) for number, outcome in enumerate(outcomes)]

    def _commands(
        self, messages: Sequence[Message], outcomes: list[Outcome]
    ) -> tuple[list[tuple[int, Command]], list[str]]:
        """What the news ask for, by their place in the batch, and which orders are bedside ones."""
        commands: list[tuple[int, Command]] = []
        bedside: list[str] = []
        for number, message in enumerate(messages):
            if message.topic == CITIZENS:
                continue
            try:
                command = read(message)
            except Invalid as fault:
                outcomes[number] = Dead(reason=f"{message.type}: {fault}", holds=message.subject)
                continue
            match command:
                case None:
                    continue
                case OrderState():
                    bedside += [command.order_id] if self.bedside_is_urgent else []
                case _ if command.about.provider not in self.municipalities:
                    outcomes[number] = Dead(
                        reason="no municipality file for the event's provider; add one and replay",
                        holds=message.subject,
                    )
                case _:
                    commands.append((number, command))
                    if isinstance(command, WithdrawOrder):
                        key = waits_for_order(command.order_id)
                        outcomes[number] = Applied(releases=[key])
        return commands, bedside

    async def _tell(
        self,
        unit: Unit,
        messages: Sequence[Message],
        commands: Sequence[tuple[int, Command]],
        bedside: Sequence[str],
        reach: dict[str, Reach],
    ) -> dict[int, Outcome]:
        """Decides and saves; returns what must wait, by its place in the batch."""
        withdrawn = [c.order_id for _, c in commands if isinstance(c, WithdrawOrder)]
        await store.save_order_notes(unit.conn, bedside, withdrawn, unit.now)
        closed: dict[str, str] = {}
        reopened: set[str] = set()
        moved: dict[str, str] = {}
        for _, command in commands:
            which = command.about.referral_id
            if isinstance(command, CloseReferral):
                closed[which] = command.reason
                reopened.discard(which)
            elif isinstance(command, ChangeCitizen) and command.about.citizen_id in reach:
                moved[which] = command.about.citizen_id
            elif isinstance(command, ReopenReferral):
                closed.pop(which, None)
                reopened.add(which)
        await store.save_closed(unit.conn, closed, unit.now)
        await store.reopen(unit.conn, sorted(reopened))
        await store.move_messages(unit.conn, moved)
        if not commands:
            return {}
        batch = await self._load(unit, [command for _, command in commands], reach)
        waiting: dict[int, str] = {}
        parked: dict[int, Outcome] = {}
        for number, command in commands:
            for recipient in batch.recipients(command):
                case = batch.case(command, recipient)
                decision = decide(command, case, unit.now, self.quiet)
                if isinstance(decision, Wait):
                    waiting[number] = decision.citizen_id
                elif isinstance(decision, WaitForOrder):
                    parked[number] = Parked(
                        waits_for=waits_for_order(decision.order_id),
                        until=messages[number].timestamp + self.patience,
                        reason="why its order was withdrawn is not known yet",
                    )
                else:
                    self._apply(batch, command, decision, messages[number])
        since = await contacts.awaited_since(unit.conn, waiting.values(), unit.now)
        for number, citizen_id in waiting.items():
            # Both are the same at every look, so the limit stands; old news read late get it too.
            began = max(since[citizen_id], messages[number].timestamp)
            parked[number] = Parked(
                waits_for=waits_for_citizen(citizen_id),
                until=began + self.patience,
                reason="the citizen's contact has not come",
            )
        await store.insert_messages(unit.conn, batch.drafts, unit.now)
        await store.revive_messages(unit.conn, batch.revives, unit.now)
        await store.cancel_messages(unit.conn, batch.cancels, unit.now)
        if batch.drafts or batch.revives:
            unit.on_commit.append(self.wake)
        return parked

    async def _load(
        self, unit: Unit, commands: Sequence[Command], reach: dict[str, Reach]
    ) -> _Batch:
        referrals = {command.about.referral_id for command in commands}
        orders = {c.order_id for c in commands if isinstance(c, SessionNews)}
        told = {id_: found.recipients for id_, found in reach.items()}
        bedside, withdrawn = await store.order_notes(unit.conn, orders)
        return _Batch(
            reach=reach,
            past=await store.past_of(unit.conn, referrals),
            bedside=bedside if self.bedside_is_urgent else frozenset(),
            withdrawn=withdrawn,
            closed=await store.closed_referrals(unit.conn, referrals),
            echoed=await store.echoed(
                unit.conn,
                lambda: (
                    store.notification_id(command.about.cause, template, recipient)
                    for command in commands
                    for recipient in told.get(command.about.citizen_id, (CITIZEN,))
                    for template in Template
                ),
            ),
        )

    def _apply(self, batch: _Batch, command: Command, decision: Decision, message: Message) -> None:
        past = batch.past.setdefault(command.about.referral_id, [])
        if decision.cancels:
            batch.cancels |= decision.cancels
            past[:] = [
                replace(one, status=Status.CANCELLED, reason=decision.cancels[one.notification_id])
                if one.notification_id in decision.cancels
                else one
                for one in past
            ]
        if decision.revives:
            batch.revives += decision.revives
            past[:] = [
                replace(one, status=Status.CREATED, reason=None)
                if one.notification_id in decision.revives
                else one
                for one in past
            ]
        draft = decision.draft
        if draft is None:
            return
        new = store.NewMessage(
            draft=draft,
            template_version=self.templates.current(draft.template),
            correlation_id=message.correlation_id or message.id,
            traceparent=message.traceparent,
        )
        batch.drafts.append(new)
        past.append(
            Past(
                notification_id=str(new.id),
                cause=draft.about.cause,
                template=draft.template,
                status=batch.echoed.get(new.id, draft.status),
                order_id=draft.order_id,
                session_id=draft.session_id,
                revision=draft.revision,
                first_contact=draft.first_contact,
                slot=draft.facts.slot,
                recipient=draft.recipient,
                reason=draft.reason,
                expires=draft.expires,
            )
        )

    def _merged(
        self,
        messages: Sequence[Message],
        commands: Sequence[tuple[int, Command]],
        kept: Mapping[str, str],
    ) -> dict[int, Outcome]:
        """Referrals that become a citizen's who is still taken for another wait for that to end."""
        return {
            number: Parked(
                waits_for=waits_for_citizen(command.about.citizen_id),
                until=messages[number].timestamp + self.patience,
                reason="the citizen's contact has not come",
            )
            for number, command in commands
            if isinstance(command, ChangeCitizen) and command.about.citizen_id in kept
        }

    async def _reach(
        self, unit: Unit, citizen_ids: set[str]
    ) -> tuple[dict[str, Reach], dict[str, str]]:
        """What is known of these citizens, and of a child's custody holders; who is another."""
        known = await contacts.known(unit.conn, citizen_ids)
        found, sealed = known.reach, known.sealed
        today = unit.now.astimezone(LOCAL).date()
        for citizen_id, contact in sealed.items():
            whose = known.kept.get(citizen_id, citizen_id)
            clear = Contact.model_validate_json(self.vault.open(contact, whose))
            found[citizen_id] = custody.reach_of(clear, today)
        await contacts.log_decided(unit.conn, sealed, unit.now)
        return found, known.kept


def _of(command: Command, kept: Mapping[str, str]) -> Command:
    """The command, about whom its citizen turned out to be."""
    about = command.about
    if about.citizen_id not in kept:
        return command
    return replace(command, about=replace(about, citizen_id=kept[about.citizen_id]))

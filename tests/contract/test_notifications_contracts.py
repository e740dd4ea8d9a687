"""Our contracts are those of our models; and the producers' examples become neutral messages."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator

from services.notifications import contracts
from services.notifications.commands import (
    Case,
    ChangeCitizen,
    CloseReferral,
    Decision,
    ReopenReferral,
    WithdrawOrder,
)
from services.notifications.contact_details import CitizenRecorded, contact_of
from services.notifications.domain import decide
from services.notifications.incoming import READ_TYPES, OrderState, read
from services.notifications.message import Channel, Past, Reach, Status, Template
from services.notifications.quiet import Quiet
from services.notifications.rendering import Templates
from services.notifications.sms import fits_one_part
from services.notifications.wording import LANGUAGES
from shared.envelope import TYPE_PREFIX, Message
from tests.unit.notifications.factories import FORBIDDEN, HOLBAEK

FOLDER = Path(__file__).parents[2] / "shared" / "contracts"
NOW = datetime(2022, 5, 23, 7, 0, tzinfo=UTC)
TEMPLATES = Templates()
PLACE = "Genoptræningscenteret Holbæk"


def example_of(kind: str) -> Message:
    name = kind.removeprefix(TYPE_PREFIX)
    return Message(
        topic="training",
        partition=0,
        offset=0,
        key=b"316",
        value=(FOLDER / f"{name}.example.json").read_bytes(),
        timestamp=NOW,
        id="1",
        source="/genvej/test",
        type=kind,
    )


def test_the_committed_contracts_are_those_of_the_wire_models() -> None:
    for name, content in contracts.files().items():
        assert (FOLDER / name).read_bytes() == content, (
            f"{name} is not current; run python -m services.notifications.contracts"
        )


@pytest.mark.parametrize("name", sorted(contracts.schemas()))
def test_each_example_is_valid_under_its_schema(name: str) -> None:
    schema = orjson.loads((FOLDER / f"{name}.schema.json").read_bytes())
    example = orjson.loads((FOLDER / f"{name}.example.json").read_bytes())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(example)


@pytest.mark.parametrize("kind", sorted(READ_TYPES))
def test_what_others_promise_is_what_we_read(kind: str) -> None:
    command = read(example_of(kind))
    if kind.startswith(f"{TYPE_PREFIX}order.") and not kind.endswith("withdrawn.v1"):
        assert command is None or isinstance(command, OrderState)
    else:
        assert command is not None


def test_the_example_of_a_citizens_record_has_both_channels() -> None:
    clear = (FOLDER / "citizen.recorded.v1.clear.example.json").read_bytes()
    contact = contact_of(CitizenRecorded.model_validate_json(clear))
    assert contact.name == "Ruddi Test Berggren"
    assert contact.email is not None
    assert contact.mobile is not None


def _told(template: Template) -> Past:
    offered = read(example_of(f"{TYPE_PREFIX}session.offered.v1"))
    quiet = (OrderState, WithdrawOrder, ChangeCitizen, CloseReferral, ReopenReferral, type(None))
    assert not isinstance(offered, quiet)
    return Past(
        notification_id="told",
        cause="0",
        template=template,
        status=Status.SENT,
        session_id=getattr(offered, "session_id", None),
        slot=offered.facts.slot,
    )


@pytest.mark.parametrize("kind", sorted(READ_TYPES))
def test_every_message_that_an_example_leads_to_is_neutral_in_every_language_and_channel(
    kind: str,
) -> None:
    command = read(example_of(kind))
    if command is None or isinstance(command, (OrderState, WithdrawOrder, ChangeCitizen)):
        return  # nothing is told for these alone
    past = (_told(Template.SESSION_OFFERED), _told(Template.FREE_CHOICE_OPENED))
    for history in ((), past[:1], past[1:]):
        case = Case(reach=Reach(email=True, mobile=True), past=history)
        decision = decide(command, case, NOW, Quiet())
        assert isinstance(decision, Decision)
        if decision.draft is None or decision.draft.status is Status.CANCELLED:
            continue
        for language, channel, first in itertools.product(LANGUAGES, Channel, (True, False)):
            draft = decision.draft
            text = TEMPLATES.render(
                draft.template,
                TEMPLATES.current(draft.template),
                channel,
                draft.facts,
                municipality=HOLBAEK,
                name="Ruddi Test Berggren",
                language=language,
                first_contact=first,
            )
            # The place's own name may stand in a mail and nowhere else.
            rest = text.text.replace(PLACE, "") if channel is Channel.EMAIL else text.text
            assert not FORBIDDEN.search(rest + text.subject)
            assert channel is Channel.EMAIL or fits_one_part(text.text)

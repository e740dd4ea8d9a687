"""The referral service's contracts: made from its wire models; and what it reads of others."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator

from services.referral import contracts
from services.referral.events_citizen import CitizenRecord
from services.referral.incoming import READ_TYPES, News, read
from shared.crypto import Vault, open_record
from shared.envelope import TYPE_PREFIX, Message

FOLDER = Path(__file__).parents[2] / "shared" / "contracts"
NAMES = sorted(contracts.schemas())


def test_the_committed_contracts_are_those_of_the_wire_models() -> None:
    for name, content in contracts.files().items():
        assert (FOLDER / name).read_bytes() == content, (
            f"{name} is not current; run python -m services.referral.contracts"
        )


@pytest.mark.parametrize("name", NAMES)
def test_each_example_is_valid_under_its_schema(name: str) -> None:
    schema = orjson.loads((FOLDER / f"{name}.schema.json").read_bytes())
    example = orjson.loads((FOLDER / f"{name}.example.json").read_bytes())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(example)


def test_the_sealed_example_opens_under_the_example_key_to_the_clear_one() -> None:
    clear = orjson.loads((FOLDER / f"{contracts.CLEAR}.example.json").read_bytes())
    sealed = (FOLDER / f"{contracts.SEALED}.example.json").read_bytes()
    opened = open_record(Vault(contracts.EXAMPLE_VAULT), sealed, clear["citizen_id"])
    assert orjson.loads(opened) == clear
    CitizenRecord.model_validate_json(opened)


def test_no_example_but_the_clear_record_and_letters_to_hospitals_name_the_citizen() -> None:
    letters = {"care-communication.sent.v1"}
    for name, content in contracts.examples().items():
        if name not in {contracts.CLEAR, *letters}:
            assert not any(word in content for word in (b"Ruddi", b"Berggren", b"1502779995")), name


@pytest.mark.parametrize("kind", sorted(READ_TYPES))
def test_what_scheduling_promises_is_what_we_read(kind: str) -> None:
    name = kind.removeprefix(TYPE_PREFIX)
    value = (FOLDER / f"{name}.example.json").read_bytes()
    message = Message(
        topic="training",
        partition=0,
        offset=0,
        key=b"316",
        value=value,
        timestamp=datetime(2022, 5, 23, tzinfo=UTC),
        id="1",
        source="/genvej/scheduling",
        type=kind,
    )
    news = read(message)
    assert isinstance(news, News)
    assert news.referral_id == orjson.loads(value)["referral_id"]

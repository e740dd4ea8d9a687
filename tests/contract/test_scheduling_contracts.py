"""Scheduling's contracts: made from its wire models; and what it reads of others."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator

from services.scheduling import contracts, incoming
from services.scheduling.app import PRODUCES
from services.scheduling.incoming import order_of
from shared.envelope import TYPE_PREFIX
from shared.topics import load

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "shared" / "contracts"
NAMES = sorted(contracts.schemas())


def example(kind: str) -> bytes:
    return (FOLDER / f"{kind.removeprefix(TYPE_PREFIX)}.example.json").read_bytes()


def test_the_committed_contracts_are_those_of_the_wire_models() -> None:
    for name, content in contracts.files().items():
        assert (FOLDER / name).read_bytes() == content, (
            f"{name} is not current; run python -m services.scheduling.contracts"
        )


@pytest.mark.parametrize("name", NAMES)
def test_each_example_is_valid_under_its_schema(name: str) -> None:
    schema = orjson.loads((FOLDER / f"{name}.schema.json").read_bytes())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(orjson.loads(example(name)))


def test_the_cluster_file_says_of_our_topics_what_we_publish_there() -> None:
    declared = {family.name: family for family in load(ROOT / "deploy" / "topics.toml").families}
    for topic, kinds in PRODUCES.items():
        assert set(declared[topic].carries) == set(kinds)
        assert "scheduling" in declared[topic].produces


def test_what_we_offer_in_the_story_is_inside_its_limit() -> None:
    offered = orjson.loads(example("session.offered.v1"))
    assert (offered["start"], offered["limit"]) == ("2022-05-28T07:00:00Z", "2022-05-31")
    assert offered["inside_limit"] is True


@pytest.mark.parametrize("kind", [incoming.ORDER_PLACED, incoming.ORDER_CHANGED])
def test_an_order_as_referral_promises_it_is_what_we_read(kind: str) -> None:
    order = order_of(incoming.OrderIn.model_validate_json(example(kind)))
    assert (order.provider, order.postcode) == ("316", "4300")
    assert order.limit is not None
    assert order.limit >= date(2022, 5, 31)
    assert order.step.minutes == 60
    assert order.step.competences == {"almen"}


def test_a_withdrawal_as_referral_promises_it_is_what_we_read() -> None:
    placed = incoming.OrderIn.model_validate_json(example(incoming.ORDER_PLACED))
    gone = incoming.OrderWithdrawn.model_validate_json(example(incoming.ORDER_WITHDRAWN))
    closed = incoming.ReferralClosed.model_validate_json(example(incoming.REFERRAL_CLOSED))
    assert (gone.order_id, gone.provider) == (placed.order_id, placed.provider)
    assert closed.referral_id == placed.referral_id


def test_capacity_is_read_as_it_is_written() -> None:
    model = incoming.CapacityStated.model_validate_json(example(incoming.CAPACITY_STATED))
    assert orjson.loads(model.model_dump_json()) == orjson.loads(example(incoming.CAPACITY_STATED))


def test_what_others_add_is_ignored() -> None:
    order = {**orjson.loads(example(incoming.ORDER_PLACED)), "colour": "blue"}
    assert incoming.OrderIn.model_validate_json(orjson.dumps(order)).provider == "316"

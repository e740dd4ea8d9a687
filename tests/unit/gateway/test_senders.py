"""Who may send through the door: by token, to the own topics and no others."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from services.gateway.senders import Senders, SendersError, doors_of
from shared.topics import load

CLUSTER = Path(__file__).parents[3] / "deploy" / "topics.toml"
HOLBAEK = "hospital-100000000000316"
RANDERS = "hospital-100000000000730"


def entry(principal: str, *tokens: str) -> str:
    digests = ", ".join(f'"{hashlib.sha256(token.encode()).hexdigest()}"' for token in tokens)
    return f'[[sender]]\nprincipal = "{principal}"\nsha256 = [{digests}]\n'


def senders(tmp_path: Path, text: str) -> Senders:
    path = tmp_path / "senders.toml"
    path.write_text(text, encoding="utf-8")
    return Senders(CLUSTER, path)


def test_a_token_opens_the_door_to_its_senders_own_topics(tmp_path: Path) -> None:
    known = senders(tmp_path, entry(HOLBAEK, "one", "two") + entry(RANDERS, "three"))
    for token in ("one", "two"):
        found = known.bearing(f"Bearer {token}")
        assert found is not None
        assert found.principal == HOLBAEK
        assert found.intake == "hospital.100000000000316.referrals"
        assert found.receipts == "hospital.100000000000316.receipts"
    other = known.bearing("bearer three")
    assert other is not None
    assert other.principal == RANDERS


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer four", "Basic one", "one"])
def test_nothing_else_does(tmp_path: Path, header: str) -> None:
    assert senders(tmp_path, entry(HOLBAEK, "one")).bearing(header) is None


def test_a_changed_file_is_seen_and_a_broken_one_changes_nothing(tmp_path: Path) -> None:
    known = senders(tmp_path, entry(HOLBAEK, "one"))
    path = tmp_path / "senders.toml"
    path.write_text(entry(HOLBAEK, "changed"), encoding="utf-8")
    os.utime(path, ns=(1, 1))
    known.refresh()
    assert known.bearing("Bearer one") is None
    assert known.bearing("Bearer changed") is not None
    path.write_text("[[sender", encoding="utf-8")
    known.refresh()
    assert known.bearing("Bearer changed") is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (entry("ops", "one"), "ops: the cluster file gives it no topic"),
        (entry(HOLBAEK, "one") + entry(HOLBAEK, "two"), "is there twice"),
        (entry(HOLBAEK, "one") + entry(RANDERS, "one"), "has another sender's token"),
        (f'[[sender]]\nprincipal = "{HOLBAEK}"\nsha256 = ["one"]\n', "sender.0.sha256.0"),
        (f'[[sender]]\nprincipal = "{HOLBAEK}"\nsha256 = []\n', "sender.0.sha256"),
        ("[[sender]]\nname = 1\n", "sender.0.principal"),
    ],
)
def test_a_bad_file_is_refused_with_its_reason(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SendersError) as raised:
        senders(tmp_path, text)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_every_hospital_of_the_cluster_file_has_a_door() -> None:
    cluster = load(CLUSTER)
    hospitals = {f"hospital-{party.code}" for party in cluster.of_kind("hospital")}
    assert hospitals <= set(doors_of(cluster))
    assert not {"ops", "planner", "referral"} & set(doors_of(cluster))

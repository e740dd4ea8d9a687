"""What is sealed opens for its own context, under any configured key, and for nobody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.crypto import (
    Unreadable,
    Vault,
    generate_key,
    keyed_hash,
    new_data_key,
    open_record,
    seal_record,
)

OLD, NEW = generate_key("k1"), generate_key("k2")


@given(plaintext=st.binary(), context=st.text())
def test_what_is_sealed_opens_again(plaintext: bytes, context: str) -> None:
    vault = Vault(NEW)
    assert vault.open(vault.seal(plaintext, context), context) == plaintext


def test_a_rotated_key_still_opens_and_no_longer_seals() -> None:
    sealed = Vault(OLD).seal(b"x", "c")
    rotated = Vault(f"{NEW},{OLD}")
    assert rotated.open(sealed, "c") == b"x"
    assert Vault.key_id(rotated.seal(b"x", "c")) == "k2"


@pytest.mark.parametrize("damage", [b"", b"\x01", b"nonsense", b"\x01\x02k1short"])
def test_what_was_never_sealed_is_unreadable(damage: bytes) -> None:
    with pytest.raises(Unreadable):
        Vault(OLD).open(damage, "c")


def test_another_context_another_key_and_damage_are_unreadable() -> None:
    sealed = Vault(OLD).seal(b"x", "c")
    for vault, data, context in (
        (Vault(OLD), sealed, "d"),
        (Vault(NEW), sealed, "c"),
        (Vault(generate_key("k1")), sealed, "c"),
        (Vault(OLD), sealed[:-1], "c"),
        (Vault(OLD), sealed[:-1] + bytes([sealed[-1] ^ 1]), "c"),
    ):
        with pytest.raises(Unreadable):
            vault.open(data, context)


def test_a_record_is_self_contained_and_bound_to_its_subject() -> None:
    vault = Vault(OLD)
    record = seal_record(vault, new_data_key(), "Åse".encode(), "citizen")
    assert "Åse".encode() not in record
    assert open_record(Vault(f"{NEW},{OLD}"), record, "citizen") == "Åse".encode()
    for data, subject in ((record, "other"), (b"{}", "citizen"), (b"\xff", "citizen")):
        with pytest.raises(Unreadable):
            open_record(vault, data, subject)


@pytest.mark.parametrize(
    "keys",
    ["", "k1", "k1:x", pytest.param(f"{OLD},{OLD}", id="twice"), ":AAAA", "k1:" + "A" * 24],
)
def test_keys_of_another_form_are_refused_without_being_shown(keys: str) -> None:
    with pytest.raises(ValueError, match=r"key|id") as caught:
        Vault(keys)
    assert OLD.split(":")[1] not in str(caught.value)


def test_parts_of_a_hash_do_not_run_together() -> None:
    assert keyed_hash(b"k", "ab", "c") != keyed_hash(b"k", "a", "bc")
    assert keyed_hash(b"k", "ab") != keyed_hash(b"l", "ab")

"""Members of staff are known by their tokens, and a broken file says where and why."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest

from shared.endpoints import Call, Refused, call_id, check_key, check_names
from shared.staff import Member, Staff, StaffFileError, hash_of, new_token

TOKEN = new_token()
MEMBER = f"""
[[member]]
id = "730-desk"
name = "Karen Prøve"
role = "desk"
unit = "Visitationen på Ærø"
provider = "730"
sha256 = "{hash_of(TOKEN)}"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "staff.toml"
    path.write_text(MEMBER, encoding="utf-8")
    return path


def test_a_token_tells_who_it_is(file: Path) -> None:
    member = Staff(file).member(f"Bearer {TOKEN}")
    assert member is not None
    assert (member.id, member.name, member.unit) == (
        "730-desk",
        "Karen Prøve",
        "Visitationen på Ærø",
    )


@pytest.mark.parametrize(
    "header",
    ["", "Bearer ", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \udcff"],
    ids=["nothing", "no token", "no scheme", "another scheme", "a longer token", "no text"],
)
def test_anything_else_tells_nobody(file: Path, header: str) -> None:
    assert Staff(file).member(header) is None


def test_without_a_file_nobody_is_known() -> None:
    staff = Staff(None)
    assert not staff.known
    assert staff.member(f"Bearer {TOKEN}") is None


def test_whoever_is_taken_out_of_the_file_is_out_at_once(file: Path) -> None:
    staff = Staff(file)
    file.write_text(MEMBER.replace(hash_of(TOKEN), hash_of("another")), encoding="utf-8")
    os.utime(file, ns=(1, 1))
    assert staff.member(f"Bearer {TOKEN}") is None
    assert staff.member("Bearer another") is not None


def test_a_file_that_breaks_later_changes_nothing_and_shows(file: Path) -> None:
    staff = Staff(file)
    file.write_text("[[member", encoding="utf-8")
    os.utime(file, ns=(1, 1))
    assert staff.member(f"Bearer {TOKEN}") is not None
    assert "no TOML" in staff.trouble


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[member", "no TOML"),
        ("[people]", "something else"),
        (MEMBER.replace('role = "desk"', ""), "member 1: role is missing"),
        (MEMBER.replace('"desk"', '"The Desk"'), "member 1: role must be"),
        (MEMBER.replace(hash_of(TOKEN), TOKEN), "member 1: sha256 must be"),
        (MEMBER + 'token = "secret"', "member 1: token is nothing"),
        (MEMBER + MEMBER, "member 2: the id or the token stands twice"),
    ],
)
def test_a_broken_file_says_where_and_why(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "staff.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StaffFileError, match=says):
        Staff(path)


def a_member(provider: str = "730") -> Member:
    return Member(id="730-desk", name="Karen Prøve", role="desk", unit="V", provider=provider)


def test_a_member_works_for_their_provider_alone() -> None:
    Call(staff=a_member(), id="x").must_work_for("730")
    Call(staff=a_member("*"), id="x").must_work_for("316")
    with pytest.raises(Refused, match="does not work for provider 316"):
        Call(staff=a_member(), id="x").must_work_for("316")


def test_a_call_is_the_same_only_for_the_same_member_endpoint_and_key() -> None:
    ids = {
        call_id(a_member(), "POST", "/worklist/1/decision", "k"),
        call_id(a_member(), "POST", "/worklist/2/decision", "k"),
        call_id(a_member(), "POST", "/worklist/1/decision", "l"),
    }
    assert len(ids) == 3
    assert call_id(a_member(), "POST", "/worklist/1/decision", "k") in ids


@pytest.mark.parametrize("number", ["0201609995", "020160-9995", "x 0201609995"])
def test_no_number_of_a_person_stands_in_an_address_or_a_key(number: str) -> None:
    with pytest.raises(Refused):
        check_names({"id": number}, {})
    with pytest.raises(Refused):
        check_names({}, {"citizen": number})
    with pytest.raises(Refused):
        check_key(number)


@pytest.mark.parametrize(
    "name",
    [
        "a1123456-7890-4abc-8def-0123456789ab",
        "39da5743-ae43-5ee9-8027-020160999512",
        "session-of-a1123456-7890-4abc-8def-0123456789ab",
        "LFCSLXUVF5CQFOKQRD6HPNQBLI",
        "1347831000016005",
    ],
)
def test_ids_may_hold_any_digits(name: str) -> None:
    check_names({"id": name}, {"about": name})
    check_key(name)


def test_no_random_id_is_taken_for_a_person() -> None:
    for number in range(20_000):
        check_key(str(uuid.UUID(int=number * 10**33 + number, version=4)))
        check_key(str(uuid.uuid5(uuid.NAMESPACE_URL, str(number))))

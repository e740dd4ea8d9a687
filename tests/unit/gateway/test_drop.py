"""The drop folders: what is taken, what is left alone, and where things end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.gateway.drop import Room, reference_of
from services.gateway.receipts import is_final
from services.gateway.senders import Sender

SENDER = Sender(principal="hospital-1", intake="in", receipts="out")


@pytest.fixture
def room(tmp_path: Path) -> Room:
    room = Room(tmp_path / SENDER.principal)
    room.make()
    room.make()
    return room


def test_whole_documents_are_taken_in_the_order_in_which_they_were_written(room: Room) -> None:
    for age, name in enumerate(["b.json", "a.xml", "c.JSON"], start=1):
        (room.incoming / name).write_bytes(b"{}")
        os.utime(room.incoming / name, (age, age))
    for other in (".d.json", "e.json.part", "f.txt", "g"):
        (room.incoming / other).write_bytes(b"{}")
    (room.incoming / "h.json").symlink_to(room.incoming / "b.json")
    (room.incoming / "i.json").mkdir()
    assert [path.name for path in room.waiting()] == ["b.json", "a.xml", "c.JSON"]


def test_a_document_waits_for_its_final_receipt_and_is_then_removed(room: Room) -> None:
    path = room.incoming / "plan.json"
    path.write_bytes(b"{}")
    reference = reference_of(SENDER, path.name, b"{}")
    room.put_away(path, reference)
    assert room.waiting() == []
    waiting = room.unanswered()[reference]
    room.answer(waiting, b'"transient-error"', final=False)
    assert (room.receipts / "plan.json").read_bytes() == b'"transient-error"'
    assert list(room.unanswered()) == [reference]
    room.answer(waiting, b'"ok"', final=True)
    assert (room.receipts / "plan.json").read_bytes() == b'"ok"'
    assert room.unanswered() == {}
    assert list(room.sent.iterdir()) == []


def test_the_same_file_has_the_same_reference_and_another_another() -> None:
    assert reference_of(SENDER, "a.json", b"1") == reference_of(SENDER, "a.json", b"1")
    other = Sender(principal="hospital-2", intake="in", receipts="out")
    found = {
        reference_of(SENDER, "a.json", b"1"),
        reference_of(SENDER, "a.json", b"2"),
        reference_of(SENDER, "b.json", b"1"),
        reference_of(other, "a.json", b"1"),
    }
    assert len(found) == 4


def test_only_a_transient_error_is_followed_by_another_receipt() -> None:
    assert is_final(b'{"response":{"code":"ok"}}')
    assert is_final(b'{"text":"\\"transient-error\\""}')
    assert not is_final(b'{"response":{"code":"transient-error"}}')
    assert not is_final(b'<Answer outcome="transient-error" by="x"/>')

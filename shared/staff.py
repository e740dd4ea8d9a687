"""Who may act through a service's endpoints: members of staff, each with a bearer token.

The file that GENVEJ_STAFF names is TOML, one table for each member:

    [[member]]
    id = "730-desk"              # what logs and events call them
    name = "Karen Prøve"
    role = "desk"                # which endpoints are open to them
    unit = "Visitationen"
    provider = "730"             # whose referrals and sessions they may work on; "*": everybody's
    sha256 = "9f86d08…"          # of the token, in hexadecimal

A token is random and long, so its plain hash tells nobody anything. The file is read again when it
changes: whoever is taken out of it is out at once.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

_SCHEME: Final = "Bearer "
_WORD: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
EVERYBODY: Final = "*"


class StaffFileError(ValueError):
    """The staff file can't be used; one line says where and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of staff. `provider` is "*" where they work for all."""

    id: str
    name: str
    role: str
    unit: str
    provider: str

    def works_for(self, provider: str) -> bool:
        """Whether this provider's referrals and sessions are theirs to work on."""
        return self.provider in {EVERYBODY, provider}


def new_token() -> str:
    """A fresh bearer token of 256 random bits."""
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """What the staff file holds of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


class Staff:
    """The members of a staff file; nobody where there is none.

    Raises StaffFileError where the file can't be used. One that is broken later on changes
    nothing: `trouble` says so until it is mended.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._members: tuple[tuple[bytes, Member], ...] = ()
        self.trouble = ""
        if path is not None:
            self._stamp = _stamp(path)
            self._members = read(path)

    @property
    def known(self) -> bool:
        """Whether there is anybody at all."""
        return bool(self._members)

    def member(self, authorization: str) -> Member | None:
        """Whose token an Authorization header carries; takes as long whoever it is."""
        self._again()
        token = authorization.removeprefix(_SCHEME) if authorization.startswith(_SCHEME) else ""
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        found: Member | None = None
        for known, member in self._members:
            if hmac.compare_digest(known, digest):
                found = member
        return found if token else None

    def _again(self) -> None:
        if self._path is None:
            return
        try:
            stamp = _stamp(self._path)
            if stamp != self._stamp:
                self._members = read(self._path)
                self._stamp = stamp
            self.trouble = ""
        except StaffFileError as error:
            self.trouble = str(error)


def read(path: Path) -> tuple[tuple[bytes, Member], ...]:
    """The members of a file, each with the hash of their token. Raises StaffFileError."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise StaffFileError(f"{path} can't be read ({type(error).__name__})") from None
    except tomllib.TOMLDecodeError as error:
        raise StaffFileError(f"{path} is no TOML: {error}") from None
    rows = content.get("member", [])
    if set(content) - {"member"} or not isinstance(rows, list):
        raise StaffFileError(f"{path} holds something else than tables [[member]]")
    found: dict[str, tuple[bytes, Member]] = {}
    for number, row in enumerate(rows, start=1):
        digest, member = _member(f"{path}, member {number}", row)
        if member.id in found or any(digest == other for other, _ in found.values()):
            raise StaffFileError(f"{path}, member {number}: the id or the token stands twice")
        found[member.id] = (digest, member)
    return tuple(found.values())


def _member(place: str, row: Mapping[str, Any]) -> tuple[bytes, Member]:
    names = [field.name for field in fields(Member)]
    for key in [*names, "sha256"]:
        value = row.get(key)
        if not isinstance(value, str) or not value.strip():
            raise StaffFileError(f"{place}: {key} is missing")
    odd = sorted(set(row) - {*names, "sha256"})
    if odd:
        raise StaffFileError(f"{place}: {odd[0]} is nothing that a member has")
    for key in ("id", "role"):
        if not _WORD.fullmatch(row[key]):
            raise StaffFileError(f"{place}: {key} must be small letters, digits, dots and dashes")
    if not _HASH.fullmatch(row["sha256"]):
        raise StaffFileError(f"{place}: sha256 must be 64 hexadecimal digits, in small letters")
    return bytes.fromhex(row["sha256"]), Member(**{name: row[name] for name in names})


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise StaffFileError(f"{path} can't be read ({type(error).__name__})") from None
    return status.st_mtime_ns, status.st_ino

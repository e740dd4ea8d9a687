"""Encryption at rest and in kept topics: AES-256-GCM under named keys, and keyed hashes.

Sealed bytes carry the id of the key that sealed them, so a key is rotated by putting a new one
first and keeping the old one for reading. The context (an id of what is sealed) is authenticated
as associated data: sealed bytes moved to another row or record don't open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from typing import Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION: Final = 1
_NONCE: Final = 12
_KEY: Final = 32


class Unreadable(Exception):
    """The sealed bytes are damaged, of another context, or under a key that is not configured."""


def generate_key(key_id: str = "k1") -> str:
    """A fresh random master key in the form that `Vault` takes ("k1:base64")."""
    return f"{key_id}:{base64.b64encode(secrets.token_bytes(_KEY)).decode()}"


def new_data_key() -> bytes:
    """A fresh random 256-bit key for one subject's records."""
    return secrets.token_bytes(_KEY)


def keyed_hash(key: bytes, *parts: str) -> bytes:
    """HMAC-SHA256 over length-prefixed parts: ("ab", "c") and ("a", "bc") differ."""
    mac = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        data = part.encode()
        mac.update(len(data).to_bytes(4, "big"))
        mac.update(data)
    return mac.digest()


class Vault:
    """Seals and opens bytes under master keys.

    `keys` is "id:base64[,id:base64…]", each key 32 bytes; the first one seals, all of them open.
    Raises ValueError, without showing key material, where that form is broken.
    """

    def __init__(self, keys: str) -> None:
        self._keys: dict[str, AESGCM] = {}
        for number, part in enumerate(keys.split(","), start=1):
            key_id, colon, encoded = part.strip().partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                key = b""
            if not colon or not key_id or len(key_id.encode()) > 255 or len(key) != _KEY:
                raise ValueError(f'key {number} is not of the form "id:base64 of 32 bytes"')
            if key_id in self._keys:
                raise ValueError(f"key id {key_id!r} stands twice")
            self._keys[key_id] = AESGCM(key)
        self._current = next(iter(self._keys))

    @property
    def current(self) -> str:
        """The id of the key that seals."""
        return self._current

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """Encrypts under the current key; `context` must be given again to open."""
        nonce = os.urandom(_NONCE)
        key_id = self._current.encode()
        head = bytes((_VERSION, len(key_id))) + key_id
        data = self._keys[self._current].encrypt(nonce, plaintext, head + context.encode())
        return head + nonce + data

    def open(self, sealed: bytes, context: str) -> bytes:
        """The plaintext. Raises Unreadable."""
        key_id = self.key_id(sealed)
        end = 2 + len(key_id.encode())
        key = self._keys.get(key_id)
        if key is None:
            raise Unreadable(f"sealed under key {key_id!r}, which is not configured")
        nonce, data = sealed[end : end + _NONCE], sealed[end + _NONCE :]
        try:
            return key.decrypt(nonce, data, sealed[:end] + context.encode())
        except (InvalidTag, ValueError):
            raise Unreadable("damaged, or sealed for another context") from None

    @staticmethod
    def key_id(sealed: bytes) -> str:
        """The id of the key that sealed these bytes (what still has to be rotated shows here)."""
        if len(sealed) < 2 or sealed[0] != _VERSION or len(sealed) < 2 + sealed[1] + _NONCE:
            raise Unreadable("not sealed bytes")
        try:
            return sealed[2 : 2 + sealed[1]].decode()
        except UnicodeDecodeError:
            raise Unreadable("not sealed bytes") from None


def seal_record(vault: Vault, data_key: bytes, plaintext: bytes, context: str) -> bytes:
    """A self-contained JSON record: ciphertext under `data_key`, and that key wrapped by the vault.

    One data key per subject: without it (and without the record) the subject is erased.
    """
    nonce = os.urandom(_NONCE)
    data = AESGCM(data_key).encrypt(nonce, plaintext, b"record:" + context.encode())
    return orjson.dumps(
        {
            "kid": vault.current,
            "key": base64.b64encode(vault.seal(data_key, context)).decode(),
            "nonce": base64.b64encode(nonce).decode(),
            "data": base64.b64encode(data).decode(),
        }
    )


def seal_under(data_key: bytes, plaintext: bytes, context: str) -> bytes:
    """Ciphertext under one subject's key alone: whoever erases that key erases it everywhere."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(data_key).encrypt(nonce, plaintext, b"under:" + context.encode())


def open_under(data_key: bytes, sealed: bytes, context: str) -> bytes:
    """The plaintext of `seal_under`. Raises Unreadable."""
    try:
        return AESGCM(data_key).decrypt(
            sealed[:_NONCE], sealed[_NONCE:], b"under:" + context.encode()
        )
    except (InvalidTag, ValueError):
        raise Unreadable("damaged, or sealed for another context") from None


def open_record(vault: Vault, record: bytes, context: str) -> bytes:
    """The plaintext of `seal_record`. Raises Unreadable."""
    try:
        fields = orjson.loads(record)
        wrapped, nonce, data = (
            base64.b64decode(fields[name], validate=True) for name in ("key", "nonce", "data")
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise Unreadable("not a sealed record") from None
    data_key = vault.open(wrapped, context)
    try:
        return AESGCM(data_key).decrypt(nonce, data, b"record:" + context.encode())
    except (InvalidTag, ValueError):
        raise Unreadable("damaged, or sealed for another context") from None

"""What a text message costs: GSM 03.38's 7-bit alphabet, or UCS-2. Standard library only."""

from __future__ import annotations

import unicodedata
from typing import Final

ONE_PART: Final = 160
ONE_PART_UCS2: Final = 70

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("^{}\\[~]|€\f")  # an escape each, so two septets
_INSTEAD: Final = {
    "–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "«": '"', "»": '"',
    "…": "...", "\u00a0": " ", "\t": " ", "Ð": "D", "ð": "d", "Ł": "L", "ł": "l", "⁄": "/",
}  # fmt: skip


def is_gsm7(text: str) -> bool:
    """Whether the 7-bit alphabet holds every letter."""
    return all(letter in _BASIC or letter in _EXTENDED for letter in text)


def units(text: str) -> int:
    """Length in septets, or in UTF-16 units where the 7-bit alphabet does not hold the text."""
    if is_gsm7(text):
        return len(text) + sum(letter in _EXTENDED for letter in text)
    return len(text.encode("utf-16-be")) // 2


def fits_one_part(text: str) -> bool:
    """Whether the text goes out as one text message."""
    return units(text) <= (ONE_PART if is_gsm7(text) else ONE_PART_UCS2)


def to_gsm7(text: str) -> str:
    """The text in the 7-bit alphabet: Danish letters stay, others lose accents or become "?"."""
    return "".join(_letter(letter) for letter in text)


def _letter(letter: str) -> str:
    if letter in _BASIC or letter in _EXTENDED:
        return letter
    if letter in _INSTEAD:
        return _INSTEAD[letter]
    plain = "".join(
        _INSTEAD.get(part, part)
        for part in unicodedata.normalize("NFKD", letter)
        if not unicodedata.combining(part)
    )
    return plain if plain and is_gsm7(plain) else "?"

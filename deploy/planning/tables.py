"""Rows and numbers of the page's tables."""

from __future__ import annotations

from html import escape
from typing import Final

# A table that is wider than the window can be scrolled by keyboard.
WIDE: Final = '<div class="wide" tabindex="0" role="region" aria-label="Table">'

PICTURE: Final = '<div class="wide" tabindex="0" role="region" aria-label="Picture">'


def row(name: str, *cells: str) -> str:
    """A row: its head and its cells."""
    told = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr><th scope="row" class="text">{escape(name)}</th>{told}</tr>'


def signed(value: float, half: float | None = None, *, digits: int = 1) -> str:
    """A difference, with a real minus, and half its interval's width where there is one."""
    rounded = round(value, digits) + 0.0
    sign = "+" if rounded > 0 else "−" if rounded < 0 else ""
    return f"{sign}{abs(rounded):,.{digits}f}" + ("" if half is None else f" ± {half:.1f}")


def number(value: float | None) -> str:
    """A figure with one decimal; a dash where there is none."""
    return "–" if value is None else f"{value:.1f}"

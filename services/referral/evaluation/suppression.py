"""Small counts are not told, nor what they could be computed from. Standard library only.

A count of 1 to 4 is left out, as in Danmarks Statistik's rules for what leaves its registers (cells
below 5 are blanked). Where a row's total is told, one blank would be what the total leaves over, so
the next smallest goes too ("assure that suppressed cells cannot be recalculated through
subtraction, by using secondary suppression": Washington State Department of Health, Small Numbers
Publishing Guidelines); and on, until what is left over is no small count itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FEWEST: Final = 5
"""Below it 1 to 4 persons could be known."""


def small(count: int) -> bool:
    """Whether a count is one that is not told. Nobody is told as nobody."""
    return 0 < count < FEWEST


def told(counts: Mapping[str, int]) -> tuple[int | None, dict[str, int | None]]:
    """(total, parts) as they may be told beside each other; None is left out.

    The total goes where no part is left that could hide a blank one.
    """
    total = sum(counts.values())
    if small(total):
        return None, dict.fromkeys(counts)
    hidden = {name for name, count in counts.items() if small(count)}
    others = sorted((count, name) for name, count in counts.items() if count >= FEWEST)
    for _, name in others:
        if not hidden or (len(hidden) > 1 and not small(sum(counts[one] for one in hidden))):
            break
        hidden.add(name)
    exposed = len(hidden) == 1 or small(sum(counts[one] for one in hidden))
    parts = {name: None if name in hidden else count for name, count in counts.items()}
    return (None if exposed else total), parts

"""Who did something. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who did something: the id, role and unit of a member of staff, or the service itself."""

    id: str
    role: str
    unit: str


ITSELF: Final = Signature(id="service:referral", role="service", unit="")
"""The service, where what a human was to look at has settled itself."""

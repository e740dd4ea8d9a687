"""The service's clock: the machine's, or one set to another day that ticks on from there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


def _instant(text: str) -> datetime:
    value = datetime.fromisoformat(text.strip())
    if value.tzinfo is None:
        raise ValueError(f"{text!r} has no UTC offset")
    return value.astimezone(UTC)


def _real_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """Shows real time moved by `shift`. All instants are UTC."""

    shift: timedelta = timedelta(0)
    real: Callable[[], datetime] = _real_now

    def now(self) -> datetime:
        """The instant that the service believes in."""
        return self.real() + self.shift

    def from_real(self, instant: datetime) -> datetime:
        """Moves an instant of the machine's time (a broker's timestamp) to this clock."""
        return instant + self.shift

    @classmethod
    def parse(cls, text: str | None, real: Callable[[], datetime] = _real_now) -> Clock:
        """Reads "", "SHOWN" or "SHOWN@REAL" (ISO-8601 with offsets).

        The clock shows SHOWN at the real instant REAL, by default now. Several processes agree
        only where REAL is given. Raises ValueError.
        """
        if not text:
            return cls(real=real)
        shown, _, at = text.partition("@")
        return cls(shift=_instant(shown) - (_instant(at) if at else real()), real=real)

"""Makes aiokafka read records whose header names are not UTF-8.

aiokafka decodes header names strictly while it unpacks a batch, and starts again at the same
record for ever: one record of one outsider would end the reading of all. Kafka itself takes any
bytes. Batches that fail are unpacked anew by aiokafka's own Python code, over a buffer that
replaces what it can't decode.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

_LENGTH_AT = 8
_OVERHEAD = 12


class _Lenient(bytearray):
    """Bytes whose text never fails to decode."""

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return _Lenient(found) if isinstance(index, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, "replace")


class _Batch:
    """One batch; looks like aiokafka's, which does the work as long as it can."""

    def __init__(self, batch: Any, data: memoryview) -> None:
        self._batch = batch
        self._data = data
        self._records = self._read()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        return self._records

    def __next__(self) -> Any:
        return next(self._records)

    def _read(self) -> Iterator[Any]:
        count = 0
        try:
            for record in self._batch:
                yield record
                count += 1
        except UnicodeDecodeError:
            again = _DefaultRecordBatchPy(bytes(self._data))
            again._maybe_uncompress()
            again._buffer = _Lenient(again._buffer)
            for number, record in enumerate(again):
                if number >= count:
                    yield record


class TolerantRecords:
    """Stands in for aiokafka's MemoryRecords."""

    def __init__(self, data: bytes) -> None:
        self._records = MemoryRecords(data)
        self._data = memoryview(data)
        self._at = 0

    def size_in_bytes(self) -> int:
        """Bytes in all."""
        return int(self._records.size_in_bytes())

    def has_next(self) -> bool:
        """Whether there is another whole batch."""
        return bool(self._records.has_next())

    def next_batch(self) -> _Batch | None:
        """The next batch, or None."""
        batch = self._records.next_batch()
        if batch is None:
            return None
        (length,) = struct.unpack_from(">i", self._data, self._at + _LENGTH_AT)
        end = self._at + _OVERHEAD + length
        data, self._at = self._data[self._at : end], end
        return _Batch(batch, data)


def install() -> None:
    """Lets every consumer of this process read tolerantly; safe to repeat."""
    fetcher.MemoryRecords = TolerantRecords

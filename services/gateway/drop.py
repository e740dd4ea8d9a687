"""Drop folders: whoever can write a file can send a document, and gets the receipt as a file.

```
<drop>/<sender>/in/        documents, .json or .xml: written under another name, then renamed
<drop>/<sender>/sent/      those without a final receipt, each in a folder named by its reference
<drop>/<sender>/receipts/  receipts under the documents' names; the document itself is removed
<drop>/<sender>/refused/   files that are too large to be sent
```

The folders are the only state, and each step may be done twice: a crash in between sends the same
document again, which its id makes harmless.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.gateway import store, vans
from services.gateway.door import Closed, Door
from services.gateway.metrics import Metrics
from services.gateway.receipts import is_final
from services.gateway.senders import Sender, Senders
from shared.faults import describe, is_transient

if TYPE_CHECKING:
    from shared.runtime import Runtime

_TYPES: Final = {".json": "application/fhir+json", ".xml": "application/xml"}
_REFERENCES: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:genvej:gateway:drop")
_MOST: Final = 200
"""Files of one folder in one look, so that no sender keeps the others waiting."""


@dataclass(frozen=True, slots=True)
class Room:
    """One sender's folders."""

    root: Path

    @property
    def incoming(self) -> Path:
        """What is to be sent."""
        return self.root / "in"

    @property
    def sent(self) -> Path:
        """What waits for its receipt."""
        return self.root / "sent"

    @property
    def receipts(self) -> Path:
        """What was answered."""
        return self.root / "receipts"

    @property
    def refused(self) -> Path:
        """What can't be sent."""
        return self.root / "refused"

    def make(self) -> None:
        """Makes the folders; nobody but owner and group may look into them."""
        for folder in (self.incoming, self.sent, self.receipts, self.refused):
            folder.mkdir(parents=True, exist_ok=True, mode=0o770)

    def waiting(self) -> list[Path]:
        """The documents to be sent, the oldest first; links and half-written files are not."""
        found: list[tuple[int, str, Path]] = []
        with os.scandir(self.incoming) as entries:
            for entry in entries:
                if entry.name.startswith(".") or Path(entry.name).suffix.lower() not in _TYPES:
                    continue
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    found.append((status.st_mtime_ns, entry.name, Path(entry.path)))
        return [path for _, _, path in sorted(found)[:_MOST]]

    def unanswered(self) -> Mapping[str, Path]:
        """The documents that were sent, by reference."""
        return {
            path.parent.name: path
            for path in self.sent.glob("*/*")
            if path.is_file() and not path.is_symlink()
        }

    def put_away(self, path: Path, reference: str) -> None:
        """Moves a document that was sent to where it waits for its receipt."""
        folder = self.sent / reference
        folder.mkdir(exist_ok=True, mode=0o770)
        path.replace(folder / path.name)

    def tell(self, name: str, receipt: bytes) -> None:
        """Writes a receipt, whole or not at all."""
        draft = self.receipts / f".{name}"
        draft.write_bytes(receipt)
        draft.replace(self.receipts / name)

    def answer(self, path: Path, receipt: bytes, *, final: bool) -> None:
        """Writes a receipt under its document's name, whole or not at all; the final one ends it.

        A passing receipt is written once: the document stays until the final one has come.
        """
        if final or not (self.receipts / path.name).exists():
            self.tell(path.name, receipt)
        if final:
            path.unlink()
            path.parent.rmdir()


def reference_of(sender: Sender, name: str, value: bytes) -> str:
    """What a file is known by; the same file again has the same."""
    digest = hashlib.sha256(value).hexdigest()
    return str(uuid.uuid5(_REFERENCES, f"{sender.principal}/{name}/{digest}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Looks at all senders' folders again and again; a task of the runtime."""

    folder: Path
    door: Door
    senders: Senders
    metrics: Metrics
    max_bytes: int
    pause: float

    async def run(self, runtime: Runtime) -> None:
        """Until the runtime stops; what is away is waited for, visibly."""
        while not runtime.stopping.is_set():
            try:
                self.senders.refresh()
                for sender in self.senders.all():
                    await self.look(runtime, sender)
                runtime.telemetry.well("drop")
            except Closed:
                pass  # the door has said why
            except Exception as error:
                if not is_transient(error):
                    raise
                runtime.telemetry.trouble("drop", describe(error))
            await runtime.pause(self.pause)

    async def look(self, runtime: Runtime, sender: Sender) -> None:
        """Sends what lies in one sender's folder and writes the receipts that have come."""
        room = Room(self.folder / sender.principal)
        await asyncio.to_thread(room.make)
        for path in await asyncio.to_thread(room.waiting):
            if runtime.stopping.is_set():
                return
            await self._send(room, sender, path)
        unanswered = await asyncio.to_thread(room.unanswered)
        if not unanswered:
            return
        async with runtime.pool.acquire() as conn:
            found = await store.submissions(conn, list(unanswered), sender.principal)
        for one in found:
            if one.receipt is not None:
                final = is_final(one.receipt)
                path = unanswered[one.reference]
                receipt = await asyncio.to_thread(self._for, path, one.receipt, runtime)
                await asyncio.to_thread(room.answer, path, receipt, final=final)
                if final:
                    self.metrics.file("answered")

    async def _send(self, room: Room, sender: Sender, path: Path) -> None:
        try:
            value = await asyncio.to_thread(self._read, path)
        except FileNotFoundError:
            return  # another process has taken it, or its writer has taken it back
        if value is None:
            await asyncio.to_thread(path.replace, room.refused / path.name)
            self.metrics.file("refused")
            return
        reference = reference_of(sender, path.name, value)
        now = self.door.runtime.clock.now()
        envelope = vans.opened(value, now)
        if isinstance(envelope, vans.Fault):
            await asyncio.to_thread(room.tell, path.name, envelope.receipt)
            await asyncio.to_thread(path.replace, room.refused / path.name)
            self.metrics.file("refused")
            return
        document = value if envelope is None else envelope.document
        kind = _TYPES[path.suffix.lower()] if envelope is None else ""
        await self.door.send(sender, reference, document, kind, "drop")
        if envelope is not None:
            name = f"{path.stem}.vans{path.suffix}"
            await asyncio.to_thread(room.tell, name, vans.taken(envelope, now))
        await asyncio.to_thread(room.put_away, path, reference)
        self.metrics.file("sent")

    def _for(self, path: Path, receipt: bytes, runtime: Runtime) -> bytes:
        """A receipt as its sender reads it: in an envelope where the document came in one."""
        now = runtime.clock.now()
        envelope = vans.opened(path.read_bytes(), now)
        if isinstance(envelope, vans.Envelope):
            return vans.wrapped(envelope, receipt, now)
        return receipt

    def _read(self, path: Path) -> bytes | None:
        """The document; None where it is larger than can be sent."""
        with path.open("rb") as file:
            value = file.read(self.max_bytes + 1)
        return value if len(value) <= self.max_bytes else None

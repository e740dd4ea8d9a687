"""POST /what-if asks what fewer locations would mean, of the service's own past; GET tells, and
/cancel ends it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from services.scheduling import store_what_if
from services.scheduling.capacity import local_date
from services.scheduling.engine.model import InvalidInputError
from services.scheduling.settings import Municipality
from services.scheduling.what_if.wire import MOST_SECONDS, Asked, Job, candidates_of, given_of
from shared.endpoints import Answer, Call, Endpoint, Refused
from shared.handling import Unit

if TYPE_CHECKING:
    from shared.runtime import Runtime

_LOG: Final = logging.getLogger("services.scheduling")
PLANNERS: Final = frozenset({"planner"})
MOST_REMEMBERED: Final = 20
_LINE: Final = 64 * 1024 * 1024  # bytes: an answer is one line
COMMAND: Final = (sys.executable, "-m", "services.scheduling.what_if")


@dataclass(slots=True)
class Study:
    """A question under way or answered. `state` is running, answered, refused, cancelled or
    failed."""

    provider: str
    state: str = "running"
    told: dict[str, Any] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None


class WhatIf:
    """The endpoints. Answers are kept in memory, the newest 20; one simulation runs at a time, for
    an hour at most.

    `habits` tells how a provider's municipality plans. The simulation is a process of its own
    (`COMMAND`), told to be nice.
    """

    def __init__(
        self, habits: Callable[[str], Municipality], command: Sequence[str] = COMMAND
    ) -> None:
        self._habits = habits
        self._command = command
        self._studies: dict[str, Study] = {}

    def endpoints(self) -> Sequence[Endpoint]:
        """All of them, for planners."""
        path = "/what-if/{id}"
        return (
            Endpoint(method="POST", path="/what-if", handler=self.ask, roles=PLANNERS),
            Endpoint(method="GET", path=path, handler=self.tell, roles=PLANNERS),
            Endpoint(method="POST", path=f"{path}/cancel", handler=self.cancel, roles=PLANNERS),
        )

    async def what_if(self, runtime: Runtime) -> None:
        """A task of the runtime: a simulation ends with its service."""
        await runtime.stopping.wait()
        await self.close()

    async def close(self) -> None:
        """Ends what is under way; returns when its process is gone."""
        tasks = [one.task for one in self._studies.values() if one.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def ask(self, unit: Unit, call: Call) -> Answer:
        """Starts a simulation; where to fetch its answer stands in what comes back."""
        asked = call.read(Asked)
        call.must_work_for(asked.provider)
        municipality = self._habits(asked.provider)
        first = asked.since or local_date(unit.now)
        try:
            asked.question(municipality.tell)
            asked.pace()
            candidates_of(asked, municipality, first)
            given_of(asked, municipality)
        except InvalidInputError as error:
            raise Refused(422, str(error)) from None
        if any(one.state == "running" for one in self._studies.values()):
            raise Refused(409, "another simulation is running: ask again when it is done")
        weeks = await store_what_if.newest_weeks(unit.conn, asked.provider)
        past, others = await store_what_if.past_requests(unit.conn, asked.provider)
        if not weeks:
            raise Refused(422, f"no capacity is stated for provider {asked.provider}")
        if not past:
            besides = f" but {others} for several at once" if others else ""
            raise Refused(
                422, f"provider {asked.provider} has had no requests{besides}: nothing to plan"
            )
        job = Job(asked=asked, municipality=municipality, first=first, weeks=weeks, past=past)
        unit.on_commit.append(lambda: self._start(call.id, job))
        content = {
            "id": call.id,
            "href": f"/what-if/{call.id}",
            "requests": len(past),
            "left_out": others,
            "state": "running",
        }
        return Answer(content=content, status=202)

    async def tell(self, unit: Unit, call: Call) -> dict[str, Any]:
        """How far a simulation is, or its answer."""
        return self._told(call, self._study(call))

    async def cancel(self, unit: Unit, call: Call) -> dict[str, Any]:
        """Ends a simulation that is under way; one that is over stays as it is."""
        study = self._study(call)
        if study.state == "running":
            study.state = "cancelled"
            if study.task is not None:
                study.task.cancel()
        return self._told(call, study)

    def _study(self, call: Call) -> Study:
        study = self._studies.get(call.path["id"])
        if study is None:
            raise Refused(404, "no such simulation here: answers are kept until a restart")
        call.must_work_for(study.provider)
        return study

    def _told(self, call: Call, study: Study) -> dict[str, Any]:
        return {"id": call.path["id"], "state": study.state, **study.told}

    def _start(self, name: str, job: Job) -> None:
        while len(self._studies) >= MOST_REMEMBERED:
            del self._studies[next(iter(self._studies))]
        study = self._studies[name] = Study(job.asked.provider)
        study.task = asyncio.get_running_loop().create_task(self._run(study, job))

    async def _run(self, study: Study, job: Job) -> None:
        try:
            async with asyncio.timeout(MOST_SECONDS):
                await self._simulate(study, job)
        except TimeoutError:
            study.state = "failed"
            study.told["why"] = (
                f"it took more than {MOST_SECONDS // 60} minutes: ask of fewer sets, weeks or seeds"
            )
        except (OSError, ValueError) as error:
            _LOG.warning("a what-if could not be simulated: %s", type(error).__name__)
        finally:
            if study.state == "running":
                study.state = "failed"

    async def _simulate(self, study: Study, job: Job) -> None:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE,
            # It needs no password of ours, so it gets none.
            env={key: value for key, value in os.environ.items() if not key.startswith("GENVEJ_")},
        )
        assert process.stdin is not None, "it was asked for"
        assert process.stdout is not None, "it was asked for"
        ends = {"answer": "answered", "refused": "refused"}
        state = ""
        try:
            process.stdin.write(job.model_dump_json(by_alias=True).encode())
            process.stdin.close()
            while not state and (line := await process.stdout.readline()):
                said = json.loads(line)
                study.told |= said
                state = next((ends[word] for word in said if word in ends), "")
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
        if state and study.state == "running":
            study.state = state

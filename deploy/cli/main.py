"""`genvej`: one command for those who run Genvej, and for those who send to it."""

from __future__ import annotations

import logging
import signal
import sys
from types import FrameType

import typer

from deploy.cli import (
    access_log,
    assess,
    capacity,
    choice,
    citizen,
    course,
    dead_letters,
    demo,
    dialogue,
    drop_in,
    evaluation,
    plan,
    portfolio,
    programmes,
    publish,
    report,
    sample,
    stack,
    status,
    topics,
    watch,
    what_if,
    worklist,
)
from deploy.cli.errors import CommandError

app = typer.Typer(
    name="genvej",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="From a hospital's rehabilitation plan to the citizen's first training session, within "
    "the limit, and everyone told.\n\nStart with [bold]genvej demo[/bold], or with "
    "[bold]genvej up[/bold] and then [bold]genvej publish[/bold] in another terminal.",
)
app.command()(stack.up)
app.command()(stack.down)
app.command()(demo.demo)
app.command()(status.status)
app.command()(access_log.access_log)
app.command()(publish.publish)
app.command()(sample.sample)
app.command()(watch.watch)
app.command()(sample.credentials)
app.command()(report.report)
app.command()(course.respond)
app.command()(course.attend)
app.add_typer(course.app, name="referral")
app.add_typer(assess.app, name="assess")
app.command()(what_if.what_if)
app.add_typer(capacity.app, name="capacity")
app.add_typer(choice.app, name="choice")
app.add_typer(citizen.app, name="citizen")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(dialogue.app, name="dialogue")
app.add_typer(drop_in.app, name="drop-in")
app.add_typer(evaluation.app, name="evaluation")
app.add_typer(plan.app, name="plan")
app.add_typer(portfolio.app, name="portfolio")
app.add_typer(programmes.app, name="programmes")
app.add_typer(topics.app, name="topics")
app.add_typer(worklist.app, name="worklist")


def _as_ctrl_c(number: int, frame: FrameType | None) -> None:
    """What Ctrl-C does just now; a shell lets jobs in the background ignore that."""
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):
        raise KeyboardInterrupt
    handler(signal.SIGINT, frame)


def main() -> None:
    """The console entry point: an error is one line on stderr and exit status 1."""
    # What a client library logs is said by the one line of our own error.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    # Asked to stop, it ends what it has begun as after Ctrl-C: Python alone would leave processes.
    signal.signal(signal.SIGTERM, _as_ctrl_c)
    try:
        app()
    except CommandError as error:
        print(f"genvej: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read us has gone; Python's own complaint helps nobody


if __name__ == "__main__":
    main()

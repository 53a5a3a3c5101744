"""errand people | review: who may do what, and what waits for somebody."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from bot.commands.root import errand, run
from bot.settings import Settings

if TYPE_CHECKING:
    from orchestrator.appointing import Appointing
    from orchestrator.cases import Cases


@errand.group()
def review() -> None:
    """Work on what could not be served, while the bot does not run. In the chat: /review."""


@review.command("list")
@click.pass_obj
def review_list(settings: Settings) -> None:
    """List the open cases, oldest first."""
    run(_review_list(settings))


@review.command("retry")
@click.argument("turn")
@click.argument("words", nargs=-1)
@click.pass_obj
def review_retry(settings: Settings, turn: str, words: tuple[str, ...]) -> None:
    """Try a case such as t12 again at the next start, perhaps in other words."""
    run(_review(settings, turn, "will be tried again", lambda cases: cases.retry(turn, by=None, words=" ".join(words))))


@review.command("answer")
@click.argument("turn")
@click.argument("text", nargs=-1, required=True)
@click.pass_obj
def review_answer(settings: Settings, turn: str, text: tuple[str, ...]) -> None:
    """Answer a case yourself; it is delivered at the next start."""
    run(_review(settings, turn, "will be answered", lambda cases: cases.answer(turn, " ".join(text), by=None)))


@review.command("close")
@click.argument("turn")
@click.pass_obj
def review_close(settings: Settings, turn: str) -> None:
    """Close a case; nobody is told anything more."""
    run(_review(settings, turn, "is closed", lambda cases: cases.close(turn, by=None)))


@errand.group()
def people() -> None:
    """Say who has which role, while the bot does not run. In the chat: /people."""


@people.command("list")
@click.pass_obj
def people_list(settings: Settings) -> None:
    """List everybody who was given a role."""
    run(_people(settings, lambda appointing: appointing.listed()))


@people.command("set")
@click.argument("account")
@click.argument("role")
@click.pass_obj
def people_set(settings: Settings, account: str, role: str) -> None:
    """Give an account such as telegram:42 a role: owner, admin, member, guest, or nobody."""
    run(_people(settings, lambda appointing: appointing.appoint(account, role)))


@people.command("remove")
@click.argument("account")
@click.pass_obj
def people_remove(settings: Settings, account: str) -> None:
    """Take the role of an account away again."""
    run(_people(settings, lambda appointing: appointing.dismiss(account)))


async def _review_list(settings: Settings) -> None:
    from bot.reviewing import on_cases  # noqa: PLC0415
    from orchestrator.cases import listed  # noqa: PLC0415

    click.echo(listed(await on_cases(settings, lambda cases: cases.open())))


async def _review(settings: Settings, turn: str, what: str, work: "Callable[[Cases], Awaitable[None]]") -> None:
    from bot.reviewing import on_cases  # noqa: PLC0415

    await on_cases(settings, work)
    click.echo(f"{turn} {what}.")


async def _people(settings: Settings, work: "Callable[[Appointing], Awaitable[str]]") -> None:
    from bot.appointing import on_roles  # noqa: PLC0415

    click.echo(await on_roles(settings, work))

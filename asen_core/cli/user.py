"""The verb `user`: who may use a page that asks for a login. Passwords are typed, never written on a command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from asen_core import accounts
from asen_core.cli.console import JsonOption, emit, say
from asen_core.errors import AccountError

user = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="As it is typed to log in.", show_default=False)]
FileOption = Annotated[
    Path,
    typer.Option(
        "--file", envvar=accounts.VARIABLE, help="The file of users, which the page reads, too.", show_default=False
    ),
]  # fmt: skip


@user.callback()
def _about() -> None:
    """Add and remove those who may use a page that asks for a login.

    The page asks for one where ASEN_USERS names the file. Then everything needs
    it: the page, its pictures, the calls and the tools. The file keeps salted
    scrypt keys, no passwords; a running page reads it again when it changes.

    [bold]Examples[/]

    [cyan]python -m asen_core user add anna --file users[/]

    [cyan]ASEN_USERS=users python app.py[/]
    """


@user.command()
def add(name: NameArgument, file: FileOption) -> None:
    """Add a user, or give one another password, which ends the visits that are open.

    The password is asked for twice and not shown; in a pipe, it is the line that is piped in.

    [bold]Examples[/]

    [cyan]python -m asen_core user add anna --file users[/]

    [cyan]pass show alike | python -m asen_core user add anna --file users[/]
    """
    new = accounts.put(file, name, _typed(name))
    say(f"{name} {'can' if new else 'has another password and can'} log in on pages started with {accounts.VARIABLE}={file}.")


@user.command()
def remove(name: NameArgument, file: FileOption) -> None:
    """Remove a user; visits that are open end at once.

    [bold]Example[/]

    [cyan]python -m asen_core user remove anna --file users[/]
    """
    accounts.remove(file, name)
    say(f"{name} can no longer log in.")


@user.command("list")
def listed(file: FileOption, as_json: JsonOption = False) -> None:
    """Say who can log in.

    [bold]Example[/]

    [cyan]python -m asen_core user list --file users[/]
    """
    names = list(accounts.read(file))
    if as_json:
        emit(names)
    else:
        say(*names or ["Nobody yet."])


def _typed(name: str) -> str:
    """Raises: AccountError where the two are not the same, or nothing was typed."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    asked = f"Password of {name} ({accounts.LEAST} characters or more)"
    first = typer.prompt(asked, hide_input=True)
    if typer.prompt("Once more", hide_input=True) != first:
        raise AccountError("The two passwords differ; nothing was changed.")
    return first

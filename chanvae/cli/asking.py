"""The conditions that a user asks a model for, as options."""

from collections.abc import Callable
from typing import Any

import click


def condition_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--delay-spread``, ``--angular-spread`` and ``--condition NAME=VALUE``."""
    for option in (
        click.option(
            "--condition", "more", multiple=True, metavar="NAME=VALUE", help="Another condition."
        ),
        click.option(
            "--angular-spread", metavar="ANGLE", help="Asked angular spread, such as 12deg."
        ),
        click.option("--delay-spread", metavar="S", help="Asked delay spread, such as 80ns."),
    ):
        command = option(command)
    return command


def typed_conditions(
    delay_spread: str | None, angular_spread: str | None, more: tuple[str, ...]
) -> dict[str, str]:
    """What was typed for each condition that was asked for."""
    given = {"delay_spread": delay_spread, "angular_spread": angular_spread}
    typed = {k: v for k, v in given.items() if v is not None}
    for text in more:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"--condition {text}: write NAME=VALUE")
        typed[name] = value
    return typed

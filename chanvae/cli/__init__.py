"""The command line: one file a command, imported only when it is used."""

import importlib
import sys
from contextlib import AbstractContextManager, nullcontext

import click

from chanvae.launched import leads, world

COMMANDS = (
    "inspect", "simulate", "convert", "join", "fit", "generate", "interpolate", "export",
    "evaluate", "compare", "link", "benchmark", "explore",
)  # fmt: skip
"""In the order of use. Each is ``chanvae.cli.NAME.command``."""


class Lazy(click.Group):
    """A group that imports a command when it is called for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or none."""
        if cmd_name not in COMMANDS:
            return None
        if world() > 1 and cmd_name != "fit":
            raise click.UsageError(
                f"{cmd_name} works in one process; only fit is launched with torchrun "
                "(generate and simulate are shared with --shard K/N)"
            )
        return importlib.import_module(f"chanvae.cli.{cmd_name}").command


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="chanvae")
def group() -> None:
    """Learn a site's radio channel from measurements and generate more of it."""


def main() -> None:
    """Run the command line; a user's mistake is one line on standard error and exit code 1.

    Ctrl-C leaves with 130 and SIGTERM with 143, once what there is has been saved.
    """
    from chanvae.errors import DataError, ToldError
    from chanvae.stopping import TERMINATED, Terminated, terminable

    try:
        with terminable(), _others():
            sys.exit(group(standalone_mode=False) or 0)
    except click.exceptions.Abort as stop:
        sys.exit(TERMINATED if isinstance(stop.__cause__, Terminated) else 130)
    except click.ClickException as error:
        if leads():
            error.show()
        sys.exit(error.exit_code)
    except ToldError:
        sys.exit(1)
    except DataError as error:
        click.echo("chanvae: " + " ".join(str(error).split()), err=True)
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(0)


def _others() -> AbstractContextManager[None]:
    """Work with the processes that were launched together, if there are."""
    if world() == 1:
        return nullcontext()
    from chanvae.together import joined

    return joined()

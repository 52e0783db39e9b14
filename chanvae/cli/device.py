"""Where networks compute, as an option."""

import click

device_option = click.option(
    "--device",
    metavar="cpu|cuda|cuda:N",
    default="cpu",
    show_default=True,
    help="Where networks compute.",
)

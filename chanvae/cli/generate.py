"""``chanvae generate``: channels from a fitted model, streamed to a file."""

import click


@click.command("generate")
@click.argument("run", type=click.Path())
@click.option("-n", "count", type=click.IntRange(1), required=True, help="Realisations.")
@click.option("-o", "output", type=click.Path(), required=True, help="File to write.")
@click.option("--delay-spread", metavar="S", help="Asked delay spread, such as 80ns.")
@click.option("--angular-spread", metavar="ANGLE", help="Asked angular spread, such as 12deg.")
@click.option(
    "--condition", "more", multiple=True, metavar="NAME=VALUE", help="Another condition."
)
@click.option("--like", metavar="FILE", help="Ask for the conditions of the channels in FILE.")
@click.option("--extrapolate", is_flag=True, help="Allow conditions outside the known range.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace a file that exists.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    run: str,
    count: int,
    output: str,
    delay_spread: str | None,
    angular_spread: str | None,
    more: tuple[str, ...],
    like: str | None,
    extrapolate: bool,
    seed: int,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Generate channels from the model in RUN.

    Conditions that are not asked for are drawn as they occur in the training data. The same seed
    gives the same channels.
    """
    from chanvae.cli.output import stream
    from chanvae.errors import DataError
    from chanvae.generate import conditions_like, parse_conditions
    from chanvae.run import open_run

    model = open_run(run)
    typed = {"delay_spread": delay_spread, "angular_spread": angular_spread}
    typed = {k: v for k, v in typed.items() if v is not None}
    for text in more:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"--condition {text}: write NAME=VALUE")
        typed[name] = value
    if like and typed:
        raise DataError("--like asks for every condition; leave the others out")
    asked = conditions_like(model, like, count) if like else parse_conditions(model, typed)
    batches = model.batches(count, seed=seed, extrapolate=extrapolate, **asked)
    stream(batches, count, output, "generating", overwrite, as_json)

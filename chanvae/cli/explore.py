"""``chanvae explore``: a page on which one walks through the channels of a run."""

import json

import click


@click.command("explore")
@click.argument("run", type=click.Path())
@click.option("--data", metavar="FILE", help="The data the run was fitted on, if they moved.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True,
              help="Port to listen on, or the first of those tried.")  # fmt: skip
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS",
              help="Address to listen on; any but this machine's own needs --token.")  # fmt: skip
@click.option("--token", default="", metavar="WORD", help="Asked of everyone who opens the page.")
@click.option("--no-browser", is_flag=True, help="Only say the address.")
@click.option("--export", metavar="HTML", type=click.Path(),
              help="Instead: write one page with channels on a grid.")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="With --export: replace a file that exists.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True,
              help="With --export: seed of the channels.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    run: str,
    data: str | None,
    port: int,
    host: str,
    token: str,
    no_browser: bool,
    export: str | None,
    overwrite: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Explore the channels of the model in RUN on a web page.

    A map of delay spread and angular spread, the channel at the point, walks, uncertainty, a
    region compared, and files to take along. The page is served to this machine only.
    """
    from chanvae.errors import DataError

    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise DataError("explore needs more: pip install 'chanvae[explore]'") from None
    from chanvae.run import open_run

    if export is not None:
        _export(run, export, overwrite, seed, as_json)
        return
    from chanvae.explore.serve import serve
    from chanvae.explore.site import Site

    def started(address: str, used: int) -> None:
        if as_json:
            click.echo(json.dumps({"address": address, "port": used}))
        else:
            if used != port and port:
                click.echo(f"port {port} is in use; {used} is the next that is free")
            click.echo(f"{address}   (Ctrl-C ends it)")
        if not no_browser:
            import webbrowser

            webbrowser.open(address)

    serve(Site(open_run(run), data), host, port, token, started)


def _export(run: str, path: str, overwrite: bool, seed: int, as_json: bool) -> None:
    """Write the page that works without a server."""
    from chanvae.cli.output import bar
    from chanvae.explore.export import export
    from chanvae.files import refuse
    from chanvae.run import open_run

    refuse(path, overwrite)
    with bar("drawing the grid", as_json) as told:
        written = export(open_run(run), path, seed, overwrite, told)
    if as_json:
        click.echo(json.dumps({"path": path, **written}))
        return
    click.echo(
        f"{path}: {written['bytes'] / 1e6:.1f} MB; a precomputed grid of {written['cells']} "
        f"points with {written['draws']} draws each (no decoder inside)"
    )

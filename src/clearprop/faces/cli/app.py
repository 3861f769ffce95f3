"""The Typer app: the commands and what they have in common."""

from typing import Annotated

import typer

from clearprop.faces.cli.commands.evaluate import evaluate
from clearprop.faces.cli.commands.predict import predict
from clearprop.faces.cli.commands.source import source
from clearprop.faces.cli.commands.train import train

__all__ = ["app"]

app = typer.Typer(
    name="clearprop",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"clearprop {version('clearprop')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Neural networks that train at the speed of compiled code and show every step.

    Examples:

        clearprop train iris

        clearprop predict iris.safetensors flowers.csv

        clearprop train --help
    """


for _command in (train, predict, evaluate, source):
    app.command()(_command)

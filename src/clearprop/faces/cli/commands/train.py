"""``clearprop train``: a network from a table, and a model file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from clearprop.faces.cli.config import Config
from clearprop.faces.cli.options import Data, Json, Quiet

__all__ = ["train"]


def _option(
    help: str, metavar: str | None = None, min: float | None = None, max: float | None = None
) -> Any:
    return typer.Option(help=help, metavar=metavar, min=min, max=max)


def train(
    data: Data,
    target: Annotated[
        str | None,
        _option(
            "What to predict [default: target, label, class or y, else the last column].", "COLUMN"
        ),
    ] = None,
    task: Annotated[str, _option("auto, classification or regression.")] = "auto",
    layers: Annotated[str, _option("Units of the hidden layers; none for none.", "N,N")] = "64,32",
    activation: Annotated[str, _option("Of the hidden layers.")] = "relu",
    loss: Annotated[
        str | None, _option("[default: cross_entropy or mean_squared_error]", "NAME")
    ] = None,
    optimizer: Annotated[str, _option("sgd, adam, adamw, rmsprop, lion ...")] = "adam",
    learning_rate: Annotated[
        float | None, _option("Falls to 0 along a cosine [default: by optimizer].")
    ] = None,
    weight_decay: Annotated[
        float | None, _option("Penalty on the weights [default: by rows and task].", min=0)
    ] = None,
    label_smoothing: Annotated[
        float | None,
        _option("Share of a label spread over all classes [default: 0.03].", min=0, max=1),
    ] = None,
    batch_size: Annotated[int | None, _option("Rows a step [default: by rows].", min=1)] = None,
    epochs: Annotated[
        int | None, _option("Times through the rows [default: by rows].", min=1)
    ] = None,
    validation: Annotated[
        str, _option("A fraction of the rows to hold out, or a file.", "0.2|FILE")
    ] = "0.2",
    patience: Annotated[
        int | None,
        _option(
            "Stop after so many epochs without a better validation loss, and keep the best.", min=1
        ),
    ] = None,
    seed: Annotated[int, _option("Same seed, same bits.", min=0, max=2**32 - 1)] = 0,
    threads: Annotated[int | None, _option("[default: chosen by itself]", min=1)] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The model file [default: DATA.safetensors]."
        ),
    ] = None,
    config: Annotated[Path | None, Config] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a network on a table and write a model file.

    Numbers are standardised, categories one-hot encoded, missing values filled in. Some rows are
    held out; the metrics of both are printed. The loss that is printed is of the labels as they
    are; the loss of training, which progress shows, has label smoothing.

    Examples:

        clearprop train iris

        clearprop train houses.csv --target price --layers 128,64 --output houses.safetensors

        cat flowers.csv | clearprop train - --task classification --json
    """
    from clearprop.faces.cli.screen import Screen
    from clearprop.faces.cli.training import Choices, run

    choices = Choices(
        data=data,
        target=target,
        task=task,
        layers=layers,
        activation=activation,
        loss=loss,
        optimizer=optimizer,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        label_smoothing=label_smoothing,
        batch_size=batch_size,
        epochs=epochs,
        validation=validation,
        patience=patience,
        seed=seed,
        threads=threads,
        output=output,
    )
    run(choices, Screen(quiet, json))

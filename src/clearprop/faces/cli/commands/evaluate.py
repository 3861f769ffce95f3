"""``clearprop evaluate``: how well a model does on a table."""

from typing import Annotated

import typer

from clearprop.faces.cli.options import Data, Json, Model, Quiet

__all__ = ["evaluate"]


def evaluate(
    model: Model,
    data: Data,
    target: Annotated[
        str | None, typer.Option(help="The target column, if it is called otherwise here.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure a model on a table that has the target column.

    Classification: loss (cross-entropy without label smoothing) and accuracy. Regression: loss (of
    the standardised target), r2 and rmse (in the target's units).

    Examples:

        clearprop evaluate iris.safetensors iris

        clearprop evaluate houses.safetensors houses-2025.csv --json
    """
    from clearprop.faces.cli.measure import arrays, check_rows, measure
    from clearprop.faces.cli.screen import Screen, table
    from clearprop.faces.cli.stored import load_prepared
    from clearprop.train.prepare import read_table

    loaded, preparation = load_prepared(model)
    rows = read_table(data)
    check_rows(rows)
    if target is not None:
        rows = rows.renamed(target, preparation.target_name)
    screen = Screen(quiet, json)
    for notice in rows.notices:
        screen.say(notice)
    found = measure(loaded, preparation.target, *arrays(loaded, preparation, rows))
    names = list(found)
    screen.result(found, table(names, [[f"{found[n]:.4g}" for n in names]]))

"""``clearprop predict``: a prediction for each row of a table."""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearprop.faces.cli.options import Data, Json, Model, Quiet

if TYPE_CHECKING:
    from clearprop.train.prepare import Amount, Classes

__all__ = ["predict"]


def predict(
    model: Model,
    data: Data,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write to this file; - is standard output."
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Predict each row of a table; gives a CSV with a row for each row.

    Classification: the column prediction and a probability for each class. Regression: prediction.
    Columns are found by name; further ones are ignored.

    Examples:

        clearprop predict iris.safetensors flowers.csv

        clearprop predict iris.safetensors flowers.csv -o species.csv
    """
    from clearprop.faces.cli.measure import check_rows, probabilities
    from clearprop.faces.cli.screen import Screen
    from clearprop.faces.cli.stored import load_prepared
    from clearprop.train.atomic import write_atomically
    from clearprop.train.prepare import Classes, read_table
    from clearprop.train.prepare.table import counted

    loaded, preparation = load_prepared(model)
    rows = read_table(data)
    check_rows(rows)
    screen = Screen(quiet, json)
    for notice in rows.notices:
        screen.say(notice)
    X = preparation.prepare(rows, loaded.dtype)
    classes = isinstance(preparation.target, Classes)
    found = probabilities(loaded, X) if classes else loaded.predict(X)
    columns = _columns(preparation.target, found)
    written = _csv(columns)
    if output is not None and str(output) != "-":
        write_atomically(output, written.encode())
        screen.say(f"{counted(rows.rows, 'prediction')} written to {output}")
        if not json:
            return
    screen.result(columns, written.splitlines())


def _columns(target: "Classes | Amount", found: Any) -> dict[str, list[Any]]:
    """The predictions, and for classes each one's probability."""
    from clearprop.train.prepare import Amount

    if isinstance(target, Amount):
        return {"prediction": target.decode(found).tolist()}
    columns: dict[str, list[Any]] = {"prediction": target.decode(found.argmax(axis=1))}
    for place, label in enumerate(target.labels):
        columns[f"probability_{label}"] = [round(float(p), 7) for p in found[:, place]]
    return columns


def _csv(columns: dict[str, list[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue()

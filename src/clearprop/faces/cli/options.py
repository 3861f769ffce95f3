"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Data", "Json", "Model", "Quiet"]

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A .csv, .tsv, .parquet or .npz file, - for CSV on standard input, or a built-in "
        "data set: xor, iris, wine, breast_cancer, digits, diabetes, moons, spirals.",
        show_default=False,
    ),
]
Model = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL", help="A model file that clearprop train wrote.", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no messages.")]

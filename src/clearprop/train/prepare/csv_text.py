"""CSV and TSV text to a table: quotes, a header row or none, missing values; no ragged rows."""

import csv
import io
from collections import Counter

from clearprop.errors import DataError
from clearprop.train.prepare.table import Column, Table, column_of_words, counted

__all__ = ["table_from_csv"]

_DELIMITERS = ",;\t|"


def table_from_csv(data: bytes, source: str, delimiter: str | None = None) -> Table:
    r"""The table that a CSV file holds; DataError says which line is wrong, and how.

    >>> table_from_csv(b"a,b\n1,x\n2,y\n", "here").names
    ('a', 'b')
    """
    text = _decode(data, source)
    first = next((line for line in text.split("\n") if line.strip()), None)
    if first is None:
        raise DataError(f"{source} is empty; expected a header row and rows of data")
    records = _records(text, delimiter or _delimiter(first), source)
    header, notices = _header(records)
    body = records if notices else records[1:]
    _check(header, body, source)
    columns = _columns(header, [cells for _, cells in body])
    columns, dropped = _without_row_numbers(columns)
    return Table(tuple(columns), len(body), source, None, (*notices, *dropped))


def _decode(data: bytes, source: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{source} is not a CSV file: byte {error.start + 1} is not UTF-8 text; "
            f"expected comma-separated text, saved as UTF-8"
        ) from error
    if "\0" in text:
        raise DataError(f"{source} is not a CSV file: it holds zero bytes; expected text")
    return text


def _delimiter(line: str) -> str:
    """A comma where there is one, else the commonest of the others."""
    counts = {d: line.count(d) for d in _DELIMITERS}
    if counts[","]:
        return ","
    return max(_DELIMITERS, key=lambda d: counts[d])


def _records(text: str, delimiter: str, source: str) -> list[tuple[int, list[str]]]:
    """The rows that are not blank, each with the number of its line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    out = []
    try:
        for cells in reader:
            stripped = [c.strip() for c in cells]
            if any(stripped):
                out.append((reader.line_num, stripped))
    except csv.Error as error:
        raise DataError(
            f"{source} is not a CSV file: line {reader.line_num}: {error}; "
            f"expected quotes to be closed and doubled inside quotes"
        ) from error
    return out


def _header(records: list[tuple[int, list[str]]]) -> tuple[list[str], list[str]]:
    """The columns' names; where the first row is data, made ones and a notice that says so."""
    cells = records[0][1]
    numbers = [c for c in cells if _is_number(c)]
    if len(set(numbers)) == len(numbers) and all(c.isdigit() for c in numbers):
        return [c or f"column_{i}" for i, c in enumerate(cells, 1)], []
    names = [f"column_{i}" for i in range(1, len(cells) + 1)]
    notice = f"the first row holds numbers and was taken as data; columns: {names[0]} ..."
    return names, [notice]


def _is_number(cell: str) -> bool:
    try:
        return float(cell) == float(cell)
    except ValueError:
        return False


def _check(header: list[str], body: list[tuple[int, list[str]]], source: str) -> None:
    if len(header) < 2:
        raise DataError(
            f"{source} has one column only ({header[0]!r}); is it a CSV file? "
            f"Expected at least two columns, separated by commas"
        )
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise DataError(f"{source} has two columns named {twice[0]!r}; rename one")
    if not body:
        raise DataError(f"{source} has a header but no rows; expected rows of data below it")
    for line, cells in body:
        if len(cells) != len(header):
            raise DataError(
                f"{source}, line {line}: {counted(len(cells), 'cell')}, but the header has "
                f"{len(header)}; every row needs one cell a column"
            )


def _columns(header: list[str], rows: list[list[str]]) -> list[Column]:
    return [
        column_of_words(name, cells)
        for name, cells in zip(header, zip(*rows, strict=True), strict=True)
    ]


def _without_row_numbers(columns: list[Column]) -> tuple[list[Column], list[str]]:
    """Leaves out a nameless first column 0, 1, 2 ... or 1, 2, 3 ..., as data frames write it."""
    first = columns[0]
    if len(columns) < 3 or first.name != "column_1" or first.kind != "whole":
        return columns, []
    steps = first.numbers()
    if steps[0] not in (0, 1) or any(steps != range(int(steps[0]), int(steps[0]) + len(steps))):
        return columns, []
    return columns[1:], ["the first column has no name and counts the rows: left out"]

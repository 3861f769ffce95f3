"""Reading tables: from text, files, frames and arrays; what is wrong is said in one line."""

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from clearprop.errors import ClearpropError, DataError, FileError
from clearprop.train.prepare import (
    BUILTIN,
    Table,
    as_table,
    problem,
    read_table,
    table_from_frame,
)
from clearprop.train.prepare.csv_text import table_from_csv


def csv(text: str, delimiter: str | None = None) -> Table:
    return table_from_csv(text.encode(), "t.csv", delimiter)


def kinds(table: Table) -> dict[str, str]:
    return {c.name: c.kind for c in table.columns}


def test_kinds_are_those_of_the_cells() -> None:
    table = csv("a,b,c,d,e\n1,1.0,true,x,1\n2,2.5,FALSE,3,?\n")
    expected = {"a": "whole", "b": "number", "c": "boolean", "d": "text", "e": "whole"}
    assert kinds(table) == expected


@pytest.mark.parametrize("word", ["", "?", "NA", "NaN", "nan", "null", "N/A", "None"])
def test_missing_values_are_nan_in_numbers_and_none_in_texts(word: str) -> None:
    table = csv(f"a,b,c\n1,x,0\n{word},{word},0\n")
    np.testing.assert_array_equal(table.column("a").numbers(), [1.0, np.nan])
    assert table.column("b").words().tolist() == ["x", None]


def test_quotes_keep_commas_quotes_and_line_ends() -> None:
    table = csv('a,b\n"x, y","he said ""no"""\n"two\nlines",z\n')
    assert table.column("a").words().tolist() == ["x, y", "two\nlines"]
    assert table.column("b").words().tolist() == ['he said "no"', "z"]


def test_spaces_blank_lines_a_byte_order_mark_and_windows_line_ends_are_no_data() -> None:
    table = table_from_csv(b"\xef\xbb\xbfa, b\r\n\r\n1 , 2\r\n\r\n", "t.csv")
    assert table.names == ("a", "b")
    assert table.rows == 1
    assert table.column("b").numbers().tolist() == [2.0]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    table = csv("a,b\n1,x\n".replace(",", delimiter))
    assert table.names == ("a", "b")


def test_a_first_row_of_measurements_is_data() -> None:
    table = csv("5.1,3.5,setosa\n4.9,3.0,setosa\n")
    assert table.names == ("column_1", "column_2", "column_3")
    assert table.rows == 2
    assert "taken as data" in table.notices[0]


def test_years_are_names_of_columns() -> None:
    assert csv("2019,2020,price\n1,2,3\n").names == ("2019", "2020", "price")


def test_a_nameless_first_column_that_counts_is_left_out() -> None:
    table = csv(",a,b\n0,5,x\n1,6,y\n2,7,z\n")
    assert table.names == ("a", "b")
    assert "left out" in table.notices[0]


def test_a_nameless_first_column_of_values_is_kept() -> None:
    assert csv(",a,b\n4,5,x\n1,6,y\n2,7,z\n").names == ("column_1", "a", "b")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.csv is empty; expected a header row and rows of data"),
        ("\n \n", "t.csv is empty"),
        ("a,b\n", "t.csv has a header but no rows; expected rows"),
        ("a,b\n1,2\n3\n", "t.csv, line 3: 1 cell, but the header has 2; every row needs"),
        ("a,b\n1,2,3\n", "t.csv, line 2: 3 cells, but the header has 2"),
        ("a,a\n1,2\n", "t.csv has two columns named 'a'; rename one"),
        ("just words\nmore\n", "t.csv has one column only ('just words'); is it a CSV file?"),
        ('a,b\n"1,2\n3,4\n', "t.csv is not a CSV file: line 3: unexpected end of data"),
        ("a,b\n1,\0\n", "t.csv is not a CSV file: it holds zero bytes"),
    ],
)
def test_a_bad_csv_is_a_data_error_that_says_where(text: str, message: str) -> None:
    with pytest.raises(DataError, match="^" + re.escape(message)):
        csv(text)


def test_bytes_that_are_no_text_are_no_csv() -> None:
    with pytest.raises(DataError, match=r"not a CSV file: byte 1 is not UTF-8 text; expected"):
        table_from_csv(b"\x89PNG\r\n\x1a\n\0", "t.csv")


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_files_are_read_by_their_ending(tmp_path: Path) -> None:
    frame = pa.table({"a": [1, 2, 3], "b": ["x", None, "z"]})
    parquet.write_table(frame, tmp_path / "t.parquet")
    np.savez(tmp_path / "t.npz", X=np.zeros((3, 2)), y=np.array(["x", "y", "x"]))
    write(tmp_path / "t.csv", "a,b\n1,x\n")
    write(tmp_path / "t.tsv", "a\tb,c\n1\tx\n")
    assert kinds(read_table(tmp_path / "t.parquet")) == {"a": "whole", "b": "text"}
    assert kinds(read_table(tmp_path / "t.npz")) == {"x0": "number", "x1": "number", "y": "text"}
    assert read_table(tmp_path / "t.csv").names == ("a", "b")
    assert read_table(tmp_path / "t.tsv").names == ("a", "b,c")


def test_standard_input_is_csv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a,b\n1,2\n")))
    assert read_table("-").names == ("a", "b")


def test_images_of_an_npz_are_flattened(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", X=np.zeros((5, 4, 3)), y=np.arange(5))
    assert len(read_table(tmp_path / "t.npz").columns) == 13


def test_a_one_hot_y_of_an_npz_is_the_numbers_of_its_classes(tmp_path: Path) -> None:
    labels = np.array([2, 0, 1, 2, 0])
    np.savez(tmp_path / "t.npz", X=np.zeros((5, 2)), y=np.eye(3)[labels])
    column = read_table(tmp_path / "t.npz").column("y")
    assert column.kind == "class"
    np.testing.assert_array_equal(column.numbers(), labels)


@pytest.mark.parametrize("y", [np.zeros((5, 3)), np.full((5, 2), 0.5), np.eye(5)[:4], np.ones(4)])
def test_a_y_that_is_neither_one_column_nor_one_hot_is_refused(
    tmp_path: Path, y: np.ndarray
) -> None:
    np.savez(tmp_path / "t.npz", X=np.zeros((5, 2)), y=y)
    with pytest.raises(DataError, match=r"X and y have shapes .*; expected .* one-hot \(rows, cl"):
        read_table(tmp_path / "t.npz")


def test_an_npz_without_y_has_no_target_unless_one_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", X=np.arange(40.0).reshape(20, 2))
    rows = read_table(tmp_path / "t.npz")
    assert rows.names == ("x0", "x1")
    with pytest.raises(DataError, match=r"t.npz holds X, but no y; expected both, or .* --target"):
        problem(rows)
    assert problem(rows, target="x1").target.name == "x1"


def test_a_pickle_in_an_npz_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", X=np.array([{"a": 1}], dtype=object))
    with pytest.raises(FileError, match=r"not an .npz file of plain arrays, or is damaged"):
        read_table(tmp_path / "t.npz")


def test_a_cut_off_npz_and_parquet_are_file_errors(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", X=np.zeros((50, 2)))
    parquet.write_table(pa.table({"a": [1, 2, 3]}), tmp_path / "t.parquet")
    for path in (tmp_path / "t.npz", tmp_path / "t.parquet"):
        path.write_bytes(path.read_bytes()[:40])
        with pytest.raises(FileError, match="damaged"):
            read_table(path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.zeros(3)}, r"t.npz holds a; expected arrays X and y"),
        ({"X": np.zeros((3, 2)), "y": np.zeros(4)}, r"shapes \(3, 2\) and \(4,\); expected"),
        ({"X": np.zeros((3, 2), complex)}, "x0 has dtype complex128; expected numbers"),
    ],
)
def test_other_arrays_in_an_npz_are_data_errors(
    tmp_path: Path, arrays: dict[str, Any], message: str
) -> None:
    np.savez(tmp_path / "t.npz", **arrays)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / "t.npz")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("irs", "no such file: irs; did you mean 'iris'? Built-in data sets: xor, iris"),
        ("none.csv", "no such file: none.csv. Built-in data"),
    ],
)
def test_a_name_that_is_nothing_gives_the_nearest_data_set(name: str, message: str) -> None:
    with pytest.raises(FileError, match="^" + re.escape(message)):
        read_table(name)


def test_another_kind_of_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"of no known kind '.txt'; expected .csv, .tsv"):
        read_table(write(tmp_path / "t.txt", "a"))
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(FileError, match=r"d.csv is a folder; expected a file"):
        read_table(tmp_path / "d.csv")


FRAMES: dict[str, list[Any]] = {
    "number": [0.5, None, 2.0],
    "whole": [1, 2, 3],
    "boolean": [True, False, None],
    "text": ["x", None, "z"],
}


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, pa.table])
def test_frames_of_all_libraries_are_the_same_table(library: Any) -> None:
    table = table_from_frame(library(FRAMES))
    assert kinds(table) == {name: name for name in FRAMES}
    np.testing.assert_array_equal(table.column("number").numbers(), [0.5, np.nan, 2.0])
    np.testing.assert_array_equal(table.column("boolean").numbers(), [1.0, 0.0, np.nan])
    assert table.column("text").words().tolist() == ["x", None, "z"]


def test_pandas_categories_are_text() -> None:
    table = table_from_frame(pd.DataFrame({"a": pd.Categorical(["x", "y"]), "b": [1, 2]}))
    assert table.column("a").words().tolist() == ["x", "y"]


def test_dates_are_refused_with_what_to_do() -> None:
    frame = pl.DataFrame({"when": ["2020-01-01"]}).with_columns(pl.col("when").str.to_date())
    with pytest.raises(DataError, match=r"'when' holds dates or times; .*turn it into numbers"):
        table_from_frame(frame)


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(DataError, match="is a set; expected an array or a data frame"):
        as_table({1})


def test_the_default_target_is_a_column_called_so_else_the_last() -> None:
    assert csv("a,Label,c\n1,2,3\n").default_target() == "Label"
    assert csv("a,b,c\n1,2,3\n").default_target() == "c"


def test_an_unknown_column_gives_the_nearest() -> None:
    with pytest.raises(DataError, match="no column 'prize': did you mean 'price'"):
        csv("price,b\n1,2\n").column("prize")


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("xor", 4, 3),
        ("iris", 150, 5),
        ("wine", 178, 14),
        ("breast_cancer", 569, 31),
        ("digits", 1797, 65),
        ("diabetes", 442, 11),
        ("moons", 500, 3),
        ("spirals", 1000, 3),
    ],
)
def test_built_in_data_sets_have_their_size(name: str, rows: int, columns: int) -> None:
    table = BUILTIN[name]()
    assert (table.rows, len(table.columns)) == (rows, columns)
    assert table.default_target() == "target"
    assert not any(c.missing.any() for c in table.columns)


def test_made_data_sets_are_the_same_each_time() -> None:
    for name in ("moons", "spirals"):
        for one, two in zip(BUILTIN[name]().columns, BUILTIN[name]().columns, strict=True):
            np.testing.assert_array_equal(one.numbers(), two.numbers())


def test_without_pyarrow_parquet_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    path = write(tmp_path / "t.parquet", "")
    with pytest.raises(ClearpropError, match=r"needs pyarrow: run pip install 'clearprop\[parq"):
        read_table(path)

"""Tables to numbers: ours are scikit-learn's to the bit; all that is learned is plain data."""

import json
import re
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler

from clearprop.errors import ArgumentError, DataError, FileError
from clearprop.train.prepare import (
    Amount,
    Classes,
    Preparation,
    Problem,
    Table,
    fit,
    preparation_from_data,
    preparation_to_data,
    problem,
    split_rows,
    table_from_arrays,
)
from clearprop.train.prepare.csv_text import table_from_csv


def table(text: str) -> Table:
    return table_from_csv(text.encode(), "t.csv")


MIXED = "size,colour,open,y\n1,red,true,a\n,blue,false,b\n3.5,,true,a\n4,red,,b\n-2,green,true,b\n"


def made(text: str = MIXED, **options: Any) -> Preparation:
    return fit(problem(table(text), **options))


def test_features_are_those_of_scikit_learns_transformers_to_the_bit() -> None:
    rows = table(MIXED)
    numbers = np.stack([rows.column("size").numbers(), rows.column("open").numbers()], axis=1)
    words = rows.column("colour").words().reshape(-1, 1)
    together = np.concatenate([numbers.astype(object), words], axis=1)
    theirs = ColumnTransformer(
        [
            ("n", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), [0]),
            ("b", make_pipeline(SimpleImputer(strategy="most_frequent"), StandardScaler()), [1]),
            (
                "c",
                make_pipeline(
                    SimpleImputer(missing_values=None, strategy="constant", fill_value=""),
                    OneHotEncoder(handle_unknown="ignore", sparse_output=False),
                ),
                [2],
            ),
        ]
    ).fit_transform(together)
    ours = made().prepare(rows, "float64")
    assert ours.tobytes() == np.ascontiguousarray(theirs, dtype=np.float64).tobytes()


def test_features_are_named() -> None:
    expected = ("size", "open", "colour=", "colour=blue", "colour=green", "colour=red")
    assert made().features == expected


def test_a_category_never_seen_is_all_zeros() -> None:
    out = made().prepare(table("size,colour,open\n1,violet,true\n2,red,true\n"))
    assert out[0, 2:].tolist() == [0, 0, 0, 0]
    assert out[1, 2:].tolist() == [0, 0, 0, 1]


def test_columns_are_found_by_name_in_any_order_and_others_ignored() -> None:
    one = made().prepare(table("size,colour,open\n1,red,true\n"))
    two = made().prepare(table("more,open,colour,size\nx,true,red,1\n"))
    np.testing.assert_array_equal(one, two)


def test_a_category_of_numbers_is_read_as_it_was_written() -> None:
    preparation = made("zip,y\n01,a\n1,b\nx,a\n01,b\n")
    assert preparation.categories[0].categories == ("01", "1", "x")
    assert preparation.prepare(table("zip,b\n01,1\n1,1\n")).tolist() == [[1, 0, 0], [0, 1, 0]]


def test_arrays_stand_for_the_columns_in_order() -> None:
    preparation = fit(problem("iris"))
    X = np.array([[5.1, 3.5, 1.4, 0.2]])
    names = ",".join(preparation.columns)
    named = table(f"{names}\n5.1,3.5,1.4,0.2\n")
    np.testing.assert_array_equal(preparation.prepare(X), preparation.prepare(named))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((2, 3)), "the table has 3 features, but the model was trained on 4: sepal"),
        (table("a,b\n1,2\n"), "t.csv has 0 of the 4 features that the model was trained on"),
    ],
)
def test_a_wrong_number_of_features_is_said(data: Any, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        fit(problem("iris")).prepare(data)


def test_one_missing_column_gives_the_nearest_name() -> None:
    with pytest.raises(DataError, match=r"2 of the 3 features .*: colour \(is it 'color'\?\)"):
        made().prepare(table("size,color,open\n1,red,true\n"))


def test_text_in_a_column_of_numbers_names_row_and_text() -> None:
    with pytest.raises(DataError, match="column 'size', row 2: 'tall' is not a number; expected"):
        made().prepare(table("size,colour,open\n1,red,true\ntall,red,true\n"))


@pytest.mark.parametrize("number", ["inf", "-Infinity", "1e999"])
def test_infinity_in_a_column_is_refused(number: str) -> None:
    with pytest.raises(DataError, match="column 'size', row 2: infinity; expected finite"):
        made(f"size,y\n1.5,a\n{number},b\n2,a\n3,b\n")


LONG = "size,y\n" + "".join(f"{i}.5,{'ab'[i % 2]}\n" for i in range(60))


def with_cell(row: int, cell: str, y: str) -> str:
    """The long table with another row at this place, from 1, and row 3 without a target."""
    lines = LONG.splitlines()
    lines[3] = "7.5,"
    lines[row] = f"{cell},{y}"
    return "\n".join(lines) + "\n"


def test_a_row_is_named_by_its_number_in_the_table_whichever_rows_were_taken() -> None:
    given = problem(table(with_cell(51, "inf", "a")))
    train = np.array([1, 5, 49, 20])  # of the 59 rows that have a target; row 51 is the 50th
    with pytest.raises(DataError, match="column 'size', row 51: infinity"):
        fit(given, train)
    taken = given.table.take(np.array([40, 49])).take(np.array([1]))
    with pytest.raises(DataError, match="column 'size', row 51: infinity"):
        fit(given, np.arange(10)).prepare(taken)


def test_a_number_too_large_is_named_by_its_row_in_the_table() -> None:
    given = problem(table(with_cell(51, "1e200", "a")))
    held_out = given.table.take(np.array([2, 49]))
    with pytest.raises(DataError, match=r"t\.csv, row 51: 'size' is too large for float32"):
        fit(given, np.arange(10)).prepare(held_out)


def test_a_class_that_is_none_is_named_by_its_row_in_the_table() -> None:
    preparation = made(LONG)
    held_out = table(with_cell(51, "1.5", "c")).take(np.array([7, 50]))
    with pytest.raises(DataError, match="target 'y', row 51 is 'c'"):
        preparation.targets(held_out)


def test_a_text_or_an_infinity_in_a_target_of_amounts_is_named_by_its_row() -> None:
    lines = ["x,y", *(f"{i},{i}.25" for i in range(60))]
    lines[3], lines[51] = "7,", "7,inf"
    with pytest.raises(DataError, match="target 'y', row 51 is inf; expected a finite number"):
        problem(table("\n".join(lines)))
    lines[51] = "7,1.2.3"
    with pytest.raises(DataError, match=r"target 'y', row 51 is '1\.2\.3', while nearly all oth"):
        problem(table("\n".join(lines)))
    with pytest.raises(DataError, match=r"column 'y', row 51: '1\.2\.3' is not a number"):
        problem(table("\n".join(lines)), task="regression")


@pytest.mark.parametrize("cells", [["1", "2", "unknown"] * 8, ["1.5", "2.5", "x", "y"] * 2])
def test_texts_that_are_classes_beside_numbers_are_classes(cells: list[str]) -> None:
    given = problem(table("x,y\n" + "".join(f"1,{c}\n" for c in cells)))
    assert given.task == "classification"


def test_a_one_hot_target_is_classes_however_many() -> None:
    y = np.eye(25)[np.arange(75) % 25]
    given = problem(table_from_arrays(np.arange(75.0).reshape(75, 1), y))
    assert given.task == "classification"
    preparation = fit(given)
    assert preparation.target == Classes(tuple(range(25)))
    np.testing.assert_array_equal(preparation.targets(given.table), np.arange(75) % 25)
    with pytest.raises(ArgumentError, match="target 'y' is one-hot: it holds classes"):
        problem(given.table, task="regression")


@pytest.mark.parametrize("number", ["1e300", "1.7e308"])
def test_numbers_too_large_for_their_squares_are_refused(number: str) -> None:
    rows = table(f"size,y\n{number},a\n{number},b\n-2,a\n3,b\n")
    with pytest.raises(DataError, match=r"'size' (holds numbers|is) too large"):
        fit(problem(rows)).prepare(rows)


def test_a_constant_column_becomes_zeros() -> None:
    assert made("size,y\n7,a\n7,b\n7,a\n").prepare(table("size,b\n7,1\n")).tolist() == [[0.0]]


def test_what_is_learned_comes_from_the_training_rows_alone() -> None:
    given = problem(table("size,y\n1,a\n3,b\n500,a\n500,b\n"))
    preparation = fit(given, np.array([0, 1]))
    assert preparation.numbers.mean.tolist() == [2.0]
    assert preparation.target == Classes(("a", "b"))


def test_a_column_with_no_value_in_the_training_rows_is_zeros_there() -> None:
    given = problem(table("size,more,y\n,1,a\n,2,b\n500,3,a\n500,4,b\n"))
    preparation = fit(given, np.array([0, 1]))
    assert preparation.numbers.fill[0] == 0


# --- targets -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        ("b a b a", ("a", "b")),
        ("2 10 2 10", (2, 10)),
        ("true false true true", (False, True)),
    ],
)
def test_classes_are_scikit_learns_sorted_labels(cells: str, labels: tuple[Any, ...]) -> None:
    rows = table("x,y\n" + "".join(f"1,{c}\n" for c in cells.split()))
    preparation = fit(problem(rows))
    assert isinstance(preparation.target, Classes)
    assert preparation.target.labels == labels
    assert [type(label) for label in preparation.target.labels] == [type(v) for v in labels]
    plain: list[Any] = rows.column("y").words().tolist()
    if not isinstance(labels[0], str):
        plain = rows.column("y").numbers().tolist()
    expected = LabelEncoder().fit_transform(plain)
    encoded = preparation.targets(rows)
    assert encoded.dtype == np.int32
    np.testing.assert_array_equal(encoded, expected)
    assert preparation.target.decode(encoded) == [labels[i] for i in expected]


def test_one_label_is_the_same_written_1_and_1_point_0() -> None:
    preparation = made("x,y\n1,0\n2,1\n3,0\n4,1\n")
    np.testing.assert_array_equal(preparation.targets(table("x,y\n1,1.0\n2,0.0\n")), [1, 0])


def test_an_unknown_class_names_row_and_classes() -> None:
    with pytest.raises(DataError, match="target 'y', row 2 is 'c'; expected one of the classes: a"):
        made("x,y\n1,a\n2,b\n3,a\n").targets(table("x,y\n1,a\n2,c\n"))


def test_amounts_are_standardised_and_come_back() -> None:
    rows = table("x,y\n1,10.5\n2,20.0\n3,60.0\n")
    preparation = fit(problem(rows))
    assert isinstance(preparation.target, Amount)
    inside = preparation.targets(rows, "float64")
    assert inside.shape == (3, 1)
    np.testing.assert_allclose([inside.mean(), inside.std()], [0, 1], atol=1e-15)
    np.testing.assert_allclose(preparation.target.decode(inside), [10.5, 20, 60], rtol=1e-15)


@pytest.mark.parametrize(
    ("cells", "task"),
    [
        (["x", "y"] * 5, "classification"),
        (["true", "false"] * 5, "classification"),
        (["0", "1"] * 5, "classification"),
        ([str(i) for i in range(20)] * 2, "classification"),
        ([str(i) for i in range(21)] * 3, "regression"),
        ([str(i) for i in range(10)], "regression"),
        (["0.0", "1.0"] * 5, "regression"),
        (["0.5", "1.5", "2.5"] * 5, "regression"),
    ],
)
def test_the_task_follows_the_stated_rule(cells: list[str], task: str) -> None:
    given = problem(table("x,y\n" + "".join(f"1,{c}\n" for c in cells)))
    assert given.task == task


def test_the_task_may_be_said() -> None:
    rows = table("x,y\n1,0\n2,1\n3,0\n4,1\n")
    assert problem(rows, task="regression").task == "regression"
    assert problem(table("x,y\n1,.5\n2,1\n3,.5\n"), task="classification").task == "classification"


TEXTS = "x,y\n" + "".join(f"{i},w{i}\n" for i in range(12))


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (
            MIXED,
            {"target": "colors"},
            "t.csv has no target column 'colors': did you mean 'colour'? Its columns are",
        ),
        (MIXED, {"task": "clustering"}, "unknown task 'clustering'; expected one of auto, class"),
        ("x,y\n1,2\n", {}, "t.csv has one row; expected at least two to learn from"),
        ("x,y\n1,\n2,?\n", {}, "target 'y' has no values; expected a value in every row"),
        ("x,y\n,a\n,b\n,a\n", {}, "column 'x' of t.csv has no values at all; remove it"),
        ("x,y\n1,a\n2,a\n", {}, "target 'y' has one class only (a); expected at least two"),
        ("x,y\n1,5\n2,5\n3,5\n", {}, "target 'y' has one class only (5)"),
        (TEXTS, {}, "target 'y' has as many classes as rows (12); expected classes that repeat"),
        (
            "x,y\n1,.5\n2,.6\n",
            {"task": "classification"},
            "target 'y' has as many classes as rows (2)",
        ),
        (
            "x,y\n1,2\n2,two\n3,4\n",
            {"task": "regression"},
            "column 'y', row 2: 'two' is not a number",
        ),
        ("x,y\n1,.5\n2,.5\n", {}, "target 'y' is 0.5 in every row; expected a target that varies"),
        ("x,y\n1,.5\n2,inf\n", {}, "target 'y', row 2 is inf; expected a finite number"),
        (
            "name,y\n" + "".join(f"n{i},{i % 2}\n" for i in range(12)),
            {},
            "t.csv has no column to learn from beside the target 'y'",
        ),
    ],
)
def test_what_cannot_be_learned_says_why(text: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises((DataError, ArgumentError), match="^" + re.escape(message)):
        problem(table(text), **options)


def test_rows_without_a_target_are_left_out_and_it_is_said() -> None:
    given = problem(table("x,y\n1,a\n2,?\n3,b\n4,a\n"))
    assert given.rows == 3
    assert given.notices == ("1 row without a target was left out",)


def test_a_text_column_that_names_its_rows_is_left_out_and_it_is_said() -> None:
    given = problem(table("name,x,y\n" + "".join(f"n{i},{i},{i % 2}\n" for i in range(12))))
    assert [c.name for c in given.features] == ["x"]
    assert given.notices == ("column 'name' was left out: its texts are nearly all different",)


# --- plain data --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mixed", "iris", "diabetes"])
def test_a_preparation_comes_back_from_json_to_the_bit(name: str) -> None:
    given: Problem = problem(table(MIXED) if name == "mixed" else name)
    one = fit(given)
    two = preparation_from_data(json.loads(json.dumps(preparation_to_data(one))))
    assert two.target == one.target
    assert two.target_name == one.target_name
    assert two.features == one.features
    ours, again = one.prepare(given.table, "float64"), two.prepare(given.table, "float64")
    assert ours.tobytes() == again.tobytes()


def data() -> Any:
    return json.loads(json.dumps(preparation_to_data(made())))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["numbers"], 1, "preprocessing.numbers is damaged: expected the keys fill, mean"),
        (["numbers", "mean"], [1.0], "preprocessing.numbers.mean is damaged: expected 2 finite"),
        (["numbers", "mean", 0], None, "preprocessing.numbers.mean is damaged"),
        (["numbers", "mean", 0], True, "preprocessing.numbers.mean is damaged"),
        (["numbers", "scale", 1], 0.0, "preprocessing.numbers.scale is damaged"),
        (["numbers", "names", 1], "size", "preprocessing.numbers.names is damaged: expected texts"),
        (["categories"], {}, "preprocessing.categories is damaged: expected a list"),
        (["categories", 0, "name"], 3, "preprocessing.categories.name is damaged"),
        (["categories", 0, "categories", 0], 3, "preprocessing.categories is damaged"),
        (["target", "labels"], ["a"], "preprocessing.target.labels is damaged: expected at least"),
        (["target", "labels"], ["a", "a"], "preprocessing.target.labels is damaged"),
        (["target", "labels", 0], {}, "preprocessing.target.labels is damaged"),
        (["target", "more"], 1, "preprocessing.target is damaged"),
        (["more"], 1, "preprocessing is damaged: expected the keys"),
    ],
)
def test_damaged_data_names_the_part(path: list[Any], value: Any, message: str) -> None:
    given = data()
    place = given
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(FileError, match="^" + re.escape(message)):
        preparation_from_data(given)


# --- splits ------------------------------------------------------------------------------------


def test_a_split_is_of_all_rows_and_the_same_each_time() -> None:
    train, held_out = split_rows(101, 0.2, seed=3)
    assert sorted([*train, *held_out]) == list(range(101))
    assert len(held_out) == 20
    again = split_rows(101, 0.2, seed=3)
    np.testing.assert_array_equal(held_out, again[1])
    assert held_out.tolist() != split_rows(101, 0.2, seed=4)[1].tolist()


def test_each_class_gives_its_share_and_keeps_a_row() -> None:
    classes = np.array([0] * 70 + [1] * 20 + [2] * 9 + [3])
    train, held_out = split_rows(100, 0.2, 0, classes)
    counts = np.bincount(classes[held_out], minlength=4)
    assert counts.tolist() == [14, 4, 2, 0]
    assert set(classes[train]) == {0, 1, 2, 3}

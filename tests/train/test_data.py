from typing import Any

import numpy as np
import pytest

from clearprop.errors import ArgumentError, DataError, ShapeError
from clearprop.nn.layers import Dense
from clearprop.nn.losses import get_loss
from clearprop.nn.metrics import get_metric
from clearprop.train.arrays import as_array
from clearprop.train.data import inputs, targets
from clearprop.train.examples import examples
from clearprop.train.network import describe
from clearprop.train.row_weights import row_weights

THREE = describe([Dense(5), Dense(3)], (2,), "float32")
ONE = describe([Dense(1)], (2,), "float32")
CROSS = get_loss("cross_entropy")
BINARY = get_loss("binary_cross_entropy")
SQUARED = get_loss("mean_squared_error")


# --- inputs ------------------------------------------------------------------------------------


def test_an_array_of_the_right_kind_is_not_copied() -> None:
    x = np.ones((3, 2), np.float32)
    assert inputs(x, "float", "float32") is x


@pytest.mark.parametrize("order", ["C", "F"])
def test_other_dtypes_and_layouts_are_cast(order: Any) -> None:
    made = inputs(np.array([[1, 2], [3, 4]], np.int64, order=order), "float", "float32")
    assert made.dtype == np.float32
    assert made.flags.c_contiguous
    assert made.tolist() == [[1, 2], [3, 4]]


def test_lists_tables_and_foreign_arrays_are_read() -> None:
    import narwhals as nw
    import pyarrow as pa

    class Array:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return np.array([[1.0, 2.0], [3.0, 4.0]])

    class Capsule:
        def __dlpack__(self, **arguments: Any) -> Any:
            return np.array([[1.0, 2.0], [3.0, 4.0]]).__dlpack__(**arguments)

        def __dlpack_device__(self) -> Any:
            return np.zeros(1).__dlpack_device__()

    table = pa.table({"a": [1.0, 3.0], "b": [2, 4]})
    framed = nw.from_native(table, eager_only=True)
    for given in ([[1, 2], [3, 4]], table, framed, Array(), Capsule()):
        assert inputs(given, "float", "float64").tolist() == [[1, 2], [3, 4]]


def test_a_column_of_a_table_is_a_target() -> None:
    import pyarrow as pa

    assert targets(pa.chunked_array([[0, 2]]), 2, THREE, CROSS).tolist() == [0, 2]


def test_a_text_column_of_a_table_is_named() -> None:
    import pyarrow as pa

    with pytest.raises(DataError, match="column 'town' of X holds String"):
        inputs(pa.table({"a": [1.0], "town": ["Bern"]}), "float", "float32")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([[1, 2], [3, np.nan]], "X holds NaN at row 1, column 1; impute"),
        ([[1, 2], [-np.inf, 3]], "X holds infinity at row 1, column 0"),
        ([[1, 1e39], [2, 3]], r"X holds 1e\+39, too large for float32 at row 0, column 1"),
        ([[1, 2], [3]], "X cannot be read as an array: .*all rows must have one length"),
        ([["a", "b"]], "X holds text, not numbers"),
        ([], "X has no rows"),
        (None, "X is None"),
        (object(), "X is a object; expected an array"),
        (np.ones((2, 2), complex), "X holds complex numbers"),
        (np.array([[1, "a"]], object), "X holds what is not a number"),
    ],
)
def test_bad_inputs_say_what_and_where(given: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        inputs(given, "float", "float32")


def test_a_sparse_matrix_names_the_cure() -> None:
    from scipy.sparse import csr_array

    with pytest.raises(DataError, match=r"X is sparse; give X\.toarray\(\)"):
        inputs(csr_array(np.eye(2)), "float", "float32")


def test_nan_beyond_a_plane_is_placed() -> None:
    x = np.zeros((4, 3, 3, 2))
    x[2, 1, 0, 1] = np.nan
    with pytest.raises(DataError, match=r"NaN at row 2, place \(1, 0, 1\)"):
        inputs(x, "float", "float32")


def test_large_finite_numbers_whose_sum_overflows_are_no_error() -> None:
    x = np.full((4, 2), 3e38, np.float32)
    assert inputs(x, "float", "float32") is x


def test_one_axis_is_an_error_with_both_cures() -> None:
    with pytest.raises(ShapeError, match=r"reshape\(-1, 1\).*reshape\(1, -1\)"):
        inputs([1.0, 2.0], "float", "float32")


def test_ids_stay_integers_and_are_not_negative() -> None:
    assert inputs([[0, 3]], "integer", "float32").dtype == np.int32
    assert inputs([[0.0, 3.0]], "integer", "float32").tolist() == [[0, 3]]
    with pytest.raises(DataError, match=r"X holds the id -1; ids count from 0"):
        inputs([[0, -1]], "integer", "float32")
    with pytest.raises(DataError, match=r"X holds 0\.5, expected whole numbers"):
        inputs([[0, 0.5]], "integer", "float32")


# --- targets -----------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [[0, 2, 1], [[0], [2], [1]], [0.0, 2.0, 1.0], [False, 2, True]])
def test_labels_are_int32_of_one_axis(given: Any) -> None:
    made = targets(given, 3, THREE, CROSS)
    assert made.dtype == np.int32
    assert made.tolist() == [0, 2, 1]


def test_one_hot_rows_keep_the_shape_of_the_output() -> None:
    made = targets(np.eye(3, dtype=int), 3, THREE, CROSS)
    assert made.dtype == np.float32
    assert made.shape == (3, 3)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([0, 3, 1], r"y holds the label 3 at row 1; layer 1 dense has 3 outputs.*from 0 to 2"),
        ([0, 1, -1], r"y holds the label -1 at row 2"),
        ([0, 1.5, 1], r"y holds 1\.5, expected whole numbers"),
        ([0, np.nan, 1], "y holds NaN at row 1"),
        (["a", "b", "c"], r"y holds text .*'a'.*labels from 0 to 2"),
        ([0, 1], "X has 3 rows, y has 2"),
    ],
)
def test_bad_labels_say_the_value_and_the_range(given: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        targets(given, 3, THREE, CROSS)


def test_labels_of_a_wrong_shape_give_both_shapes_and_the_layer() -> None:
    with pytest.raises(ShapeError, match=r"\(3, 2\); layer 1 dense gives rows of \(3,\)"):
        targets(np.zeros((3, 2), int), 3, THREE, CROSS)


def test_numbers_of_a_wrong_shape_give_both_shapes_and_the_layer() -> None:
    with pytest.raises(ShapeError, match=r"y has shape \(4,\).*layer 1 dense gives rows of \(3,\)"):
        targets(np.zeros(4), 4, THREE, SQUARED)


@pytest.mark.parametrize("given", [[1.0, 0.0], [[1.0], [0.0]], [1, 0], [True, False]])
def test_one_number_a_row_gets_its_axis(given: Any) -> None:
    made = targets(given, 2, ONE, BINARY)
    assert made.dtype == np.float32
    assert made.tolist() == [[1], [0]]


def test_targets_outside_of_what_the_loss_takes_are_refused() -> None:
    with pytest.raises(DataError, match=r"y holds 2.*row 1.*binary_cross_entropy takes .* 0 to 1"):
        targets([0, 2], 2, ONE, BINARY)
    with pytest.raises(DataError, match=r"y holds -1.*poisson takes targets from 0 to inf"):
        targets([3, -1], 2, ONE, get_loss("poisson"))


def test_text_in_a_numeric_target_is_refused() -> None:
    with pytest.raises(DataError, match=r"y holds text.*mean_squared_error needs numbers"):
        targets(["1", "x"], 2, ONE, SQUARED)


def test_nan_in_y_says_where() -> None:
    with pytest.raises(DataError, match="y holds NaN at row 1"):
        targets([0, np.nan], 2, ONE, SQUARED)


# --- weights -----------------------------------------------------------------------------------


def test_weights_are_ones_where_none_are_given() -> None:
    made = row_weights(None, None, np.zeros(3), False, "float32")
    assert made.tolist() == [1, 1, 1]
    assert made.dtype == np.float32


def test_class_weights_multiply_sample_weights() -> None:
    y = np.array([0, 1, 1], np.int32)
    assert row_weights([1, 2, 3], {1: 10.0}, y, True, "float64").tolist() == [1, 20, 30]


def test_balanced_classes_weigh_the_same() -> None:
    y = np.array([0, 1, 1, 1], np.int32)
    made = row_weights(None, "balanced", y, True, "float64")
    assert made.tolist() == [2.0, 2 / 3, 2 / 3, 2 / 3]


@pytest.mark.parametrize(
    ("y", "labels"), [(np.eye(2)[[0, 1, 1]], True), (np.array([[0.0], [1.0], [1.0]]), False)]
)
def test_class_weights_read_one_hot_rows_and_columns_of_0_and_1(y: Any, labels: bool) -> None:
    assert row_weights(None, {0: 5}, y, labels, "float64").tolist() == [5, 1, 1]


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (([1.0, -1.0, 1.0], None), DataError, "sample_weight holds -1 at row 1"),
        (([1.0, np.nan, 1.0], None), DataError, "sample_weight holds NaN at row 1"),
        (([1.0], None), ShapeError, r"sample_weight has shape \(1,\); expected \(3,\)"),
        (([0.0, 0.0, 0.0], None), DataError, "every row has the weight 0"),
        ((None, "even"), ArgumentError, "class_weight is 'even'; expected 'balanced'"),
        ((None, {0: -1}), ArgumentError, r"class_weight\[0\] is -1"),
        ((None, 3), ArgumentError, "class_weight is 3"),
    ],
)
def test_bad_weights_are_refused(arguments: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        row_weights(arguments[0], arguments[1], np.array([0, 1, 1], np.int32), True, "float32")


def test_class_weights_need_classes() -> None:
    with pytest.raises(ArgumentError, match="class_weight needs a target of classes"):
        row_weights(None, {0: 1.0}, np.array([[0.5], [1.5]]), False, "float32")


def test_what_cannot_be_read_says_so() -> None:
    class Broken:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            raise RuntimeError("needs detach()")

    with pytest.raises(DataError, match=r"X cannot be read as an array: needs detach\(\)"):
        as_array(Broken(), "X")


@pytest.mark.parametrize(
    ("dtype", "small", "least"), [("float32", 1e-40, "1.17549e-38"), ("float64", 1e-310, "2.2")]
)
def test_weights_that_the_engine_takes_for_zero_are_refused(
    dtype: str, small: float, least: str
) -> None:
    with pytest.raises(DataError, match=rf"largest weight of a row is .*too small.*{least}"):
        row_weights(np.full(3, small), None, np.zeros(3), False, dtype)
    assert row_weights([small, 1.0], None, np.zeros(2), False, dtype)[1] == 1


def test_weights_that_overflow_together_are_refused() -> None:
    y = np.array([0, 1], np.int32)
    with pytest.raises(DataError, match="sample_weight times class_weight holds infinity at row 1"):
        row_weights([1.0, 1e30], {1: 1e30}, y, True, "float32")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({0: 1, 7: 2}, "class_weight names 7; the classes are 0, 1, 2"),
        ({"0": 1}, "class_weight names '0'; the classes are 0, 1, 2"),
        ({np.str_("a"): 1}, "class_weight names 'a'; "),
        ({np.int64(1): np.float64(-1)}, r"class_weight\[1\] is -1\.0"),
    ],
)
def test_a_class_weight_of_no_class_is_refused(given: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        row_weights(None, given, np.array([0, 1], np.int32), True, "float32", 3)


def test_a_class_without_rows_may_have_a_weight() -> None:
    y = np.array([0, 1], np.int32)
    assert row_weights(None, {1: 3, 2: 5}, y, True, "float32", 3).tolist() == [1, 3]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([[1, 0, 0], [-5, 3, 3]], r"y holds -5\.0 \(row 1\); cross_entropy takes .* from 0 to 1"),
        ([[1, 0, 0], [0, 0, 0]], r"sum up to 0 \(row 1\); cross_entropy takes one-hot rows"),
        ([[0.5, 0.5, 0.2], [1, 0, 0]], r"sum up to 1\.2 \(row 0\)"),
    ],
)
def test_one_hot_rows_are_probabilities(rows: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        targets(np.array(rows), 2, THREE, CROSS)
    assert targets([[0.3333, 0.3333, 0.3333], [1, 0, 0]], 2, THREE, CROSS).shape == (2, 3)


def test_no_columns_are_named() -> None:
    with pytest.raises(DataError, match=r"X has no columns \(shape \(5, 0\)\)"):
        inputs(np.zeros((5, 0)), "float", "float32")


def test_a_mask_is_not_ignored() -> None:
    masked = np.ma.masked_array(np.ones((2, 2)), [[False, False], [False, True]])
    with pytest.raises(DataError, match="X is masked at row 1, column 1; impute missing values"):
        inputs(masked, "float", "float32")
    whole = inputs(np.ma.masked_array(np.ones((2, 2))), "float", "float64")
    assert type(whole) is np.ndarray


def test_errors_show_values_and_not_what_numpy_calls_them() -> None:
    with pytest.raises(DataError, match=r"y holds text \('a'\)"):
        targets(np.array(["a", "b"]), 2, THREE, CROSS)
    with pytest.raises(DataError, match="the label 1099511627776 at row 1"):
        targets(np.array([0, 1 << 40]), 2, THREE, CROSS)


def test_accuracy_of_real_numbers_is_refused() -> None:
    metrics = (get_metric("accuracy"),)
    x = np.zeros((2, 2), np.float32)
    with pytest.raises(DataError, match=r"y holds 1\.5 \(row 1\); the metric accuracy needs"):
        examples(ONE, SQUARED, metrics, x, [0.0, 1.5])
    assert examples(ONE, SQUARED, metrics, x, [0.0, 1.0])[0].rows == 2
    assert examples(ONE, BINARY, metrics, x, [0.0, 0.5])[0].rows == 2

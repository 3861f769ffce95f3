"""Initial values: their spread, and that only seed and name decide them."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from clearprop.errors import ArgumentError, ShapeError
from clearprop.nn.init import INITIALIZERS, fans, get_initializer, given, initial_value
from clearprop.nn.layer import Variable

SHAPE = (300, 200)


def draw(name: str, shape: tuple[int, ...] = SHAPE, seed: int = 0) -> np.ndarray:
    return initial_value(Variable(shape, INITIALIZERS[name]), seed, "0.weight", "float64")


VARIANCES = {
    "glorot_uniform": 2 / 500,
    "glorot_normal": 2 / 500,
    "he_uniform": 2 / 300,
    "he_normal": 2 / 300,
    "lecun_uniform": 1 / 300,
    "lecun_normal": 1 / 300,
    "uniform": 0.05**2 / 3,
    "normal": 0.05**2,
    "orthogonal": 1 / 300,
}


@pytest.mark.parametrize("name", VARIANCES)
def test_mean_and_variance_are_the_stated_ones(name: str) -> None:
    values = draw(name)
    variance = VARIANCES[name]
    assert abs(values.mean()) < 5 * np.sqrt(variance / values.size)
    assert values.var() == pytest.approx(variance, rel=0.03)
    if name.endswith("uniform"):
        bound = np.sqrt(3 * variance)
        assert 0.99 * bound < np.abs(values).max() <= bound
    elif name.endswith("normal"):
        assert np.abs(values).max() > 3.5 * np.sqrt(variance)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 2, 3, 5)])
def test_orthogonal_has_orthonormal_rows_or_columns(shape: tuple[int, ...]) -> None:
    matrix = draw("orthogonal", shape).reshape(-1, shape[-1])
    small = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    np.testing.assert_allclose(small @ small.T, np.eye(len(small)), atol=1e-14)


def test_orthogonal_of_a_vector_is_refused() -> None:
    with pytest.raises(ShapeError, match="orthogonal needs a matrix"):
        draw("orthogonal", (3,))


def test_zeros_and_ones_are_what_they_say() -> None:
    assert draw("zeros", (2,)).tolist() == [0, 0]
    assert draw("ones", (2,)).tolist() == [1, 1]


def test_fans_count_the_window_of_a_kernel() -> None:
    assert fans((7, 5)) == (7, 5)
    assert fans((3, 3, 16, 32)) == (9 * 16, 9 * 32)
    assert fans((4,)) == (4, 4)
    assert fans(()) == (1, 1)


def test_seed_and_name_decide_and_nothing_else() -> None:
    variable = Variable((50,), INITIALIZERS["normal"])
    first = initial_value(variable, 1, "0.weight", "float64")
    np.testing.assert_array_equal(first, initial_value(variable, 1, "0.weight", "float64"))
    assert not (first == initial_value(variable, 2, "0.weight", "float64")).any()
    assert not (first == initial_value(variable, 1, "1.weight", "float64")).any()


def test_float32_values_are_the_rounded_float64_ones() -> None:
    variable = Variable((50,), INITIALIZERS["he_normal"])
    single, double = (initial_value(variable, 0, "w", d) for d in ("float32", "float64"))
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, double.astype(np.float32))


def test_values_are_the_same_in_another_process_with_another_hash_seed() -> None:
    program = (
        "import sys, numpy as np\n"
        "from clearprop.nn.init import INITIALIZERS, initial_value\n"
        "from clearprop.nn.layer import Variable\n"
        "v = Variable((40, 30), INITIALIZERS['glorot_uniform'])\n"
        "sys.stdout.buffer.write(initial_value(v, 3, '2.weight', 'float32').tobytes())\n"
    )
    prints = set()
    for salt in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": salt}
        run = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, check=True
        )
        prints.add(hashlib.sha256(run.stdout).hexdigest())
    here = initial_value(
        Variable((40, 30), INITIALIZERS["glorot_uniform"]), 3, "2.weight", "float32"
    )
    assert prints == {hashlib.sha256(here.tobytes()).hexdigest()}


def test_given_values_are_copied() -> None:
    source = np.ones(3)
    value = initial_value(Variable((3,), given(source)), 0, "b", "float64")
    value[0] = 5
    assert source[0] == 1


def test_an_initializer_of_the_wrong_shape_is_named() -> None:
    wrong = Variable((3,), lambda generator, shape: np.zeros(2))
    with pytest.raises(ShapeError, match=r"initial value of 0\.weight is \(2,\), not \(3,\)"):
        initial_value(wrong, 0, "0.weight", "float32")


@pytest.mark.parametrize("seed", [-1, 1.5, True, "0"])
def test_a_seed_that_is_no_whole_number_is_refused(seed: int) -> None:
    with pytest.raises(ArgumentError, match="seed must be a whole number"):
        initial_value(Variable((), INITIALIZERS["zeros"]), seed, "b", "float32")


def test_an_unknown_initializer_names_the_nearest() -> None:
    with pytest.raises(ArgumentError, match="did you mean 'he_normal'"):
        get_initializer("he_norml")

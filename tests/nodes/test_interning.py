"""Equal expressions are the same object, whoever builds them and wherever they come from."""

import copy
import gc
import pickle
import subprocess
import sys
import threading
import weakref

import pytest

from clearprop.errors import GraphError
from clearprop.nodes import Node, build, node
from clearprop.nodes.node import _TABLE

NAN = float("nan")


def scalar(value: float, dtype: str = "float64") -> Node:
    return node("constant", value=value, dtype=dtype)


def test_equal_expressions_are_the_same_object() -> None:
    def make() -> Node:
        x = build.input("x", (2, 3))
        return build.exp(x + 1) * build.sum(x)

    assert make() is make()


def test_another_name_shape_dtype_or_attribute_is_another_node() -> None:
    x = build.input("x", (2, 3))
    others = [
        build.input("y", (2, 3)), build.input("x", (3, 2)), build.input("x", (2, 3), "float64"),
        build.sum(x, 0), build.sum(x, 1), build.max(x, 0), build.transpose(x),
    ]  # fmt: skip
    assert len({x, *others}) == len(others) + 1


def test_arguments_in_another_order_are_another_node() -> None:
    a, b = build.input("a", ()), build.input("b", ())
    assert a + b is not b + a


def test_nan_equals_itself() -> None:
    assert scalar(NAN) is scalar(float("nan"))
    assert build.constant(-NAN) is build.constant(NAN)


def test_minus_zero_is_not_zero() -> None:
    assert scalar(-0.0) is not scalar(0.0)
    assert str(scalar(-0.0)["value"]) == "-0.0"


def test_one_is_not_true_nor_one_point_zero() -> None:
    kinds = [
        scalar(True, "bool"), scalar(1, "int32"), scalar(1.0), scalar(1.0, "float32"),
        scalar(1, "int64"),
    ]  # fmt: skip
    assert len(set(kinds)) == len(kinds)
    assert scalar(True, "bool")["value"] is True


def test_a_float32_constant_is_rounded_before_it_is_interned() -> None:
    assert build.constant(0.1) is build.constant(0.1 + 1e-12)
    assert build.constant(0.1, "float64") is not build.constant(0.1 + 1e-12, "float64")
    assert build.constant(1e300)["value"] == float("inf")
    assert build.constant(-1e300)["value"] == float("-inf")


def test_threads_that_build_the_same_expression_get_the_same_object() -> None:
    start = threading.Barrier(8)
    made: list[Node] = []

    def make() -> None:
        start.wait()
        x = build.input("shared by threads", (3,))
        for step in range(200):
            x = build.tanh(x + step)
        made.append(x)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len(set(map(id, made))) == 1


def test_a_node_that_nobody_holds_is_freed() -> None:
    made = build.exp(build.input("held by nobody", (3,)))
    gone = weakref.ref(made)
    before = len(_TABLE)
    del made
    gc.collect()
    assert gone() is None
    assert len(_TABLE) < before


def test_an_argument_is_held_by_its_user() -> None:
    made = build.exp(build.input("held by its user", (3,)))
    gc.collect()
    assert made.args[0] is build.input("held by its user", (3,))


def test_a_pickled_node_interns_itself_again() -> None:
    x = build.input("x", (2, 3))
    for one in (x, build.softmax(x), scalar(NAN), scalar(-0.0), build.constant(float("inf"))):
        assert pickle.loads(pickle.dumps(one)) is one
        assert copy.copy(one) is one
        assert copy.deepcopy(one) is one


def test_a_node_pickled_in_another_process_is_the_node_built_here() -> None:
    program = (
        "import pickle, sys\n"
        "from clearprop.nodes import build\n"
        "x = build.input('x', (2, 3))\n"
        "sys.stdout.buffer.write(pickle.dumps(build.log_softmax(x) * 0.1))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    here = build.log_softmax(build.input("x", (2, 3))) * 0.1
    assert pickle.loads(done.stdout) is here


def test_a_deep_node_is_pickled_and_freed_without_recursion() -> None:
    x = build.input("x", ())
    for _ in range(20000):
        x = x + 1
    assert pickle.loads(pickle.dumps(x)) is x
    del x
    gc.collect()


def test_a_node_is_frozen() -> None:
    x = build.input("x", (3,))
    with pytest.raises(GraphError, match="frozen"):
        x.shape = (4,)
    with pytest.raises(GraphError, match="made by"):
        Node()


def test_a_node_has_no_truth_value_and_is_no_sequence() -> None:
    x = build.input("x", (3,))
    with pytest.raises(GraphError, match=r"use where\(\)"):
        bool(x < 1)
    with pytest.raises(TypeError):
        iter(x)


def test_a_key_error_names_operation_and_attribute() -> None:
    with pytest.raises(KeyError, match="exp has no attribute 'axes'"):
        build.exp(build.input("x", (3,)))["axes"]

"""One name a value, the same in every reading and in every run."""

import keyword

import pytest

from clearprop.nodes import ROWS, Graph, Node, build
from clearprop.readings.lines import lines, sections
from clearprop.readings.names import identifier, names, ordinals, table
from tests.corpus import CASES, Case


def network() -> Graph:
    x = build.input("x", (ROWS, 4))
    w, b = build.input("1.weight", (4, 3)), build.input("1.bias", (3,))
    v = build.input("4.attention.query.weight", (3, 3))
    rate = build.input("2.rate", ())
    z = x @ w + b
    a = build.tanh(z) * rate
    out = a @ v
    said: dict[Node, str] = {z: "1.z", a: "2.a", out: "4.a"}
    return Graph((x, w, b, v, rate), (out,), said)


def test_w1_is_the_first_layer_that_has_weights_whatever_its_index() -> None:
    assert ordinals(network()) == {"1": 1, "4": 2}
    known = {path: name for name, path in table(network()).items()}
    assert known["1.weight"] == "W1"
    assert known["1.bias"] == "b1"
    assert known["1.z"] == "z1"
    assert known["4.attention.query.weight"] == "W2_attention_query"
    assert known["2.rate"] == "layer2_rate"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("gradient.0.weight", "dW1"),
        ("gradient.0.z", "dz1"),
        ("updated.0.bias", "b1_new"),
        ("updated.optimizer.m.0.weight", "m_W1_new"),
        ("delta.0", "delta__0"),
        ("optimizer.learning_rate", "learning_rate"),
        ("loss.sum", "loss_sum"),
        ("class", "class"),
        ("gewicht größe", "gewicht_gr__e"),
    ],
)
def test_a_path_has_its_name(path: str, name: str) -> None:
    assert identifier(path, {"0": 1}) == name


@pytest.mark.parametrize("case", CASES, ids=str)
def test_names_are_python_names_and_no_two_values_share_one(case: Case) -> None:
    known = names(case.graph)
    assert set(known) >= set(case.graph.order())
    assert len(set(known.values())) == len(known)
    assert all(n.isidentifier() and not keyword.iskeyword(n) for n in known.values())


def test_names_that_python_or_the_program_needs_are_not_taken() -> None:
    inputs = [build.input(n, (2,)) for n in ("class", "np", "sigmoid", "lambda", "1", "")]
    known = names(Graph(tuple(inputs), (inputs[0],)))
    assert [known[i] for i in inputs] == ["class_2", "np_2", "sigmoid_2", "lambda_2", "_1", "_"]


def test_two_paths_that_become_one_word_are_told_apart() -> None:
    a, b = build.input("a.b", (2,)), build.input("a_b", (2,))
    known = names(Graph((a, b), (a + b,)))
    assert [known[a], known[b]] == ["a_b", "a_b_2"]


def test_unnamed_lines_are_numbered_in_the_order_of_reading() -> None:
    x = build.input("x", (3,))
    first, second = build.exp(x), build.sin(x)
    known = names(Graph((x,), (first * second + 1, second, first)))
    graph = Graph((x,), (first * second + 1, second, first))
    assert [known[n] for n in lines(graph)] == ["t1", "t2", "t3"]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_lines_come_after_what_they_need(case: Case) -> None:
    place = {here: at for at, here in enumerate(lines(case.graph))}
    for here, at in place.items():
        stack = list(here.args)
        while stack:
            below = stack.pop()
            if below in place:
                assert place[below] < at
            else:
                stack.extend(below.args)
    assert {o for o in case.graph.outputs if o.op != "input"} <= set(place)


def test_sections_follow_the_origins_and_never_run_back() -> None:
    x = build.input("x", (3,))
    forward, loss = build.exp(x), build.sum(build.exp(x))
    back, new = loss * 2, loss * 2 - 1
    said = {forward: "layer 0", loss: "loss", back: "gradient of loss", new: "layer 1"}
    place = sections(Graph((x,), (new,), origins=said))
    assert [place[n] for n in (x, forward, loss, back, new)] == [0, 0, 1, 2, 2]

"""What the planner promises: few kernels, nothing stored that nobody reads, the same code again."""

import sys
from collections.abc import Sequence

import pytest

from clearprop.nn.layers import BatchNorm, Dense, LayerNorm
from clearprop.nodes import ROWS, Graph, Node, build
from clearprop.optim import SGD, Adam, Optimizer
from clearprop.readings.llvm.guard import GUARD
from clearprop.readings.llvm.plan import Plan, plan
from clearprop.readings.llvm.program import Loop
from clearprop.readings.llvm.roles import Roles
from clearprop.readings.llvm.target import TARGETS, host
from clearprop.readings.llvm.task import Kernel
from clearprop.readings.llvm.writer import Argument
from clearprop.train.step import Step
from clearprop.transform.differentiate import gradients
from clearprop.transform.lower import lower
from clearprop.transform.simplify import simplify
from tests.readings.llvm.kernels import functions, step, steps, training


def engine_graph(inputs: Sequence[Node], outputs: Sequence[Node]) -> Graph:
    return lower(simplify(Graph(tuple(inputs), tuple(outputs))))


def planned(inputs: Sequence[Node], outputs: Sequence[Node]) -> Plan:
    return plan(engine_graph(inputs, outputs))


def passes(found: Plan) -> list[Kernel]:
    """The kernels that are more than a few numbers."""
    return [k for k in found.kernels if not (k.form == "flat" and k.head == 1)]


def arrays(graph: Graph) -> set[Node]:
    """The nodes whose arrays the kernels touch."""
    made = tuple(o for o in graph.outputs if o.op != "input")
    loop = Loop(Roles(graph, external=made), host())
    return {a.node for code in loop.codes for a in code.arguments}


Z = build.input("z", (ROWS, 10))
LABELS = build.input("labels", (ROWS,), "int32")
X, W, B = build.input("x", (ROWS, 64)), build.input("w", (64, 100)), build.input("b", (100,))


# --- what is one pass --------------------------------------------------------------------------


@pytest.mark.parametrize("op", [build.softmax, build.log_softmax, build.logsumexp])
def test_softmax_is_one_pass_over_rows(op: object) -> None:
    assert callable(op)
    (kernel,) = planned([Z], [op(Z)]).kernels
    assert kernel.form == "rows"


def test_cross_entropy_and_its_gradient_are_one_pass_over_rows() -> None:
    picked = build.one_hot(LABELS, 10) * build.log_softmax(Z)
    loss = -build.sum(picked)
    (slope,) = gradients(loss, [Z])
    found = planned([Z, LABELS], [loss, slope])
    assert [k.form for k in passes(found)] == ["rows"]
    assert len(found.kernels) <= 2


def test_layer_norm_is_one_pass_over_rows() -> None:
    centred = Z - build.mean(Z, 1, keepdims=True)
    variance = build.mean(build.square(centred), 1, keepdims=True)
    (kernel,) = planned([Z], [centred / build.sqrt(variance + 1e-5)]).kernels
    assert kernel.form == "rows"


def test_a_chain_of_arithmetic_is_one_pass() -> None:
    y = build.exp(Z * 2 + 1)
    (kernel,) = planned([Z], [build.where(y < 1, y, build.tanh(y)) - Z]).kernels
    assert kernel.form == "flat"
    assert len(kernel.tasks()) == 1


def test_bias_and_activation_ride_on_the_product() -> None:
    for activation in (build.relu, build.tanh, build.sigmoid, lambda z: z):
        (kernel,) = planned([X, W, B], [activation(X @ W + B)]).kernels
        assert kernel.form == "product"


def test_the_slope_of_an_activation_rides_on_the_input_gradient() -> None:
    hidden = build.relu(X @ W + B)
    v = build.input("v", (100, 10))
    loss = build.sum(build.square(hidden @ v))
    found = planned([X, W, B, v], gradients(loss, [W, B, v]))
    # two forward, the gradients of v, of hidden, of w; the bias' sum; v turned round at most
    assert len(found.kernels) <= 7
    products = [k for k in found.kernels if k.form == "product"]
    assert len(products) == 5


def test_a_chain_longer_than_the_stack_is_one_pass() -> None:
    y, wide = Z, Z
    for link in range(sys.getrecursionlimit() // 2):
        y = y * (1 - link * 1e-3) + 0.25
        wide = wide + build.abs(Z - link)
    for output in (y, wide):
        graph = engine_graph([Z], [output])
        (kernel,) = plan(graph).kernels
        assert kernel.form == "flat"
        assert arrays(graph) == {Z, graph.outputs[0]}


# --- the update --------------------------------------------------------------------------------


def one_hidden(optimizer: Optimizer) -> tuple[Step, Loop]:
    made = step([Dense(100, "relu"), Dense(3)], optimizer=optimizer, inputs=64)
    return made, training(made, host())


def updating(loop: Loop, name: str) -> Kernel:
    """The kernel that makes the new value of a parameter."""
    new = next(new for old, new in loop.roles.carried.items() if old["name"] == name)
    return loop.plan.kernels[loop.plan.maker[new]]


@pytest.mark.parametrize("optimizer", [SGD(0.1), SGD(0.1, momentum=0.9), Adam()], ids=str)
def test_the_update_rides_on_the_weight_gradients_product(optimizer: Optimizer) -> None:
    _, loop = one_hidden(optimizer)
    for name in ("0.weight", "1.weight"):
        kernel = updating(loop, name)
        assert kernel.form == "product"
        assert kernel.product in kernel.silent  # the gradient never travels to memory
    assert set(loop.in_place.values()) == set(loop.roles.carried)
    assert not loop.copied


def test_the_update_waits_for_the_norm_where_it_is_clipped() -> None:
    _, loop = one_hidden(Adam(clip_norm=1.0))
    for name in ("0.weight", "1.weight"):
        assert updating(loop, name).form != "product"
    assert set(loop.in_place.values()) == set(loop.roles.carried)


# --- what is stored ----------------------------------------------------------------------------


def test_a_value_that_only_its_own_loop_reads_has_no_array() -> None:
    product = X @ W
    graph = engine_graph([X, W, B], [build.relu(product + B)])
    assert arrays(graph) == {*graph.inputs, *graph.outputs}
    shifted = engine_graph([Z], [Z - build.sum(Z, 1, keepdims=True)])
    assert arrays(shifted) == {*shifted.inputs, *shifted.outputs}


def test_workspace_holds_only_what_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(GUARD, raising=False)  # where each array has memory of its own
    _, loop = one_hidden(Adam())
    _, arena = loop._workspace(200)
    touched = {a for code in loop.codes for a in code.arguments}
    finished = {a for c in loop.codes if c.finish for a in c.finish.arguments}
    staged = {Argument(node) for node in loop.roles.staged}
    assert set(arena.addresses) <= touched | finished | staged
    # the hidden layer and its slope, three logits in and out, the minibatch: not the gradients
    assert arena.bytes < 4 * (200 * (100 + 100 + 64) + 40 * 300 + 100 * 3) * 1.2


def test_memory_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deep chain of hidden layers in prediction needs two of them at a time."""
    monkeypatch.delenv(GUARD, raising=False)  # where each array has memory of its own
    x, outs = build.input("x", (ROWS, 50)), []
    weights = [build.input(f"w{i}", (50, 50)) for i in range(10)]
    y = x
    for w in weights:
        y = build.tanh(y @ w)
        outs.append(y)
    graph = engine_graph([x, *weights], [y])
    loop = Loop(Roles(graph, streamed=(x,), collected=graph.outputs), host())
    _, arena = loop._workspace(64)
    assert arena.bytes <= 4 * 64 * 50 * 4


# --- the same code again -----------------------------------------------------------------------


@pytest.mark.parametrize("name", TARGETS)
def test_equal_hidden_layers_share_their_kernels(name: str) -> None:
    def bodies(depth: int) -> set[str]:
        layers = [*(Dense(32, "relu") for _ in range(depth)), Dense(3)]
        loop = training(step(layers, inputs=32), TARGETS[name])
        return {code.body for code in loop.codes}

    # all but one, the sum of all layers' finite-or-not, are the same
    assert len(bodies(8)) == len(bodies(4))
    assert len(bodies(8) - bodies(4)) <= 1


def test_the_text_of_a_program_is_always_the_same() -> None:
    first = one_hidden(Adam())[1].text
    assert one_hidden(Adam())[1].text == first
    layers = [Dense(7), BatchNorm(), LayerNorm(), Dense(3)]
    texts = {training(step(layers), host()).text for _ in range(2)}
    assert len(texts) == 1


# --- every plan --------------------------------------------------------------------------------


def test_every_stored_node_is_made_before_it_is_read() -> None:
    for graph in (*functions().values(), *(s.graph for s in steps())):
        found = plan(graph)
        position = {
            task.node: (number, place)
            for number, kernel in enumerate(found.kernels)
            for place, task in enumerate(kernel.tasks())
        }
        for node, reads in found.reads.items():
            for access in reads:
                if access.node in found.maker:
                    assert found.maker[access.node] <= found.maker[node]
                    if node in position and access.node in position:
                        assert position[access.node] <= position[node]

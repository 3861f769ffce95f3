import pytest

from clearprop.errors import ShapeError
from clearprop.nn.layers import BatchNorm, Dense, Flatten, Reshape
from clearprop.train.network import describe, forward


def test_variables_are_named_by_layer_index() -> None:
    network = describe([Flatten(), Dense(4), BatchNorm(), Dense(2)], (3, 2), "float32")
    assert list(network.variables) == [
        "1.weight", "1.bias", "2.weight", "2.bias", "2.running_mean", "2.running_variance",
        "3.weight", "3.bias",
    ]  # fmt: skip
    assert network.shapes == ((6,), (4,), (4,), (2,))
    assert network.variables["1.weight"].shape == (6, 4)


def test_state_is_not_trained() -> None:
    network = describe([Dense(4, train_bias=False), BatchNorm()], (3,), "float32")
    assert list(network.trained()) == ["0.weight", "1.weight", "1.bias"]


def test_a_layer_that_does_not_fit_is_named_with_both_shapes() -> None:
    with pytest.raises(ShapeError, match=r"layer 1 reshape: .*\(5,\).*\(4,\)"):
        describe([Dense(4), Reshape((5,))], (3,), "float32")


def test_two_layers_that_compute_the_same_keep_their_own_names() -> None:
    walk = forward(describe([Dense(2), Dense(2)], (2,), "float32"), training=False)
    assert {"0.z", "1.z"} <= set(walk.names.values())


def test_origins_say_which_layer_a_node_is_of() -> None:
    walk = forward(
        describe([Dense(4, activation="tanh"), Dense(2)], (3,), "float32"), training=True
    )
    named = {name: walk.origins[here] for here, name in walk.names.items()}
    assert named["0.z"] == named["0.a"] == "layer 0 dense"
    assert named["1.z"] == "layer 1 dense"
    assert named["x"] == "input"

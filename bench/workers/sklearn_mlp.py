"""scikit-learn's MLPClassifier and MLPRegressor: partial_fit over all rows is an epoch."""

from common import serve


def load():
    """Import scikit-learn."""
    import sklearn
    import sklearn.neural_network  # the import that a user pays

    return f"scikit-learn {sklearn.__version__}"


def make(workload, X, y):
    """The function that runs epochs; it starts from scikit-learn's own weights."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    if not workload["bias"] or workload["loss"] == "sum_squared_error":
        raise NotImplementedError("scikit-learn's MLP has biases and a mean loss")
    kind = MLPClassifier if workload["loss"] == "cross_entropy" else MLPRegressor
    model = kind(
        hidden_layer_sizes=tuple(workload["sizes"][1:-1]),
        activation=workload["activation"],
        solver=workload["optimizer"],
        alpha=0.0,
        batch_size=workload["batch"],
        learning_rate_init=workload["learning_rate"],
        shuffle=workload["shuffle"],
        random_state=0,
    )
    classes = {"classes": range(workload["sizes"][-1])} if kind is MLPClassifier else {}
    target = y if kind is MLPClassifier else y.ravel()

    def run(epochs):
        for _ in range(epochs):
            model.partial_fit(X, target, **classes)
        return model.loss_

    return run


if __name__ == "__main__":
    serve(load, make)

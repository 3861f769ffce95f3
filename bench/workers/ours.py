"""clearprop, as a user trains: Sequential and fit."""

from common import initial_weights, serve


def load():
    """Import clearprop."""
    from importlib.metadata import version

    from clearprop import Sequential  # noqa: F401  # the import that a user pays

    return f"clearprop {version('clearprop')}"


def untrained(workload):
    """The model of a workload, built."""
    import clearprop as cp

    sizes, last = workload["sizes"], len(workload["sizes"]) - 2
    layers = []
    for place, units in enumerate(sizes[1:]):
        kind = workload["output"] if place == last else workload["activation"]
        activation = None if kind == "linear" else kind
        layers.append(cp.Dense(units, activation=activation, use_bias=workload["bias"]))
    optimizer = {"adam": cp.Adam, "sgd": cp.SGD}[workload["optimizer"]](workload["learning_rate"])
    model = cp.Sequential(
        layers, loss=workload["loss"], optimizer=optimizer, dtype=workload["dtype"], seed=0
    )
    model.build((sizes[0],))
    return model


def make(workload, X, y):
    """The function that runs epochs; fit again goes on."""
    model, start = untrained(workload), {}
    for place, (weight, bias) in enumerate(initial_weights(workload)):
        start[f"{place}.weight"] = weight
        if workload["bias"]:
            start[f"{place}.bias"] = bias
    model.set_weights(start)

    def run(epochs):
        history = model.fit(
            X, y, epochs=epochs, batch_size=workload["batch"], shuffle=workload["shuffle"],
            verbose=0,
        )  # fmt: skip
        return history.history["loss"][-1]

    def threads():
        from clearprop.readings.llvm.schedule import available

        (program,) = model.state._programs.values()
        plan, _ = program.loop._workspace(workload["batch"])
        return plan.team(available())

    run.threads, run.model = threads, model
    return run


if __name__ == "__main__":
    serve(load, make)

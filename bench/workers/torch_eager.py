"""PyTorch, eager, as its tutorials train: an index of shuffled rows, backward, optimizer.step()."""

from common import initial_weights, serve

FUSED = False


def load():
    """Import PyTorch."""
    import torch

    return f"torch {torch.__version__}"


def _model(workload):
    import torch

    layers, last = [], len(workload["sizes"]) - 2
    names = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid}
    for i, (weight, bias) in enumerate(initial_weights(workload)):
        dense = torch.nn.Linear(*weight.shape, bias=workload["bias"])
        dense.weight.data = torch.from_numpy(weight.T.copy())
        if workload["bias"]:
            dense.bias.data = torch.from_numpy(bias)
        layers.append(dense)
        kind = workload["output"] if i == last else workload["activation"]
        if kind != "linear":
            layers.append(names[kind]())
    return torch.nn.Sequential(*layers)


def _loss(workload):
    import torch

    return {
        "cross_entropy": torch.nn.CrossEntropyLoss(),
        "mean_squared_error": torch.nn.MSELoss(),
        "sum_squared_error": torch.nn.MSELoss(reduction="sum"),
    }[workload["loss"]]


def _optimizer(workload, model):
    import torch

    rate = workload["learning_rate"]
    if workload["optimizer"] == "sgd":
        return torch.optim.SGD(model.parameters(), lr=rate, fused=FUSED)
    return torch.optim.Adam(model.parameters(), lr=rate, fused=FUSED)


def make(workload, X, y):
    """The function that runs epochs."""
    import torch

    model, criterion = _model(workload), _loss(workload)
    optimizer = _optimizer(workload, model)
    X = torch.from_numpy(X)
    y = torch.from_numpy(y).long() if workload["loss"] == "cross_entropy" else torch.from_numpy(y)
    rows, batch = workload["rows"], workload["batch"]

    def run(epochs):
        loss = None
        for _ in range(epochs):
            order = torch.randperm(rows) if workload["shuffle"] else None
            for start in range(0, rows, batch):
                place = (
                    slice(start, start + batch) if order is None else order[start : start + batch]
                )
                optimizer.zero_grad()
                loss = criterion(model(X[place]), y[place])
                loss.backward()
                optimizer.step()
        return loss.item()

    return run


if __name__ == "__main__":
    serve(load, make)

"""What every worker shares: the data, and a loop that answers JSON lines with JSON lines.

    -> {"workload": {...}, "cores": 2 or null}
    <- {"version": "...", "import_seconds": s, "first_seconds": s, "threads": n}
       or {"missing": "..."}
    -> {"steps": n}
    <- {"steps": n rounded up to epochs, "seconds": s, "loss": x, "peak_megabytes": m}

A worker gives `serve` two functions: `load()` imports the peer and says its version;
`make(workload, X, y)` gives `run(epochs) -> loss`, which has finished all work when it returns. It
may have an attribute `threads`, a function that says how many a step uses.
"""

import contextlib
import json
import os
import resource
import sys
import time


def data(workload):
    """Rows and targets drawn from seed 0; the same in every worker."""
    import numpy as np

    rng = np.random.default_rng(0)
    inputs, outputs = workload["sizes"][0], workload["sizes"][-1]
    rows = workload["rows"]
    if workload["name"].startswith("W1"):
        X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], workload["dtype"])
        y = np.array([[0], [1], [1], [0]], workload["dtype"])
        return np.tile(X, (rows // 4, 1)), np.tile(y, (rows // 4, 1))
    X = rng.normal(size=(rows, inputs)).astype(workload["dtype"])
    teacher = rng.normal(size=(inputs, outputs)) / inputs**0.5
    truth = np.tanh(X @ teacher)
    if workload["loss"] == "cross_entropy":
        return X, truth.argmax(1).astype(np.int32)
    return X, truth.astype(workload["dtype"])


def initial_weights(workload):
    """(weight, bias) a layer, weights (inputs, units) uniform within 1 / sqrt(inputs)."""
    import numpy as np

    rng = np.random.default_rng(1)
    out = []
    for a, b in zip(workload["sizes"], workload["sizes"][1:], strict=False):
        bound = a**-0.5
        weight = rng.uniform(-bound, bound, (a, b)).astype(workload["dtype"])
        out.append((weight, np.zeros(b, workload["dtype"])))
    return out


def _peak_megabytes():
    # ru_maxrss begins with the parent's peak, which a fork hands down; VmHWM begins with exec
    with contextlib.suppress(OSError), open("/proc/self/status", encoding="utf-8") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 2**10
    # kilobytes on Linux, bytes on macOS
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _answer(message):
    _ANSWERS.write(json.dumps(message) + "\n")
    _ANSWERS.flush()


# what a peer prints must not come between the answers
_ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def serve(load, make):
    """Answer requests until standard input ends."""
    request = json.loads(sys.stdin.readline())
    workload = request["workload"]
    if request.get("cores") and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: request["cores"]])
    begin = time.perf_counter()
    try:
        version = load()
    except ImportError as error:
        _answer({"missing": str(error)})
        return
    imported = time.perf_counter()
    X, y = data(workload)
    made = time.perf_counter()
    try:
        run = make(workload, X, y)
        run(1)
    except NotImplementedError as error:
        _answer({"missing": str(error)})
        return
    _answer(
        {
            "version": version,
            "import_seconds": imported - begin,
            "first_seconds": time.perf_counter() - made,
            "threads": getattr(run, "threads", lambda: None)(),
        }
    )
    for line in sys.stdin:
        epochs = -(-json.loads(line)["steps"] // workload["steps"])
        begin = time.perf_counter()
        loss = run(epochs)
        _answer(
            {
                "steps": epochs * workload["steps"],
                "seconds": time.perf_counter() - begin,
                "loss": float(loss),
                "peak_megabytes": _peak_megabytes(),
            }
        )

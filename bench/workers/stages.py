"""What clearprop pays before a first step, in a new process: one JSON line of seconds.

`python stages.py stages WORKLOAD` says each stage by itself, `python stages.py fit WORKLOAD` the
first step of fit and the second; WORKLOAD is a workload's message as JSON.
"""

import json
import sys
import time

from common import data
from ours import untrained


class Clock:
    """Seconds by name, of what happens between two looks."""

    def __init__(self):
        self.seconds, self.last = {}, time.perf_counter()

    def look(self, name):
        """What has passed since the last look is called `name`."""
        now = time.perf_counter()
        self.seconds[name] = now - self.last
        self.last = time.perf_counter()


def timed_derivative():
    """A clock of the derivative, which is one call inside the step's building."""
    from clearprop.transform.differentiate import gradients

    inside = Clock()

    def timed(*arguments):
        inside.last = time.perf_counter()
        out = gradients(*arguments)
        inside.look("derivative")
        return out

    for name, module in list(sys.modules.items()):
        if name.startswith("clearprop.train") and getattr(module, "gradients", None) is gradients:
            module.gradients = timed
    return inside


def stages(workload):
    """Imports, then the training step as nodes, its laws, and machine code."""
    clock = Clock()
    import clearprop  # noqa: F401  # the import that a user pays

    clock.look("import")
    from clearprop.readings.llvm.code import _machine
    from clearprop.readings.llvm.target import host

    _machine(host())
    clock.look("engine import")
    model = untrained(workload)
    clock.look("build")
    inside = timed_derivative()
    clock.last = time.perf_counter()
    step = model.training_step()
    clock.look("graph")
    clock.seconds["graph"] -= inside.seconds["derivative"]
    clock.seconds["derivative"] = inside.seconds["derivative"]
    low = step.lowered()
    clock.look("laws")
    from clearprop.readings.llvm import compile_loop

    clock.last = time.perf_counter()
    loop = compile_loop(
        low.graph, carried=low.carried, streamed=low.streamed, counter=low.counter,
        logged=low.logged, collected=low.collected,
    )  # fmt: skip
    loop.code()
    clock.look("compile")
    return clock.seconds


def fit(workload):
    """fit over one minibatch, twice: the first compiles (its imports included), the second runs."""
    import clearprop  # noqa: F401  # measured by the stages

    model = untrained(workload)
    X, y = data({**workload, "rows": workload["batch"]})
    clock = Clock()
    for name in ("first step", "second step"):
        model.fit(X, y, epochs=1, batch_size=workload["batch"], verbose=0)
        clock.look(name)
    return clock.seconds


if __name__ == "__main__":
    found = {"stages": stages, "fit": fit}[sys.argv[1]](json.loads(sys.argv[2]))
    sys.stderr.write(json.dumps(found) + "\n")

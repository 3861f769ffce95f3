"""Where a step's time goes: `python kernels.py WORKLOAD` trains with a clock around each call.

The step's own text is compiled once more with the processor's counter read before and after every
call of a kernel and every barrier; what each took is added up over threads and steps. One JSON line
of lists [what, microseconds a step and thread, GFLOP/s a thread or null], longest first; then the
barriers, and what is left of a step: rows gathered, numbers logged, epochs ended, the clock itself.
"""

import json
import re
import sys
import time

from common import data
from ours import make

_CALL = re.compile(r"^  call void @kernel\d+\(ptr %a(\d+), .*$", re.MULTILINE)
_WAIT = re.compile(r"^  call void @barrier\(.*$", re.MULTILINE)
_SLOTS = 1024


def clocked(text):
    """The module with a clock around every call; slot 0 is that of the barriers."""
    count = 0

    def around(slot):
        def replace(found):
            nonlocal count
            count += 1
            n, place = count, slot(found)
            return (
                f"  %clock{n} = call i64 @llvm.readcyclecounter()\n{found[0]}\n"
                f"  %ended{n} = call i64 @llvm.readcyclecounter()\n"
                f"  %ticks{n} = sub i64 %ended{n}, %clock{n}\n"
                f"  %slot{n} = getelementptr inbounds i64, ptr @clocks, i64 {place}\n"
                f"  %sum{n} = atomicrmw add ptr %slot{n}, i64 %ticks{n} monotonic"
            )

        return replace

    text = _CALL.sub(around(lambda found: int(found[1]) + 1), text)
    if not count:
        raise RuntimeError("the step's text calls no kernel in the form that is looked for")
    text = _WAIT.sub(around(lambda found: 0), text)
    head, _, rest = text.partition("\n")
    return (
        f"{head}\n@clocks = global [{_SLOTS} x i64] zeroinitializer, align 64\n"
        f"declare i64 @llvm.readcyclecounter()\n{rest}"
    )


def label(kernel, unit, rows):
    """What a call computes, and how many operations its product has."""
    from clearprop.nodes.shapes import bind

    added = "adds slots of " if unit.finish else ""
    ops = " ".join(dict.fromkeys(task.node.op for task in kernel.tasks()))
    if kernel.product is None:
        shapes = {bind(task.domain, rows) for task in kernel.tasks()}
        largest = " x ".join(map(str, max(shapes, key=len, default=())))
        return f"{added}{kernel.form} {largest}: {ops}", 0
    m, n = bind(kernel.product.shape[-2:], rows)
    (k,) = bind(kernel.product.args[0].shape[-1:], rows)
    store = f" + {ops}" if ops else ""
    return f"{added}product {m} x {k} x {n}{store}", 0 if unit.finish else 2 * m * k * n


def main(workload):
    """Train for about a second with the clocks, and say what they show."""
    import ctypes

    from clearprop.readings.llvm.code import compile_object, load
    from clearprop.readings.llvm.team import units

    X, y = data(workload)
    run = make(workload, X, y)
    run(1)
    (program,) = run.model.state._programs.values()
    loop, team = program.loop, run.threads()
    loop._code = load(compile_object(clocked(loop.text), loop.target), loop.target)
    address = loop._code.engine.get_global_value_address("clocks")
    clocks = (ctypes.c_int64 * _SLOTS).from_address(address)
    epochs, taken = 1, 0.0
    while taken < 0.5:
        epochs *= 2
        ctypes.memset(address, 0, 8 * _SLOTS)
        before, begin = read_counter(), time.perf_counter()
        run(epochs)
        taken, ticks = time.perf_counter() - begin, read_counter() - before
    share = 1e6 * taken / ticks / (epochs * workload["steps"]) / team
    lines = []
    for number, unit in enumerate(units(loop.codes)):
        what, operations = label(loop.plan.kernels[unit.kernel], unit, workload["batch"])
        spent = clocks[number + 1] * share
        lines.append([what, spent, operations / team / spent / 1e3 if operations else None])
    lines.sort(key=lambda line: -line[1])
    lines.append(["barriers", clocks[0] * share, None])
    step = 1e6 * taken / (epochs * workload["steps"])
    lines.append(["all else", step - sum(line[1] for line in lines), None])
    return {"lines": lines, "step": step, "threads": team}


def read_counter():
    """The processor's counter, by a function of our own making."""
    from clearprop.readings.llvm.code import compile_object, load
    from clearprop.readings.llvm.target import host

    if not hasattr(read_counter, "code"):
        text = (
            f'target triple = "{host().triple}"\n'
            "declare i64 @llvm.readcyclecounter()\n"
            "define i64 @run(ptr %fields, i64 %thread) nounwind {\n"
            "  %now = call i64 @llvm.readcyclecounter()\n  ret i64 %now\n}\n"
        )
        read_counter.code = load(compile_object(text, host()), host())
    return read_counter.code.entry(0, 0)


if __name__ == "__main__":
    sys.stderr.write(json.dumps(main(json.loads(sys.argv[1]))) + "\n")

"""Writing a nest: inner loops, what happens at each point, and what is summed on the way out.

A reduction is split by its axes. The trailing run of reduced loops is summed in a register (a
vector along the last loop, put together after it); reduced loops further out, or the head, are
summed in memory: in the result itself, or in the block's slot. Slots are added in block order at
the end.
"""

from clearprop.nodes.node import Node
from clearprop.nodes.ops import FLOATS
from clearprop.nodes.shapes import Dim, size
from clearprop.readings.llvm.affine import Affine, buffer_strides, natural, points, variables
from clearprop.readings.llvm.expression import FlatIndex
from clearprop.readings.llvm.frame import Frame, fill, lanes_for
from clearprop.readings.llvm.gathering import row_address
from clearprop.readings.llvm.ir import Value
from clearprop.readings.llvm.places import Deep, Places, Point, memory_kind
from clearprop.readings.llvm.reduction import across, best, combine, masked, operation
from clearprop.readings.llvm.task import Nest, Task
from clearprop.readings.llvm.values import Values
from clearprop.readings.llvm.writer import identity, open_loop

__all__ = ["NestWriter"]


class NestWriter:
    """One nest of a kernel, written into a frame."""

    def __init__(self, frame: Frame, nest: Nest, bounds: tuple[Value, Value] | None = None) -> None:
        self.frame, self.nest, self.bounds = frame, nest, bounds
        self.writer = frame.writer
        self.tasks = nest.tasks
        flat = isinstance(self.tasks[0].index, FlatIndex)
        self.inner: tuple[Dim, ...] = (size(self.tasks[0].domain),) if flat else nest.inner
        self.shift = 0 if frame.head is None else 1
        self.variables: list[Value | None] = [] if frame.head is None else [frame.head]
        self.depths = [len(frame.scopes) - 1] * len(self.variables)
        self.scopes = list(frame.scopes)
        self.flat = flat
        self.totals: dict[Task, list[Value]] = {}
        self.run = {t: self._run(t) for t in self.tasks if t.kind == "reduce"}
        loops = [i for i, d in enumerate(self.inner) if d != 1]
        self.vector = loops[-1] if loops else None
        self.lanes = 0
        if self.vector is not None and not any(
            t.node.op == "argmax" or t.kind == "scatter" for t in self.tasks
        ):
            extent = self.inner[self.vector] if bounds is None else 1 << 30
            self.lanes = lanes_for(self.writer, self.tasks, extent)
        self.partial: int | None = None
        self.memo: dict[object, Deep] = {}
        self.here = {t.node for t in self.tasks if t.kind == "store"}

    def _reduced(self, task: Task, level: int) -> bool:
        return level + self.shift in task.axes

    def _run(self, task: Task) -> int:
        """Where the trailing run of reduced loops begins."""
        start = len(self.inner)
        while start and (self._reduced(task, start - 1) or self.inner[start - 1] == 1):
            start -= 1
        ones = all(d == 1 for d in self.inner[start:])
        return len(self.inner) if ones else start

    def _in_memory(self, task: Task) -> bool:
        """Whether loops outside the trailing run, or the head, are reduced too."""
        return self._is_late(task) or any(
            self._reduced(task, i) and self.inner[i] != 1 for i in range(self.run[task])
        )

    def _is_late(self, task: Task) -> bool:
        return task.node in self.frame.slots

    def write(self) -> None:
        """The whole nest."""
        for task in self.tasks:
            if task.kind == "reduce" and self._in_memory(task) and not self._is_late(task):
                self._clear(task)
        self._descend(0)

    def _clear(self, task: Task) -> None:
        node, scope = task.node, self.scopes[-1]
        count = size(node.shape[self.shift :])
        pointer = self.writer.pointer(node)
        if self.frame.head is not None:
            step = scope.binary("mul", self.frame.head, self.writer.extent(count))
            pointer = scope.offset(pointer, step, memory_kind(node))
        fill(
            self.writer, scope, pointer, count, identity(operation(node), memory_kind(node), scope)
        )

    # --- loops ---------------------------------------------------------------------------------

    def _descend(self, level: int) -> None:
        starting = [t for t, start in self.run.items() if start == level]
        for task in starting:
            if level < len(self.inner):
                self.totals[task] = self._first(task)
        if level == len(self.inner):
            self._point(self.lanes if self.vector is not None else 0, self.lanes)
        elif self.inner[level] == 1:
            self._with(None, level)
        elif level == self.vector:
            self._vector_loop(level)
        else:
            self._loop(level, self.writer.extent(self.inner[level]))
        for task in starting:
            if level < len(self.inner):
                self._finish(task, self.totals.pop(task))

    def _first(self, task: Task) -> list[Value]:
        scope = self.scopes[-1]
        assert task.source is not None
        kind = memory_kind(task.source)
        if task.node.op == "argmax":
            return [identity(operation(task.node), kind, scope), scope.integer(0, "i32")]
        inside = self.vector is not None and self.run[task] <= self.vector
        return [identity(operation(task.node), kind, scope, self.lanes if inside else 0)]

    def _with(self, variable: Value | None, level: int) -> None:
        self.variables.append(variable)
        self.depths.append(len(self.scopes) - 1)
        self._descend(level + 1)
        self.variables.pop()
        self.depths.pop()

    def _loop(self, level: int, stop: Value) -> None:
        self._counted(level, self.scopes[-1].integer(0), stop, 1)

    def _counted(self, level: int, start: Value, stop: Value, step: int) -> None:
        """A loop whose totals are carried; inside, the deepest scope is its body."""
        outer = self.scopes[-1]
        names = [(t, i) for t, total in self.totals.items() for i in range(len(total))]
        loop = open_loop(outer, start, stop, step, [self.totals[t][i] for t, i in names])
        for (task, i), phi in zip(names, loop.carried, strict=True):
            self.totals[task][i] = phi
        self.scopes[-1] = loop.pre
        self.scopes.append(loop.body)
        self._with(loop.variable, level)
        self.scopes.pop()
        self.scopes[-1] = outer
        out = loop.close([self.totals[t][i] for t, i in names])
        for (task, i), last in zip(names, out, strict=True):
            self.totals[task][i] = last
        self._forget()

    def _forget(self) -> None:
        """Drop what was computed inside a loop that has ended."""
        deepest = len(self.scopes) - 1
        self.memo = {k: v for k, v in self.memo.items() if v[1] <= deepest}

    def _vector_loop(self, level: int) -> None:
        lanes, scope = self.lanes, self.scopes[-1]
        if self.bounds is not None:
            return self._bounded(level, *self.bounds)
        extent = self.inner[level]
        if not lanes or not isinstance(extent, int):
            return self._loop(level, self.writer.extent(extent))
        main = extent // lanes * lanes
        if main == lanes:
            self._with(scope.integer(0), level)
        elif main:
            self._counted(level, scope.integer(0), scope.integer(main), lanes)
        if extent > main:
            self._tail(level, main, extent - main)
        return None

    def _tail(self, level: int, start: int, count: int) -> None:
        """What is left of a loop of vectors: one partial vector, or single elements."""
        scope, lanes = self.scopes[-1], self.lanes
        self._forget_vectors()
        if self.writer.target.masked:
            self.partial = count
            self._with(scope.integer(start), level)
            self.partial = None
        else:
            self.lanes = 0
            for place in range(start, start + count):
                self._forget_vectors()
                self._with(scope.integer(place), level)
            self.lanes = lanes
        self._forget_vectors()

    def _forget_vectors(self) -> None:
        """Drop what stands for another place of the vector loop at this same depth."""
        self.memo = {}

    def _bounded(self, level: int, low: Value, high: Value) -> None:
        """A block of a long flat loop: whole vectors, then one by one."""
        lanes, scope = self.lanes, self.scopes[-1]
        if lanes:
            count = scope.binary("sub", high, low)
            whole = scope.binary("and", count, scope.integer(-lanes))
            middle = scope.binary("add", low, whole)
            self._counted(level, low, middle, lanes)
            low = middle
        self.memo = {}
        self.lanes = 0
        self._counted(level, low, high, 1)
        self.lanes = lanes
        self.memo = {}

    # --- points --------------------------------------------------------------------------------

    def values(self, lanes: int, count: int) -> Values:
        """Values at the present point."""
        vector = None if self.vector is None else self.vector + self.shift
        width = self.shift + len(self.inner)
        missing = width - len(self.variables)
        point = Point(
            (*self.variables, *[None] * missing),
            (*self.depths, *[0] * missing),
            tuple(self.scopes),
            vector,
            lanes,
            count,
        )
        ready = (
            {
                (node, Affine((int(self.frame.kernel.head != 1),) + (0,) * (width - 1))): deep
                for node, deep in self.frame.rows.items()
            }
            if self.shift
            else {}
        )
        frame = self.frame
        if self._one_vector():
            home = natural((frame.kernel.head, *self.inner))
            same = {
                node: deep for node, deep in frame.lines.items() if node.shape[1:] == self.inner
            }
            ready |= {(n, home): deep for n, deep in same.items() if deep[0].lanes == lanes}
        floor = len(frame.scopes) - 1
        places = Places(self.writer, point, self.memo, frame.made, floor, frame.slots)
        return Values(places, frame.known, self.here, ready)

    def _point(self, lanes: int, count: int) -> None:
        values = self.values(lanes, count if self.partial is None else self.partial)
        # values first, then stores: a new value may take the place of the old one that others read
        made = [(t, self._made(values, t)) for t in self.tasks if t.kind == "store"]
        for task, value in made:
            if value is not None:
                assert task.place is not None
                values.places.store(task.node, task.place, value)
        for task in self.tasks:
            if task.kind == "store":
                continue
            if task.kind == "scatter":
                self._scatter(values, task)
            else:
                self._reduce(values, task)

    def _per_row(self, task: Task) -> bool:
        return self.shift == 1 and task.node.op != "argmax" and size(task.node.shape[1:]) == 1

    def _made(self, values: Values, task: Task) -> Value | None:
        """What a task stores; None where the value stays in registers."""
        kernel, line = self.frame.kernel, self._one_vector()
        silent = task.node in kernel.silent
        if silent and not self._per_row(task):
            if task.source is not None:
                values.value(task.source, task.index)  # in order: no call from the end of a chain
            return None
        if task.source is None:
            return self.scopes[-1].zero(memory_kind(task.node), values.point.lanes)
        deep = values.value(task.source, task.index)
        if self._per_row(task):
            self.frame.rows[task.node] = deep
        value = values.spread(deep)
        if line and task.source is task.node and task.index == points(task.domain):
            self.frame.lines[task.node] = value, len(self.scopes) - 1
            silent = silent or task.node in kernel.aligned
        return None if silent else value

    def _one_vector(self) -> bool:
        """Whether a row of this nest is one vector, so that it can stay in a register."""
        if self.vector is None or not self.lanes or not self.shift or self.bounds is not None:
            return False
        extent = self.inner[self.vector]
        loops = sum(d != 1 for d in self.inner)
        return loops == 1 and isinstance(extent, int) and extent <= self.lanes

    def _reduce(self, values: Values, task: Task) -> None:
        assert task.source is not None
        deep = values.value(task.source, task.index)
        scope, op = self.scopes[-1], operation(task.node)
        if task not in self.totals and task.node.op == "argmax":
            return self._finish(task, [scope.integer(0, "i32")], values)
        if task not in self.totals:
            return self._finish(task, [values.spread(deep)], values)
        if task.node.op == "argmax":
            place = values.places.number(variables(values.width)[-1], "i32")
            top, at = self.totals[task]
            self.totals[task] = list(best(op, scope, top, at, deep[0], place[0]))
            return None
        (total,) = self.totals[task]
        x = masked(op, scope, values.spread(deep), values.point.count)
        if total.lanes and not x.lanes:
            x = scope.insert(identity(op, x.kind, scope, total.lanes), x, 0)
        self.totals[task] = [combine(op, scope, total, x)]
        return None

    def _kept(self, task: Task) -> Affine:
        """The place in the result (in a slot: of its kept axes), over the loop variables."""
        node, width = task.node, self.shift + len(self.inner)
        terms = [0] * width
        if not self.flat:
            kept = [a for a in range(width) if a not in task.axes]
            for axis, step in zip(kept, buffer_strides(node.shape), strict=True):
                terms[axis] = step
        return Affine(tuple(terms))

    def carries(self) -> dict[Node, tuple[int, int]]:
        """Sums over the head that fit a register: {node: (lanes, real ones)}; memory has the rest.

        Read back from memory for each row, a sum would hold up the next row until it is stored.
        """
        out: dict[Node, tuple[int, int]] = {}
        for task in self.run:
            inner = [d for i, d in enumerate(self.inner) if not self._reduced(task, i) and d != 1]
            if self._is_late(task) and not inner:
                out[task.node] = 0, 1
            elif self._is_late(task) and task.axes == (0,) and self._one_vector():
                assert isinstance(inner[0], int)
                out[task.node] = self.lanes, inner[0]
        return out

    def _finish(self, task: Task, totals: list[Value], values: Values | None = None) -> None:
        node, op, scope = task.node, operation(task.node), self.scopes[-1]
        value = totals[-1]
        if values is None:
            if node.op != "argmax":
                value = across(op, scope, value)
            values = self.values(0, 0)
        place, late = self._kept(task), self._is_late(task)
        if node in self.frame.carried:
            total = self.frame.carried[node]
            self.frame.carried[node] = combine(op, scope, total, value)
            return
        if self._in_memory(task):
            old, _ = values.places.load_now(node, place, late)
            values.places.store(node, place, combine(op, scope, old, value), late)
            return
        if self._per_row(task):
            self.frame.rows[node] = (value, len(self.scopes) - 1)
        if node not in self.frame.kernel.silent:
            values.places.store(node, place, value)

    def _scatter(self, values: Values, task: Task) -> None:
        """result[indices] += source, one after another in index order."""
        node, indices = task.node, task.node.args[1]
        assert task.source is not None
        assert not isinstance(task.index, FlatIndex)
        split = len(indices.shape)
        row, _ = values.value(indices, task.index[:split])
        x, _ = values.value(task.source, task.index)
        steps = buffer_strides(node.shape)
        terms = [0] * split + list(steps[1:])
        pointer, _ = values.places.address(node, Affine(tuple(terms)))
        scope = self.scopes[-1]
        limit = node.shape[0]
        assert isinstance(limit, int)
        at = row_address(scope, node, pointer, row, steps[0], limit)
        kind = "float" if node.dtype in FLOATS else "int"
        old = scope.load(at, memory_kind(node))
        scope.store(scope.binary("fadd" if kind == "float" else "add", old, x), at)

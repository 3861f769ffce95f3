"""Elementwise LLVM text as NumPy functions: a loop around it, compiled for a target."""

import ctypes
import re
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from numpy.typing import NDArray

from clearprop.readings.llvm.ir import SCALARS, Function, Scope, Value
from clearprop.readings.llvm.target import TARGETS, Target, host

Array = NDArray[Any]
Emit = Callable[..., Value]

llvm.initialize_all_targets()
llvm.initialize_all_asmprinters()


# what sets the mode that reads and writes denormals as 0, what sets the old mode again
FLUSH = {
    "x86_64": (
        "  %old = alloca i32\n  %new = alloca i32\n"
        "  call void @llvm.x86.sse.stmxcsr(ptr %old)\n"
        "  %mode = load i32, ptr %old\n  %flush = or i32 %mode, 32832\n"
        "  store i32 %flush, ptr %new\n  call void @llvm.x86.sse.ldmxcsr(ptr %new)",
        "  call void @llvm.x86.sse.ldmxcsr(ptr %old)",
        "declare void @llvm.x86.sse.stmxcsr(ptr)\ndeclare void @llvm.x86.sse.ldmxcsr(ptr)",
    ),
    "aarch64": (
        "  %old = call i64 @llvm.aarch64.get.fpcr()\n  %new = or i64 %old, 16777216\n"
        "  call void @llvm.aarch64.set.fpcr(i64 %new)",
        "  call void @llvm.aarch64.set.fpcr(i64 %old)",
        "declare i64 @llvm.aarch64.get.fpcr()\ndeclare void @llvm.aarch64.set.fpcr(i64)",
    ),
}


def program(
    emit: Emit, dtype: str, lanes: int, arity: int, target: Target, flush: bool = False
) -> str:
    """A function apply(ptr x arity, ptr out, i64 n) that runs over n numbers, `lanes` at a time."""
    architecture = target.triple.split("-")[0].replace("arm64", "aarch64")
    before, after, declared = FLUSH[architecture] if flush else ("", "", "")
    function = Function("apply", target)
    s, kind = Scope(function), SCALARS[dtype]
    place = Value("%place", "i64")
    arguments = [
        s.load(s.offset(Value(f"%in{i}", "ptr"), place, kind), kind, lanes) for i in range(arity)
    ]
    s.store(emit(s, *arguments), s.offset(Value("%out", "ptr"), place, kind))
    given = ", ".join(f"ptr %in{i}" for i in range(arity))
    return "\n".join(
        [
            f'target triple = "{target.triple}"',
            *sorted(function.intrinsics),
            declared,
            f"define void @apply({given}, ptr %out, i64 %n) {{",
            "entry:",
            before,
            "  br label %loop",
            "loop:",
            "  %place = phi i64 [ 0, %entry ], [ %next, %loop ]",
            *s.flatten(),
            f"  %next = add i64 %place, {lanes or 1}",
            "  %more = icmp slt i64 %next, %n",
            "  br i1 %more, label %loop, label %done",
            "done:",
            after,
            "  ret void",
            "}",
        ]
    )


def machine(target: Target) -> llvm.TargetMachine:
    """LLVM's code generator for a target."""
    made = llvm.Target.from_triple(target.triple)
    return made.create_target_machine(cpu=target.cpu, features=target.features, opt=3)


def outside_calls(text: str, target: Target) -> list[str]:
    """Calls and jumps to symbols in the assembly of a program."""
    assembly = machine(target).emit_assembly(llvm.parse_assembly(text))
    return re.findall(r"^\s+(?:callq?|jmpq?|bl|b)\s+(?!\.L)\S+", assembly, re.MULTILINE)


def runnable() -> dict[str, Target]:
    """The targets whose code this machine can run, the machine's own under `host`."""
    found, features = {"host": host()}, llvm.get_host_cpu_features()
    needs = {"x86-64": "sse2", "avx2": "avx2", "avx512": "avx512vl", "aarch64": "neon"}
    for name, target in TARGETS.items():
        same = target.triple.split("-")[0] == host().triple.split("-")[0]
        if same and features.get(needs[name]):
            found[name] = target
    return found


class Compiled:
    """A NumPy function of one or two arrays; the engine lives as long as it does."""

    def __init__(
        self,
        emit: Emit,
        dtype: str,
        lanes: int,
        target: Target,
        arity: int = 1,
        flush: bool = False,
    ) -> None:
        module = llvm.parse_assembly(program(emit, dtype, lanes, arity, target, flush))
        module.verify()
        self.engine = llvm.create_mcjit_compiler(module, machine(target))
        self.engine.finalize_object()
        address = self.engine.get_function_address("apply")
        pointers = [ctypes.c_void_p] * (arity + 1)
        self.function = ctypes.CFUNCTYPE(None, *pointers, ctypes.c_int64)(address)
        self.dtype, self.lanes = dtype, lanes or 1

    def __call__(self, *arguments: Array) -> Array:
        count = len(arguments[0])
        padded = -(-count // self.lanes) * self.lanes
        given = [np.ones(padded, self.dtype) for _ in arguments]
        for place, x in zip(given, arguments, strict=True):
            place[:count] = x
        out = np.full(padded, 77, self.dtype)
        self.function(*[x.ctypes.data for x in (*given, out)], padded)
        return out[:count]

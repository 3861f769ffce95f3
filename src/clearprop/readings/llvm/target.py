"""The machine that code is made for: vector width, registers, FMA, masked loads, in one place.

Everything the emitters ask of the hardware they ask here. The named targets let any machine compile
(not run) every kernel for the others.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["TARGETS", "Target", "host"]

_BITS = {"float32": 32, "float64": 64, "int32": 32, "uint32": 32, "int64": 64, "bool": 8}


@dataclass(frozen=True)
class Target:
    """A processor as the emitters see it.

    `vector` is the vector width in bytes, `registers` how many vector registers there are, `fma`
    whether multiply-add is one instruction (else it is two: the fma intrinsic would be a library
    call), `masked` whether masked loads and stores are instructions.
    """

    triple: str
    cpu: str
    features: str
    vector: int
    registers: int
    fma: bool
    masked: bool
    caches: Mapping[str, int] = field(default_factory=dict, hash=False, compare=False)

    def lanes(self, dtype: str) -> int:
        """How many numbers of a dtype one vector holds."""
        return self.vector * 8 // _BITS[dtype]


TARGETS: Mapping[str, Target] = {
    "x86-64": Target("x86_64-unknown-linux-gnu", "x86-64", "", 16, 16, False, False),
    "avx2": Target("x86_64-unknown-linux-gnu", "haswell", "", 32, 16, True, True),
    "avx512": Target("x86_64-unknown-linux-gnu", "skylake-avx512", "", 64, 32, True, True),
    "aarch64": Target("aarch64-unknown-linux-gnu", "generic", "+neon", 16, 32, True, False),
}


@functools.cache
def host() -> Target:
    """The machine this process runs on, by LLVM's name and feature list."""
    import llvmlite.binding as llvm

    triple = llvm.get_process_triple()
    cpu, found = llvm.get_host_cpu_name(), llvm.get_host_cpu_features()
    features = ",".join(f"{'+' if on else '-'}{name}" for name, on in sorted(found.items()))
    if triple.startswith(("aarch64", "arm64")):
        return Target(triple, cpu, features, 16, 32, fma=True, masked=False)
    fma = bool(found.get("fma"))
    if found.get("avx512f") and found.get("avx512vl") and found.get("avx512dq") and fma:
        # without this LLVM splits 64-byte vectors in two on most Intel processors
        return Target(triple, cpu, features + ",-prefer-256-bit", 64, 32, fma=True, masked=True)
    if found.get("avx2"):
        return Target(triple, cpu, features, 32, 16, fma=fma, masked=True)
    return Target(triple, cpu, features, 16, 16, fma=fma, masked=False)

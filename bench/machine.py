"""What the run is made on, and how much of it others had meanwhile."""

import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clearprop.readings.llvm.schedule import available
from clearprop.readings.llvm.target import host

__all__ = ["Load", "describe"]

_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")


def _lines(path: str, key: str) -> Iterator[str]:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError:
        return
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            yield value.strip()


def _caches() -> str:
    """``L1d 48K, L2 2048K, L3 ...`` of the first core, as the kernel says."""
    out = []
    for place in sorted(_CACHES.glob("index*")):
        level, kind, size = ((place / n).read_text().strip() for n in ("level", "type", "size"))
        if kind != "Instruction":
            out.append(f"L{level}{'d' if kind == 'Data' else ''} {size}")
    return ", ".join(out)


def describe() -> dict[str, Any]:
    """Processor, cores, vectors, caches, memory, system: what a reader needs to compare."""
    target = host()
    memory = next(_lines("/proc/meminfo", "MemTotal"), "")
    return {
        "processor": next(_lines("/proc/cpuinfo", "model name"), platform.processor()),
        "llvm_cpu": target.cpu,
        "cores": available(),
        "vector_bits": 8 * target.vector,
        "vector_registers": target.registers,
        "fma": target.fma,
        "caches": _caches(),
        "memory": memory,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
    }


class Load:
    """What share of the cores other processes took, between two looks (Linux only)."""

    def __init__(self) -> None:
        self.before = self._look()

    @staticmethod
    def _look() -> tuple[float, float, float] | None:
        """Seconds since the machine's start: busy, all, and this run's own; summed over cores."""
        try:
            first = Path("/proc/stat").read_text(encoding="utf-8").splitlines()[0]
        except OSError:
            return None
        ticks = [int(x) / os.sysconf("SC_CLK_TCK") for x in first.split()[1:9]]
        used = os.times()
        own = used.user + used.system + used.children_user + used.children_system
        return sum(ticks) - ticks[3] - ticks[4], sum(ticks), own

    def others(self) -> float | None:
        """The share of all cores' time that was spent elsewhere; children count once ended."""
        now = self._look()
        if now is None or self.before is None:
            return None
        busy, total, own = (b - a for a, b in zip(self.before, now, strict=True))
        return max(0.0, busy - own) / max(total, 1e-9)

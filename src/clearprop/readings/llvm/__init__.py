"""Machine code through LLVM: the only engine of training. See README.md in this folder."""

from clearprop.readings.llvm.function import compile_function
from clearprop.readings.llvm.program import Loop, compile_loop

__all__ = ["Loop", "compile_function", "compile_loop"]

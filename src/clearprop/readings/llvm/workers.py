"""Worker threads of this process: asleep in Python between calls, in machine code during one.

A call gives the same job to each worker with its number; the caller is number 0. Workers are
daemons, started when first needed and anew in a forked child.
"""

import os
import queue
import threading
from collections.abc import Callable

__all__ = ["together"]

Job = tuple[Callable[[int], int], int, "queue.SimpleQueue[int]"]

_WORKERS: "list[queue.SimpleQueue[Job]]" = []
_OWNER = [os.getpid()]
_LOCK = threading.Lock()


def _work(jobs: "queue.SimpleQueue[Job]") -> None:
    while True:
        call, number, done = jobs.get()
        done.put(call(number))


def _workers(count: int) -> "list[queue.SimpleQueue[Job]]":
    if _OWNER[0] != os.getpid():
        _WORKERS.clear()
        _OWNER[0] = os.getpid()
    while len(_WORKERS) < count:
        jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        name = f"clearprop-{len(_WORKERS) + 1}"
        threading.Thread(target=_work, args=(jobs,), name=name, daemon=True).start()
        _WORKERS.append(jobs)
    return _WORKERS[:count]


def together(call: Callable[[int], int], team: int) -> int:
    """call(0) here and call(1), call(2) ... in workers, all at once; the result of call(0).

    One team at a time: two callers that shared a worker would wait for each other.
    """
    if team == 1:
        return call(0)
    with _LOCK:
        done: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number, jobs in enumerate(_workers(team - 1), start=1):
            jobs.put((call, number, done))
        result = call(0)
        for _ in range(team - 1):
            done.get()
        return result

"""ENGINE.md 8 and 18: what is found again is what would have been made, or is not found."""

import dataclasses
import errno
import gc
import hashlib
import json
import os
import subprocess
import sys
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clearprop.nn.layers import BatchNorm, Dense, Dropout
from clearprop.nodes import ROWS, Graph, Node, build
from clearprop.readings.llvm import cache, code, compile_loop, kernel, program, record
from clearprop.readings.llvm.cache import CACHE, Kept
from clearprop.readings.llvm.code import STORE, Store
from clearprop.readings.llvm.kernel import KernelCode
from clearprop.readings.llvm.program import Loop
from clearprop.readings.llvm.roles import Roles
from clearprop.readings.llvm.target import TARGETS, Target, host
from tests.readings.llvm import loops
from tests.readings.llvm.kernels import functions, step, training

KEY = "0" * 64
KEPT = Kept([{"number": 3}], bytes(range(256)) * 40)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "kept"
    monkeypatch.setenv(CACHE, str(place))
    STORE.clear()
    return place


def files(place: Path) -> list[Path]:
    return sorted(place.iterdir()) if place.exists() else []


# --- the key -----------------------------------------------------------------------------------


def graph(
    name: str = "x", count: int = 3, dtype: str = "float32", scale: float = 0.0
) -> tuple[Graph, Node, Node]:
    x, w = build.input(name, (ROWS, count), dtype), build.input("w", (count,), dtype)
    y = build.sum(x * w + scale)
    return Graph((x, w), (y, w - y)), x, w


def made(target: Target | None = None, **options: Any) -> Loop:
    found, x, w = graph(**options)
    roles = Roles(found, {w: found.outputs[1]}, (x,), logged=(found.outputs[0],))
    return Loop(roles, target or host())


def test_the_key_is_known_before_any_text() -> None:
    loop = made()
    assert len(loop.key) == 64
    assert "codes" not in vars(loop)


def test_names_and_origins_are_not_in_the_key() -> None:
    found, x, w = graph("other")
    told = Graph(found.inputs, found.outputs, {w: "weight"}, {w: "layer 0"})
    roles = Roles(told, {w: told.outputs[1]}, (x,), logged=(told.outputs[0],))
    assert Loop(roles, host()).key == made().key


@pytest.mark.parametrize(
    "options",
    [{"count": 4}, {"dtype": "float64"}, {"scale": 1.0}, {"scale": -0.0}, {"scale": float("nan")}],
)
def test_the_graph_is_in_the_key(options: dict[str, Any]) -> None:
    assert made(**options).key != made().key


def test_the_roles_are_in_the_key() -> None:
    a, b = (build.input(name, (), "float32") for name in "ab")
    k = build.input("k", (), "uint32")
    x = build.input("x", (ROWS,), "float32")
    c, d, e = a + b, a - b, x * a + build.cast(k, "float32")
    here = Graph((a, b, k, x), (c, d, e))
    base: dict[str, Any] = {"streamed": (x,)}
    roles = [
        base,
        base | {"carried": {a: c}},
        base | {"carried": {b: c}},
        base | {"carried": {a: d}},
        base | {"counter": k},
        base | {"logged": (c,)},
        base | {"logged": (c, d)},
        base | {"logged": (d, c)},
        base | {"collected": (e,)},
        base | {"external": (c, d)},
        {"external": (c, d, e)},
    ]
    keys = [Loop(Roles(here, **each), host()).key for each in roles]
    keys.append(Loop(Roles(Graph((b, a, k, x), (c, d, e)), **base), host()).key)
    assert len(set(keys)) == len(keys)


def test_each_field_of_the_target_is_in_the_key() -> None:
    target = TARGETS["avx2"]
    changed = [
        dataclasses.replace(target, **change)
        for change in (
            {"triple": "x86_64-pc-linux-gnu"},
            {"cpu": "znver3"},
            {"features": "+sse4a"},
            {"vector": 16},
            {"registers": 32},
            {"fma": False},
            {"masked": False},
            {"caches": {"L1": 32768}},
        )
    ]
    assert len(changed) == len(dataclasses.fields(Target))
    keys = [made(each).key for each in (target, *changed)]
    assert len(set(keys)) == len(keys)


def _other_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "_sources", lambda: "other")


def _other_llvm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "_versions", lambda: ("0.99", (99, 0, 0)))


def _other_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "BLOCK", 4)


@pytest.mark.parametrize("change", [_other_sources, _other_llvm, _other_number])
def test_the_engine_is_in_the_key(
    change: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = made().key
    change(monkeypatch)
    assert made().key != before


def test_the_plan_is_in_the_key() -> None:
    loop, other = made(), made()
    other.plan.kernels[0].silent ^= {other.roles.graph.outputs[0]}
    assert loop.key != other.key


def test_where_new_values_lie_is_in_the_key() -> None:
    loop, other = made(), made()
    assert other.in_place
    other.in_place.clear()
    assert loop.key != other.key


def test_every_source_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {path.name for path in record._files()}
    assert {"tile.py", "exponential.py", "ops.py", "shapes.py"} <= found
    source = tmp_path / "emitter.py"
    source.write_text("A = 1")
    monkeypatch.setattr(record, "_files", lambda: (source,))
    before = record._sources.__wrapped__()
    source.write_text("A = 2")
    assert record._sources.__wrapped__() != before


def test_every_process_finds_the_same_key() -> None:
    text = "from tests.readings.llvm.test_cache import made\nprint(made().key)"
    keys = {made().key}
    for seed in "12":
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", text]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        keys.add(ran.stdout.strip())
    assert len(keys) == 1


def test_sources_that_changed_after_the_import_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    look = record.sources_changed.__wrapped__
    source = tmp_path / "emitter.py"
    source.write_text("")
    monkeypatch.setattr(record, "_files", lambda: (source,))
    monkeypatch.setattr(record, "_IMPORTED", time.time() - 60)
    assert look()
    monkeypatch.setattr(record, "_IMPORTED", time.time() + 60)
    assert not look()
    monkeypatch.setattr(record, "_files", lambda: (tmp_path / "gone.py",))
    assert look()
    monkeypatch.setattr(record, "_files", lambda: ())
    assert look()
    monkeypatch.setattr(program, "sources_changed", lambda: True)
    made().code()
    assert files(folder) == []


# --- the record --------------------------------------------------------------------------------


def without_text(part: KernelCode) -> KernelCode:
    finish = None if part.finish is None else without_text(part.finish)
    return dataclasses.replace(part, body="", intrinsics=frozenset(), finish=finish)


def test_the_record_says_all_but_the_text() -> None:
    """Over the corpus and training steps."""
    found = [
        Roles(each, external=tuple(o for o in each.outputs if o.op != "input"))
        for each in functions().values()
    ]
    for layers in ([Dense(40, "relu"), Dense(3)], [Dense(9), BatchNorm(), Dropout(0.5), Dense(3)]):
        low = loops.of_step(step(layers)).roles()
        found.append(Roles(**{name: _fixed(each) for name, each in low.items()}))
    for roles in found:
        loop = Loop(roles, host())
        at = record.numbers(roles)
        told = json.loads(json.dumps(record.record(loop.codes, at)))
        assert record.parts(told, list(at)) == [without_text(each) for each in loop.codes]


def _fixed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


# --- files -------------------------------------------------------------------------------------


def test_what_is_written_is_read(folder: Path) -> None:
    assert cache.read(KEY) is None
    cache.write(KEY, KEPT)
    assert cache.read(KEY) == KEPT
    assert cache.read("1" * 64) is None
    if os.name == "posix":
        assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("length", [0, 5, 17, 40, 49, 57, 60, 90, 1000, 10000])
def test_a_torn_file_is_as_good_as_none(length: int, folder: Path) -> None:
    cache.write(KEY, KEPT)
    (path,) = files(folder)
    whole = path.read_bytes()
    assert len(whole) > 10000
    path.write_bytes(whole[:length])
    assert cache.read(KEY) is None
    cache.write(KEY, KEPT)
    assert cache.read(KEY) == KEPT


def test_one_wrong_bit_anywhere_is_noticed(folder: Path) -> None:
    cache.write(KEY, Kept(["a"], b"object"))
    (path,) = files(folder)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        assert cache.read(KEY) is None, place
    path.write_bytes(whole)
    assert cache.read(KEY) is not None


@pytest.mark.parametrize("payload", [b"", b"\0" * 8, (9).to_bytes(8, "little") + b'{"key":0}'])
def test_a_foreign_file_is_as_good_as_none(payload: bytes, folder: Path) -> None:
    cache.write(KEY, KEPT)
    (path,) = files(folder)
    path.write_bytes(b"\x7fELF" + bytes(300))
    assert cache.read(KEY) is None
    path.write_bytes(cache.MAGIC + hashlib.sha256(payload).digest() + payload)
    assert cache.read(KEY) is None


def test_a_file_under_another_key_is_as_good_as_none(folder: Path) -> None:
    cache.write(KEY, KEPT)
    (path,) = files(folder)
    path.rename(path.with_name(path.name.replace(KEY, "1" * 64)))
    assert cache.read("1" * 64) is None


WRITERS = """
import sys
from clearprop.readings.llvm.cache import Kept, read, write
mark = int(sys.argv[1])
seen = 0
print("ready", flush=True)
sys.stdin.readline()
for turn in range(60):
    for key in ("a" * 64, "b" * 64):
        write(key, Kept([mark, turn], bytes([mark]) * (10000 + 100 * turn)))
        found = read(key)
        assert found is not None
        mine, turn_of = found.metadata
        assert found.data == bytes([mine]) * (10000 + 100 * turn_of)
        seen += mine != mark
print(seen)
"""


def test_two_processes_may_write_at_once(folder: Path) -> None:
    command = [sys.executable, "-c", WRITERS]
    pipe = subprocess.PIPE
    ran = [
        subprocess.Popen([*command, str(mark)], stdin=pipe, stdout=pipe, text=True)
        for mark in (1, 2)
    ]
    for each in ran:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in ran:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    outputs = [each.communicate()[0] for each in ran]
    assert [each.returncode for each in ran] == [0, 0]
    assert sum(map(int, outputs)) > 0  # they did meet
    assert [path.suffix for path in files(folder)] == [".loop", ".loop"]


def test_what_was_used_longest_ago_goes_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [str(n) * 64 for n in range(4)]
    for age, key in enumerate(reversed(keys[:3]), start=1):
        cache.write(key, KEPT)
        path = folder / f"{key}.loop"
        os.utime(path, (time.time() - 1000 * age,) * 2)
    size = path.stat().st_size
    assert cache.read(keys[0]) is not None  # the oldest is used again
    monkeypatch.setattr(cache, "LIMIT", 3 * size)
    cache.write(keys[3], KEPT)
    assert [key for key in keys if cache.read(key)] == [keys[0], keys[2], keys[3]]


def test_what_was_never_finished_is_removed(folder: Path) -> None:
    cache.write(KEY, KEPT)
    old, new = folder / "old.part", folder / "new.part"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 4000,) * 2)
    cache.write(KEY, KEPT)
    assert [path.name for path in files(folder)] == [f"{KEY}.loop", "new.part"]


# --- the folder --------------------------------------------------------------------------------


def test_the_folder_is_named_or_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE, "/some/where")
    assert cache.folder() == Path("/some/where")
    monkeypatch.delenv(CACHE)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert cache.folder() == Path("/caches/clearprop")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert cache.folder() == Path("/home/someone/.cache/clearprop")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache.folder() == Path("/home/someone/Library/Caches/clearprop")


def _closed(place: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    place.mkdir()
    place.chmod(0o770)
    return "may be written to by others"


def _open_to_all(place: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    place.mkdir()
    place.chmod(0o707)
    return "may be written to by others"


def _of_another(place: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    place.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: place.stat().st_uid + 1)
    return "belongs to another user"


def _no_folder(place: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    place.write_text("a file")
    return str(place)


def _below_a_file(place: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    place.write_text("a file")
    monkeypatch.setenv(CACHE, str(place / "kept"))
    return "Not a directory"


def _off(place: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(CACHE, "")
    return "turns the cache off"


def _zero(place: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(CACHE, "0")
    return "turns the cache off"


@pytest.mark.skipif(os.name != "posix", reason="owners and modes are those of POSIX")
@pytest.mark.parametrize(
    "prepare", [_closed, _open_to_all, _of_another, _no_folder, _below_a_file, _off, _zero]
)
def test_without_a_folder_that_is_ours_nothing_is_kept(
    prepare: Callable[[Path, pytest.MonkeyPatch], str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reason = prepare(folder, monkeypatch)
    assert reason in (cache.why_off() or "")
    monkeypatch.chdir(folder.parent)
    before = sorted(folder.parent.rglob("*"))
    cache.write(KEY, KEPT)
    assert cache.read(KEY) is None
    assert trained(made()) == trained(made())
    assert sorted(folder.parent.rglob("*")) == before


def test_what_another_put_into_an_open_folder_is_not_read(folder: Path) -> None:
    cache.write(KEY, KEPT)
    folder.chmod(0o777)
    assert cache.read(KEY) is None
    folder.chmod(0o700)
    assert cache.read(KEY) == KEPT


@pytest.mark.parametrize("call", ["fsync", "replace", "scandir", "fdopen"])
def test_no_error_of_the_disk_stops_training(
    call: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = trained(made())
    STORE.clear()
    for path in files(folder):
        path.unlink()

    def fails(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, fails)
    assert trained(made()) == expected
    monkeypatch.undo()
    assert [path for path in folder.iterdir() if path.suffix == ".part"] == []


# --- code that is found again ------------------------------------------------------------------


def trained(loop: Loop) -> bytes:
    """The bits that some steps leave."""
    x = np.linspace(-1, 1, 21, dtype=np.float32).reshape(7, 3)
    w, log = np.ones(3, np.float32), np.zeros((3, 1))
    (name,) = (here["name"] for here in loop.roles.carried)
    loop.run({name: w}, [x], rows=7, batch=3, steps=3, log=log)
    return w.tobytes() + log.tobytes()


def no_text(*_: Any) -> KernelCode:
    raise AssertionError("text was written")


NETWORKS: dict[str, list[Any]] = {
    "dense": [Dense(40, "relu"), Dense(3)],
    "norms": [Dense(33, "tanh"), BatchNorm(), Dropout(0.2), Dense(3)],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_code_from_disk_gives_the_bits_of_fresh_code(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    low = step(NETWORKS[name])
    setup = loops.of_step(low)
    values, data = loops.sample(setup, 50, low.scalars)
    options: dict[str, Any] = {"rows": 50, "batch": 16, "steps": 4}
    monkeypatch.setenv(CACHE, "0")
    fresh = loops.run(compile_loop(**setup.roles()), setup, values, data, **options)
    STORE.clear()
    monkeypatch.setenv(CACHE, str(folder))
    compile_loop(**setup.roles()).code()
    assert len(files(folder)) == 1
    STORE.clear()
    monkeypatch.setattr(program, "write_kernel", no_text)
    monkeypatch.setattr(program, "compile_object", no_text)
    found = loops.run(compile_loop(**setup.roles()), setup, values, data, **options)
    assert found.bytes() == fresh.bytes()


def test_another_process_finds_the_code(folder: Path) -> None:
    expected = trained(made())
    text = (
        "from clearprop.readings.llvm import program\n"
        "from tests.readings.llvm.test_cache import made, no_text, trained\n"
        "program.write_kernel = no_text\n"
        "print(trained(made(name='renamed')).hex())"
    )
    command = [sys.executable, "-c", text]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert bytes.fromhex(ran.stdout) == expected


def test_a_bad_file_is_written_anew(folder: Path) -> None:
    expected = trained(made())
    (path,) = files(folder)
    whole = path.read_bytes()
    for bad in (whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1]), b"", b"foreign"):
        path.write_bytes(bad)
        STORE.clear()
        assert trained(made()) == expected
        assert len(path.read_bytes()) == len(whole)
        assert cache.read(path.stem) is not None


def test_the_text_can_be_read_when_code_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    trained(made())
    loop = made()
    trained(loop)
    assert "codes" not in vars(loop)
    assert "define i64 @run" in loop.text
    assert [without_text(each) for each in loop.codes] == loop.parts


def test_no_two_engines_of_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE, "0")
    loop = made()
    trained(loop)
    monkeypatch.setattr(program, "write_kernel", no_text)
    assert made(name="z").code() is loop.code()
    assert trained(made(name="z")) == trained(loop)


def test_code_lives_as_long_as_a_loop_holds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "KEEP", 1)
    store, loop = Store(), made()
    monkeypatch.setattr(program, "STORE", store)
    expected = trained(loop)
    other = made(count=4)
    gone = weakref.ref(other.code())
    assert made().code() is loop.code()  # pushed out, but held
    del other
    gc.collect()
    assert gone() is None
    assert trained(loop) == expected


def test_what_others_compile_in_this_process_is_as_before() -> None:
    llvm, target = code._llvm(), TARGETS["avx2"]
    text = training(step(NETWORKS["dense"]), target).text
    machine = code._machine(target)

    def theirs() -> bytes:
        return bytes(machine.emit_object(llvm.parse_assembly(text)))

    before = theirs()
    ours = code.compile_object(text, target)
    assert ours != before  # addresses in loops are left as they are written
    assert theirs() == before
    assert code.compile_object(text, target) == ours

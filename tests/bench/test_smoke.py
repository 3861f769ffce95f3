"""The benchmark runs, on tiny slices and without peers; no time is judged."""

import dataclasses
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import __main__ as command
from bench import peak, products, targets
from bench.workloads import WORKLOADS, Workload

BENCH = Path(peak.__file__).parent
SMALL = dataclasses.replace(WORKLOADS["W2"], sizes=(5, 7, 3), batch=4, rows=8)


def last_line(script: str, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, str(BENCH / "workers" / script), *arguments],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stderr.splitlines()[-1])


def test_one_command_measures_steps_and_writes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEARPROP_CACHE", str(tmp_path))
    file = tmp_path / "out.json"
    options = "control --peers clearprop --only steps --rounds 1 --seconds 0.001 --json"
    command.main([*options.split(), str(file)])
    found = json.loads(file.read_text())
    (row,) = found["steps"]
    assert (row["workload"], row["peer"], row["missing"]) == ("control", "clearprop", None)
    assert row["threads"] >= 1
    assert len(row["slices"]) == len(row["peak_gigaflops"]) == 1
    assert row["gigaflops"] == pytest.approx(432128 / row["seconds_a_step"] / 1e9)
    assert found["machine"]["vector_bits"] >= 128


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["W99"])
    assert "unknown workload 'W99'" in capsys.readouterr().err


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("threads", [1, 2])
def test_the_peak_is_a_number(dtype: str, threads: int) -> None:
    assert 0.01 < peak.gigaflops(dtype, threads, seconds=1e-4) < 1e6


def test_a_step_has_two_products_for_the_first_layer_and_three_for_each_other() -> None:
    assert SMALL.operations == 2 * 4 * (2 * 5 * 7 + 3 * 7 * 3)
    assert sum(p.operations for p in products.shapes(SMALL)) == SMALL.operations


def test_products_are_multiplied_as_numpy_does_in_all_three_forms() -> None:
    found = products.measure([SMALL], [1], rounds=1, seconds=1e-5)
    assert {m.product.kind for m in found} == {"NN", "TN", "NT"}
    assert all(statistics.median(m.shares) > 0 for m in found)


def test_stages_before_a_step_are_measured_apart() -> None:
    found = last_line("stages.py", "stages", json.dumps(SMALL.message()))
    assert all(found[name] > 0 for name in ("import", "graph", "derivative", "laws", "compile"))


def test_the_clocks_of_a_profile_leave_nothing_out() -> None:
    found = last_line("kernels.py", json.dumps(SMALL.message()))
    assert sum(line[1] for line in found["lines"]) == pytest.approx(found["step"])
    products_found = [line for line in found["lines"] if line[2]]
    assert len(products_found) == 5


def test_our_program_learns_the_digits(tmp_path: Path) -> None:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    np.savez(tmp_path / "d.npz", X=(X / 16).astype("float32"), y=y.astype("int32"))
    done = subprocess.run(
        [sys.executable, str(BENCH / "programs" / "ours.py"), "d.npz", "m.safetensors"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert float(done.stdout) > 0.9
    assert (tmp_path / "m.safetensors").stat().st_size > 4 * (64 * 100 + 100 * 10)


@pytest.mark.parametrize(
    ("found", "least", "met"), [(2.0, True, True), (0.5, True, False), (0.5, False, True)]
)
def test_a_target_is_met_on_its_own_side(found: float, least: bool, met: bool) -> None:
    assert targets.Target("x", 1.0, found, least).met is met


def test_every_workload_has_whole_batches() -> None:
    def left(workload: Workload) -> int:
        return workload.rows % workload.batch

    assert all(left(w) == 0 for w in WORKLOADS.values())

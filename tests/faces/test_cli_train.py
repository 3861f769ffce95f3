"""clearprop train: what it prints, what it writes, what its options do."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clearprop.faces.cli.recipe import recipe
from clearprop.optim import OPTIMIZERS, CosineDecay
from clearprop.readings.source import compile_source
from clearprop.train.files import load_model
from clearprop.train.model import Sequential
from clearprop.train.prepare import problem
from clearprop.transform.simplify import simplify
from tests.faces.conftest import Run

TABLE = "length,colour,kind\n" + "".join(
    f"{i % 7}.5,{'red' if i % 2 else 'blue'},{'big' if i % 2 else 'small'}\n" for i in range(40)
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with one table."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(TABLE)
    return tmp_path


def test_a_table_of_metrics_is_printed_and_a_model_file_written(run: Run, here: Path) -> None:
    ran = run("train", "t.csv", "--epochs", 20)
    assert ran.code == 0
    header, train, validation = ran.out.splitlines()
    assert header.split() == ["rows", "loss", "accuracy"]
    assert train.split()[:2] == ["train", "32"]
    assert validation.split()[:2] == ["validation", "8"]
    assert validation.split()[-1] == "1"
    assert ran.err == (
        "t.csv: 40 rows, 3 features, 2 classes (kind)\nmodel written to t.safetensors\n"
    )
    assert load_model("t.safetensors").labels == ("big", "small")


def test_json_is_one_object_and_quiet_says_nothing(run: Run, here: Path) -> None:
    ran = run("train", "t.csv", "--json", "--quiet", "--epochs", 3, "-o", "m.safetensors")
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    assert list(found) == ["model", "task", "epochs", "seconds", "metrics"]
    assert found["model"] == "m.safetensors"
    assert (found["task"], found["epochs"]) == ("classification", 3)
    assert found["seconds"] > 0
    for part in ("train", "validation"):
        assert set(found["metrics"][part]) == {"loss", "accuracy"}


def test_regression_has_r2_and_rmse_in_the_targets_units(run: Run, here: Path) -> None:
    x = np.linspace(-1, 1, 80)
    lines = "".join(f"{v},{1000 + 50 * v}\n" for v in x)
    (here / "line.csv").write_text("x,price\n" + lines)
    ran = run("train", "line.csv", "--json", "--layers", "none", "--weight-decay", 0)
    metrics = json.loads(ran.out)["metrics"]["validation"]
    assert set(metrics) == {"loss", "r2", "rmse"}
    assert metrics["r2"] > 0.999
    scale = np.std(1000 + 50 * x)
    assert metrics["rmse"] == pytest.approx(scale * metrics["loss"] ** 0.5, rel=0.05)


def test_validation_may_be_a_file(run: Run, here: Path) -> None:
    (here / "v.csv").write_text(TABLE.replace("kind", "Kind"))
    ran = run("train", "t.csv", "--validation", "v.csv", "--epochs", 2)
    assert ran.code == 2
    assert "v.csv has no target column 'kind': did you mean 'Kind'?" in ran.err
    (here / "v.csv").write_text("\n".join(TABLE.splitlines()[:11]))
    ran = run("train", "t.csv", "--validation", "v.csv", "--epochs", 2)
    assert [line.split()[:2] for line in ran.out.splitlines()[1:]] == [
        ["train", "40"],
        ["validation", "10"],
    ]


def test_validation_may_be_a_fraction(run: Run, here: Path) -> None:
    ran = run("train", "t.csv", "--validation", "0.5", "--epochs", 2)
    assert [line.split()[:2] for line in ran.out.splitlines()[1:]] == [
        ["train", "20"],
        ["validation", "20"],
    ]


def test_without_rows_held_out_there_is_no_validation(run: Run, here: Path) -> None:
    options = ("train", "t.csv", "--validation", "0", "--epochs", 2)
    ran = run(*options)
    assert [line.split()[:2] for line in ran.out.splitlines()[1:]] == [["train", "40"]]
    assert json.loads(run(*options, "--json").out)["metrics"]["validation"] is None


@pytest.mark.parametrize(
    ("loss", "share"),
    [("cross_entropy", None), ("cross_entropy", 0), ("binary_cross_entropy", 0.2)],
)
def test_label_smoothing_is_in_the_file_and_in_the_step_that_is_shown(
    run: Run, here: Path, loss: str, share: float | None
) -> None:
    given = [] if share is None else ["--label-smoothing", share]
    assert run("train", "t.csv", "--epochs", 2, "--loss", loss, *given).code == 0
    expected = 0.03 if share is None else share
    config = {"type": loss, "label_smoothing": expected} if expected else loss
    model = load_model("t.safetensors")
    assert model.loss.config() == config
    assert ("loss_label_smoothing" in run("source", "t.safetensors").out) == bool(expected)
    assert model.training_step().scalars.get("loss.label_smoothing", 0) == expected


def test_the_step_that_source_shows_is_the_one_that_ran(run: Run, here: Path) -> None:
    """One step of plain SGD over all rows, from weights that only the seed decides."""
    options = ("--validation", 0, "--optimizer", "sgd", "--epochs", 1, "--batch-size", 40)
    assert run("train", "t.csv", *options).code == 0
    model = load_model("t.safetensors")
    data = problem("t.csv")
    X, y = model.prepare(data.table), model.preparation.targets(data.table)
    fresh = Sequential(model.layers, loss=model.loss, optimizer=model.optimizer, seed=0)
    fresh.build(X.shape[1])
    step = fresh.training_step()
    function = compile_source(simplify(step.graph))
    state: dict[str, Any] = {}
    state |= fresh.weights | {"x": X, "y": y, "row_weights": np.ones(40, np.float32)}
    names = {here["name"] for here in step.graph.inputs}
    state |= {n: np.array(v, np.float32) for n, v in step.scalars.items() if n in names}
    state |= {f"optimizer.velocity.{n}": np.zeros_like(w) for n, w in fresh.weights.items()}
    state["step"] = np.uint32(0)
    out = function(*(state[here["name"]] for here in step.graph.inputs))
    for old, new in step.carried.items():
        if old["name"] in fresh.weights:
            found = out[step.graph.outputs.index(new)]
            np.testing.assert_allclose(found, model.weights[old["name"]], rtol=1e-5, atol=1e-6)


def test_the_loss_that_is_reported_is_cross_entropy_of_the_labels_as_they_are(
    run: Run, here: Path
) -> None:
    ran = run("train", "t.csv", "--epochs", 5, "--label-smoothing", 0.5, "--json")
    found = json.loads(run("evaluate", "t.safetensors", "t.csv", "--json").out)["loss"]
    rows = csv.DictReader(run("predict", "t.safetensors", "t.csv").out.splitlines())
    kinds = [line.split(",")[2] for line in TABLE.splitlines()[1:]]
    right = [float(row[f"probability_{k}"]) for row, k in zip(rows, kinds, strict=True)]
    assert found == pytest.approx(-np.mean(np.log(right)), rel=1e-5)
    parts = json.loads(ran.out)["metrics"]
    mean = 0.8 * parts["train"]["loss"] + 0.2 * parts["validation"]["loss"]
    assert found == pytest.approx(mean, rel=1e-5)


def test_one_feature_is_one(run: Run, here: Path) -> None:
    (here / "one.csv").write_text("x,y\n" + "".join(f"{i}.5,{'ab'[i % 2]}\n" for i in range(20)))
    assert "one.csv: 20 rows, 1 feature, 2 classes (y)" in run("train", "one.csv").err


def test_the_four_rows_of_xor_are_learned(run: Run, here: Path) -> None:
    ran = run("train", "xor", "--json")
    assert json.loads(ran.out)["metrics"]["train"]["accuracy"] == 1
    assert json.loads(ran.out)["metrics"]["validation"] is None
    assert "4 rows are too few to hold any out" in ran.err


@pytest.mark.parametrize("name", ["moons", "spirals"])
def test_what_no_line_parts_is_learned(run: Run, here: Path, name: str) -> None:
    ran = run("train", name, "--json")
    assert json.loads(ran.out)["metrics"]["validation"]["accuracy"] > 0.95


def test_patience_keeps_the_best_weights(run: Run, here: Path) -> None:
    noise = np.random.default_rng(0).random((60, 5))
    rows = "".join(",".join(map(str, row)) + f",{i % 2}\n" for i, row in enumerate(noise))
    (here / "noise.csv").write_text("a,b,c,d,e,y\n" + rows)
    options = ("noise.csv", "--json", "--weight-decay", 0, "--epochs", 200)
    long = json.loads(run("train", *options).out)
    short = json.loads(run("train", *options, "--patience", 5).out)
    assert long["epochs"] == 200
    assert short["epochs"] < 100
    assert short["metrics"]["validation"]["loss"] < long["metrics"]["validation"]["loss"]


def test_options_come_from_a_file_and_the_command_line_wins(run: Run, here: Path) -> None:
    (here / "c.toml").write_text(
        'layers = [5, 4]\nactivation = "tanh"\nepochs = 3\nbatch-size = 7\njson = true\n'
        'learning_rate = 0.5\noutput = "from-file.safetensors"\n'
    )
    ran = run("train", "t.csv", "--config", "c.toml", "--epochs", 4)
    assert (ran.code, json.loads(ran.out)["epochs"]) == (0, 4)
    model = load_model("from-file.safetensors")
    configs = [layer.config() for layer in model.layers]
    assert configs == [
        {"units": 5, "activation": "tanh"},
        {"units": 4, "activation": "tanh"},
        {"units": 2},
    ]
    rate = getattr(model.optimizer, "learning_rate", None)
    assert rate == CosineDecay(0.5, steps=4 * 5)  # 32 rows by 7 are 5 steps


def test_two_classes_may_have_one_output(run: Run, here: Path) -> None:
    ran = run("train", "t.csv", "--loss", "binary_cross_entropy", "--epochs", 40, "--json")
    assert json.loads(ran.out)["metrics"]["validation"]["accuracy"] == 1
    assert load_model("t.safetensors").weights["2.bias"].shape == (1,)
    ran = run("predict", "t.safetensors", "t.csv")
    first = ran.out.splitlines()[1].split(",")
    assert first[0] == "small"
    assert float(first[1]) + float(first[2]) == pytest.approx(1, abs=1e-6)
    assert float(first[2]) > 0.9


def test_the_same_seed_writes_the_same_file(run: Run, here: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        assert run("train", "t.csv", "--seed", seed, "--epochs", 2, "-o", name).code == 0
    assert (here / "a").read_bytes() == (here / "b").read_bytes()
    assert (here / "a").read_bytes() != (here / "c").read_bytes()


def test_held_out_rows_change_nothing_that_is_learned(run: Run, here: Path) -> None:
    """The weights and the preparation are those of training on the other rows alone."""
    lines = TABLE.splitlines()
    assert run("train", "t.csv", "--epochs", 2, "-o", "whole").code == 0
    whole = load_model("whole")
    changed = [lines[0], *lines[1:]]
    ran = run("train", "t.csv", "--epochs", 2, "--json", "-o", "again")
    held_out = json.loads(ran.out)["metrics"]["validation"]
    # far values in the rows that are held out: the same training rows, another validation loss
    from clearprop.train.prepare import split_rows

    given = problem("t.csv")
    classes = np.array([given.target.words()[i] == "small" for i in range(40)], dtype=int)
    for row in split_rows(40, 0.2, 0, classes)[1]:
        changed[row + 1] = "99.5" + changed[row + 1][3:]
    (here / "t.csv").write_text("\n".join(changed))
    ran = run("train", "t.csv", "--epochs", 2, "--json", "-o", "far")
    assert json.loads(ran.out)["metrics"]["validation"] != held_out
    for name, weight in load_model("far").weights.items():
        np.testing.assert_array_equal(weight, whole.weights[name])
    assert load_model("far").preparation.numbers.mean == whole.preparation.numbers.mean


# --- the recipe --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_has_a_recipe(name: str) -> None:
    made = recipe(100, "classification", optimizer=name)
    assert type(made.optimizer) is OPTIMIZERS[name]
    rate = getattr(made.optimizer, "learning_rate", None)
    assert isinstance(rate, CosineDecay)
    assert rate.steps == made.epochs * -(-100 // made.batch_size)


def test_the_penalty_falls_with_the_rows() -> None:
    small, large = (
        getattr(recipe(rows, "classification").optimizer, "weight_decay", None)
        for rows in (10_000, 20_000)
    )
    assert small is not None
    assert large == pytest.approx(small / 2**1.5)


@pytest.mark.parametrize("rows", [2, 10, 100, 1000, 100_000])
def test_a_batch_is_never_larger_than_the_table(rows: int) -> None:
    made = recipe(rows, "regression")
    assert 1 <= made.batch_size <= min(rows, 256)
    assert 20 <= made.epochs <= 300

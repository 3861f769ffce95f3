"""clearprop predict, evaluate and source: what a model file is good for."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import clearprop
from clearprop.train.prepare import read_table
from tests.accuracy import write_csv
from tests.faces.conftest import Run


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_a_prediction_and_a_probability_a_class_for_each_row(run: Run, iris_model: Path) -> None:
    ran = run("predict", iris_model, "iris")
    assert (ran.code, ran.err) == (0, "")
    found = rows(ran.out)
    labels = ["setosa", "versicolor", "virginica"]
    assert len(found) == 150
    assert list(found[0]) == ["prediction", *(f"probability_{n}" for n in labels)]
    model = clearprop.load(iris_model)
    expected = model.predict_proba(model.prepare("iris"))
    given = np.array([[float(row[f"probability_{n}"]) for n in labels] for row in found])
    np.testing.assert_allclose(given, expected, atol=1e-6)
    assert [row["prediction"] for row in found] == [labels[i] for i in given.argmax(axis=1)]
    truth = read_table("iris").column("target").words()
    assert np.mean([row["prediction"] for row in found] == truth) > 0.9


def test_predictions_go_to_a_file(run: Run, iris_model: Path, tmp_path: Path) -> None:
    ran = run("predict", iris_model, "iris", "-o", tmp_path / "p.csv")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == f"150 predictions written to {tmp_path / 'p.csv'}\n"
    assert (tmp_path / "p.csv").read_text() == run("predict", iris_model, "iris").out


def test_a_file_called_minus_is_standard_output(
    run: Run, iris_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run("predict", iris_model, "iris", "-o", "-")
    assert (ran.out, ran.err) == (run("predict", iris_model, "iris").out, "")
    assert list(tmp_path.iterdir()) == []


def test_one_prediction_is_one(run: Run, iris_model: Path, tmp_path: Path) -> None:
    write_csv(read_table("iris").take(np.arange(1)), tmp_path / "t.csv")
    ran = run("predict", iris_model, tmp_path / "t.csv", "-o", tmp_path / "p.csv")
    assert ran.err == f"1 prediction written to {tmp_path / 'p.csv'}\n"


def test_predictions_of_amounts_are_in_their_units(run: Run, diabetes_model: Path) -> None:
    found = rows(run("predict", diabetes_model, "diabetes").out)
    assert list(found[0]) == ["prediction"]
    given = np.array([float(row["prediction"]) for row in found])
    truth = read_table("diabetes").column("target").numbers()
    assert given.mean() == pytest.approx(truth.mean(), rel=0.1)
    error = np.sqrt(np.mean((given - truth) ** 2))
    measured = json.loads(run("evaluate", diabetes_model, "diabetes", "--json").out)
    assert set(measured) == {"loss", "r2", "rmse"}
    assert measured["rmse"] == pytest.approx(error, rel=1e-5)
    assert measured["r2"] == pytest.approx(1 - error**2 / truth.var(), rel=1e-5)


def test_predictions_as_json(run: Run, iris_model: Path) -> None:
    found = json.loads(run("predict", iris_model, "iris", "--json").out)
    assert len(found["prediction"]) == len(found["probability_setosa"]) == 150


def test_evaluation_counts_what_prediction_says(run: Run, iris_model: Path) -> None:
    measured = json.loads(run("evaluate", iris_model, "iris", "--json").out)
    assert set(measured) == {"loss", "accuracy"}
    said = [row["prediction"] for row in rows(run("predict", iris_model, "iris").out)]
    truth = read_table("iris").column("target").words().tolist()
    assert measured["accuracy"] == pytest.approx(np.mean(np.array(said) == np.array(truth)))
    header, numbers = run("evaluate", iris_model, "iris").out.splitlines()
    assert header.split() == ["loss", "accuracy"]
    assert float(numbers.split()[1]) == pytest.approx(measured["accuracy"], abs=1e-4)


def test_evaluation_finds_the_target_under_another_name(
    run: Run, iris_model: Path, tmp_path: Path
) -> None:
    write_csv(read_table("iris"), tmp_path / "t.csv")
    text = (tmp_path / "t.csv").read_text().replace(",target\n", ",species\n", 1)
    (tmp_path / "t.csv").write_text(text)
    assert run("evaluate", iris_model, tmp_path / "t.csv").code == 2
    named = run("evaluate", iris_model, tmp_path / "t.csv", "--target", "species")
    assert named.out == run("evaluate", iris_model, "iris").out


def test_source_is_numpy_that_compiles(run: Run, iris_model: Path) -> None:
    ran = run("source", iris_model)
    assert (ran.code, ran.err) == (0, "")
    assert "import numpy" in ran.out
    compile(ran.out, "step.py", "exec")


def bare(path: Path) -> Path:
    model = clearprop.Sequential([clearprop.Dense(3)], loss="cross_entropy")
    model.build((4,))
    model.save(path)
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "t.csv has 0 of the 4 features that the model was trained on; missing: se"),
        (
            "sepal length (cm),sepal width (cm),petal length (cm),petal w (cm)\n1,2,3,4\n",
            "trained on; missing: petal width (cm) (is it 'petal w (cm)'?). Columns: sepal len",
        ),
        (
            "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n1,2,3,x\n",
            "column 'petal width (cm)', row 1: 'x' is not a number",
        ),
        ("", "t.csv is empty"),
    ],
)
def test_tables_that_do_not_fit_the_model(
    run: Run, iris_model: Path, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "t.csv").write_text(text)
    ran = run("predict", iris_model, tmp_path / "t.csv")
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert ran.err.count("\n") == 1


def test_files_that_are_no_models(run: Run, iris_model: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(iris_model.read_bytes()[:-5])
    for path, message in (
        (tmp_path / "none", "no such file"),
        (tmp_path, f"{tmp_path} is a folder; expected a model file"),
        (cut, "is not a model file, or is cut off or damaged"),
        (bare(tmp_path / "bare"), "was saved from Python and does not say how a table becomes"),
    ):
        for command in ("predict", "evaluate"):
            ran = run(command, path, "iris")
            assert (ran.code, ran.out) == (2, "")
            assert message in ran.err
            assert ran.err.count("\n") == 1


def test_a_model_saved_from_python_has_a_source(run: Run, tmp_path: Path) -> None:
    assert run("source", bare(tmp_path / "bare")).code == 0

"""How well `clearprop train` does with its defaults, on rows that nothing of it has seen.

Each split: the training rows go to a CSV file, `clearprop train` is run on it as a user would (it
holds out a fifth of them once more), and the model file is measured on the other rows. Beside it
scikit-learn's MLP with hidden layers 64 and 32, on the same rows, standardised. `scripts/accuracy`
prints the table.
"""

import argparse
import csv
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.neural_network import MLPClassifier, MLPRegressor

from clearprop.faces.cli.measure import arrays, measure
from clearprop.faces.cli.screen import Screen
from clearprop.faces.cli.stored import load_prepared
from clearprop.faces.cli.training import Choices, run
from clearprop.train.prepare import Problem, Table, fit, problem


@dataclass(frozen=True)
class Goal:
    """A data set, how many splits, and what the mean over them must reach."""

    splits: int
    metric: str
    least: float


GOALS = {
    "iris": Goal(30, "accuracy", 0.945),
    "wine": Goal(30, "accuracy", 0.97),
    "breast_cancer": Goal(10, "accuracy", 0.97),
    "digits": Goal(10, "accuracy", 0.975),
    "diabetes": Goal(10, "r2", 0.44),
}


def splits(given: Problem, count: int, held_out: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Row numbers to train on and to measure on."""
    y = fit(given).targets(given.table)
    kind = StratifiedShuffleSplit if given.task == "classification" else ShuffleSplit
    return list(kind(count, test_size=held_out, random_state=0).split(np.zeros(given.rows), y))


def write_csv(table: Table, path: Path) -> None:
    """The table as a person would have it."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table.names)
        cells = []
        for column in table.columns:
            if column.kind == "number":
                cells.append([repr(float(v)) for v in column.numbers()])
            else:
                cells.append(list(column.words()))
        writer.writerows(zip(*cells, strict=True))


def ours(train: Table, test: Table, metric: str, folder: Path, seed: int) -> float:
    """The metric of a model that the command line trained."""
    write_csv(train, folder / "train.csv")
    output = folder / "model.safetensors"
    choices = Choices(str(folder / "train.csv"), seed=seed, output=output)
    run(choices, Screen(quiet=True, write=lambda _: None))
    model, preparation = load_prepared(output)
    return measure(model, preparation.target, *arrays(model, preparation, test))[metric]


def theirs(given: Problem, train: np.ndarray, test: np.ndarray, seed: int) -> float:
    """The same of scikit-learn's MLP, prepared by the same transformers on the same rows."""
    preparation = fit(given, train)
    X, y = preparation.prepare(given.table, "float64"), preparation.targets(given.table).ravel()
    kind = MLPClassifier if given.task == "classification" else MLPRegressor
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        made = kind(hidden_layer_sizes=(64, 32), random_state=seed).fit(X[train], y[train])
    return float(made.score(X[test], y[test]))


def compare(name: str, count: int, held_out: float = 0.25) -> tuple[float, float]:
    """The means over the splits, ours and scikit-learn's."""
    goal, given = GOALS[name], problem(name)
    found = []
    with tempfile.TemporaryDirectory() as place:
        for seed, (train, test) in enumerate(splits(given, count, held_out)):
            table = given.table
            mine = ours(table.take(train), table.take(test), goal.metric, Path(place), seed)
            found.append((mine, theirs(given, train, test, seed)))
    mean = np.mean(found, axis=0)
    return float(mean[0]), float(mean[1])


def main() -> None:
    """Print a line a data set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*GOALS, []], metavar="NAME")
    parser.add_argument("--held-out", type=float, default=0.25)
    chosen = parser.parse_args()
    good = True
    print(f"{'data set':15} splits  metric    least   ours    scikit-learn")
    for name in chosen.names or GOALS:
        goal = GOALS[name]
        mine, other = compare(name, goal.splits, chosen.held_out)
        reached = mine >= goal.least and mine >= other - 0.01
        good = good and reached
        mark = "" if reached else "  too low"
        numbers = f"{goal.least:<7} {mine:.4f}  {other:.4f}"
        print(f"{name:15} {goal.splits:<7} {goal.metric:9} {numbers}{mark}", flush=True)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()

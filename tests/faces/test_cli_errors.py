"""Bad input and bad usage: exit code 2 and one clear line; the other ends of a command."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faces.conftest import Run

GOOD = "x,y\n" + "".join(f"{i}.5,{'ab'[i % 2]}\n" for i in range(20))
DIFFERENT = "x,y\n" + "".join(f"{i}.5,w{i}\n" for i in range(20))


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", "", "t.csv is empty; expected a header row and rows of data"),
        ("some words\nno table\n", "", "t.csv has one column only ('some words'); is it a CSV"),
        ("x,y\n1,a\n", "", "t.csv has one row; expected at least two to learn from"),
        ("x,y\n1,a\n2\n", "", "t.csv, line 3: 1 cell, but the header has 2; every row needs"),
        (GOOD, "--target z", "t.csv has no target column 'z'; its columns are x, y"),
        (
            GOOD,
            "--target yy",
            "t.csv has no target column 'yy': did you mean 'y'? Its columns are x, y",
        ),
        ("x,y\n" + "1.5,a\n2,b\n" * 30 + "-inf,a\n", "", "column 'x', row 61: infinity; expected"),
        ("x,y\n" + "1,.5\n2,.7\n" * 9 + "3,abc\n", "", "target 'y', row 19 is 'abc', while nearly"),
        ("x,z,y\n,1,a\n,2,b\n,3,a\n", "", "column 'x' of t.csv has no values at all; remove it"),
        ("x,y\n1,a\n2,a\n3,a\n", "", "target 'y' has one class only (a); expected at least two"),
        (GOOD, "--task regression", "column 'y', row 1: 'a' is not a number"),
        (
            DIFFERENT,
            "",
            "target 'y' has as many classes as rows (20); expected classes that repeat",
        ),
        (GOOD, "--layers 64,x", "--layers is '64,x'; expected whole numbers above 0 such as 64,32"),
        (GOOD, "--layers 0", "--layers is '0'; expected whole numbers above 0"),
        (GOOD, "--activation rleu", "unknown activation 'rleu': did you mean 'relu'?"),
        (GOOD, "--loss cross_entrpy", "unknown loss 'cross_entrpy': did you mean 'cross_entropy'?"),
        (GOOD, "--loss huber", "huber is a loss of regression, the task is classification; use"),
        ("x,y\n1,.5\n2,.7\n3,.5\n", "--loss cross_entropy", "cross_entropy is a loss of classifi"),
        ("x,y\n1,.5\n2,.7\n3,.5\n", "--loss poisson", "poisson is for counts, and here targets"),
        (GOOD + "1,c\n2,c\n", "--loss binary_cross_entropy", "is for two classes, 3 were given"),
        (GOOD, "--optimizer adm", "unknown optimizer 'adm': did you mean 'adam'?"),
        (GOOD, "--learning-rate -1", "--learning-rate is -1.0; expected a finite number above 0"),
        (GOOD, "--learning-rate nan", "--learning-rate is nan; expected a finite number above 0"),
        (GOOD, "--learning-rate fast", "Invalid value for '--learning-rate'"),
        (GOOD, "--weight-decay -1", "Invalid value for '--weight-decay'"),
        (GOOD, "--label-smoothing 2", "Invalid value for '--label-smoothing'"),
        ("x,y\n1,.5\n2,.7\n3,.5\n", "--label-smoothing 0.1", "--label-smoothing is for classes"),
        (GOOD, "--epochs 0", "Invalid value for '--epochs'"),
        (GOOD, "--batch-size 1.5", "Invalid value for '--batch-size'"),
        (GOOD, "--seed -1", "Invalid value for '--seed'"),
        (GOOD, "--task clustering", "unknown task 'clustering'; expected one of auto, classifi"),
        (GOOD, "--validation 1.5", "--validation is 1.5; expected a fraction from 0 to below 1"),
        (GOOD, "--validation 0.001", "--validation 0.001 of 20 rows leaves 20 to train on and 0"),
        (GOOD, "--validation none.csv", "no such file: none.csv"),
        (GOOD, "--output none/m", "cannot write none/m: there is no folder none"),
        (GOOD, "--output .", "cannot write .: it is a folder; give --output a file name"),
        (GOOD, "--config none.toml", "no such file: none.toml"),
        (GOOD, "--config t.csv", "t.csv is not a TOML file"),
        (GOOD, "--epoch 3", "No such option: --epoch"),
        (GOOD, "more", "unexpected extra argument"),
    ],
)
def test_train_says_what_is_wrong_in_one_line(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    options: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(text)
    ran = run("train", "t.csv", "--quiet", *options.split())
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert ran.err.startswith("clearprop: ")
    assert ran.err.count("\n") == 1
    assert os.listdir(tmp_path) == ["t.csv"]


def test_other_data_that_is_none(run: Run, tmp_path: Path) -> None:
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    for data, message in (
        (tmp_path / "none.csv", "no such file"),
        (tmp_path, f"{tmp_path} is a folder; expected a file"),
        ("irs", "no such file: irs; did you mean 'iris'?"),
        (tmp_path / "picture.csv", "picture.csv is not a CSV file: byte 1 is not UTF-8 text"),
    ):
        ran = run("train", data)
        assert (ran.code, ran.out) == (2, "")
        assert message in ran.err
        assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("epoch = 3", "c.toml: unknown option 'epoch': did you mean 'epochs'?"),
        ("epochs = 0", "Invalid value for '--epochs'"),
        ('layers = "wide"', "--layers is 'wide'"),
    ],
)
def test_a_config_file_is_judged_like_the_command_line(
    run: Run, tmp_path: Path, written: str, message: str
) -> None:
    (tmp_path / "c.toml").write_text(written)
    ran = run("train", "iris", "--config", tmp_path / "c.toml", "-o", tmp_path / "m")
    assert ran.code == 2
    assert message in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian", "iris"], "No such command 'trian'"),
        (["train"], "Missing argument 'DATA'"),
        (["predict", "m"], "Missing argument 'DATA'"),
        (["--colour"], "No such option: --colour"),
    ],
)
def test_bad_usage_is_one_line(run: Run, arguments: list[str], message: str) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("command", ["", "train", "predict", "evaluate", "source"])
def test_help_shows_examples(run: Run, command: str) -> None:
    ran = run(*command.split(), "--help")
    assert (ran.code, ran.err) == (0, "")
    assert "Examples:" in ran.out
    assert f"clearprop {command}" in ran.out


def test_no_command_shows_help(run: Run) -> None:
    assert run().out == run("--help").out


def test_version(run: Run) -> None:
    assert run("--version").out == "clearprop 0.1.0\n"


def test_infinity_in_training_is_exit_code_3_and_writes_nothing(run: Run, tmp_path: Path) -> None:
    wild = ("--optimizer", "sgd", "--learning-rate", "1e30")
    ran = run("train", "iris", *wild, "-o", tmp_path / "m")
    assert (ran.code, ran.out) == (3, "")
    assert "training stopped in epoch 1" in ran.err
    assert os.listdir(tmp_path) == []


# --- whole processes ---------------------------------------------------------------------------

SIGNALLED = """
import os, sys
from clearprop.train.history import History
add = History.add
def first(self, *given):
    add(self, *given)
    os.kill(os.getpid(), {number})
History.add = first
from clearprop.faces.cli import main
main(["train", "iris", "--epochs", "100000", "--output", sys.argv[1]])
"""


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_leaves_the_model_as_of_the_last_step(
    tmp_path: Path, number: signal.Signals, code: int, said: str
) -> None:
    script = SIGNALLED.format(number=int(number))
    ran = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "m"], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (code, "")
    assert ran.stderr.splitlines()[-1] == f"clearprop: {said}"
    assert "Traceback" not in ran.stderr
    assert (tmp_path / "m").exists()


def test_two_processes_write_the_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    for seed in ("0", "1"):
        command = [sys.executable, "-m", "clearprop", "train", "wine", "--epochs", "5", "-q"]
        subprocess.run(
            [*command, "-o", str(tmp_path / seed)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
    assert (tmp_path / "0").read_bytes() == (tmp_path / "1").read_bytes()


def test_a_reader_that_goes_away_is_no_traceback(iris_model: Path) -> None:
    command = [sys.executable, "-m", "clearprop", "predict", str(iris_model), "iris"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141


def test_predicting_loads_no_scikit_learn_and_help_loads_no_engine(iris_model: Path) -> None:
    script = (
        "import sys, json\n"
        "from clearprop.faces.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})), file=sys.stderr)\n"
    )

    def loaded(*arguments: object) -> set[str]:
        words = [str(a) for a in arguments]
        ran = subprocess.run(
            [sys.executable, "-c", script, *words], capture_output=True, text=True, check=True
        )
        return set(json.loads(ran.stderr.splitlines()[-1]))

    assert not {"sklearn", "llvmlite", "rich", "numpy"} & loaded("train", "--help")
    predicting = loaded("predict", iris_model, "moons")
    assert "safetensors" in predicting
    assert not {"sklearn", "rich", "scipy"} & predicting

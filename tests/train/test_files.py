"""Model files: what is saved comes back to the bit; what is damaged is refused and named."""

import json
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from clearprop.errors import ArgumentError, FileError
from clearprop.nn.layers import Activation, BatchNorm, Dense, Dropout, Flatten, LayerNorm, Reshape
from clearprop.nn.losses import huber
from clearprop.optim import Adam, CosineDecay
from clearprop.train.atomic import write_atomically
from clearprop.train.files import FORMAT, load_model, save_model
from clearprop.train.model import Sequential
from clearprop.train.prepare import fit, problem


def every_layer(dtype: str = "float32") -> Sequential:
    model = Sequential(
        [
            Reshape((2, 2)),
            Flatten(),
            Dense(3, activation="relu"),
            BatchNorm(),
            Dropout(0.2),
            LayerNorm(),
            Activation("tanh"),
            Dense(3, use_bias=False),
        ],
        loss="cross_entropy",
        optimizer=Adam(CosineDecay(0.01, steps=100), weight_decay=0.1),
        metrics=["accuracy"],
        dtype=dtype,
        seed=7,
    )
    model.build((4,))
    return model


def prepared() -> Sequential:
    model = Sequential([Dense(3)], loss="cross_entropy", metrics=["accuracy"])
    model.preparation = fit(problem("iris"))
    model.build((4,))
    return model


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_saved_model_comes_back_to_the_bit(tmp_path: Path, dtype: str) -> None:
    one = every_layer(dtype)
    save_model(one, tmp_path / "m.safetensors")
    two = load_model(tmp_path / "m.safetensors")
    assert {n: w.tobytes() for n, w in two.weights.items()} == {
        n: w.tobytes() for n, w in one.weights.items()
    }
    assert [w.dtype for w in two.weights.values()] == [w.dtype for w in one.weights.values()]
    assert [layer.config() for layer in two.layers] == [layer.config() for layer in one.layers]
    assert [type(layer) for layer in two.layers] == [type(layer) for layer in one.layers]
    assert two.loss == one.loss
    assert two.optimizer == one.optimizer
    assert [m.name for m in two.metrics] == ["accuracy"]
    assert (two.dtype, two.seed, two.input_shape) == (dtype, 7, (4,))
    assert two.preparation is None


def test_label_smoothing_comes_back_with_the_model(tmp_path: Path) -> None:
    loss = {"type": "cross_entropy", "label_smoothing": 0.03}
    one = Sequential([Dense(3)], loss=loss)
    one.build(4)
    one.save(tmp_path / "m")
    two = load_model(tmp_path / "m")
    assert two.loss == one.loss
    assert two.loss.config() == loss
    assert two.source() == one.source()


def test_fit_after_load_starts_the_optimizer_anew_from_the_weights_of_the_file(
    tmp_path: Path,
) -> None:
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(12, 4)), draw.integers(0, 3, 12)
    one = Sequential([Dense(3)], loss="cross_entropy", optimizer=Adam(0.1))
    one.fit(x, y, batch_size=4, shuffle=False)
    one.save(tmp_path / "m")
    two = load_model(tmp_path / "m")
    assert (one.step_count, two.step_count) == (3, 0)
    fresh = Sequential([Dense(3)], loss="cross_entropy", optimizer=Adam(0.1))
    fresh.build(4)
    fresh.set_weights(one.weights)
    for model in (one, two, fresh):
        model.fit(x, y, batch_size=4, shuffle=False)
    np.testing.assert_array_equal(two.weights["0.weight"], fresh.weights["0.weight"])
    assert (two.weights["0.weight"] != one.weights["0.weight"]).any()


def test_the_same_model_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        save_model(prepared(), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_preprocessing_and_labels_come_back(tmp_path: Path) -> None:
    one = prepared()
    save_model(one, tmp_path / "m")
    two = load_model(tmp_path / "m")
    assert two.labels == ("setosa", "versicolor", "virginica")
    X = one.prepare("iris")
    assert two.prepare("iris").tobytes() == X.tobytes()


def test_a_loss_keeps_its_arguments(tmp_path: Path) -> None:
    one = Sequential([Dense(1)], loss=huber(2.5))
    one.build((2,))
    save_model(one, tmp_path / "m")
    assert load_model(tmp_path / "m").loss.config() == {"type": "huber", "delta": 2.5}


def test_a_bias_that_units_share_comes_back(tmp_path: Path) -> None:
    one = Sequential([Dense(2, bias=0.35)], loss="half_squared_error")
    one.build((2,))
    save_model(one, tmp_path / "m")
    two = load_model(tmp_path / "m")
    assert two.weights["0.bias"].shape == ()
    assert two.weights["0.bias"] == one.weights["0.bias"]


def test_other_programs_find_the_weights_under_their_names(tmp_path: Path) -> None:
    model = prepared()
    save_model(model, tmp_path / "m.safetensors")
    with safe_open(tmp_path / "m.safetensors", framework="numpy") as file:
        assert set(file.keys()) == {"0.weight", "0.bias"}
        np.testing.assert_array_equal(file.get_tensor("0.weight"), model.weights["0.weight"])


def test_a_loss_that_is_a_function_cannot_be_saved(tmp_path: Path) -> None:
    model = Sequential([Dense(1)], loss=lambda p, t: p - t)
    model.build((2,))
    with pytest.raises(ArgumentError, match="is a function and cannot be written to a file"):
        save_model(model, tmp_path / "m")


def test_a_model_that_is_not_built_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="not built has no weights to save: fit or build it"):
        save_model(Sequential([Dense(1)]), tmp_path / "m")


# --- writing -----------------------------------------------------------------------------------


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m"
    path.write_bytes(b"old")

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(FileError, match=r"cannot write .*m: No space left on device"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["m"]


def test_file_and_folder_are_synced_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []

    def note(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            kind = ""
            if name == "sync":
                folder = stat.S_ISDIR(os.fstat(arguments[0]).st_mode)
                kind = " folder" if folder else " file"
            events.append(name + kind)
            return function(*arguments)

        return noted

    monkeypatch.setattr(os, "fsync", note("sync", os.fsync))
    monkeypatch.setattr(os, "replace", note("rename", os.replace))
    write_atomically(tmp_path / "m", b"new")
    assert events == ["sync file", "rename", "sync folder"]


def test_a_written_file_has_the_rights_of_a_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    write_atomically(tmp_path / "m", b"")
    assert (tmp_path / "m").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "m")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "m").read_bytes() == b"new"
    assert (tmp_path / "link").is_symlink()


def test_a_folder_is_no_place_for_a_file(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="it is a folder"):
        write_atomically(tmp_path, b"")


# --- reading what is damaged -------------------------------------------------------------------


def saved(tmp_path: Path) -> Path:
    path = tmp_path / "m.safetensors"
    save_model(prepared(), path)
    return path


def damaged(path: Path, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> Path:
    """The file with its description and tensors changed."""
    with safe_open(path, framework="numpy") as file:
        described = json.loads(file.metadata()["clearprop"])
        tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118 (no mapping)
    change(described, tensors)
    save_file(tensors, path, {"clearprop": json.dumps(described)})
    return path


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"no such file: .*none; expected a model file that"):
        load_model(tmp_path / "none")


@pytest.mark.parametrize("kept", [0, 4, 8, 100, -1])
def test_a_cut_off_file_is_refused(tmp_path: Path, kept: int) -> None:
    path = saved(tmp_path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(FileError, match="is not a model file, or is cut off or damaged"):
        load_model(path)


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"\x89PNG\r\n\x1a\n" + b"\0" * 100, b"\0" * 9])
def test_another_kind_of_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    with pytest.raises(FileError, match="is not a model file, or is cut off or damaged"):
        load_model(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="is a folder; expected a model file"):
        load_model(tmp_path)


def test_tensors_of_another_program_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_file({"w": np.zeros(3)}, path)
    with pytest.raises(FileError, match=r"not a clearprop model: it has no 'clearprop' entry"):
        load_model(path)
    save_file({"w": np.zeros(3)}, path, {"clearprop": "{"})
    with pytest.raises(FileError, match="its description is damaged: Expecting property name"):
        load_model(path)


def test_a_newer_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    def newer(described: dict[str, Any], _: dict[str, Any]) -> None:
        described |= {"format": FORMAT + 1, "version": "9.0", "unheard": 1}

    message = (
        f"has format {FORMAT + 1}, written by clearprop 9.0; this version reads up to {FORMAT}: "
        "run pip install --upgrade clearprop"
    )
    with pytest.raises(FileError, match=re.escape(message)):
        load_model(damaged(saved(tmp_path), newer))


def put(*path: Any, value: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    def change(described: dict[str, Any], _: dict[str, Any]) -> None:
        place: Any = described
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


DENSE = {"type": "dense", "units": 3}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("format", value="1"), "its format is '1'; expected a number from 1 to"),
        (put("format", value=True), "its format is True"),
        (put("format", value=0), "its format is 0"),
        (put("more", value=1), "its description is damaged: missing or unknown: more"),
        (put("layers", value=[]), "its layers are damaged: expected a list of at least one"),
        (put("layers", value={}), "its layers are damaged"),
        (put("layers", 0, "type", value="dence"), "unknown layer type 'dence': did you mean 'den"),
        (put("layers", 0, "unit", value=3), "unknown argument of a dense layer 'unit': did you"),
        (put("layers", 0, "units", value=-3), "Dense units must be a whole number of at least 1"),
        (
            put("layers", 0, "units", value=4),
            "its weight '0.weight' is float32 of shape (4, 3); expe",
        ),
        (put("layers", 0, "units", value=10**30), "Maximum allowed dimension exceeded"),
        (put("layers", 0, "use_bias", value=False), "but its layers do not, the weight '0.bias'"),
        (put("layers", value=[DENSE, DENSE]), "it lacks the weight '1.bias'"),
        (put("layers", 0, value="os.system"), "a layer is described by a table with a type"),
        (put("loss", value="cross_entrpy"), "unknown loss 'cross_entrpy': did you mean 'cross_"),
        (put("loss", value=["x"]), "unknown loss ['x']"),
        (put("optimizer", "type", value="adm"), "unknown optimizer 'adm': did you mean 'adam'?"),
        (put("optimizer", "learning_rate", value="fast"), "learning_rate"),
        (put("optimizer", value=3), "optimizer must be a table"),
        (put("dtype", value=None), "dtype is None; expected 'float32' or 'float64'"),
        (put("metrics", value=["acuracy"]), "unknown metric 'acuracy': did you mean 'accuracy'?"),
        (put("metrics", value="accuracy"), "its metrics are damaged: expected a list of names"),
        (put("dtype", value="object"), "dtype is 'object'; expected 'float32' or 'float64'"),
        (put("dtype", value="float64"), "its weight '0.weight' is float32 of shape (4, 3); expe"),
        (put("seed", value="x"), "seed is 'x'"),
        (put("input_shape", value=[0]), "its input_shape is [0]; expected a list of whole numb"),
        (put("input_shape", value=[2**31]), "its input_shape is [2147483648]"),
        (put("input_shape", value=[5]), "its preprocessing gives 4 features, its first layer"),
        (put("labels", value=["a"]), "its labels are ['a'], its preprocessing has ['setosa'"),
        (
            put("preprocessing", "numbers", "mean", value=[0.0]),
            "preprocessing.numbers.mean is damaged: expected 4 finite numbers",
        ),
    ],
)
def test_a_wrong_description_names_what_is_wrong(
    tmp_path: Path, change: Callable[..., None], message: str
) -> None:
    path = damaged(saved(tmp_path), change)
    with pytest.raises(FileError, match=re.escape(message)) as caught:
        load_model(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("0.weight", np.zeros((3, 4), "f4"), "its weight '0.weight' is float32 of shape (3, 4);"),
        ("0.weight", np.zeros((4, 3)), "its weight '0.weight' is float64 of shape (4, 3); expec"),
        ("0.weight", np.full((4, 3), np.nan, "f4"), "its weight '0.weight' holds NaN or infinity"),
        ("1.weight", np.zeros(1), "it has, but its layers do not, the weight '1.weight'"),
    ],
)
def test_a_wrong_weight_is_named(tmp_path: Path, name: str, value: Any, message: str) -> None:
    def change(_: dict[str, Any], tensors: dict[str, Any]) -> None:
        tensors[name] = value

    path = damaged(saved(tmp_path), change)
    with pytest.raises(FileError, match=re.escape(message)):
        load_model(path)

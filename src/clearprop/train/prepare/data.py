"""A preparation as plain data, as a model file holds it, and back; nothing in it can name code."""

import math
from typing import Any

import numpy as np

from clearprop.errors import FileError
from clearprop.train.prepare.features import Category, Numbers
from clearprop.train.prepare.preparation import Preparation
from clearprop.train.prepare.target import Amount, Classes, Label

__all__ = ["preparation_from_data", "preparation_to_data"]


def preparation_to_data(given: Preparation) -> dict[str, Any]:
    """Dictionaries, lists, texts and numbers only."""
    numbers, target = given.numbers, given.target
    return {
        "numbers": {
            "names": list(numbers.names),
            "fill": numbers.fill.tolist(),
            "mean": numbers.mean.tolist(),
            "scale": numbers.scale.tolist(),
        },
        "categories": [
            {"name": c.name, "categories": list(c.categories)} for c in given.categories
        ],
        "target": {
            "name": given.target_name,
            **(
                {"labels": list(target.labels)}
                if isinstance(target, Classes)
                else {"mean": target.mean, "scale": target.scale}
            ),
        },
    }


def preparation_from_data(data: Any) -> Preparation:
    """The preparation that `preparation_to_data` wrote; FileError says which part is wrong."""
    whole = _dictionary(data, "preprocessing", {"numbers", "categories", "target"})
    categories = whole["categories"]
    if not isinstance(categories, list):
        raise _wrong("preprocessing.categories", "a list")
    return Preparation(
        _numbers(whole["numbers"]),
        tuple(_category(c) for c in categories),
        *_target(whole["target"]),
    )


def _wrong(name: str, expected: str) -> FileError:
    return FileError(f"{name} is damaged: expected {expected}")


def _dictionary(data: Any, name: str, keys: set[str]) -> dict[str, Any]:
    if not isinstance(data, dict) or set(data) != keys:
        raise _wrong(name, f"the keys {', '.join(sorted(keys))}")
    return data


def _texts(data: Any, name: str) -> tuple[str, ...]:
    if not isinstance(data, list) or not all(isinstance(t, str) for t in data):
        raise _wrong(name, "a list of texts")
    if len(set(data)) != len(data):
        raise _wrong(name, "texts that differ")
    return tuple(data)


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _numbers(data: Any) -> Numbers:
    whole = _dictionary(data, "preprocessing.numbers", {"names", "fill", "mean", "scale"})
    names = _texts(whole["names"], "preprocessing.numbers.names")
    arrays = {}
    for key in ("fill", "mean", "scale"):
        values = whole[key]
        good = isinstance(values, list) and len(values) == len(names) and all(map(_finite, values))
        if not good or (key == "scale" and not all(v > 0 for v in values)):
            raise _wrong(f"preprocessing.numbers.{key}", f"{len(names)} finite numbers")
        arrays[key] = np.array(values, dtype=np.float64)
    return Numbers(names, **arrays)


def _category(data: Any) -> Category:
    whole = _dictionary(data, "preprocessing.categories", {"name", "categories"})
    if not isinstance(whole["name"], str):
        raise _wrong("preprocessing.categories.name", "a text")
    return Category(whole["name"], _texts(whole["categories"], "preprocessing.categories"))


def _target(data: Any) -> tuple[str, Classes | Amount]:
    classes = isinstance(data, dict) and "labels" in data
    keys = {"name", "labels"} if classes else {"name", "mean", "scale"}
    whole = _dictionary(data, "preprocessing.target", keys)
    if not isinstance(whole["name"], str):
        raise _wrong("preprocessing.target.name", "a text")
    if classes:
        return whole["name"], Classes(_labels(whole["labels"]))
    mean, scale = whole["mean"], whole["scale"]
    if not (_finite(mean) and _finite(scale) and scale > 0):
        raise _wrong("preprocessing.target", "a finite mean and a scale above 0")
    return whole["name"], Amount(float(mean), float(scale))


def _labels(data: Any) -> tuple[Label, ...]:
    good = isinstance(data, list) and all(isinstance(v, bool | int | float | str) for v in data)
    if not good or len(data) < 2 or len(set(data)) != len(data):
        raise _wrong("preprocessing.target.labels", "at least two labels that differ")
    return tuple(data)

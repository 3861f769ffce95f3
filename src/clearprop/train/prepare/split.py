"""Which rows are held out: by class in classification, so that each class keeps its share."""

import numpy as np

__all__ = ["split_rows"]


def split_rows(
    rows: int, fraction: float, seed: int, classes: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers to train on and to hold out, both sorted.

    About ``fraction * rows`` are held out. With classes each class gives its share, by largest
    remainders; a class never gives all its rows. The same seed gives the same split.

    >>> train, held_out = split_rows(10, 0.2, seed=0)
    >>> len(train), len(held_out)
    (8, 2)
    """
    rng = np.random.default_rng([seed, 1])
    count = round(rows * fraction)
    if classes is None:
        held_out = rng.permutation(rows)[:count]
    else:
        held_out = _by_class(classes, count, fraction, rng)
    mask = np.zeros(rows, dtype=bool)
    mask[held_out] = True
    return np.flatnonzero(~mask), np.flatnonzero(mask)


def _by_class(
    classes: np.ndarray, count: int, fraction: float, rng: np.random.Generator
) -> np.ndarray:
    present, sizes = np.unique(classes, return_counts=True)
    share = sizes * fraction
    take = np.minimum(np.floor(share).astype(np.int64), sizes - 1)
    for place in np.argsort(-(share - take), kind="stable"):
        if take.sum() < count and take[place] + 1 < sizes[place]:
            take[place] += 1
    parts = [
        rng.permutation(np.flatnonzero(classes == c))[:n]
        for c, n in zip(present, take, strict=True)
    ]
    return np.concatenate(parts)

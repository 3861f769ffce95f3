"""What users give, as NumPy arrays: lists, data frames, __array__, __dlpack__; checked and cast."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearprop.errors import DataError

__all__ = ["as_array", "as_numbers", "check_finite", "shown"]

Array = NDArray[Any]


def as_array(given: object, what: str) -> Array:
    """The array that was given, without a copy where possible; DataError where there is none."""
    if given is None:
        raise DataError(f"{what} is None; expected an array or a table, rows first")
    if isinstance(given, np.ma.MaskedArray):
        return _unmasked(given, what)
    if isinstance(given, np.ndarray):
        return given
    try:
        if isinstance(given, list | tuple | int | float):
            return np.asarray(given)
        return _from_object(given, what)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        if isinstance(error, DataError):
            raise
        hint = "; all rows must have one length" if isinstance(given, list | tuple) else ""
        raise DataError(f"{what} cannot be read as an array: {error}{hint}") from error


def _unmasked(given: Any, what: str) -> Array:
    """The numbers of a masked array that masks none of them."""
    mask = np.ma.getmaskarray(given)
    if mask.any():
        place = np.unravel_index(int(np.argmax(mask.ravel())), mask.shape)
        raise DataError(f"{what} is masked {_where(place)}; {_cure('NaN')}")
    return np.ma.getdata(given)


def _from_object(given: Any, what: str) -> Array:
    frame = _from_frame(given, what)
    if frame is not None:
        return frame
    if hasattr(given, "__array__"):
        return np.asarray(given)
    if hasattr(given, "__dlpack__"):
        return np.from_dlpack(given)
    if hasattr(given, "toarray"):
        raise DataError(f"{what} is sparse; give {what}.toarray()")
    raise DataError(
        f"{what} is a {type(given).__name__}; expected an array, a data frame, or a list of rows"
    )


def _from_frame(given: Any, what: str) -> Array | None:
    """The numbers of a data frame or a column; None for what is neither."""
    import narwhals as nw

    found = nw.from_native(given, pass_through=True, eager_only=True, allow_series=True)
    if isinstance(found, nw.Series):
        return found.to_numpy()
    if not isinstance(found, nw.DataFrame):
        return None
    for name, kind in found.schema.items():
        if not (kind.is_numeric() or kind == nw.Boolean):
            raise DataError(
                f"column {name!r} of {what} holds {kind}, not numbers: prepare the table first "
                f"(the command line does), or leave the column out"
            )
    return found.to_numpy()


def as_numbers(array: Array, dtype: str, what: str) -> Array:
    """The array in a float dtype, C-contiguous, the same object where it is so already."""
    if array.dtype == object:
        array = _from_objects(array, what)
    if array.dtype.kind not in "biuf":
        first = f" (first value {shown(array.flat[0])})" if array.size else ""
        raise DataError(f"{what} holds {_kind(array)}, not numbers{first}")
    with np.errstate(over="ignore"):  # what is too large is found by check_finite
        return np.ascontiguousarray(array, dtype=dtype)


def _from_objects(array: Array, what: str) -> Array:
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{what} holds what is not a number: {error}") from error


def shown(value: object) -> str:
    """A value as people write it, whether or not it is NumPy's.

    >>> shown(np.str_("a")), shown(np.float64(0.5))
    ("'a'", '0.5')
    """
    return repr(value.item() if isinstance(value, np.generic) else value)


def _kind(array: Array) -> str:
    words = {"U": "text", "S": "bytes", "c": "complex numbers", "M": "dates", "m": "durations"}
    return words.get(array.dtype.kind, str(array.dtype))


def check_finite(array: Array, what: str, source: Array | None = None) -> None:
    """DataError that says where the first NaN or infinity is.

    `source` is the array before it was cast: what was finite there is too large for the dtype.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        # one pass without a mask: NaN and infinity always reach the sum
        if array.dtype.kind != "f" or np.isfinite(array.sum()) or np.isfinite(array).all():
            return
    place = np.unravel_index(int(np.argmin(np.isfinite(array).ravel())), array.shape)
    value = array[place]
    said = "NaN" if np.isnan(value) else "infinity"
    if source is not None and source.shape == array.shape and source.dtype.kind in "iuf":
        before = source[place]
        if np.isfinite(before):
            said = f"{before}, too large for {array.dtype}"
    raise DataError(f"{what} holds {said} {_where(place)}; {_cure(said)}")


def _where(place: tuple[Any, ...]) -> str:
    numbers = [int(p) for p in place]
    if len(numbers) == 1:
        return f"at row {numbers[0]}"
    if len(numbers) == 2:
        return f"at row {numbers[0]}, column {numbers[1]}"
    return f"at row {numbers[0]}, place {tuple(numbers[1:])}"


def _cure(said: str) -> str:
    if said == "NaN":
        return "impute missing values or drop these rows"
    if said == "infinity":
        return "replace it by a finite number or drop these rows"
    return "scale the column, or use dtype='float64'"

import numpy as np

from clearprop.train.buffers import Buffers


def filled() -> Buffers:
    buffers = Buffers("float32")
    buffers.allocate("decayed", {"a": (3, 2), "b": (5,), "c": ()})
    buffers.views["a"][...] = np.arange(6).reshape(3, 2)
    return buffers


def test_a_view_writes_into_its_flat_buffer() -> None:
    buffers = filled()
    assert buffers.flat["decayed"].sum() == 15
    buffers.flat["decayed"][:] = 1
    assert (buffers.views["a"] == 1).all()


def test_views_do_not_overlap_and_start_on_cache_lines() -> None:
    buffers = filled()
    buffers.views["b"][...] = 7
    buffers.views["c"][...] = 9
    assert buffers.views["a"].sum() == 15
    assert all(view.ctypes.data % 64 == 0 for view in buffers.views.values())
    assert all(view.flags.c_contiguous for view in buffers.views.values())


def test_restoring_a_snapshot_puts_numbers_back_in_place() -> None:
    buffers = filled()
    view, snapshot = buffers.views["a"], buffers.copy()
    view[...] = np.nan
    buffers.restore(snapshot)
    assert view.tolist() == [[0, 1], [2, 3], [4, 5]]


def test_a_dropped_group_takes_its_views_along() -> None:
    buffers = filled()
    buffers.allocate("optimizer.m", {"optimizer.m.a": (3, 2)})
    buffers.drop("optimizer.m")
    assert list(buffers.views) == ["a", "b", "c"]
    assert list(buffers.flat) == ["decayed"]

"""Derivatives of selection: gather and scatter_add are each other's."""

from clearprop.nodes.build import gather, scatter_add
from clearprop.transform.vjp.table import Row

__all__ = ["ROWS_SELECTION"]

ROWS_SELECTION: dict[str, Row] = {
    "gather": (lambda g, y, table, at: scatter_add(g, at, table.shape[0]), None),
    "scatter_add": (lambda g, y, updates, at: gather(g, at), None),
}

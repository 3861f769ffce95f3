"""Tables to numbers: reading, imputing, scaling, encoding; all that is learned is plain data."""

from clearprop.train.prepare.builtin import BUILTIN
from clearprop.train.prepare.data import preparation_from_data, preparation_to_data
from clearprop.train.prepare.frames import as_table, table_from_arrays, table_from_frame
from clearprop.train.prepare.preparation import Preparation, Problem, fit, problem
from clearprop.train.prepare.read import read_table
from clearprop.train.prepare.split import split_rows
from clearprop.train.prepare.table import Column, Table
from clearprop.train.prepare.target import TASKS, Amount, Classes, Task, fit_target

__all__ = [
    "BUILTIN",
    "TASKS",
    "Amount",
    "Classes",
    "Column",
    "Preparation",
    "Problem",
    "Table",
    "Task",
    "as_table",
    "fit",
    "fit_target",
    "preparation_from_data",
    "preparation_to_data",
    "problem",
    "read_table",
    "split_rows",
    "table_from_arrays",
    "table_from_frame",
]

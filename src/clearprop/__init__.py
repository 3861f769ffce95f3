"""clearprop: neural networks that train at the speed of compiled code and show their work.

The door: every public name, opened when it is first asked for, so that `import clearprop` costs
next to nothing.

>>> import clearprop as cp
>>> cp.Dense(10).units
10
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clearprop import errors as errors
    from clearprop import graph as graph
    from clearprop.nn.layers import Activation as Activation
    from clearprop.nn.layers import BatchNorm as BatchNorm
    from clearprop.nn.layers import Dense as Dense
    from clearprop.nn.layers import Dropout as Dropout
    from clearprop.nn.layers import Flatten as Flatten
    from clearprop.nn.layers import LayerNorm as LayerNorm
    from clearprop.nn.layers import Reshape as Reshape
    from clearprop.optim import SGD as SGD
    from clearprop.optim import Adadelta as Adadelta
    from clearprop.optim import Adagrad as Adagrad
    from clearprop.optim import Adam as Adam
    from clearprop.optim import Adamax as Adamax
    from clearprop.optim import AdamW as AdamW
    from clearprop.optim import CosineDecay as CosineDecay
    from clearprop.optim import ExponentialDecay as ExponentialDecay
    from clearprop.optim import Lion as Lion
    from clearprop.optim import NAdam as NAdam
    from clearprop.optim import OneCycle as OneCycle
    from clearprop.optim import RAdam as RAdam
    from clearprop.optim import ReduceOnPlateau as ReduceOnPlateau
    from clearprop.optim import RMSprop as RMSprop
    from clearprop.optim import StepDecay as StepDecay
    from clearprop.optim import WarmupCosine as WarmupCosine
    from clearprop.train.callbacks import Callback as Callback
    from clearprop.train.callbacks import EarlyStopping as EarlyStopping
    from clearprop.train.files import load_model as load
    from clearprop.train.history import History as History
    from clearprop.train.model import Sequential as Sequential

__all__ = [
    "SGD", "Activation", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "BatchNorm", "Callback",
    "CosineDecay", "Dense", "Dropout", "EarlyStopping", "ExponentialDecay", "Flatten", "History",
    "LayerNorm", "Lion", "NAdam", "OneCycle", "RAdam", "RMSprop", "ReduceOnPlateau", "Reshape",
    "Sequential", "StepDecay", "WarmupCosine", "errors", "graph", "load",
]  # fmt: skip

_ROOMS = {
    "clearprop.nn.layers": "Activation BatchNorm Dense Dropout Flatten LayerNorm Reshape",
    "clearprop.optim": "SGD Adadelta Adagrad Adam AdamW Adamax CosineDecay ExponentialDecay Lion "
    "NAdam OneCycle RAdam RMSprop ReduceOnPlateau StepDecay WarmupCosine",
    "clearprop.train.callbacks": "Callback EarlyStopping",
    "clearprop.train.history": "History",
    "clearprop.train.model": "Sequential",
}
_DOORS = {name: (room, name) for room, names in _ROOMS.items() for name in names.split()}
_DOORS["load"] = ("clearprop.train.files", "load_model")


def __getattr__(name: str) -> Any:
    if name in ("errors", "graph"):
        return import_module(f"clearprop.{name}")
    if name == "__version__":
        from importlib.metadata import version

        return version("clearprop")
    if name not in _DOORS:
        raise AttributeError(_unknown(name))
    room, inside = _DOORS[name]
    globals()[name] = found = getattr(import_module(room), inside)
    return found


def _unknown(name: str) -> str:
    """What is said of a name that is not here; the nearest one helps with a slip of the pen."""
    from difflib import get_close_matches

    near = get_close_matches(name, __all__, n=1)
    return f"module 'clearprop' has no attribute {name!r}" + (
        f"; did you mean {near[0]!r}?" if near else ""
    )


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})

"""An independent scalar engine of the optimizers: plain floats, one number at a time.

Written from the papers' formulas in PyTorch's form; imports nothing of the package. Each rule takes
a parameter, its gradient, its memory (a dict that begins empty), the update's number from 1 and the
learning rate, and gives the new parameter.
"""

import math
from collections.abc import Callable

Memory = dict[str, float]
Rule = Callable[..., float]
Betas = tuple[float, float]


def sgd(
    p: float, g: float, memory: Memory, t: int, rate: float, *,
    momentum: float = 0.0, nesterov: bool = False, weight_decay: float = 0.0,
    dampening: float = 0.0,
) -> float:  # fmt: skip
    g += weight_decay * p
    if momentum == 0:
        return p - rate * g
    first = "buffer" not in memory
    memory["buffer"] = g if first else momentum * memory["buffer"] + (1 - dampening) * g
    return p - rate * (g + momentum * memory["buffer"] if nesterov else memory["buffer"])


def adagrad(
    p: float, g: float, memory: Memory, t: int, rate: float, *,
    lr_decay: float = 0.0, weight_decay: float = 0.0,
    initial_accumulator_value: float = 0.0, eps: float = 1e-10,
) -> float:  # fmt: skip
    g += weight_decay * p
    memory["sum"] = memory.get("sum", initial_accumulator_value) + g**2
    return p - rate / (1 + (t - 1) * lr_decay) * g / (math.sqrt(memory["sum"]) + eps)


def adadelta(
    p: float, g: float, memory: Memory, t: int, rate: float, *,
    rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0.0,
) -> float:  # fmt: skip
    g += weight_decay * p
    memory["g2"] = rho * memory.get("g2", 0.0) + (1 - rho) * g**2
    delta = g * math.sqrt(memory.get("d2", 0.0) + eps) / math.sqrt(memory["g2"] + eps)
    memory["d2"] = rho * memory.get("d2", 0.0) + (1 - rho) * delta**2
    return p - rate * delta


def rmsprop(
    p: float, g: float, memory: Memory, t: int, rate: float, *,
    alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0.0,
    momentum: float = 0.0, centered: bool = False,
) -> float:  # fmt: skip
    g += weight_decay * p
    memory["g2"] = alpha * memory.get("g2", 0.0) + (1 - alpha) * g**2
    memory["g1"] = alpha * memory.get("g1", 0.0) + (1 - alpha) * g
    variance = memory["g2"] - (memory["g1"] ** 2 if centered else 0)
    change = g / (math.sqrt(variance) + eps)
    if momentum:
        change = memory["buffer"] = momentum * memory.get("buffer", 0.0) + change
    return p - rate * change


def _moments(g: float, memory: Memory, betas: Betas) -> tuple[float, float]:
    memory["m"] = betas[0] * memory.get("m", 0.0) + (1 - betas[0]) * g
    memory["v"] = betas[1] * memory.get("v", 0.0) + (1 - betas[1]) * g**2
    return memory["m"], memory["v"]


def adam(
    p: float, g: float, memory: Memory, t: int, rate: float, *,
    betas: Betas = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.0,
    amsgrad: bool = False,
) -> float:  # fmt: skip
    m, v = _moments(g + weight_decay * p, memory, betas)
    if amsgrad:
        v = memory["v_max"] = max(memory.get("v_max", 0.0), v)
    m_hat, v_hat = m / (1 - math.pow(betas[0], t)), v / (1 - math.pow(betas[1], t))
    return p - rate * m_hat / (math.sqrt(v_hat) + eps)


def adamw(
    p: float, g: float, memory: Memory, t: int, rate: float, *,
    betas: Betas = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.01,
    amsgrad: bool = False,
) -> float:  # fmt: skip
    shrunk = p * (1 - rate * weight_decay)
    return adam(shrunk, g, memory, t, rate, betas=betas, eps=eps, amsgrad=amsgrad)


def nadam(
    p: float, g: float, memory: Memory, t: int, rate: float, *,
    betas: Betas = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.0,
    momentum_decay: float = 0.004, decoupled_weight_decay: bool = False,
) -> float:  # fmt: skip
    if decoupled_weight_decay:
        p *= 1 - rate * weight_decay
    else:
        g += weight_decay * p
    m, v = _moments(g, memory, betas)
    mu = betas[0] * (1 - 0.5 * math.pow(0.96, t * momentum_decay))
    mu_next = betas[0] * (1 - 0.5 * math.pow(0.96, (t + 1) * momentum_decay))
    memory["product"] = memory.get("product", 1.0) * mu
    denominator = math.sqrt(v / (1 - math.pow(betas[1], t))) + eps
    p -= rate * (1 - mu) / (1 - memory["product"]) * g / denominator
    return p - rate * mu_next / (1 - memory["product"] * mu_next) * m / denominator


def adamax(
    p: float, g: float, memory: Memory, t: int, rate: float, *,
    betas: Betas = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.0,
) -> float:  # fmt: skip
    g += weight_decay * p
    memory["m"] = betas[0] * memory.get("m", 0.0) + (1 - betas[0]) * g
    memory["u"] = max(betas[1] * memory.get("u", 0.0), abs(g) + eps)
    return p - rate / (1 - math.pow(betas[0], t)) * memory["m"] / memory["u"]


def radam(
    p: float, g: float, memory: Memory, t: int, rate: float, *,
    betas: Betas = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
) -> float:  # fmt: skip
    if decoupled_weight_decay:
        p *= 1 - rate * weight_decay
    else:
        g += weight_decay * p
    m, v = _moments(g, memory, betas)
    m_hat = m / (1 - math.pow(betas[0], t))
    limit = 2 / (1 - betas[1]) - 1
    rho = limit - 2 * t * math.pow(betas[1], t) / (1 - math.pow(betas[1], t))
    if rho <= 5:
        return p - rate * m_hat
    r = math.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))
    return p - rate * m_hat * r * math.sqrt(1 - math.pow(betas[1], t)) / (math.sqrt(v) + eps)


def lion(
    p: float, g: float, memory: Memory, t: int, rate: float, *,
    betas: Betas = (0.9, 0.99), weight_decay: float = 0.0,
) -> float:  # fmt: skip
    mixed = betas[0] * memory.get("m", 0.0) + (1 - betas[0]) * g
    direction = 0.0 if mixed == 0 else math.copysign(1.0, mixed)
    memory["m"] = betas[1] * memory.get("m", 0.0) + (1 - betas[1]) * g
    return p - rate * (direction + weight_decay * p)


RULES: dict[str, Rule] = {
    "sgd": sgd, "adagrad": adagrad, "adadelta": adadelta, "rmsprop": rmsprop, "adam": adam,
    "adamw": adamw, "nadam": nadam, "adamax": adamax, "radam": radam, "lion": lion,
}  # fmt: skip


def clip(
    gradients: list[list[float]], norm: float | None, value: float | None
) -> list[list[float]]:
    """The gradients of all parameters, cut by value, then scaled by their common norm."""
    if value is not None:
        gradients = [[min(max(g, -value), value) for g in gs] for gs in gradients]
    if norm is not None:
        total = math.sqrt(sum(g * g for gs in gradients for g in gs))
        scale = min(1.0, norm / (total + 1e-6))
        gradients = [[g * scale for g in gs] for gs in gradients]
    return gradients


# --- schedules, as functions of the step from 0 --------------------------------------------------


def step_decay(step: int, rate: float, every: int, factor: float = 0.1) -> float:
    for _ in range(every, step + 1, every):
        rate *= factor
    return rate


def exponential_decay(
    step: int, rate: float, factor: float, steps: int = 1, every: int = 1
) -> float:
    return rate * math.pow(factor, (step - step % every) / steps)


def _half_cosine(start: float, end: float, part: float) -> float:
    return start + (end - start) * math.sin(math.pi * part / 2) ** 2


def cosine_decay(step: int, rate: float, steps: int, final: float = 0.0, every: int = 1) -> float:
    step -= step % every
    return final if step >= steps else _half_cosine(rate, final, step / steps)


def warmup_cosine(
    step: int, rate: float, warmup: int, steps: int, *,
    start: float = 0.0, final: float = 0.0, every: int = 1,
) -> float:  # fmt: skip
    step -= step % every
    if step < warmup:
        return start + (rate - start) * step / warmup
    return final if step >= steps else _half_cosine(rate, final, (step - warmup) / (steps - warmup))


def one_cycle(
    step: int, rate: float, steps: int, *, warmup: float = 0.3,
    div_factor: float = 25.0, final_div_factor: float = 1e4, every: int = 1,
) -> float:  # fmt: skip
    step -= step % every
    low, last = rate / div_factor, rate / div_factor / final_div_factor
    peak = warmup * steps - 1
    if step <= peak:
        return _half_cosine(low, rate, step / peak)
    return (
        last if step >= steps - 1 else _half_cosine(rate, last, (step - peak) / (steps - 1 - peak))
    )


SCHEDULES: dict[str, Rule] = {
    "step_decay": step_decay, "exponential_decay": exponential_decay, "cosine_decay": cosine_decay,
    "warmup_cosine": warmup_cosine, "one_cycle": one_cycle,
}  # fmt: skip

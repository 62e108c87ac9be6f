"""What each optimizer step did: parameter, gradient, buffers and update, as an equation with its numbers.

    SGD    w' = w - lr * b          b = momentum * b + (1 - dampening) * d, or d itself; d = g + weight_decay * w
    Adam   w' = w - lr * m^ / (sqrt(v^) + eps)          m = beta1 * m + (1 - beta1) * d,  v = beta2 * v + ...

The formulas are those that torch.optim documents for SGD, Adam and AdamW. The buffers are followed from the
optimizer's first step on, so they are given only as long as every step of that optimizer was recorded; the parameter
and the gradient are what the trace recorded. A row is given only where its formula arrives at what PyTorch wrote.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator

import msgspec

from engine.edits import Source
from engine.reasons import Rows
from engine.trace import ModuleValue, OtherValue, Step, TensorValue, Trace

_TOLERANCE = 1e-4
Settings = dict[str, float | bool | tuple[float, ...]]


class Update(msgspec.Struct, frozen=True):
    """One parameter in one step. `before`, `grad` and `after` are numbers of TensorValues; `buffers` the elements after
    the step by name; `equation` an expression in w, g, lr and the names of `numbers` and `buffers`."""

    tick: int
    tensor: int
    optimizer: str
    before: int
    grad: int
    after: int
    equation: str
    numbers: dict[str, float]
    buffers: dict[str, tuple[float, ...]] = {}


def updates(trace: Trace) -> list[Update]:
    """Every optimizer step that can be explained, in the order of the run."""
    if not any(isinstance(value, OtherValue) and value.type in _RULES for value in trace.values):
        return []
    return list(_Followed(trace).all())


class _Followed:
    """The buffers of every optimizer, followed from statement to statement."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.rows = Rows(trace)
        self.source = Source(trace.source)
        self.latest: dict[int, TensorValue] = {}
        self.state: dict[int, dict[str, list[float]]] = {}
        self.changed: dict[int, set[int]] = {}
        for row in trace.changes:
            self.changed.setdefault(row.tick, set()).add(row.tensor)

    def all(self) -> Iterator[Update]:
        """Walks the steps once."""
        stepping: dict[tuple[int, ...], str | None] = {}
        for step in self.trace.steps:
            before = dict(self.latest)
            for value in self._tensors(step):
                self.latest[value.tensor] = value
            if step.tick not in self.changed:
                continue
            if step.span not in stepping:
                stepping[step.span] = self._stepped(step)
            name = stepping[step.span]
            optimizer = self.rows.values.get(dict(step.variables).get(name, -1)) if name else None
            if isinstance(optimizer, OtherValue) and optimizer.type in _RULES:
                yield from self._rows(step, optimizer, before)

    def _tensors(self, step: Step) -> Iterator[TensorValue]:
        for _, number in step.variables:
            value = self.rows.values[number]
            held = [number]
            if isinstance(value, ModuleValue):
                held = [inside for _, inside in value.parameters]
            elif isinstance(value, OtherValue):
                held = [inside for _, inside in value.parts]
            for inside in held:
                tensor = self.rows.values.get(inside)
                if isinstance(tensor, TensorValue):
                    yield tensor

    def _stepped(self, step: Step) -> str | None:
        """The name in `name.step()`, where the statement is that."""
        statement = self.source.statement(step.span)
        call = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "step":
            return call.func.value.id if isinstance(call.func.value, ast.Name) else None
        return None

    def _rows(self, step: Step, optimizer: OtherValue, before: dict[int, TensorValue]) -> Iterator[Update]:
        settings = _settings(optimizer.repr)
        if settings is None:
            return
        for tensor in sorted(self.changed[step.tick]):
            old, new = before.get(tensor), self.latest.get(tensor)
            grad = self.rows.values.get(old.grad) if old is not None and old.grad is not None else None
            if old is None or new is None or not isinstance(grad, TensorValue):
                continue
            numbers = [_elements(value) for value in (old, grad, new)]
            if any(one is None for one in numbers):
                continue
            w, g, after = (one or [] for one in numbers)
            state = self.state.setdefault(tensor, {})
            equation, shown, made = _RULES[optimizer.type](w, g, settings, state)
            if all(math.isclose(a, b, rel_tol=_TOLERANCE, abs_tol=1e-6) for a, b in zip(made, after, strict=True)):
                buffers = {name: tuple(values) for name, values in state.items() if name != "t"}
                yield Update(
                    step.tick, tensor, optimizer.type, old.number, grad.number, new.number, equation, shown, buffers
                )


def _elements(value: TensorValue) -> list[float] | None:
    seen = value.preview
    if seen is None or seen.truncated or value.dtype.startswith("complex"):
        return None
    return [float(one) for one in seen.values]  # type: ignore[arg-type]


def _settings(text: str) -> Settings | None:
    """The settings in an optimizer's repr; None where it has several groups, whose settings differ, or is cut short."""
    if text.count("Parameter Group") != 1 or not text.rstrip().endswith(")"):
        return None
    found: Settings = {}
    for line in text.splitlines():
        name, colon, value = line.strip().partition(": ")
        if colon:
            try:
                read = ast.literal_eval(value)
            except (ValueError, SyntaxError):
                continue
            if isinstance(read, (int, float, bool, tuple)):
                found[name] = read
    return found


def _number(settings: Settings, name: str) -> float:
    value = settings.get(name, 0.0)
    return float(value) if isinstance(value, (int, float)) else 0.0


_Made = tuple[str, dict[str, float], list[float]]


def _direction(w: list[float], g: list[float], settings: Settings, decay: float) -> list[float]:
    sign = -1.0 if settings.get("maximize") else 1.0
    return [sign * slope + decay * value for value, slope in zip(w, g, strict=True)]


def _sgd(w: list[float], g: list[float], settings: Settings, state: dict[str, list[float]]) -> _Made:
    rate, momentum = _number(settings, "lr"), _number(settings, "momentum")
    decay, dampening = _number(settings, "weight_decay"), _number(settings, "dampening")
    shown = {"lr": rate} | ({"λ": decay} if decay else {}) | ({"μ": momentum} if momentum else {})
    sign = "-g" if settings.get("maximize") else "g"
    slope = f"({sign} + λ * w)" if decay else sign
    direction = _direction(w, g, settings, decay)
    if momentum:
        kept = state.get("b")
        state["b"] = (
            direction
            if kept is None
            else [momentum * old + (1 - dampening) * new for old, new in zip(kept, direction, strict=True)]
        )
        if settings.get("nesterov"):
            direction = [new + momentum * old for new, old in zip(direction, state["b"], strict=True)]
            slope = f"({slope} + μ * b)"
        else:
            direction, slope = state["b"], "b"
    made = [value - rate * change for value, change in zip(w, direction, strict=True)]
    return f"w - lr * {slope}", shown, made


def _adam(
    w: list[float], g: list[float], settings: Settings, state: dict[str, list[float]], *, apart: bool = False
) -> _Made:
    rate, eps, decay = (_number(settings, name) for name in ("lr", "eps", "weight_decay"))
    betas = settings.get("betas", (0.9, 0.999))
    first, second = betas if isinstance(betas, tuple) and len(betas) == 2 else (0.9, 0.999)
    apart = apart or bool(settings.get("decoupled_weight_decay"))
    start = [value * (1 - rate * decay) for value in w] if apart else w
    direction = _direction(w, g, settings, 0.0 if apart else decay)
    state["t"] = [state.get("t", [0.0])[0] + 1]
    turn = state["t"][0]
    state["m"] = [
        first * old + (1 - first) * new for old, new in zip(state.get("m", [0.0] * len(w)), direction, strict=True)
    ]
    state["v"] = [
        second * old + (1 - second) * new**2 for old, new in zip(state.get("v", [0.0] * len(w)), direction, strict=True)
    ]
    c, d = 1 - first**turn, 1 - second**turn
    made = [
        value - rate * (m / c) / (math.sqrt(v / d) + eps)
        for value, m, v in zip(start, state["m"], state["v"], strict=True)
    ]
    begin = "w * (1 - lr * λ)" if apart and decay else "w"
    shown = {"lr": rate, "c": c, "d": d, "ε": eps} | ({"λ": decay} if decay else {})
    return f"{begin} - lr * ((m / c) / (sqrt(v / d) + ε))", shown, made


def _adamw(w: list[float], g: list[float], settings: Settings, state: dict[str, list[float]]) -> _Made:
    return _adam(w, g, settings, state, apart=True)


_RULES = {"SGD": _sgd, "Adam": _adam, "AdamW": _adamw}

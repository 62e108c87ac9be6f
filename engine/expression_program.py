"""The programs behind a typed expression: small texts that run on the same road as any other program.

    program(typed, values)          value and every partial derivative; this is what opens on the Program page
    program(typed, values, wanted)  the same, and after it the samplings that a picture needs

Names that end in an underscore are ours: no variable of a reader ends so. Bulk numbers leave a run as series of plots,
one figure for each sampling, its title naming it. A sampling that PyTorch cannot do says so in a figure of its own and
leaves the others alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from engine.typed_expression import Typed
from engine.typed_values import Numbers, plain

SAMPLES = 601
"""Points of a curve."""
SIDE = 61
"""Points along each side of a field."""
MATRIX_LIMIT = 36
"""Inputs and outputs up to which Jacobian and Hessian are asked for."""

Dtype = Literal["float32", "float64"]


class Axis(msgspec.Struct, frozen=True):
    """One element of one variable, and the range it is sampled over."""

    variable: str
    element: int
    low: float
    high: float


class Wanted(msgspec.Struct, frozen=True):
    """The samplings asked for. Without an axis there is no curve, without a second one no field.

    `nudge` is the h of the nudge test, `descent` the (lr, steps) of steepest descent over both axes. `summed` says that
    the result is no scalar, so that the sum of its elements stands for it wherever one number is needed.
    """

    axis: Axis | None = None
    across: Axis | None = None
    curve: bool = False
    second: bool = False
    nudge: float | None = None
    field: bool = False
    descent: tuple[float, int] | None = None
    matrices: bool = False
    summed: bool = False


def result_name(typed: Typed) -> str:
    """What the program calls the result: a name that no variable has."""
    names = ("f", "out", "result", "answer", *(f"f{place}" for place in range(1, 10)))
    return next(name for name in names if name not in set(typed.variables))


def program(
    typed: Typed,
    values: Mapping[str, Numbers],
    wanted: Wanted | None = None,
    *,
    summed: bool = False,
    dtype: Dtype = "float32",
) -> str:
    """The program that computes the expression at these values and runs backward. For a result that is no scalar
    (`summed`) it starts from a gradient of ones, which is that of the sum."""
    result = result_name(typed)
    lines = ["import torch"]
    if typed.functional:
        lines.append("import torch.nn.functional as F")
    if dtype == "float64":
        lines += ["", "torch.set_default_dtype(torch.float64)"]
    lines.append("")
    lines += [f"{name} = torch.tensor({values[name].text}, requires_grad=True)" for name in typed.variables]
    lines += [
        "",
        f"{result} = {typed.torch}",
        f"{result}.backward({f'torch.ones_like({result})' if summed else ''})",
        "",
    ]
    lines.append(f"print({result}.detach(), {', '.join(f'{name}.grad' for name in typed.variables)})")
    if wanted is not None:
        lines += ["", "import matplotlib.pyplot as plt", "", *_function(typed, wanted)]
        for name, sampling in _samplings(typed, values, wanted):
            lines += ["try:", *(f"    {line}" for line in [f'plt.figure(); plt.title("{name}")', *sampling])]
            lines += ["except Exception as error_:"]
            lines += [f'    plt.figure(); plt.title("failed {name}"); plt.xlabel(str(error_)); plt.plot([0], [0])']
    return "\n".join(line for line in lines) + "\n"


def _function(typed: Typed, wanted: Wanted) -> list[str]:
    total = f"({typed.torch}).sum()" if wanted.summed else typed.torch
    names = ", ".join(typed.variables)
    return [f"def function_({names}):", f"    return {total}", f"def whole_({names}):", f"    return {typed.torch}"]


def _samplings(typed: Typed, values: Mapping[str, Numbers], wanted: Wanted) -> Iterator[tuple[str, list[str]]]:
    axis, across = wanted.axis, wanted.across
    if axis is not None:
        at = plain(values[axis.variable].elements[axis.element])
        if wanted.curve:
            yield "curve", [*_along(typed, values, axis), *_curve(axis)]
        if wanted.nudge is not None:
            yield "nudge", [*_along(typed, values, axis), *_nudge(at, wanted.nudge)]
        if wanted.second:
            yield "second", [*_along(typed, values, axis), *_second(axis, at)]
    if axis is not None and across is not None:
        if wanted.field:
            yield "field", [*_across(typed, values, axis, across), *_field(axis, across)]
        if wanted.descent is not None:
            starts = [plain(values[one.variable].elements[one.element]) for one in (axis, across)]
            yield "descent", [*_across(typed, values, axis, across), *_descent(starts, *wanted.descent)]
    if wanted.matrices:
        yield "matrices", _matrices(typed, values)
        if wanted.summed is False:
            yield "hessian", [*_flat(typed, values, "function_"), *_hessian()]


def _call(typed: Typed, values: Mapping[str, Numbers], moving: Mapping[str, list[tuple[int, str]]]) -> str:
    """A call of function_ with some elements replaced by names."""
    arguments = []
    for name in typed.variables:
        text = f"{name}.detach()"
        for element, replacement in moving.get(name, []):
            if not values[name].shape:
                text = replacement
                continue
            mask = tuple(float(place == element) for place in range(len(values[name].elements)))
            chosen = Numbers(values[name].shape, mask).text
            text = f"torch.where(torch.tensor({chosen}) > 0, {replacement}, {text})"
        arguments.append(text)
    return f"function_({', '.join(arguments)})"


def _along(typed: Typed, values: Mapping[str, Numbers], axis: Axis) -> list[str]:
    return ["def along_(t_):", f"    return {_call(typed, values, {axis.variable: [(axis.element, 't_')]})}"]


def _across(typed: Typed, values: Mapping[str, Numbers], axis: Axis, across: Axis) -> list[str]:
    moving: dict[str, list[tuple[int, str]]] = {}
    moving.setdefault(axis.variable, []).append((axis.element, "a_"))
    moving.setdefault(across.variable, []).append((across.element, "b_"))
    return ["def across_(a_, b_):", f"    return {_call(typed, values, moving)}"]


def _curve(axis: Axis) -> list[str]:
    return [
        f"ts_ = torch.linspace({axis.low!r}, {axis.high!r}, {SAMPLES})",
        "slopes_, heights_ = torch.vmap(torch.func.grad_and_value(along_))(ts_)",
        'plt.plot(ts_.tolist(), heights_.tolist(), label="value")',
        'plt.plot(ts_.tolist(), slopes_.tolist(), label="slope")',
    ]


def _second(axis: Axis, at: str) -> list[str]:
    return [
        f"ts_ = torch.linspace({axis.low!r}, {axis.high!r}, {SAMPLES})",
        "bend_ = torch.func.grad(torch.func.grad(along_))",
        'plt.plot(ts_.tolist(), torch.vmap(bend_)(ts_).tolist(), label="second")',
        f'plt.plot([{at}], [bend_(torch.tensor({at})).item()], label="here")',
    ]


def _nudge(at: str, h: float) -> list[str]:
    return [
        f"start_, h_ = torch.tensor({at}), torch.tensor({plain(h)})",
        "slope_, before_ = torch.func.grad_and_value(along_)(start_)",
        "after_ = along_(start_ + h_)",
        "numbers_ = torch.stack([before_, after_, slope_, slope_ * h_, after_ - before_]).tolist()",
        "plt.plot(numbers_, numbers_)",
    ]


def _field(axis: Axis, across: Axis) -> list[str]:
    return [
        f"us_ = torch.linspace({axis.low!r}, {axis.high!r}, {SIDE})",
        f"vs_ = torch.linspace({across.low!r}, {across.high!r}, {SIDE})",
        'across_us_, across_vs_ = torch.meshgrid(us_, vs_, indexing="xy")',
        "sampler_ = torch.vmap(torch.func.grad_and_value(across_, argnums=(0, 1)))",
        "arrows_, heights_ = sampler_(across_us_.flatten(), across_vs_.flatten())",
        'plt.plot(us_.tolist(), vs_.tolist(), label="sides")',
        'plt.plot(heights_.tolist(), heights_.tolist(), label="value")',
        'plt.plot(arrows_[0].tolist(), arrows_[1].tolist(), label="slope")',
    ]


def _descent(starts: list[str], lr: float, steps: int) -> list[str]:
    return [
        f"a_, b_ = torch.tensor({starts[0]}), torch.tensor({starts[1]})",
        "firsts_, seconds_, heights_ = [], [], []",
        f"for step_ in range({steps}):",
        "    (da_, db_), height_ = torch.func.grad_and_value(across_, argnums=(0, 1))(a_, b_)",
        "    firsts_.append(a_.item()); seconds_.append(b_.item()); heights_.append(height_.item())",
        f"    a_, b_ = a_ - {plain(lr)} * da_, b_ - {plain(lr)} * db_",
        "firsts_.append(a_.item()); seconds_.append(b_.item()); heights_.append(across_(a_, b_).item())",
        'plt.plot(firsts_, seconds_, label="path")',
        'plt.plot(heights_, heights_, label="value")',
    ]


def _flat(typed: Typed, values: Mapping[str, Numbers], function: str) -> list[str]:
    """flat_: the expression as a function of one vector that holds every element of every variable."""
    arguments: list[str] = []
    elements: list[float] = []
    place = 0
    for name in typed.variables:
        one = values[name]
        end = place + len(one.elements)
        shape = f".reshape({', '.join(map(str, one.shape))})" if len(one.shape) > 1 else ""
        arguments.append(f"v_[{place}:{end}]{shape}" if one.shape else f"v_[{place}]")
        elements.extend(one.elements)
        place = end
    return [
        "def flat_(v_):",
        f"    return {function}({', '.join(arguments)})",
        f"v_ = torch.tensor([{', '.join(map(plain, elements))}])",
    ]


def _matrices(typed: Typed, values: Mapping[str, Numbers]) -> list[str]:
    return [
        *_flat(typed, values, "whole_"),
        "def rows_(v_):",
        "    return flat_(v_).reshape(-1)",
        "reverse_ = torch.func.jacrev(rows_)(v_)",
        "forward_ = torch.func.jacfwd(rows_)(v_)",
        "plt.plot([reverse_.shape[0]], [reverse_.shape[1]])",
        "plt.plot(reverse_.flatten().tolist(), forward_.flatten().tolist())",
    ]


def _hessian() -> list[str]:
    return [
        "bends_ = torch.func.hessian(flat_)(v_)",
        "plt.plot([bends_.shape[0]], [bends_.shape[1]])",
        "plt.plot(bends_.flatten().tolist(), bends_.flatten().tolist())",
    ]

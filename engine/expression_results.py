"""What came of the program of an expression: the numbers of its Trace, and where it went wrong in the reader's text.

Trace  --results-->  Results(value, partials, samplings, problem)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

from engine.curves import Mark, marks
from engine.errors import Parameters
from engine.expression_program import SIDE, result_name
from engine.trace import Figure, Operation, Span, TensorValue, Trace, Value
from engine.typed_expression import Typed

NOT_SCALAR = "grad can be implicitly created only for scalar outputs"
"""How PyTorch's sentence begins when backward() starts from a result that is no scalar."""

CUT = "element 0 of tensors does not require grad"
"""How it begins where no operation carries a gradient."""


class Elements(msgspec.Struct, frozen=True):
    """A tensor's numbers, row-major; cut where there are more than a preview keeps."""

    shape: tuple[int, ...]
    elements: list[float]


class Curve(msgspec.Struct, frozen=True):
    """Samples along an axis. `second` is the second derivative where it was asked for, `bend` that at the point."""

    xs: list[float]
    values: list[float]
    slopes: list[float]
    marks: list[Mark]
    second: list[float] | None = None
    bend: float | None = None


class Nudge(msgspec.Struct, frozen=True):
    """f before and after x moved by h; the slope before; what grad * h foretold and what was true."""

    before: float
    after: float
    slope: float
    predicted: float
    true: float


class Field(msgspec.Struct, frozen=True):
    """Samples over two axes: `values` and both partial derivatives, row by row of the second axis."""

    xs: list[float]
    ys: list[float]
    values: list[float]
    first: list[float]
    second: list[float]


class Path(msgspec.Struct, frozen=True):
    """Steepest descent: where it was after each step, the start included."""

    xs: list[float]
    ys: list[float]
    values: list[float]


class Matrix(msgspec.Struct, frozen=True):
    """Rows by columns, row-major. A Jacobian holds what reverse mode gave in `reverse`, forward mode in `forward`."""

    rows: int
    columns: int
    reverse: list[float]
    forward: list[float]


class Explanation(msgspec.Struct, frozen=True):
    """A sentence (message id with parameters), or PyTorch's own words in `message`; `at` is the place in the typed
    text."""

    code: str
    params: Parameters = {}
    message: str = ""
    at: tuple[int, int] | None = None


class Results(msgspec.Struct, frozen=True):
    """`problem` says why there is no value. `warnings` explain what is not finite, and samplings PyTorch refused."""

    value: Elements | None = None
    partials: dict[str, Elements | None] = {}
    curve: Curve | None = None
    nudge: Nudge | None = None
    field: Field | None = None
    path: Path | None = None
    jacobian: Matrix | None = None
    hessian: Matrix | None = None
    problem: Explanation | None = None
    warnings: list[Explanation] = []
    summed: bool = False


def needs_sum(trace: Trace) -> bool:
    """Whether the program failed only because its result is no scalar."""
    outcome = trace.outcome
    return outcome is not None and outcome.kind == "failed" and outcome.message.startswith(NOT_SCALAR)


def results(trace: Trace, typed: Typed, *, summed: bool = False) -> Results:
    """The numbers of a run of `expression_program.program`, or why there are none."""
    outcome = trace.outcome
    assert outcome is not None
    reader = _Reader(trace, typed)
    if outcome.kind != "finished":
        cut = outcome.message.startswith(CUT)
        code = outcome.code or ("expressions.failed.cut" if cut else "expressions.failed")
        at = reader.place(outcome.span)
        return Results(problem=Explanation(code, outcome.params, outcome.message, at), summed=summed)
    last = dict(reader.last_variables())
    value = reader.elements(last.get(result_name(typed)))
    partials = {name: reader.grad(last.get(name)) for name in typed.variables}
    figures = {figure.title: figure for figure in trace.figures}
    refused = [
        Explanation(f"expressions.refused.{figure.title.removeprefix('failed ')}", {}, figure.xlabel)
        for figure in trace.figures
        if figure.title.startswith("failed ")
    ]
    path = figures.get("descent")
    return Results(
        value,
        partials,
        _curve(figures),
        _nudge(figures.get("nudge")),
        _field(figures.get("field")),
        Path(path.series[0][2], path.series[0][3], path.series[1][2]) if path else None,
        _matrix(figures.get("matrices")),
        _matrix(figures.get("hessian")),
        None,
        [*reader.explanations(), *refused],
        summed,
    )


def _curve(figures: Mapping[str, Figure]) -> Curve | None:
    figure, second = figures.get("curve"), figures.get("second")
    if figure is None:
        return None
    (_, _, xs, values), (_, _, _, slopes) = figure.series
    special = marks(xs, values, slopes)
    if second is None:
        return Curve(xs, values, slopes, special)
    return Curve(xs, values, slopes, special, second.series[0][3], second.series[1][3][0])


def _nudge(figure: Figure | None) -> Nudge | None:
    return None if figure is None else Nudge(*figure.series[0][3])


def _field(figure: Figure | None) -> Field | None:
    if figure is None:
        return None
    sides, values, slopes = figure.series
    assert len(values[2]) == SIDE * SIDE
    return Field(sides[2], sides[3], values[2], slopes[2], slopes[3])


def _matrix(figure: Figure | None) -> Matrix | None:
    if figure is None:
        return None
    (_, _, rows, columns), (_, _, reverse, forward) = figure.series
    return Matrix(int(rows[0]), int(columns[0]), reverse, forward)


class _Reader:
    """Looks things up in a trace."""

    def __init__(self, trace: Trace, typed: Typed) -> None:
        self._trace = trace
        self._typed = typed
        self._values: dict[int, Value] = {value.number: value for value in trace.values}
        self._lines = trace.source.splitlines()

    def last_variables(self) -> Sequence[tuple[str, int]]:
        """The variables of the program itself as they were after its backward pass."""
        steps = [step for step in self._trace.steps if step.scope == 0]
        return steps[-1].variables if steps else []

    def tensor(self, number: int | None) -> TensorValue | None:
        value = self._values.get(number) if number is not None else None
        return value if isinstance(value, TensorValue) else None

    def elements(self, number: int | None) -> Elements | None:
        """The numbers of that snapshot."""
        value = self.tensor(number)
        if value is None or value.preview is None:
            return None
        return Elements(value.shape, [float(one) for one in value.preview.values if not isinstance(one, tuple)])

    def grad(self, number: int | None) -> Elements | None:
        """What its .grad held; None for None."""
        value = self.tensor(number)
        return None if value is None else self.elements(value.grad)

    def place(self, span: Span | None) -> tuple[int, int] | None:
        """Where the part of the program with that span was typed."""
        if span is None or span[0] != span[2] or not 0 < span[0] <= len(self._lines):
            return None
        return self._typed.place(self._lines[span[0] - 1][span[1] : span[3]])

    def explanations(self) -> list[Explanation]:
        """Where a number that is not finite first appeared: on the way forward, else on the way back."""
        first = next((row for row in self._own() if self._broken(row.outputs) and not self._broken(row.inputs)), None)
        if first is not None:
            return [self._forward(first)]
        return self._backward()

    def _own(self) -> list[Operation]:
        """The operations of the typed expression itself, in the order in which they ran."""
        return [row for row in self._trace.operations if row.scope == 0 and self.place(row.span) is not None]

    def _broken(self, numbers: Sequence[int | None]) -> bool:
        return any(value.preview.nonfinite for value in map(self.tensor, numbers) if value and value.preview)

    def _forward(self, row: Operation) -> Explanation:
        name = row.name.rpartition(".")[2]
        part = self._lines[row.span[0] - 1][row.span[1] : row.span[3]]
        at = self.place(row.span)
        typed = self._typed.text[slice(*at)] if at else part
        inputs = [one.preview.values for one in map(self.tensor, row.inputs) if one and one.preview]
        outputs = [one.preview.values for one in map(self.tensor, row.outputs) if one and one.preview]
        result = next((one for one in outputs[0] if isinstance(one, float) and not math.isfinite(one)), math.nan)
        given = [float(one) for one in (inputs[0] if inputs else []) if not isinstance(one, tuple)]
        params: Parameters = {"part": typed, "result": _word(result)}
        if name in ("log", "log2", "log10", "log1p", "sqrt", "rsqrt", "asin", "acos", "acosh", "atanh") and given:
            worst = _offender(name, given)
            kind = "zero" if name.startswith("log") and worst == (-1 if name == "log1p" else 0) else "domain"
            return Explanation(
                f"expressions.nonfinite.{kind}", {**params, "name": name, "given": f"{worst:.4g}"}, "", at
            )
        if name in ("/", "div", "divide", "reciprocal"):
            return Explanation("expressions.nonfinite.division", params, "", at)
        code = "other" if math.isnan(result) else "overflow"
        if name in ("**", "pow"):
            code = "power" if math.isnan(result) or 0.0 in given else "overflow"
        return Explanation(f"expressions.nonfinite.{code}", params, "", at)

    def _backward(self) -> list[Explanation]:
        nodes = {node.number: node for node in self._trace.nodes}
        for event in self._trace.events:
            if self._broken(event.grad_inputs) and not self._broken(event.grad_outputs):
                node = nodes[event.node]
                at = self.place(node.span)
                if at is None and node.span is None:
                    continue
                part = self._typed.text[slice(*at)] if at else node.name
                return [Explanation("expressions.nonfinite.gradient", {"part": part, "name": node.name}, "", at)]
        return []


def _word(number: float) -> str:
    return "nan" if math.isnan(number) else "inf" if number > 0 else "-inf"


def _offender(name: str, given: Sequence[float]) -> float:
    """The first input outside the function's domain."""
    low, high = {
        "log1p": (-1.0, math.inf), "asin": (-1.0, 1.0), "acos": (-1.0, 1.0), "acosh": (1.0, math.inf),
        "atanh": (-1.0, 1.0),
    }.get(name, (0.0, math.inf))  # fmt: skip
    outside = [one for one in given if not low <= one <= high]
    edge = [one for one in given if one in (low, high)]
    return (outside or edge or list(given))[0]

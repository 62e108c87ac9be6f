"""The Trace: everything that happened in one run, as plain data.

    frame*  --assemble-->  Trace  --check-->  Trace  --encode/decode-->  bytes, JSON

A run is written as append-only frames. A frame and a Trace hold the same tables of rows; a Trace is all its frames laid
end to end, so every prefix of a run is itself a Trace. Rows point at each other by number, never by position and never
by object: the number of a row is given once, in birth order, and is unique in its table.

Grammar, in the order in which a reader needs it:

    Trace     = job, tables, outcome
    Step      = one executed statement: tick, span, the variables as they were after it
    Value     = TensorValue | NumberValue | ArrayValue | ModuleValue | OtherValue   (a snapshot; never changes)
    Operation = one evaluated sub-expression that touched a tensor
    Node      = one autograd node;  Edge = [from node, position among its next_functions, to node, its input_nr]
    Pass      = one run of the backward engine;  Event = one node firing in it
    Deposit   = one change of a leaf's .grad;  Cut = the place where gradient stops flowing

A tick is the absolute count of executed statements, from 1. Only some ticks have a Step (long loops keep some
iterations only, see Notice); a tick is never an index into the kept steps.

Spans are (line, column, end_line, end_column): lines from 1, columns from 0 in code points, the end exclusive.

This module imports the standard library and msgspec only; it is read by both sides of the seam.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec

Span: TypeAlias = tuple[int, int, int, int]
Scalar: TypeAlias = bool | int | float | tuple[float, float]
"""One element: a complex number is (real, imaginary)."""


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A row of a table, or a part of one. Rows hold no cycles: the garbage collector need not walk through them."""


class Preview(Row, frozen=True):
    """The first elements of a tensor, row-major, and statistics over all of them.

    `minimum`, `maximum` and `mean` are over the finite elements and None where there are none or they make no sense
    (complex, empty); `nonfinite` counts NaN and infinities.
    """

    values: list[Scalar]
    truncated: bool = False
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    nonfinite: int = 0


class TensorValue(Row, frozen=True, tag_field="kind", tag="tensor"):
    """A tensor at one moment.

    `tensor` is its identity through the run (two snapshots of one tensor share it); `storage` is shared by a base and
    its views. `preview` is None where a tensor has no value of its own (inside vmap or a functorch grad, on meta).
    `grad` is the number of the snapshot of what `.grad` held; None when `.grad` was None.
    `node` is its grad_fn (None for a leaf), or, for a leaf that requires grad, None too: see Node.leaf.
    """

    number: int
    tensor: int
    shape: tuple[int, ...]
    dtype: str
    device: str
    requires_grad: bool
    is_leaf: bool
    preview: Preview | None
    grad: int | None = None
    node: int | None = None
    output_nr: int = 0
    retains_grad: bool = False
    version: int = 0
    storage: int = 0
    storage_offset: int = 0
    stride: tuple[int, ...] = ()
    is_inference: bool = False
    is_parameter: bool = False


class NumberValue(Row, frozen=True, tag_field="kind", tag="number"):
    """A Python bool, int (as text when beyond 2**53), float or complex."""

    number: int
    value: bool | int | float | str | tuple[float, float]


class ArrayValue(Row, frozen=True, tag_field="kind", tag="array"):
    """A numpy array or scalar at one moment."""

    number: int
    shape: tuple[int, ...]
    dtype: str
    preview: Preview


class ModuleValue(Row, frozen=True, tag_field="kind", tag="module"):
    """An nn.Module: parameters and buffers by path, each the number of a TensorValue."""

    number: int
    type: str
    repr: str
    training: bool
    parameters: list[tuple[str, int]]
    buffers: list[tuple[str, int]]


class OtherValue(Row, frozen=True, tag_field="kind", tag="other"):
    """Anything else: its type's name and its capped repr; `parts` names the tensors directly inside it ("[0]",
    "['w']")."""

    number: int
    type: str
    repr: str
    parts: list[tuple[str, int]] = []


Value: TypeAlias = TensorValue | NumberValue | ArrayValue | ModuleValue | OtherValue


class Scope(Row, frozen=True):
    """One call of a user function (or the program itself: number 0, name "", parent None)."""

    number: int
    name: str
    parent: int | None
    tick: int
    span: Span | None


class Loop(Row, frozen=True):
    """One execution of a for or while statement. `length` is the number of iterations when known beforehand."""

    number: int
    span: Span
    length: int | None


class Step(Row, frozen=True):
    """One executed statement, as of the moment after it (or, where it raised, of the moment it raised).

    Steps are in the order in which statements ended: a statement that calls a function of the program ends after the
    statements of that function, whose ticks are higher.

    `variables` are those of the scope it ran in, in order of first appearance: (name, number of a Value).
    `value` is what a bare expression statement evaluated to, as a notebook shows it.
    `iterations` are the loops around it, outermost first: (Loop number, iteration from 0).
    `graph_bytes` is what the graph reachable from the variables holds for backward at this moment.
    """

    tick: int
    span: Span
    scope: int
    variables: list[tuple[str, int]]
    value: int | None = None
    printed: str = ""
    warnings: list[str] = []
    iterations: list[tuple[int, int]] = []
    graph_bytes: int = 0
    raised: bool = False


class Operation(Row, frozen=True):
    """One evaluated sub-expression with a tensor among its inputs or outputs.

    `name` is what was called, as the learner wrote it ("torch.matmul", "@", "criterion", "[...]").
    `inputs` and `outputs` are numbers of TensorValues; `nodes` the autograd nodes born in it, innermost operation only.
    `module` is the path of the nn.Module whose forward it ran in ("model.linear", "" outside).
    `kernels` are the aten operations it ran, where they were watched.
    """

    number: int
    tick: int
    span: Span
    name: str
    inputs: list[int]
    outputs: list[int]
    nodes: list[int]
    scope: int
    module: str = ""
    kernels: list[str] = []


class Saved(Row, frozen=True):
    """What a node keeps for backward under one `_saved_*` name. A tensor has shape, dtype, nbytes and version; else
    `text`."""

    name: str
    tensor: int | None = None
    shape: tuple[int, ...] | None = None
    dtype: str = ""
    nbytes: int = 0
    version: int = 0
    preview: Preview | None = None
    text: str = ""


class Node(Row, frozen=True):
    """One autograd node. `name` is PyTorch's ("MulBackward0"). `leaf` is the tensor of an AccumulateGrad.

    `label` is the path a learner would write for the leaf or the output ("w", "model.linear.weight"), "" if none.
    `value` is the TensorValue its forward produced, where known. `pass_` is the backward pass that made it
    (create_graph).
    """

    number: int
    name: str
    tick: int
    span: Span | None
    scope: int = 0
    module: str = ""
    leaf: int | None = None
    label: str = ""
    value: int | None = None
    saved: list[Saved] = []
    pass_: int | None = None


class Edge(Row, frozen=True):
    """From a node to the node its gradient flows to: `position` among next_functions, `input_nr` of the receiver."""

    from_node: int
    position: int
    to_node: int
    input_nr: int


class Freed(Row, frozen=True):
    """A node whose saved tensors were freed, at a tick, by a pass (None: the node itself died)."""

    node: int
    tick: int
    pass_: int | None


class Pass(Row, frozen=True):
    """One run of the engine, by backward() or autograd.grad(). `error` is the exception's message where it raised.

    `roots` and `grad_outputs` are parallel; `inputs` are the tensors asked for (empty: all leaves).
    `parent` is the pass inside which it ran. A Pass row is written when it ends, after its events.
    """

    number: int
    kind: Literal["backward", "grad"]
    tick: int
    span: Span | None
    roots: list[int]
    grad_outputs: list[int | None]
    inputs: list[int] = []
    retain_graph: bool = False
    create_graph: bool = False
    accumulate: bool = True
    parent: int | None = None
    error: str | None = None


class Event(Row, frozen=True):
    """One node firing in a pass: what came in (grad_outputs) and what it sent on (grad_inputs), numbers of
    TensorValues."""

    pass_: int
    index: int
    node: int
    grad_outputs: list[int | None]
    grad_inputs: list[int | None]


class Deposit(Row, frozen=True):
    """One change of a tensor's .grad: a deposit by a pass, or a withdrawal ("none", "zero"), or an assignment by the
    program.

    `amount` is what was added; `before` and `after` what .grad held (numbers of TensorValues, None for None).
    """

    number: int
    kind: Literal["deposit", "none", "zero", "assigned"]
    tick: int
    tensor: int
    amount: int | None
    before: int | None
    after: int | None
    pass_: int | None = None
    node: int | None = None


class Cut(Row, frozen=True):
    """A place where an input required grad and the output does not. `reason`: detach, data, item, numpy, no_grad,
    inference_mode, comparison, integer, not_differentiable."""

    number: int
    tick: int
    span: Span
    reason: str
    input: int
    output: int | None


class Change(Row, frozen=True):
    """A tensor modified in place: its version rose from `before` to `after` while this statement ran."""

    tick: int
    tensor: int
    span: Span
    before: int
    after: int


class HookCall(Row, frozen=True):
    """A user hook that fired: on a tensor, a node or after accumulation."""

    tick: int
    pass_: int | None
    name: str
    input: int | None
    output: int | None


class Figure(Row, frozen=True):
    """A plot the program drew through the matplotlib stand-in: plain series for our own charts."""

    number: int
    tick: int
    title: str
    xlabel: str
    ylabel: str
    series: list[tuple[str, str, list[float], list[float]]]
    """(kind: line | scatter | bar, label, xs, ys)"""


class File(Row, frozen=True):
    """A file the program saved into the run's in-memory folder. In frames, rows of one name are parts of one file, in
    order; `assemble` joins them."""

    name: str
    content: bytes


class Notice(Row, frozen=True):
    """Something the reader must be told (a cap that applied, a prompt that was cleaned): a message id with
    parameters."""

    code: str
    params: dict[str, str | int | float] = {}
    tick: int | None = None
    span: Span | None = None


class Answer(Row, frozen=True):
    """One row of the answer to a question of the job (see executors.base.Question): numbers with a label, or a text
    code.

    `question` is its index in the job. What `label`, `shape` and `preview` mean is said at the kind of question.
    """

    question: int
    label: str = ""
    shape: tuple[int, ...] = ()
    preview: Preview | None = None
    code: str = ""
    params: dict[str, str | int | float] = {}


class Outcome(msgspec.Struct, frozen=True):
    """How the run ended.

    finished; failed: the program raised (type and message are Python's and PyTorch's own); refused: we will not run it;
    stopped: a limit; lost: the child died. `code` is a message id; for refused, stopped and lost the page renders it
    with `params`, and `message` is empty.
    """

    kind: Literal["finished", "failed", "refused", "stopped", "lost"]
    code: str = ""
    params: dict[str, str | int | float] = {}
    type: str | None = None
    message: str = ""
    span: Span | None = None
    tick: int | None = None


class Frame(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """New rows since the frame before. `ticks` is the count of statements executed so far; the last frame has an
    outcome, in `final` the program's variables as the run left them, (name, number of a value), and in `printed` all
    that was printed, in order (a statement's own text stands after that of the functions it called)."""

    ticks: int = 0
    values: list[Value] = []
    scopes: list[Scope] = []
    loops: list[Loop] = []
    operations: list[Operation] = []
    nodes: list[Node] = []
    edges: list[Edge] = []
    freed: list[Freed] = []
    passes: list[Pass] = []
    events: list[Event] = []
    deposits: list[Deposit] = []
    cuts: list[Cut] = []
    changes: list[Change] = []
    hooks: list[HookCall] = []
    steps: list[Step] = []
    figures: list[Figure] = []
    files: list[File] = []
    notices: list[Notice] = []
    answers: list[Answer] = []
    outcome: Outcome | None = None
    final: list[tuple[str, int]] | None = None
    printed: str | None = None


class Trace(Frame, frozen=True, kw_only=True, omit_defaults=True):
    """All frames of one run laid end to end, with what was asked. Without an outcome it is a prefix of a run."""

    source: str
    seed: int = 0
    device: str = "cpu"
    torch: str = ""


_Rows = TypeVar("_Rows", bound=Frame)

TABLES = tuple(field for field in Frame.__struct_fields__ if field not in ("ticks", "outcome", "final", "printed"))
"""The names of the tables, in the order of the grammar above."""

_encoder = msgspec.msgpack.Encoder()
_frame_decoder = msgspec.msgpack.Decoder(Frame)
_trace_decoder = msgspec.msgpack.Decoder(Trace)


class InvalidTrace(ValueError):
    """The rows contradict each other, or the bytes are not a frame."""


def encode(rows: Frame) -> bytes:
    """A frame or a Trace as MessagePack."""
    return _encoder.encode(rows)


def decode_frame(content: bytes) -> Frame:
    """The frame in these bytes, decoded by type. Raises InvalidTrace for anything else."""
    return _decode(_frame_decoder, content)


def decode_trace(content: bytes) -> Trace:
    """The Trace in these bytes, checked. Raises InvalidTrace for anything else."""
    return check(_decode(_trace_decoder, content))


def _decode(decoder: msgspec.msgpack.Decoder[_Rows], content: bytes) -> _Rows:
    try:
        return decoder.decode(content)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InvalidTrace(str(error)) from error


def assemble(frames: Iterable[Frame], *, source: str, seed: int = 0, device: str = "cpu", torch: str = "") -> Trace:
    """Lay frames end to end. The last outcome and the largest tick count win; nothing is checked (see `check`)."""
    tables: dict[str, list[Any]] = {name: [] for name in TABLES}
    ticks, outcome, final, printed = 0, None, None, None
    for frame in frames:
        for name in TABLES:
            tables[name].extend(getattr(frame, name))
        ticks = max(ticks, frame.ticks)
        outcome = frame.outcome or outcome
        final = final if frame.final is None else frame.final
        printed = printed if frame.printed is None else frame.printed
    tables["files"] = _joined(tables["files"])
    rows: dict[str, Any] = {"ticks": ticks, "outcome": outcome, "final": final, "printed": printed, **tables}
    return Trace(source=source, seed=seed, device=device, torch=torch, **rows)


def _joined(files: list[File]) -> list[File]:
    parts: dict[str, list[bytes]] = {}
    for file in files:
        parts.setdefault(file.name, []).append(file.content)
    return [File(name, b"".join(contents)) for name, contents in parts.items()]


def to_json(rows: Any) -> Any:
    """Rows as what `json.dumps(..., allow_nan=False)` takes: structs as objects with their field names, NaN and
    infinities as "nan", "inf" and "-inf", bytes as base64."""
    if isinstance(rows, msgspec.Struct):
        named = {name: to_json(getattr(rows, name)) for name in rows.__struct_fields__}
        tag = rows.__struct_config__.tag
        return {"kind": tag, **named} if tag is not None else named
    if isinstance(rows, (list, tuple)):
        return [to_json(row) for row in rows]
    if isinstance(rows, dict):
        return {key: to_json(row) for key, row in rows.items()}
    if isinstance(rows, float):
        return number_to_json(rows)
    if isinstance(rows, bytes):
        return msgspec.to_builtins(rows)
    return rows


def number_to_json(number: float) -> float | str:
    """A finite float as itself, else "nan", "inf" or "-inf"."""
    if math.isfinite(number):
        return number
    return "nan" if math.isnan(number) else "inf" if number > 0 else "-inf"


def check(trace: Trace) -> Trace:
    """The same trace, once every reference in it is known to hold. Raises InvalidTrace naming the first row that lies.

    Promises: numbers are unique in their table; every number that a row mentions exists; ticks of steps are unique and
    rise within a scope; spans lie in order; a preview has as many values as its shape, unless it says it is truncated;
    the edges of a node have distinct positions; events of a pass are numbered from 0 without a gap.
    """
    for problem in _problems(trace):
        raise InvalidTrace(problem)
    return trace


def _problems(trace: Trace) -> Iterator[str]:
    known: dict[str, set[int]] = {}
    for table in ("values", "scopes", "loops", "operations", "nodes", "passes", "deposits", "cuts", "figures"):
        numbers = [row.number for row in getattr(trace, table)]
        known[table] = set(numbers)
        if len(known[table]) != len(numbers):
            yield f"{table}: a number is given twice"
    known["tensors"] = {value.tensor for value in trace.values if isinstance(value, TensorValue)}
    for table, column, target, number in _references(trace):
        if number is not None and number not in known[target]:
            yield f"{table}: {column} {number} is not among the {target}"
    yield from _step_problems(trace)
    yield from _value_problems(trace.values)
    yield from _graph_problems(trace)


def _references(trace: Trace) -> Iterator[tuple[str, str, str, int | None]]:
    """Every (table, column, table it points into, number) of the trace."""
    for table in TABLES:
        columns = _POINTERS.get(table, ())
        for row in getattr(trace, table):
            for column, target in columns:
                pointed = getattr(row, column, None)
                for number in pointed if isinstance(pointed, list) else (pointed,):
                    yield table, column, target, number[1] if isinstance(number, tuple) else number
    for step in trace.steps:
        for loop, _ in step.iterations:
            yield "steps", "iterations", "loops", loop
    for _, number in trace.final or ():
        yield "final", "variables", "values", number


_POINTERS: dict[str, tuple[tuple[str, str], ...]] = {
    "values": (
        ("grad", "values"),
        ("node", "nodes"),
        ("parameters", "values"),
        ("buffers", "values"),
        ("parts", "values"),
    ),
    "scopes": (("parent", "scopes"),),
    "operations": (("inputs", "values"), ("outputs", "values"), ("nodes", "nodes"), ("scope", "scopes")),
    "nodes": (("scope", "scopes"), ("leaf", "tensors"), ("value", "values"), ("pass_", "passes")),
    "edges": (("from_node", "nodes"), ("to_node", "nodes")),
    "freed": (("node", "nodes"), ("pass_", "passes")),
    "passes": (("roots", "nodes"), ("grad_outputs", "values"), ("inputs", "tensors"), ("parent", "passes")),
    "events": (("pass_", "passes"), ("node", "nodes"), ("grad_outputs", "values"), ("grad_inputs", "values")),
    "deposits": (
        ("tensor", "tensors"),
        ("amount", "values"),
        ("before", "values"),
        ("after", "values"),
        ("pass_", "passes"),
        ("node", "nodes"),
    ),
    "cuts": (("input", "values"), ("output", "values")),
    "changes": (("tensor", "tensors"),),
    "hooks": (("pass_", "passes"), ("input", "values"), ("output", "values")),
    "steps": (("scope", "scopes"), ("variables", "values"), ("value", "values")),
}


def _step_problems(trace: Trace) -> Iterator[str]:
    before: dict[int, int] = {}
    ticks: set[int] = set()
    for step in trace.steps:
        if step.tick <= before.get(step.scope, 0):
            yield f"steps: tick {step.tick} comes after tick {before[step.scope]}"
        if step.tick in ticks:
            yield f"steps: tick {step.tick} is given twice"
        if step.tick > trace.ticks:
            yield f"steps: tick {step.tick} is beyond the {trace.ticks} that ran"
        before[step.scope] = step.tick
        ticks.add(step.tick)
    spanned: list[Any] = [*trace.steps, *trace.operations, *trace.nodes, *trace.cuts, *trace.passes]
    for row in spanned:
        if row.span is not None and (row.span[0] < 1 or row.span[1] < 0 or row.span[:2] > row.span[2:]):
            yield f"{type(row).__name__}: span {row.span} is out of order"


def _value_problems(values: list[Value]) -> Iterator[str]:
    for value in values:
        if isinstance(value, (TensorValue, ArrayValue)) and value.preview is not None:
            elements, kept = math.prod(value.shape), len(value.preview.values)
            if kept != elements and not (value.preview.truncated and kept < elements):
                yield f"values: {value.number} of shape {value.shape} previews {kept} elements"


def _graph_problems(trace: Trace) -> Iterator[str]:
    positions = {(edge.from_node, edge.position) for edge in trace.edges}
    if len(positions) != len(trace.edges):
        yield "edges: two edges leave one node at one position"
    expected: dict[int, int] = {}
    for event in trace.events:
        if event.index != expected.get(event.pass_, 0):
            yield f"events: pass {event.pass_} goes from {expected.get(event.pass_, 0)} to {event.index}"
        expected[event.pass_] = event.index + 1

"""An Observer that writes the Trace: truth from PyTorch, as rows, in frames.

    Recorder -- moment      where the run is, and which node was born where
             -- snapshots   tensors as rows          variables   all other values, and names
             -- graph       nodes and edges          dispatch    what runs inside library calls
             -- backward    passes and events        ledger      what happens to .grad
             -- loops       which iterations are kept            rows   frames on their way out

The program always runs to its end and is changed in nothing. What is recorded thins in long loops, and stops when the
trace is full; the last state is recorded in any case.
"""

from __future__ import annotations

import ast
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
import torch
from torch.utils.hooks import RemovableHandle

from engine.backward import Passes
from engine.callbacks import observe
from engine.cuts import reason_of
from engine.dispatch import Watch, unwatched
from engine.executors.base import Question
from engine.graph import Graph
from engine.hearing import unseen
from engine.inside import tensors_in
from engine.ledger import Ledger
from engine.limits import DEFAULT, Limits
from engine.modules import Modules
from engine.moment import Moment, Occurrence, next_node
from engine.naming import Naming
from engine.observer import NOTHING, Observer
from engine.program import Program
from engine.purity import is_calm, is_pure, is_told, names_bound, written_by
from engine.questions import Questions
from engine.repeats import Repeats
from engine.rows import Emit, Rows
from engine.snapshots import Snapshots
from engine.thinning import Loops, Place
from engine.trace import Cut, Figure, HookCall, Notice, Operation, Outcome, Scope, Span, Step
from engine.variables import Represent, Variables

_log = logging.getLogger(__name__)

FRAME_ROWS = 90
"""Inside a loop a frame is sent when it has this many rows (see Rows.size); outside, after each statement."""
OUT_OF_TURN = 200
"""Steps recorded for what happens in iterations that are left out (something printed, raised, a break)."""
HELD_ROWS = 1_000
"""Values after which a frame is sent in the middle of a statement."""

_UNWATCHED = frozenset({"print", "format", "append", "step", "zero_grad", "backward", "manual_seed", "parameters"})
"""Calls in which no aten operation is worth its cost to watch."""


class Open(msgspec.Struct, eq=False):
    """A statement that has begun and not ended."""

    node: ast.stmt
    place: Place
    tick: int
    on: bool
    printed: str = ""
    warnings: Sequence[str] = ()


class Recorder(Observer):
    """Records one run. Use as a context manager around it, then call `finish` with its outcome.

    `emit` is given each frame as bytes. Within `window`, a half-open range of ticks, everything is kept in full.
    """

    def __init__(
        self,
        program: Program,
        limits: Limits = DEFAULT,
        window: tuple[int, int] = (0, 200),
        questions: tuple[Question, ...] = (),
        *,
        emit: Emit,
    ) -> None:
        self._program = program
        self._limits = limits
        self._first, self._last = window
        self.rows = Rows(emit, limits)
        self.moment = Moment()
        self._naming = Naming(program.tree)
        self.snapshots = Snapshots(self.rows, self.moment, limits)
        self.variables = Variables(self.rows, self.moment, self.snapshots, limits)
        self.graph = Graph(self.rows, self.moment, self.snapshots, limits)
        self.graph.locate, self.graph.scope_exists = program.span, self._scope
        self.ledger = Ledger(self.rows, self.moment, self.snapshots)
        self.passes = Passes(self.rows, self.moment, self.snapshots, self.graph, self.ledger, limits)
        self.watch = Watch(self.moment, self.graph, self.snapshots)
        self.repeats = Repeats(self.graph)
        self.passes.span = self._span
        self.passes.guarded = self.watch.guarded = self._guarded
        self.passes.called = self._pass_is_called
        self.passes.unwatched = lambda action: unwatched(self.watch, action)
        self.questions = Questions(self.rows, questions)
        if self.questions:
            self.graph.ask = lambda number, node: unwatched(self.watch, lambda: self.questions.ask(number, node))
            self.passes.ask = lambda *begun: self.questions.ask_pass(self.graph.number, *begun)
        self.modules = Modules(self.moment, self._reachable)
        self.loops = Loops(self.rows, limits, program.span, window)
        self._places: dict[Any, Place] = {}
        self._classes: dict[Any, Place] = {}
        self._by_row: list[Place] = []
        self._place: Place | None = None
        self._globals: dict[str, object] = {}
        self._locals: dict[str, object] = {}
        self._open: list[Open] = []
        self._counts = {"operations": 0, "cuts": 0, "steps": 0, "aside": 0}
        self._unkept: tuple[ast.stmt, Place, int] | None = None
        self._gap = False
        self._ended = False
        self._leftover = ""
        """What was printed where no step is: the next one has it."""
        self._unsaid: list[str] = []
        """The same of warnings."""
        self._printed: list[str] = []
        self._ticks = 0
        self._said: set[str] = set()
        self._bound: dict[ast.stmt, tuple[str, ...]] = {}
        self._calm: dict[ast.AST, bool] = {}

    def __enter__(self) -> Recorder:
        for notice in self._program.notices:
            self.rows.notices.append(notice)
        self.passes.install()
        self.modules.install()
        return self

    def __exit__(self, *_: object) -> None:
        self.modules.remove()
        self.passes.remove()

    # A fault of ours must not become the program's.

    def _guarded(self, action: Callable[..., Any], *given: Any) -> Any:
        """Record; a fault ends the record, never the run."""
        if self._ended:
            return None
        try:
            return unseen(action, *given) if self._naming.modes else action(*given)
        except Exception as error:
            self._fault(error)
            return None

    def _fault(self, error: Exception) -> None:
        """What is recorded up to here stays; from here on only the last state is."""
        _log.exception("recording failed")
        self._start_over()
        self._stop("run.fault", type=type(error).__name__)

    def _start_over(self) -> None:
        """What is not sent may refer to rows that were never written: all of it goes, and what comes stands for
        itself."""
        dropped = self.rows.drop()
        for scope in dropped["scopes"]:
            self._by_row[scope.number].written = False
        for step in dropped["steps"]:
            self._leftover += step.printed
            self._unsaid += step.warnings
            place = self._by_row[step.scope]
            place.last = min(place.last, step.tick - 1)
        self.rows.notices += dropped["notices"]
        for part in (self.snapshots, self.variables, self.graph, self.loops):
            part.forget()

    def _stop(self, code: str, **params: str | int | float) -> None:
        """From here on only the last state is recorded."""
        self._ended = True
        self.moment.on = False
        self.graph.whole = False
        if code not in self._said:
            self._said.add(code)
            self.rows.notices.append(Notice(code, params, self.moment.tick))

    # Scopes.

    def enter_scope(self, scope: Any, node: ast.AST) -> None:
        stack = self.moment.stack
        if not (stack and type(stack[-1]) is Occurrence and stack[-1].told):
            self.moment.turn += 1  # the library calls it, and may have written to anything before
        if scope.parent is None:
            self._globals = scope.variables
        self._place = self._place_of(scope, node)

    def leave_scope(self, scope: Any) -> None:
        block = scope.block
        if block.kind != "function" or block.globals or block.nonlocals:
            self.moment.turn += 1  # a variable of another scope may be another now
        if not scope.block.generator:
            place = self._places.pop(scope.number, None)
            if place is not None:
                self.loops.leave(place)

    def _place_of(self, scope: Any, node: ast.AST | None = None) -> Place:
        """The place of a scope; a class body has the number of the scope around it and is a place of its own."""
        place = self._places.get(scope.number)
        if place is None or place.block is not scope.block:
            is_class = scope.block.kind == "class"
            table: dict[Any, Place] = self._classes if is_class else self._places
            key = (scope.number, scope.block) if is_class else scope.number
            place = table.get(key)
            if place is None:
                caller = self._place if is_class else self._places.get(scope.parent)
                begun = (scope.name, self.moment.tick, node or scope.block.node)
                place = table[key] = Place(len(self._by_row), caller, scope.block, begun)
                self._by_row.append(place)
        return place

    def _scope(self, number: int) -> int:
        """The same number, once the row of that scope is written."""
        place = self._by_row[number]
        if not place.written:
            place.written = True
            name, tick, node = place.begun
            parent = None if place.caller is None else self._scope(place.caller.number)
            span = None if isinstance(node, ast.Module) else self._program.span(node)
            self.rows.scopes.append(Scope(number, name, parent, tick, span))
        return number

    # Loops.

    def begin_loop(self, node: ast.stmt, length: int | None) -> None:
        assert self._place is not None
        self.loops.begin(node, length, self._place)

    def iteration(self, node: ast.stmt, index: int) -> None:
        self.loops.iterate(node, index, self.moment.tick)

    def end_loop(self, node: ast.stmt) -> None:
        place = self.loops.end(node)
        if self._unkept is not None and self._unkept[1] is place and not place.thin:
            self._guarded(self._catch_up)

    def _catch_up(self) -> None:
        """The last statement before the end of a loop was not recorded: its state is what the loop left."""
        assert self._unkept is not None
        node, place, tick = self._unkept
        self._resume()
        self._step(Open(node, place, tick, True), self._locals, NOTHING)
        self._send()

    # Statements.

    def before_statement(self, node: ast.stmt, scope: Any, tick: int) -> None:
        place = self._places.get(scope.number)
        if place is None or place.block is not scope.block:
            place = self._place_of(scope)
        on = (not place.thin or self._first <= tick < self._last) and not self._ended
        moment = self.moment
        self._place = place
        self._ticks = tick
        moment.statement = node
        self._open.append(Open(node, place, tick, on))
        moment.tick, moment.scope, moment.on = tick, place.number, on
        self._locals = scope.variables
        if on:
            moment.span = self._program.span(node)
            if self._gap:
                self._guarded(self._resume)

    def after_statement(self, node: ast.stmt, scope: Any, value: object) -> None:
        opened = self._open
        statement = opened.pop() if opened and opened[-1].node is node else self._close(node)
        if statement is None:
            return
        if next_node() != self.moment.last:
            self.moment.settle()
        self._locals = scope.variables
        if statement.on and not self._ended:
            bound = self._bound.get(node)
            if bound is None:
                bound = self._bound_by(node, statement)
            if bound is None:
                self.moment.turn += 1
            try:
                self._unseen(self._finish_statement, statement, scope.variables, value, bound)
            except Exception as error:
                self._fault(error)
        elif statement.printed or statement.warnings or type(node) is ast.Break:
            self._aside(statement, scope.variables, value)
        else:
            self._gap = True
            self._unkept = (node, statement.place, statement.tick)
        if opened or self._ended:
            self._return_to_caller(statement)
        else:
            self._place = statement.place

    def _bound_by(self, node: ast.stmt, statement: Open) -> tuple[str, ...] | None:
        """The names that a statement binds, where nothing else can have run since the last expression in it that was
        told of; else None."""
        if type(node) is ast.For:
            loops = statement.place.loops
            return names_bound(node) if loops and loops[-1].length is not None else None
        names = None if self._naming.assigns_attribute(node) else names_bound(node)
        if names is not None:
            self._bound[node] = names
        return names

    def raised(self, node: ast.stmt, scope: Any, error: BaseException) -> None:
        self.moment.turn += 1
        statement = self._close(node)
        if statement is None:
            return  # a compound statement: its header is over
        self.moment.settle()
        self._locals = scope.variables
        if statement.on and not self._ended:
            self._guarded(self._finish_statement, statement, scope.variables, NOTHING, None, True)
        else:
            self._aside(statement, scope.variables, NOTHING, raised=True)
        self._return_to_caller(statement)

    def _close(self, node: ast.stmt) -> Open | None:
        """Take the innermost open statement of that node away; statements of suspended generators may be above it."""
        if self._open and self._open[-1].node is node:
            return self._open.pop()
        for index in range(len(self._open) - 2, -1, -1):
            if self._open[index].node is node:
                return self._open.pop(index)
        return None

    def _return_to_caller(self, ended: Open) -> None:
        """The statement around the one that ended goes on."""
        self._place = ended.place
        if self._ended:
            self._unkept = (ended.node, ended.place, ended.tick)
        if self._open:
            caller = self._open[-1]
            moment = self.moment
            moment.tick, moment.scope, moment.on = caller.tick, caller.place.number, caller.on and not self._ended
            moment.statement = caller.node
            if moment.on:
                moment.span = self._program.span(caller.node)

    def _aside(self, statement: Open, variables: dict[str, object], value: object, *, raised: bool = False) -> None:
        """A step in an iteration that is otherwise left out."""
        self._gap = True
        self._unkept = (statement.node, statement.place, statement.tick)
        if self._counts["aside"] >= OUT_OF_TURN or self._ended:
            self._leftover += statement.printed
            self._unsaid += statement.warnings
            return
        self._counts["aside"] += 1
        self.moment.tick, self.moment.span = statement.tick, self._program.span(statement.node)
        self.moment.gap()
        self._guarded(self._step, statement, variables, value, raised)

    def _resume(self) -> None:
        """After a gap: what changed meanwhile is not this statement's doing."""
        self._gap = False
        self._unkept = None
        self.moment.gap()
        self.variables.of_scope(self._globals, is_global=True)
        if self._locals is not self._globals:
            self.variables.of_scope(self._locals, is_global=False)
        self.ledger.review(silently=True)

    def _finish_statement(
        self,
        statement: Open,
        variables: dict[str, object],
        value: object,
        bound: tuple[str, ...] | None,
        raised: bool = False,
    ) -> None:
        node = statement.node
        if bound is None and self._naming.assigns_attribute(node):
            self.variables.forget_texts()
        self._step(statement, variables, value, raised, bound)
        self.ledger.review()
        self.rows.mark()
        looping = bool(statement.place.loops or statement.place.around)
        if type(node) is not ast.Return and (not looping or self.rows.size() >= FRAME_ROWS):
            self._send()

    def _step(
        self,
        statement: Open,
        variables: dict[str, object],
        value: object,
        raised: bool = False,
        bound: tuple[str, ...] | None = None,
    ) -> None:
        """One row, and the rows of everything it shows."""
        place = statement.place
        if statement.tick <= place.last:
            return
        place.last = statement.tick
        scope = self._scope(place.number)
        span = self._program.span(statement.node)
        self.moment.tick, self.moment.span = statement.tick, span
        self.snapshots.roots.clear()
        found = self.variables.of_scope(variables, is_global=variables is self._globals, bound=bound)
        shown = None if value is NOTHING or value is None else self.variables.value(value)
        printed, self._leftover = self._leftover + statement.printed, ""
        warned, self._unsaid = [*self._unsaid, *statement.warnings], []
        row = Step(
            statement.tick,
            span,
            scope,
            found,
            shown,
            printed,
            warned,
            self.loops.iterations(place),
            self._graph_bytes(place),
            raised,
        )
        self.rows.steps.append(row)
        self._counts["steps"] += 1
        if self._counts["steps"] >= self._limits.kept_steps:
            self._stop("run.steps", limit=self._limits.kept_steps)

    def _graph_bytes(self, place: Place) -> int:
        """What the graph behind the variables of this scope and of those that called it holds."""
        place.roots = set(self.snapshots.roots)
        roots, caller = place.roots, place.caller
        while caller is not None:
            roots, caller = roots | caller.roots, caller.caller
        return self.graph.held(roots) if roots else 0

    def _send(self) -> None:
        """A frame with everything so far, unless a pass is open: its rows come together."""
        if self.passes.open:
            return
        self.graph.label(self.variables.name)
        self.rows.send(self._ticks)
        if self.rows.full:
            self._stop("run.trace", limit=self._limits.trace_size)

    # Expressions.

    def before_expression(self, node: ast.AST, function: object = None, operands: Sequence[object] = ()) -> None:
        moment = self.moment
        if not moment.on:
            moment.stack.append(node)
            return
        number = next_node()
        if number != moment.last:
            moment.close(number, moment.innermost())
        calm = self._calm.get(node)
        if calm is None:
            calm = self._calm[node] = is_calm(node)
        if not calm:
            moment.turn += 1
        occurrence = Occurrence(node, moment.tick, moment.scope, moment.module, number, told=is_told(function))
        moment.stack.append(occurrence)
        watchable = moment.tick < self._last and type(node) is ast.Call and not self.watch.active
        # What is inside a call of the program's is told of by itself; its own modes are to meet none of ours.
        watchable = watchable and not (occurrence.told or self._naming.modes)
        if watchable and self._naming.of(node).last not in _UNWATCHED:
            occurrence.repeat = self.repeats.of(node, function, operands)
            if occurrence.repeat is None:
                self.watch.begin(occurrence)

    def after_expression(self, node: ast.AST, value: object, function: object, operands: Sequence[object]) -> None:
        moment = self.moment
        number = next_node()
        if number != moment.last:
            moment.close(number, moment.innermost())
        top = moment.stack.pop()
        if node in self._naming.aliasing:
            self._guarded(self._share, value, operands)
        if type(top) is not Occurrence:
            return  # where nothing is recorded there is a gap, and after it nothing is trusted
        pure = is_pure(node, function, operands)
        if not (pure or top.told):
            self._guarded(self._may_have_changed, node, function)
        if top.watched:
            self.watch.end()
        if not self._ended:
            try:
                self._unseen(self._operation, top, value, operands, function if pure else None)
            except Exception as error:
                self._fault(error)
        if top.watched:
            self.watch.forget()
        if moment.stack and type(outer := moment.stack[-1]) is Occurrence:
            outer.children += 1

    def _share(self, value: object, operands: Sequence[object]) -> None:
        for one in (value, *operands):
            if isinstance(one, torch.Tensor):
                self.snapshots.share(one)

    def _may_have_changed(self, node: ast.AST, function: Any) -> None:
        """An expression may have written to some tensors, or to any."""
        written = written_by(node, function)
        if written is None:
            self.moment.turn += 1
        else:
            self.snapshots.rewritten(written)
            self.ledger.unsettle()

    def _unseen(self, action: Callable[..., Any], *given: Any) -> Any:
        """Record such that neither our watch nor a mode of the program's sees what is read for it."""
        if self._naming.modes:
            return unseen(action, *given)
        if self.watch.active:
            return unwatched(self.watch, partial(action, *given))
        return action(*given)

    def failed_expression(self, node: ast.AST, error: BaseException) -> None:
        moment = self.moment
        moment.turn += 1
        moment.settle()
        top = moment.stack.pop()
        if isinstance(top, Occurrence) and top.watched:
            self.watch.end()
            self.watch.forget()

    def _operation(self, found: Occurrence, value: object, operands: Sequence[object], pure: object) -> None:
        """The row of an expression that touched a tensor. `pure` is the function that was called, if it is one (see
        purity)."""
        made = [] if value is None else [value] if type(value) is torch.Tensor else tensors_in((value,))
        if not made and type(found.node) is ast.Attribute and callable(value):
            return
        given = tensors_in(operands)
        if isinstance(value, RemovableHandle):
            observe(value, self._told)
            self.passes.hooked = True
        if not made and not given:
            return
        if found.repeat is not None:
            self.repeats.recall(found, found.repeat)
        elif found.watched and pure is not None and type(value) is torch.Tensor:
            self.repeats.learn(found, pure, operands, value)
        name = self._naming.of(found.node)
        inputs = [self.snapshots.before(tensor) for tensor in given]
        outputs = [self.snapshots.look(tensor).value for tensor in made]
        span = self._program.span(found.node)
        scope = self._scope(found.scope)
        row = Operation(
            self._counts["operations"],
            found.tick,
            span,
            name.shown,
            inputs,
            outputs,
            found.nodes,
            scope,
            found.module,
            found.kernels,
        )
        self._counts["operations"] += 1
        self.rows.operations.append(row)
        flows = len(made) == 1 and made[0].requires_grad and type(found.node) is not ast.Attribute
        if not (flows or found.children):
            self._cut(found, name.last, given, inputs, value, made, outputs)
        self.rows.mark()
        if len(self.rows.values) >= HELD_ROWS:
            self._send()

    def _cut(
        self,
        found: Occurrence,
        name: str,
        given: list[torch.Tensor],
        inputs: list[int],
        value: object,
        made: list[torch.Tensor],
        outputs: list[int],
    ) -> None:
        reason = reason_of(found.node, name, given, value, made)
        if reason is not None:
            source = next(number for tensor, number in zip(given, inputs, strict=True) if tensor.requires_grad)
            span = self._program.span(found.node)
            output = outputs[0] if outputs else None
            self.rows.cuts.append(Cut(self._counts["cuts"], found.tick, span, reason, source, output))
            self._counts["cuts"] += 1

    def _told(self, name: str, given: torch.Tensor | None, returned: torch.Tensor | None) -> None:
        """A hook of the program fired."""
        self.moment.turn += 1
        if self.moment.on:
            self._guarded(unwatched, self.watch, partial(self._write_hook, name, given, returned))

    def _write_hook(self, name: str, given: torch.Tensor | None, returned: torch.Tensor | None) -> None:
        tensors = [None if tensor is None else self.snapshots.tensor(tensor) for tensor in (given, returned)]
        pass_ = self.passes.open[-1].number if self.passes.open else None
        self.rows.hooks.append(HookCall(self.moment.tick, pass_, name, tensors[0], tensors[1]))

    def _pass_is_called(self) -> bool:
        stack = self.moment.stack
        top = stack[-1] if stack else None
        if type(top) is not Occurrence or top.passes or self._naming.of(top.node).last not in ("backward", "grad"):
            return False
        top.passes = 1
        return True

    def _span(self) -> Span:
        """Of the expression that is being evaluated, else of the statement."""
        stack = self.moment.stack
        top = stack[-1] if stack else self.moment.statement
        return self._program.span(top.node if isinstance(top, Occurrence) else top)

    def _reachable(self) -> tuple[dict[str, object], dict[str, object]]:
        """The variables a module may be named by: the present scope's and the program's."""
        return self._locals, self._globals

    # Output.

    def printed(self, text: str) -> None:
        self._printed.append(text)
        if self._open:
            self._open[-1].printed += text
        else:
            self._leftover += text

    def warned(self, message: str) -> None:
        if self._open:
            self._open[-1].warnings = [*self._open[-1].warnings, message]
        else:
            self._unsaid.append(message)

    # The end.

    def finish(
        self,
        outcome: Outcome,
        ticks: int,
        *,
        figures: Sequence[Figure] = (),
        files: Sequence[tuple[str, bytes]] = (),
        notices: Sequence[Notice] = (),
        represent: Represent | None = None,
    ) -> None:
        """Send the last frame. The state at the end is a step, whatever was left out before; and it is said apart,
        since what an exception, a `del` or a thinned loop left is not what the last step saw. `represent` gives the
        text of a value as the program would see it, None where it gives none in time.
        """
        self._guarded(self.questions.close)
        self._ended = False
        self._guarded(self._last_step, outcome.kind != "finished")
        self._ended = False
        final = self._guarded(self._final, represent)
        self.graph.label(self.variables.name)
        if self.variables.dropped:
            self.rows.notices.append(Notice("run.variables", {"limit": self._limits.variables}))
        for figure in figures:
            self.rows.figures.append(figure)
            self.rows.end()
        self.rows.notices += notices
        for name, content in files:
            self.rows.add_file(name, content)
        self.rows.send(ticks, outcome, final, "".join(self._printed))

    def _final(self, represent: Represent | None) -> list[tuple[str, int]]:
        """The variables now, read anew: what changed since the last step was out of sight. What is sent so far stays
        sent, should the program's own code, which writes some of the texts, never come back."""
        self.moment.gap()
        self.snapshots.distrust()
        self.variables.forget_texts()
        found = self.variables.of_scope(self._globals, is_global=True)
        self.rows.mark()
        if represent is None:
            return found
        if not self.passes.open:
            self.graph.label(self.variables.name)
            self.rows.send(self._ticks)
        return self.variables.spelled(found, self._globals, represent)

    def _last_step(self, raised: bool) -> None:
        """Where the last state of the program's variables was not recorded, in a gap or a full trace, record it now."""
        if self._unkept is not None:
            node, _, tick = self._unkept
            self.moment.gap()
            self._step(Open(node, self._by_row[0], tick, True), self._globals, NOTHING, raised)

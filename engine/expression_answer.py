"""From the settings of the Expressions page to everything it shows: read, run, read the run.

    state  --answer(run)-->  Answer(typed, values, results, steps)

`run` is the one road: it takes a Job and gives its Trace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from engine.chain_matrices import Matrices, matrices, matrices_program
from engine.chain_rule import Chain, Proof, chain, chain_program, proof
from engine.executors.base import Job
from engine.expression_program import Dtype, program
from engine.expression_results import Results, needs_sum, results
from engine.expression_state import field_key, values_of, wanted
from engine.permalink import Setting
from engine.trace import Trace
from engine.typed_expression import Typed, read
from engine.typed_values import Numbers

Run = Callable[[Job], Trace]


class Answer(msgspec.Struct, frozen=True):
    """`program` is what opens on the Program page; `field` names what the field depends on. `steps` are the
    chain rule where it was asked for, None where there are too many; their numbers are in `proof`, or in `matrices`
    where a step is a vector."""

    typed: Typed
    values: dict[str, Numbers]
    results: Results
    program: str
    field: str
    steps: Chain | None = None
    proof: Proof | None = None
    matrices: Matrices | None = None


def answer(state: Mapping[str, Setting], run: Run, *, holds: str = "", vectors: set[str] | None = None) -> Answer:
    """Everything the page shows for these settings. `holds` names the field that need not be sampled again; `vectors`
    remembers which expressions have results that are no scalars.

    Raises InvalidExpression, InvalidValues or InvalidRange for settings that mean nothing, and what `run` raises.
    """
    vectors = set() if vectors is None else vectors
    typed = read(str(state["expression"]))
    values = values_of(typed, str(state["at"]))
    found = _found(typed, values, state, run, holds, vectors)
    fitting = values_of(typed, str(state["at"]), fitting=True)
    if found.problem is not None and fitting != values:
        again = _found(typed, fitting, state, run, holds, vectors)
        if again.problem is None:
            values, found = fitting, again
    steps = chain(typed) if state["chain"] and found.problem is None else None
    numbers, blocks = None, None
    if steps is not None and steps.lines:
        if not any(one.shape for one in values.values()):
            numbers = proof(run(Job(chain_program(typed, steps, values, _dtype(state)))), typed, steps)
        if numbers is None:
            blocks = matrices(run(Job(matrices_program(typed, steps, values, _dtype(state)))), typed, steps)
    opened = program(typed, values, summed=found.summed, dtype=_dtype(state))
    return Answer(typed, values, found, opened, field_key(typed, state, values), steps, numbers, blocks)


def _found(
    typed: Typed, values: Mapping[str, Numbers], state: Mapping[str, Setting], run: Run, holds: str, vectors: set[str]
) -> Results:
    """The results of one run; of a second one where only then the result turns out to be no scalar."""
    kind = f"{typed.torch} {[one.shape for one in values.values()]}"
    field = field_key(typed, state, values) != holds
    for summed in (True,) if kind in vectors else (False, True):
        asked = wanted(state, values, field=field, summed=summed)
        trace = run(Job(program(typed, values, asked, summed=summed, dtype=_dtype(state))))
        if summed or not needs_sum(trace):
            return results(trace, typed, summed=summed)
        vectors.add(kind)
    raise AssertionError("the second run starts from a gradient, so it needs no sum")


def _dtype(state: Mapping[str, Setting]) -> Dtype:
    return "float64" if state["dtype"] == "float64" else "float32"

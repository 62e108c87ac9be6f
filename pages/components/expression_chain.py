"""The chain rule under the expression: its steps, and every path from each variable to the result."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import streamlit as st

from engine.chain_matrices import Matrices, block_latex, jacobian_latex, matrix_path_latex, matrix_sum_latex
from engine.chain_rule import Chain, Proof, code_latex, link_latex, path_latex, step_latex, sum_latex
from engine.expression_answer import Answer
from pages.components.language import say

_Lines = Iterator[tuple[str, list[str]]]


def chain_rule(found: Answer) -> None:
    """Symbols from the formulas, numbers from PyTorch, and beside each sum what autograd says."""
    steps = found.steps
    if steps is None or not steps.lines:
        st.caption(say("expressions.chain.long" if steps is None else "expressions.chain.none"))
        return
    if found.proof is None and found.matrices is None:
        st.caption(say("expressions.chain.refused"))
        return
    if found.matrices is not None:
        st.caption(say("expressions.chain.vectors"))
    left, right = st.columns([5, 6], gap="medium")
    with left:
        st.markdown(f"**{say('expressions.chain.steps')}**")
        written = _numbers(steps, found.proof) if found.proof is not None else _matrices(steps, found.matrices)
        for line, links in written:
            joined = r" \qquad ".join(links)
            st.markdown(f"$\\displaystyle {line}$  \n$\\displaystyle {joined}$")
    with right:
        for variable in steps.paths:
            st.markdown(f"**{say('expressions.chain.paths', name=variable)}**")
            lines, total, sums = _paths(found, steps, variable)
            for line in lines:
                st.markdown(f"$\\displaystyle {line}$")
            st.markdown(f"$\\displaystyle {total}$ &ensp; {_says(found, variable, sums)}")
        if steps.cut:
            st.caption(say("expressions.chain.cut"))


def _numbers(steps: Chain, proof: Proof) -> _Lines:
    for line in steps.lines:
        yield step_latex(line, proof.values), [link_latex(link, proof) for link in line.links]


def _matrices(steps: Chain, found: Matrices | None) -> _Lines:
    if found is None:
        return
    for line in steps.lines:
        links = [jacobian_latex(link, line.code, found) for link in line.links]
        yield f"{code_latex(line)} = {block_latex(found.values[line.name])}", links


def _paths(found: Answer, steps: Chain, variable: str) -> tuple[list[str], str, Sequence[float]]:
    """Every path to that variable, their sum, and the numbers of the sum."""
    paths, last = steps.paths[variable], steps.lines[-1].name
    if (proof := found.proof) is not None:
        products = proof.products[variable]
        lines = [path_latex(path, product, proof) for path, product in zip(paths, products, strict=False)]
        return lines, sum_latex(last, variable, products, proof.sums[variable]), [proof.sums[variable]]
    numbers = found.matrices
    assert numbers is not None
    blocks = zip(paths, numbers.products[variable], strict=False)
    lines = [matrix_path_latex(path, block, numbers) for path, block in blocks]
    return lines, matrix_sum_latex(last, variable, numbers), numbers.sums[variable].elements


def _says(found: Answer, variable: str, sums: Sequence[float]) -> str:
    """What autograd says of that variable, marked where it is the same."""
    grad = found.results.partials.get(variable)
    if grad is None:
        return ""
    shown = [f"{one:.4g}" for one in grad.elements[:6]]
    more = ", …" if len(grad.elements) > 6 else ""
    says = say("expressions.chain.agrees", value=f"[{', '.join(shown)}{more}]" if grad.shape else shown[0])
    pairs = zip(grad.elements, sums, strict=False)
    same = len(grad.elements) == len(sums) and all(math.isclose(a, b, rel_tol=1e-3, abs_tol=1e-5) for a, b in pairs)
    return f":green[✓ {says}]" if same else says

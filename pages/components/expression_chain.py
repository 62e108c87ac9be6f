"""The chain rule under the expression: its steps, and every path from each variable to the result."""

from __future__ import annotations

import math

import streamlit as st

from engine.chain_rule import link_latex, path_latex, step_latex, sum_latex
from engine.expression_answer import Answer
from pages.components.language import say


def chain_rule(found: Answer) -> None:
    """Symbols from the formulas, numbers from PyTorch, and beside each sum what autograd says."""
    steps, numbers = found.steps, found.proof
    if steps is None:
        st.caption(say("expressions.chain.long"))
        return
    if not steps.lines:
        st.caption(say("expressions.chain.none"))
        return
    if numbers is None:
        st.caption(say("expressions.chain.vectors"))
        return
    left, right = st.columns([5, 6], gap="medium")
    with left:
        st.markdown(f"**{say('expressions.chain.steps')}**")
        for line in steps.lines:
            links = r" \qquad ".join(link_latex(link, numbers) for link in line.links)
            st.markdown(f"$\\displaystyle {step_latex(line, numbers.values)}$  \n$\\displaystyle {links}$")
    with right:
        for variable, paths in steps.paths.items():
            st.markdown(f"**{say('expressions.chain.paths', name=variable)}**")
            for path, product in zip(paths, numbers.products[variable], strict=False):
                st.markdown(f"$\\displaystyle {path_latex(path, product, numbers)}$")
            total = sum_latex(steps.lines[-1].name, variable, numbers.products[variable], numbers.sums[variable])
            grad = found.results.partials.get(variable)
            says = ""
            if grad is not None:
                says = say("expressions.chain.agrees", value=f"{grad.elements[0]:.4g}")
                if math.isclose(grad.elements[0], numbers.sums[variable], rel_tol=1e-3, abs_tol=1e-6):
                    says = f":green[✓ {says}]"
            st.markdown(f"$\\displaystyle {total}$ &ensp; {says}")
        if steps.cut:
            st.caption(say("expressions.chain.cut"))

"""torchviz.make_dot: our own picture of the graph is beside the program, so the drawing here only says so."""

# ruff: noqa: ARG001
# A stand-in takes what the real thing takes, and looks at little of it.

from __future__ import annotations

from typing import Any

from engine.standins import Names, Offered, Run


class Dot(Offered):
    """What make_dot returns."""

    format = "png"

    def __init__(self, name: str) -> None:
        self.name = name
        self.attr = self.render

    def render(self, *args: Any, **kwargs: Any) -> str:
        """A file is not drawn; its name is returned."""
        return f"{args[0] if args else 'Digraph.gv'}.{kwargs.get('format') or self.format}"

    view = render

    def __repr__(self) -> str:
        return f"<make_dot of {self.name}>"


def make_dot(
    var: Any, params: Any = None, show_attrs: bool = False, show_saved: bool = False, max_attr_chars: int = 50
) -> Dot:
    """The graph of `var` (or of the first of several)."""
    first = var[0] if isinstance(var, tuple | list) and var else var
    node = getattr(first, "grad_fn", None)
    return Dot(type(node).__name__ if node is not None else "a leaf")


def offer(run: Run) -> Names:
    """torchviz."""
    return {"torchviz": {"make_dot": make_dot}}

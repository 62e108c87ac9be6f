"""Presets: one file each. Adding a scenario is adding a file here.

A file exports SCENARIO. Its name in links and in the gallery is the name of the file; the sentences in it join the
catalogue of `engine.messages` under "scenario.NAME.title" and "scenario.NAME.notice".
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal, get_args

Group = Literal[
    "lesson", "basics", "graph", "errors", "silent", "higher", "modules", "training", "expressions", "tensors"
]
GROUPS: tuple[Group, ...] = get_args(Group)
"""The shelves of the gallery, in the order in which a learner meets them. Their names are "home.group.GROUP"."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One preset.

    `title` names it and `notice` says what to notice, each in English and Simplified Chinese. A scenario of the
    program page has a `program`; `state` holds what else differs from the defaults of its page (see
    `engine.permalink`). `order` places it in its group. `sketch` is the picture on its card (see `engine.sketch`).
    """

    group: Group
    order: int
    title: tuple[str, str]
    notice: tuple[str, str]
    sketch: str
    program: str = ""
    page: str = "program"
    state: Mapping[str, bool | int | float | str | None] = field(default_factory=dict)
    name: str = ""

    @property
    def title_id(self) -> str:
        """The message id of its title."""
        return f"scenario.{self.name}.title"

    @property
    def notice_id(self) -> str:
        """The message id of what to notice."""
        return f"scenario.{self.name}.notice"


@cache
def load() -> Mapping[str, Scenario]:
    """All scenarios by name, in the order of the gallery."""
    found = [
        replace(importlib.import_module(f"{__name__}.{module.name}").SCENARIO, name=module.name)
        for module in pkgutil.iter_modules(__path__)
    ]
    found.sort(key=lambda one: (GROUPS.index(one.group), one.order, one.name))
    return {one.name: one for one in found}
